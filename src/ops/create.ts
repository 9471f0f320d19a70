// Tensors from numbers. Nothing here has a gradient.
import { call } from '../runtime/call.ts';
import {
  ANY,
  assertArity,
  assertDType,
  assertTensor,
  assertTrainable,
  assertWhole,
  checkArgument,
  FLAG,
  instanceOf,
  isPlainObject,
  type Kinds,
  NUMBER,
  optionsOf,
  sizesOf,
} from '../tensor/check.ts';
import { bitsOf, type DType, int32Of, promote, viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeText, valueError, valueText } from '../tensor/errors.ts';
import { copyElements, requiresGrad } from '../tensor/op.ts';
import { defaultGenerator, Generator } from '../tensor/random.ts';
import { recording, refuseWhileRecording } from '../tensor/recording.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { isInferenceMode } from '../tensor/modes.ts';
import { empty, metaOf, type NestedArray, Tensor } from '../tensor/tensor.ts';

/** Options of every creation function. */
export interface CreateOptions {
  /** Element type; default float32. */
  dtype?: DType;
  /** Whether backward fills its `.grad`. float32 only. */
  requiresGrad?: boolean;
}

/** Options of the random ones. */
export interface RandomOptions extends CreateOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

// An element type is checked by itself: it has an error code of its own.
const OPTIONS: Kinds<CreateOptions> = { dtype: ANY, requiresGrad: FLAG };
const SHAPED: Kinds<CreateOptions & { shape?: Shape }> = { ...OPTIONS, shape: ANY };
const RANDOM: Kinds<RandomOptions> = { ...OPTIONS, generator: instanceOf(Generator, 'a Generator') };

function created<O extends CreateOptions>(op: string, given: O | undefined, kinds: Kinds<O>): O {
  const options = optionsOf(op, given, kinds);
  if (options.dtype !== undefined) assertDType(op, options.dtype);
  if (options.requiresGrad && options.dtype !== undefined) assertTrainable(op, options.dtype);
  return options;
}

/** Arguments with the options apart, which come last: `zeros([2, 3], { … })`, `zeros(2, 3, { … })`. */
function apart<A, O>(args: readonly (A | O | undefined)[]): [args: A[], options: O | undefined] {
  let n = args.length;
  while (n > 0 && args[n - 1] === undefined) n--;
  return isPlainObject(args[n - 1]) ? [args.slice(0, n - 1) as A[], args[n - 1] as O] : [args.slice(0, n) as A[], undefined];
}

/** Anything that holds numbers: nested arrays, typed arrays, one-element tensors, and lists of them. */
export type TensorData = NestedArray | ArrayLike<number> | ArrayLike<bigint> | bigint | Tensor | readonly TensorData[];

/** @internal Marks a fresh leaf as wanting a gradient, or as made in inference mode. */
export function leaf(t: Tensor, op: string, requiresGrad: boolean | undefined): Tensor {
  if (isInferenceMode()) metaOf(t).inference = true;
  if (!requiresGrad) return t;
  assertTrainable(op, t.dtype);
  metaOf(t).wantsGrad = true;
  return t;
}

/** A list of numbers in memory, of this realm or another: its tag tells which (`instanceof` knows this realm's only). */
const isTyped = (data: unknown): data is ArrayLike<number> => ArrayBuffer.isView(data) && !(data instanceof DataView) && 'length' in data;
const isRow = (data: unknown): data is ArrayLike<unknown> => Array.isArray(data) || isTyped(data);

const ragged = (shape: Shape): GradloomError =>
  new GradloomError('SHAPE', 'tensor', `the nested arrays are ragged: expected shape ${shapeText(shape)} throughout. Give every row the same length.`);

function shapeOf(data: unknown): number[] {
  const shape: number[] = [];
  for (let row = data; isRow(row); row = row[0]) {
    shape.push(row.length);
    if (shape.length > 64) throw new GradloomError('SHAPE', 'tensor', 'the arrays are nested more than 64 deep.');
    if (row.length === 0) break;
  }
  return shape;
}

/** One element as a number, and its type. */
function elementOf(v: unknown): [value: number, dtype: DType] {
  if (typeof v === 'number') return [v, 'float32'];
  if (typeof v === 'boolean') return [v ? 1 : 0, 'bool'];
  if (typeof v === 'bigint') return [Number(v), 'int32'];
  if (!(v instanceof Tensor)) throw new GradloomError('DTYPE', 'tensor', `elements are numbers or booleans, no ${typeof v}: got ${valueText(v)}. Convert them first.`);
  if (v.size === 1 && !requiresGrad(v)) return [v.item(), v.dtype];
  const what = v.size === 1 ? 'would lose its graph here' : 'has several elements';
  throw new GradloomError('DTYPE', 'tensor', `${v.describe()} ${what}. Join tensors with stack or cat, copy one with clone, or take numbers out with item.`);
}

/** Nested arrays as one list with the type that holds all of it; checked to be regular. */
function flatten(data: unknown, shape: Shape): { values: ArrayLike<number>; dtype: DType } {
  const count = sizeOf(shape);
  if (count > 2 ** 27) throw new GradloomError('MEMORY', 'tensor', `no room for nested arrays ${shapeText(shape)}. Give a typed array.`);
  const values = new Float64Array(count);
  let [at, dtype] = [0, undefined as DType | undefined];
  const walk = (row: unknown, dim: number): void => {
    if (dim === shape.length) {
      if (isRow(row)) throw ragged(shape);
      const [value, type] = elementOf(row);
      values[at++] = value;
      if (dtype !== type) dtype = dtype === undefined ? type : promote(dtype, type);
      return;
    }
    if (!isRow(row) || row.length !== shape[dim]) throw ragged(shape);
    if (isTyped(row) && dim === shape.length - 1) {
      const type = typedAs(row);
      for (let i = 0; i < row.length; i++) values[at++] = Number(row[i]);
      dtype = dtype === undefined ? type : promote(dtype, type);
    } else if (dtype !== 'float32') for (let i = 0; i < row.length; i++) walk(row[i], dim + 1);
    else
      for (let i = 0; i < row.length; i++) {
        const v = row[i];
        if (typeof v === 'number' && dim === shape.length - 1) values[at++] = v;
        else walk(v, dim + 1);
      }
  };
  walk(data, 0);
  return { values, dtype: dtype ?? 'float32' };
}

/** Int32Array and 64-bit integers give int32, other typed arrays float32. */
const typedAs = (list: ArrayLike<unknown>): DType => (/^(Int32|Big(Ui|I)nt64)Array$/.test((list as unknown as Int32Array)[Symbol.toStringTag]) ? 'int32' : 'float32');

/** Values put into memory as elements of a type, checked before anything is made. */
function filled(op: string, values: ArrayLike<number | bigint>, shape: Shape, dtype: DType): Tensor {
  const count = values.length;
  const big = typeof values[0] === 'bigint';
  if (dtype === 'int32') for (let i = 0; i < count; i++) int32Of(op, Number(values[i]));
  const y = empty(shape, dtype);
  const memory = viewOf(dtype);
  const start = y.address / 4;
  if (dtype === 'bool') for (let i = 0; i < count; i++) memory[start + i] = Number(values[i]) === 0 ? 0 : 1;
  else if (big) for (let i = 0; i < count; i++) memory[start + i] = Number(values[i]);
  else memory.set(values as ArrayLike<number>, start);
  return y;
}

/**
 * A tensor of the given numbers: nested arrays, a number, or a typed array (with `shape`, else one-dimensional); rows may be typed arrays, elements
 * one-element tensors. The default type is float32, except that Int32Array and 64-bit integers give int32 and booleans give bool; class labels need
 * `dtype: 'int32'`, which cuts off what stands behind the point.
 *
 * @throws DTYPE (what is no number), SHAPE (ragged), VALUE (beyond int32)
 */
export function tensor(data: TensorData, options?: CreateOptions & { shape?: Shape }): Tensor {
  assertArity('tensor', arguments.length, 2);
  const op = 'tensor';
  refuseWhileRecording(op, 'a tensor is made from numbers of the host', 'Make it outside, or pass it to the step as an input.');
  const { dtype, shape, requiresGrad: wanted } = created(op, options, SHAPED);
  const given = shapeOf(data);
  const sizes = shape === undefined ? given : sizesOf(op, [shape]);
  const count = sizeOf(given);
  if (sizeOf(sizes) !== count) throw new GradloomError('SHAPE', op, `${count} numbers do not fill the shape ${shapeText(sizes)}, which needs ${sizeOf(sizes)}.`);
  const read = isTyped(data) ? { values: data, dtype: typedAs(data) } : flatten(data, given);
  const type = dtype ?? read.dtype;
  if (wanted) assertTrainable(op, type);
  return leaf(filled(op, read.values, sizes, type), op, wanted);
}

function fullOf(op: string, shape: Shape, value: number | boolean, options: CreateOptions): Tensor {
  if (typeof value !== 'boolean') checkArgument(op, 'the value', value, NUMBER);
  const dtype = options.dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32');
  if (options.requiresGrad) assertTrainable(op, dtype);
  const bits = bitsOf(Number(value), dtype, op);
  const y = empty(shape, dtype);
  call('fill', y.address, y.size, bits);
  return leaf(y, op, options.requiresGrad);
}

/** A tensor filled with one value. The default type is float32, bool for true and false. */
export function full(shape: Shape, value: number | boolean, options?: CreateOptions): Tensor {
  assertArity('full', arguments.length, 3);
  return fullOf('full', sizesOf('full', [shape]), value, created('full', options, OPTIONS));
}

/** A shape as a list or size by size, then options. */
type ShapeAndOptions<O> = [shape: Shape | number, ...more: (number | O | undefined)[]];

function shaped<O extends CreateOptions>(op: string, args: readonly unknown[], kinds: Kinds<O>): [number[], O] {
  const [shape, options] = apart<unknown, O>(args);
  // A list and something that is no options: what follows the list is refused as options.
  if (Array.isArray(shape[0]) && shape.length > 1) optionsOf(op, shape[1] as O, kinds);
  return [sizesOf(op, shape), created(op, options, kinds)];
}

/** Zeros. */
export function zeros(...args: ShapeAndOptions<CreateOptions>): Tensor {
  const [shape, options] = shaped('zeros', args, OPTIONS);
  return fullOf('zeros', shape, 0, options);
}

/** Ones. */
export function ones(...args: ShapeAndOptions<CreateOptions>): Tensor {
  const [shape, options] = shaped('ones', args, OPTIONS);
  return fullOf('ones', shape, 1, options);
}

function alike(op: string, x: Tensor, value: number | boolean, options: CreateOptions | undefined): Tensor {
  assertTensor(op, x);
  const given = created(op, options, OPTIONS);
  return fullOf(op, x.sizes, value, { dtype: given.dtype ?? x.dtype, requiresGrad: given.requiresGrad });
}

/** Zeros of x's shape and type. */
export function zerosLike(x: Tensor, options?: CreateOptions): Tensor {
  assertArity('zerosLike', arguments.length, 2);
  return alike('zerosLike', x, 0, options);
}

/** Ones of x's shape and type. */
export function onesLike(x: Tensor, options?: CreateOptions): Tensor {
  assertArity('onesLike', arguments.length, 2);
  return alike('onesLike', x, 1, options);
}

/** One value in x's shape and type. */
export function fullLike(x: Tensor, value: number | boolean, options?: CreateOptions): Tensor {
  assertArity('fullLike', arguments.length, 3);
  return alike('fullLike', x, value, options);
}

/** @internal A tensor whose elements are worked out on the host; a captured step keeps them and copies. */
export function computed(op: string, key: string, shape: Shape, dtype: DType, wanted: boolean | undefined, fill: (t: Tensor) => void): Tensor {
  if (wanted) assertTrainable(op, dtype);
  const y = empty(shape, dtype);
  const listening = recording();
  const make = (): Tensor => {
    const t = empty(shape, dtype);
    fill(t);
    return t;
  };
  if (listening) copyElements(listening.kept(`${op} ${key} ${dtype}`, make), y);
  else fill(y);
  return leaf(y, op, wanted);
}

/** @internal `at(i)` for each element of a vector, as its type holds it. */
export function fillWith(t: Tensor, at: (i: number) => number): void {
  const memory = viewOf(t.dtype);
  const start = t.address / 4;
  for (let i = 0; i < t.size; i++) memory[start + i] = t.dtype === 'bool' ? (at(i) === 0 ? 0 : 1) : at(i);
}

/** start, start + step, … below `end`; int32 where all three are whole, else float32. `arange(n)` counts from 0. */
export function arange(start: number, end?: number | CreateOptions, step?: number | CreateOptions, options?: CreateOptions): Tensor {
  const op = 'arange';
  const [numbers, given] = apart<number, CreateOptions>([start, end, step, options]);
  assertArity(op, Math.max(numbers.length, arguments.length - 1), 3);
  const { dtype, requiresGrad: wanted } = created(op, given, OPTIONS);
  const [first, last, by = 1] = numbers;
  const ends = (last === undefined ? [0, first, by] : [first, last, by]) as [number, number, number];
  const [a, b, s] = ends;
  checkArgument(op, 'start', a, NUMBER);
  checkArgument(op, 'end', b, NUMBER);
  checkArgument(op, 'step', s, NUMBER);
  const count = Math.ceil((b - a) / s);
  if (!Number.isFinite(count) || count < 0) throw valueError(op, `from ${a} to ${b} by ${s} never arrives. The step must be non-zero and point at the end.`);
  const type = dtype ?? (ends.every(Number.isInteger) ? 'int32' : 'float32');
  if (type === 'int32' && count > 0) for (const v of [a, a + (count - 1) * s]) int32Of(op, v);
  return computed(op, `${a} ${b} ${s}`, sizesOf(op, [count]), type, wanted, (y) => fillWith(y, (i) => a + i * s));
}

/** `steps` values from start to end, both included, evenly spaced. The default type is float32. */
export function linspace(start: number, end: number, steps: number, options?: CreateOptions): Tensor {
  assertArity('linspace', arguments.length, 4);
  const op = 'linspace';
  const { dtype = 'float32', requiresGrad: wanted } = created(op, options, OPTIONS);
  checkArgument(op, 'start', start, NUMBER);
  checkArgument(op, 'end', end, NUMBER);
  assertWhole(op, 'steps', steps, 0);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // From both ends, so that the last value is exactly `end`.
  const at = (i: number): number => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step);
  if (dtype === 'int32' && steps > 0) for (const v of [start, end]) int32Of(op, v);
  return computed(op, `${start} ${end} ${steps}`, sizesOf(op, [steps]), dtype, wanted, (y) => fillWith(y, at));
}

/** The identity matrix [rows, columns] (default columns = rows). */
export function eye(rows: number, columns?: number | CreateOptions, options?: CreateOptions): Tensor {
  const op = 'eye';
  const [sizes, given] = apart<number, CreateOptions>([rows, columns, options]);
  assertArity(op, Math.max(sizes.length, arguments.length - 1), 2);
  const { dtype = 'float32', requiresGrad: wanted } = created(op, given, OPTIONS);
  const [n, m] = sizesOf(op, [[sizes[0], sizes[1] ?? sizes[0]]]) as [number, number];
  return computed(op, `${n} ${m}`, [n, m], dtype, wanted, (y) => {
    const memory = viewOf(dtype);
    const start = y.address / 4;
    memory.fill(0, start, start + y.size);
    for (let i = 0; i < Math.min(n, m); i++) memory[start + i * (m + 1)] = 1;
  });
}

function random(kernel: 'uniform' | 'normal', op: string, args: readonly unknown[]): Tensor {
  const [shape, options] = shaped(op, args, RANDOM);
  if (options.dtype !== undefined && options.dtype !== 'float32')
    throw new GradloomError('DTYPE', op, `gives float32 only, got dtype '${options.dtype}'. Convert it with .to('${options.dtype}').`);
  const y = empty(shape);
  call(kernel, y.address, y.size, (options.generator ?? defaultGenerator()).address);
  return leaf(y, op, options.requiresGrad);
}

/** Uniform in [0, 1). float32. */
export function rand(...args: ShapeAndOptions<RandomOptions>): Tensor {
  return random('uniform', 'rand', args);
}

/** Normal, mean 0 and variance 1. float32. */
export function randn(...args: ShapeAndOptions<RandomOptions>): Tensor {
  return random('normal', 'randn', args);
}

/** A random permutation of 0 … n − 1. int32. */
export function randperm(n: number, options?: RandomOptions): Tensor {
  assertArity('randperm', arguments.length, 2);
  const op = 'randperm';
  const { dtype = 'int32', generator, requiresGrad: wanted } = created(op, options, RANDOM);
  const shape = sizesOf(op, [n]);
  if (wanted) assertTrainable(op, 'int32');
  if (dtype !== 'int32') throw new GradloomError('DTYPE', op, `gives int32 only, got dtype '${dtype}'. Convert it with .to('${dtype}').`);
  const y = empty(shape, 'int32');
  call('permutation', y.address, n, (generator ?? defaultGenerator()).address);
  return y;
}

const constants = new Map<string, Tensor>();
const MOST_CONSTANTS = 1024;

/** The tensor kept under a key, or a new one: kept while there is room, since loops use the same few. A captured step keeps its own. */
function kept(key: string, shape: Shape, dtype: DType, fill: (t: Tensor) => void): Tensor {
  let t = constants.get(key);
  if (!t) {
    const room = constants.size < MOST_CONSTANTS;
    const listening = recording();
    const make = (): Tensor => {
      const made = room ? empty(shape, dtype, null) : empty(shape, dtype);
      fill(made);
      return made;
    };
    t = listening ? listening.kept(key, make) : make();
    if (room) constants.set(key, t);
  }
  return t;
}

/** @internal The number that lies at an address as a constant of `constant`, also among others that are kept, or undefined. For messages. */
export function constantAt(address: number, others: ReadonlyMap<string, Tensor>): string | undefined {
  for (const [key, t] of [...constants, ...others]) if (t.storage.address === address && t.rank === 0) return key.split(' ')[1];
  return undefined;
}

/** @internal A scalar that stands in for a number in an op; never written to. */
export function constant(value: number, dtype: DType): Tensor {
  return kept(`${dtype} ${Object.is(value, -0) ? '-0' : value}`, [], dtype, (t) => call('fill', t.address, 1, bitsOf(value, dtype)));
}

/** @internal A list of whole numbers in memory, for kernels whose parameters are too many for words; never written to. */
export function constantList(values: readonly number[]): Tensor {
  return kept(values.join(), [values.length], 'int32', (t) => viewOf('int32').set(values, t.address / 4));
}

/** @internal A list of float32 numbers that follow from sizes and options: weights of an interpolation. Never written to. */
export function constantFloats(values: readonly number[]): Tensor {
  return kept(`float32 [${values}]`, [values.length], 'float32', (t) => viewOf('float32').set(values, t.address / 4));
}
