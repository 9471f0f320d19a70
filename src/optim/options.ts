// Options as the constructors of optimizers and schedulers take them.
import { assertWhole, filled, isListOf, type Kind, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';

/** Two numbers. */
export const PAIR: Kind = { what: 'a list of two numbers', test: (v) => isListOf(v, NUMBER.test, 2) };

/** Options as `optionsBy` takes them, over the defaults. What is in neither is an error; a default of undefined says that it may be left out. */
export function given<O extends object>(op: string, args: readonly unknown[], kinds: Kinds<O>, defaults: Partial<O>): O {
  const complete = filled(defaults as O, optionsBy(op, args, kinds));
  const missing = Object.keys(kinds).find((name) => !(name in complete));
  if (missing) throw valueError(op, `${missing} is missing. Pass { ${missing}: … }.`);
  return complete;
}

/** Throws unless the number lies in [low, high). */
export function checkRange(op: string, name: string, value: number, low: number, high = Number.POSITIVE_INFINITY): void {
  if (value >= low && value < high) return;
  throw valueError(op, `${name} must lie in [${low}, ${high === Number.POSITIVE_INFINITY ? '∞' : high}), got ${value}.`);
}

/** The number, if it is whole and large enough. */
export function whole(op: string, name: string, value: number, least = 1): number {
  assertWhole(op, name, value, least);
  return value;
}
