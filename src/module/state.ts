// States, checked as a whole before anything changes: for whatever has a `loadStateDict`.
import { tensor } from '../ops/create.ts';
import { copy_ } from '../ops/inplace.ts';
import { isListOf, isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { type NestedArray, Tensor } from '../tensor/tensor.ts';
import { torchSpelling } from './fields.ts';

/** Named tensors: what a module or optimizer is, as data. */
export type StateDict = Record<string, Tensor>;

/** What a load left out: names that the state lacked, and names that it had beyond. */
export interface LoadedKeys {
  /** Names that the state lacked. */
  missingKeys: string[];
  /** Names that it had beyond the module's. */
  unexpectedKeys: string[];
}

/** @internal A name apart from its spelling: `norm.running_mean` and `norm.runningMean` are one. */
export const ownSpelling = (name: string): string =>
  name
    .split('.')
    .map((part) => torchSpelling(part).replace(/(?<=[a-zA-Z0-9])_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase()))
    .join('.');

/** @internal Throws unless it is a plain object: what stateDict gives, or JSON made of it. */
export function assertState(op: string, state: unknown): asserts state is Record<string, unknown> {
  if (!isPlainObject(state)) throw new GradloomError('STATE', op, `a state is an object of entries by name, got ${valueText(state)}. Pass what stateDict gave.`);
}

/** @internal Elements nested as a shape is. */
export const nests = (value: unknown, shape: readonly number[], isElement: (v: unknown) => boolean, dim = 0): boolean =>
  dim === shape.length ? isElement(value) : isListOf(value, (v) => nests(v, shape, isElement, dim + 1), shape[dim]);

/** @internal What is wrong with an entry that is to take the place of `own`, or null: a tensor of its shape and type that is alive, or such numbers nested (JSON). */
export function entryProblem(name: string, own: Tensor, value: unknown): string | null {
  if (Array.isArray(value) || typeof value === 'number') {
    const isElement = (v: unknown): boolean => (own.dtype === 'int32' ? ((v as number) | 0) === v : typeof v === 'number' || typeof v === 'boolean');
    return nests(value, own.sizes, isElement) ? null : `${name} is ${own.dtype} ${shapeText(own.sizes)} here, ${valueText(value)} there`;
  }
  if (!(value instanceof Tensor)) return `${name} must be a tensor, got ${valueText(value)}`;
  if (!sameShape(own.sizes, value.sizes)) return `${name} is ${shapeText(own.sizes)} here, ${shapeText(value.sizes)} there`;
  if (own.dtype !== value.dtype) return `${name} is ${own.dtype} here, ${value.dtype} there`;
  return value.storage.address === 0 && own.size > 0 ? `${name} has ended with ${value.storage.ended}` : null;
}

/**
 * @internal Copies a state into tensors by name, in place. A tensor of several names is not missed where one of them is there; several own names
 * that are one apart from their spelling go by the exact one.
 * @throws STATE that lists what is wrong; nothing has changed then
 */
export function loadInto(op: string, own: ReadonlyMap<string, Tensor>, state: unknown, strict: boolean): LoadedKeys {
  assertState(op, state);
  const spelled = new Map([...own.keys()].map((name) => [ownSpelling(name), name]));
  const given = new Map<string, unknown>();
  const unexpectedKeys: string[] = [];
  const problems: string[] = [];
  for (const [key, value] of Object.entries(state)) {
    const name = own.has(key) ? key : spelled.get(ownSpelling(key));
    if (name === undefined) unexpectedKeys.push(key);
    else if (given.has(name)) problems.push(`${name} is there twice, as ${key} too`);
    else {
      given.set(name, value);
      const problem = entryProblem(key, own.get(name) as Tensor, value);
      if (problem) problems.push(problem);
    }
  }
  const filled = new Set([...given.keys()].map((name) => own.get(name)));
  const missingKeys = [...own].flatMap(([name, t]) => (filled.has(t) ? [] : [name]));
  if (strict && unexpectedKeys.length > 0) problems.unshift(`unexpected ${unexpectedKeys.join(', ')}`);
  if (strict && missingKeys.length > 0) problems.unshift(`missing ${missingKeys.join(', ')}`);
  if (problems.length > 0)
    throw new GradloomError('STATE', op, `the state does not fit: ${problems.join('; ')}. Build the same module, or pass { strict: false } where names differ.`);
  scope(() => {
    noGrad(() => {
      const pairs = [...given].map(([name, value]): [Tensor, Tensor] => {
        const t = own.get(name) as Tensor;
        return [t, value instanceof Tensor ? value : tensor(value as NestedArray, { dtype: t.dtype, shape: t.sizes })];
      });
      for (const [t, value] of pairs) copy_(t, value);
    });
  });
  return { missingKeys, unexpectedKeys };
}
