// Arguments as programs give them. Each check says function, argument, value and remedy, and runs before anything is made or changed.
import { type DType, DTYPES } from './dtype.ts';
import { GradloomError, valueText } from './errors.ts';
import { MOST_SIZE, normalizeDim } from './shape.ts';
import { Tensor } from './tensor.ts';

export { valueText } from './errors.ts';

/** What a value must be: the words for messages, and the test. */
export interface Kind {
  readonly what: string;
  readonly test: (value: unknown) => boolean;
}

const isNumber = (v: unknown): boolean => typeof v === 'number';
/** Whether it is a list of such items, without holes. `length`: of that many. */
export const isListOf = (v: unknown, test: (item: unknown) => boolean, length?: number): v is unknown[] =>
  Array.isArray(v) && (length === undefined || v.length === length) && Array.from(v).every(test);

/** true or false. */
export const FLAG: Kind = { what: 'true or false', test: (v) => typeof v === 'boolean' };
/** Any number, NaN and ±∞ included: ranges are the function's own to check. */
export const NUMBER: Kind = { what: 'a number', test: isNumber };
/** A number that is neither NaN nor infinite. */
export const FINITE: Kind = { what: 'a finite number', test: Number.isFinite };
/** A whole number that float64 holds exactly. */
export const WHOLE: Kind = { what: 'a whole number', test: Number.isSafeInteger };
/** A list of numbers. */
export const NUMBERS: Kind = { what: 'a list of numbers', test: (v) => isListOf(v, isNumber) };
/** A dimension, or a list of them. */
export const DIMS: Kind = { what: 'a dimension or a list of them', test: (v) => Number.isInteger(v) || isListOf(v, Number.isInteger) };
/** Text. */
export const TEXT: Kind = { what: 'text', test: (v) => typeof v === 'string' };
/** A function. */
export const FUNCTION: Kind = { what: 'a function', test: (v) => typeof v === 'function' };
/** A tensor. */
export const TENSOR: Kind = { what: 'a tensor', test: (v) => v instanceof Tensor };
/** Whatever it is, the function checks it itself. */
export const ANY: Kind = { what: 'a value', test: () => true };

/** One of some words. */
export const oneOf = /* @__NO_SIDE_EFFECTS__ */ (...words: readonly (string | number)[]): Kind => ({
  what: words.map((w) => JSON.stringify(w)).join(' or '),
  test: (v) => words.includes(v as string),
});
/** One of several kinds. */
export const either = /* @__NO_SIDE_EFFECTS__ */ (...kinds: readonly Kind[]): Kind => ({ what: kinds.map((k) => k.what).join(' or '), test: (v) => kinds.some((k) => k.test(v)) });
/** A kind, or null where null has a meaning. */
export const orNull = /* @__NO_SIDE_EFFECTS__ */ (kind: Kind): Kind => either(kind, { what: 'null', test: (v) => v === null });
/** An instance of a class. */
export const instanceOf = /* @__NO_SIDE_EFFECTS__ */ (type: abstract new (...args: never[]) => unknown, what: string): Kind => ({ what, test: (v) => v instanceof type });

/** A kind for every option of a type: an option that the table lacks is a type error. */
export type Kinds<O> = { readonly [K in keyof Required<O>]: Kind };

/** Whether it is an object written as `{ … }`, in this realm or another (an iframe, a test runner's sandbox). */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** How many letters to put in, take out or change to get from one word to the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const letter of a) {
    const before = row;
    let left = 0;
    row = before.map((above, j) => {
      left = j === 0 ? above + 1 : Math.min(above + 1, left + 1, (before[j - 1] as number) + (letter === b[j - 1] ? 0 : 1));
      return left;
    });
  }
  return row[b.length] as number;
}

/** The known name that a word was probably meant for (`weight_decay` for weightDecay), or undefined. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (s: string): string => s.replace(/_/g, '').toLowerCase();
  const ranked = known.map((name) => [editDistance(plain(word), plain(name)), name] as const).sort((a, b) => a[0] - b[0]);
  const [first] = ranked;
  return first && first[0] <= Math.max(1, Math.floor(first[1].length / 3)) ? first[1] : undefined;
}

const takes = (kinds: object): string => `It takes ${Object.keys(kinds).join(', ') || 'none'}.`;

/**
 * The options that were given, checked: a plain object or undefined, every key known, every value of its kind. `undefined` means absent.
 * Costs one look per key; returns what was given, or an empty object. `count`: how many arguments there were, of `most` that the function takes.
 * @throws VALUE that names the option, and the nearest known one
 */
export function optionsOf<O extends object>(op: string, given: O | undefined, kinds: Kinds<O>, count = 0, most = 1): O {
  assertArity(op, count, most);
  if (given === undefined) return {} as O;
  if (!isPlainObject(given)) throw new GradloomError('VALUE', op, `options are an object { … }, got ${valueText(given)}. ${takes(kinds)}`);
  for (const key in given) {
    if (!Object.hasOwn(kinds, key)) throw unknownOption(op, key, Object.keys(kinds), takes(kinds));
    if (given[key] !== undefined) checkArgument(op, key, given[key], kinds[key as keyof O] as Kind);
  }
  return given;
}

/** @internal An option that there is not, and the one that was probably meant. */
export function unknownOption(op: string, key: string, known: readonly string[], remedy: string): GradloomError {
  const meant = nearest(key, known);
  return new GradloomError('VALUE', op, `there is no option '${key}'.${meant ? ` Did you mean '${meant}'?` : ''} ${remedy}`);
}

/** The defaults with what was given put over them; what is `undefined` stays as in the defaults. */
export function filled<O extends object>(defaults: O, given: Partial<O>): O {
  const result = { ...defaults };
  for (const key in given) if (given[key] !== undefined) result[key] = given[key] as O[typeof key];
  return result;
}

/** Options that were given, checked by `optionsOf`, put over the defaults. */
export function withDefaults<O extends object>(op: string, given: Partial<O> | undefined, kinds: Kinds<O>, defaults: O, count?: number): O {
  return filled(defaults, optionsOf(op, given, kinds as Kinds<Partial<O>>, count));
}

/** Throws unless an argument is of its kind. */
export function checkArgument(op: string, name: string, value: unknown, { what, test }: Kind): void {
  if (!test(value)) throw new GradloomError('VALUE', op, `${name} must be ${what}, got ${valueText(value)}.`);
}

/** Throws unless it is a tensor. `name`: which argument, where there are several. */
export function assertTensor(op: string, value: unknown, name = 'input'): asserts value is Tensor {
  if (value instanceof Tensor) return;
  throw new GradloomError('DTYPE', op, `${name} must be a tensor, got ${valueText(value)}. Use tensor(…).`);
}

/** Throws where more arguments were given than the function takes, so that none is passed over. A function that is a method too counts its tensor. */
export function assertArity(op: string, given: number, most: number, remedy = 'Leave the others out.'): void {
  if (given > most) throw new GradloomError('VALUE', op, `takes at most ${most} argument${most === 1 ? '' : 's'}, got ${given}. ${remedy}`);
}

/** A function of a single tensor, and no more: `fn` gets one that is checked. It may get what `tensors.map(relu)` hands over: a tensor, its place, the list. */
// @__NO_SIDE_EFFECTS__
export function ofOne(op: string, fn: (x: Tensor) => Tensor): OfOne {
  const checked = function (x: Tensor): Tensor {
    // Looked at one by one: handed on as a whole they would be an object made at each call.
    if (arguments.length > 1 && (arguments.length > 3 || arguments[2]?.[arguments[1]] !== x)) assertArity(op, arguments.length, 1);
    assertTensor(op, x);
    return fn(x);
  };
  return Object.defineProperty(checked, 'name', { value: op });
}

/** A function of one tensor. */
export type OfOne = (x: Tensor) => Tensor;

/** A count: channels, features, classes. */
export const COUNT: Kind = { what: 'a whole number ≥ 1', test: (v) => Number.isSafeInteger(v) && (v as number) >= 1 };

/** Options as one object, or by position in the order of their table, which is PyTorch's; an object may come last. Without `P` positions are not in the types. */
export type Given<O, P extends readonly unknown[] = never> = readonly [options?: O] | P;

/**
 * Options that were given as an object or by position, checked as by `optionsOf`; `kinds` lists them in PyTorch's order.
 * @throws VALUE that names the option; where there are more than the table has; where one is given twice
 */
export function optionsBy<O extends object>(op: string, given: readonly unknown[], kinds: Kinds<O>): O {
  const last = given[given.length - 1];
  const named = isPlainObject(last);
  if (given.length <= 1 && (named || last === undefined)) return optionsOf(op, last as O | undefined, kinds);
  const names = Object.keys(kinds);
  const values = named ? given.slice(0, -1) : given;
  if (values.length > names.length)
    throw new GradloomError(
      'VALUE',
      op,
      `takes at most ${names.length} option${names.length === 1 ? '' : 's'}, ${valueText(values[names.length])} has no meaning. ${takes(kinds)}`,
    );
  const result: Record<string, unknown> = named ? { ...last } : {};
  values.forEach((value, i) => {
    const name = names[i] as string;
    if (value === undefined) return;
    if (result[name] !== undefined) throw new GradloomError('VALUE', op, `got ${name} by position and by name. Leave one out.`);
    result[name] = value;
  });
  return optionsOf(op, result as O, kinds);
}

/** The dimension of a tensor, counted from 0; both checked. `more`: how many dimensions there are beyond the tensor's. */
export function dimOf(op: string, x: Tensor, dim: number, more = 0): number {
  assertTensor(op, x);
  return normalizeDim(op, dim, x.rank + more);
}

/** As `dimOf`, where a scalar has no dimension that would do. */
export function dimensionOf(op: string, x: Tensor, dim: number): number {
  const at = dimOf(op, x, dim);
  if (x.rank === 0) throw new GradloomError('DIM', op, 'a scalar has no dimension. Use unsqueeze(0) to give it one.');
  return at;
}

/** Throws unless both are of one type. */
export function assertSameType(op: string, a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype) throw new GradloomError('DTYPE', op, `types differ: ${a.dtype} and ${b.dtype}. Convert one.`);
}

/** Throws unless tensors of this type can have gradients. */
export function assertTrainable(op: string, x: DType | Tensor): void {
  const [dtype, what] = x instanceof Tensor ? [x.dtype, x.describe()] : [x, x];
  if (dtype !== 'float32') throw new GradloomError('DTYPE', op, `only float32 tensors can require gradients, not ${what}. Convert it with .float().`);
}

/** Throws where an argument is no list of tensors. */
export function assertTensors(op: string, values: unknown, name = 'tensors', least = 0): asserts values is readonly Tensor[] {
  if (!Array.isArray(values)) throw new GradloomError('DTYPE', op, `${name} must be a list of tensors, got ${valueText(values)}. Write [a, b].`);
  for (let i = 0; i < values.length; i++) assertTensor(op, values[i], `${name}[${i}]`);
  if (values.length < least) throw new GradloomError('VALUE', op, 'needs at least one tensor, got an empty list.');
}

/** Throws unless it is an element type. */
export function assertDType(op: string, value: unknown): asserts value is DType {
  if (!DTYPES.includes(value as DType)) throw new GradloomError('DTYPE', op, `dtype must be 'float32', 'int32' or 'bool', got ${valueText(value)}.`);
}

/** Throws unless it is a whole number of at least `least`. */
export function assertWhole(op: string, name: string, value: unknown, least = Number.NEGATIVE_INFINITY): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw new GradloomError('VALUE', op, `${name} must be a whole number${least === Number.NEGATIVE_INFINITY ? '' : ` ≥ ${least}`}, got ${valueText(value)}.`);
}

/** A shape as it may be given: a list, or its sizes one by one. */
export type Sizes = [shape: readonly number[] | number, ...more: number[]];

/** A shape as a list of its own, from a list or from sizes one by one. `least`: −1 where a size may be left open. `what`: where they are no sizes. */
export function sizesOf(op: string, given: readonly unknown[], least = 0, what = 'a shape is a list of sizes'): number[] {
  const list = given.length < 2 && typeof given[0] !== 'number' ? given[0] : given;
  const right = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= least;
  // Array.from: a hole in the list is undefined, where `every` would pass over it.
  const sizes: unknown[] | null = Array.isArray(list) && list.length <= 64 ? Array.from(list) : null;
  if (!sizes?.every(right)) throw new GradloomError('SHAPE', op, `${what} ≥ ${least} (at most 64), got ${valueText(list)}. Write [2, 3].`);
  // A shape of no elements asks for no memory, but kernels count its sizes too.
  if (sizes.includes(0) && sizes.some((n) => (n as number) > MOST_SIZE)) throw new GradloomError('MEMORY', op, `no room for ${valueText(sizes)}: sizes end at 2³¹ − 1.`);
  return sizes as number[];
}
