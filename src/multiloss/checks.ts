// Checks of what a method is told when it is made, and numbers that are given per loss.
import { GradloomError, valueError } from '../tensor/errors.ts';

/** A number per loss: in the order of the losses, or by name. */
export type PerLoss = readonly number[] | Readonly<Record<string, number>>;

/** Throws unless `least` ≤ value (or <, where `open`) and value ≤ `most`. */
export function checkNumber(method: string, option: string, value: number, least: number, most = Number.POSITIVE_INFINITY, open = false): void {
  if (Number.isFinite(value) && (open ? value > least : value >= least) && value <= most) return;
  const range = most === Number.POSITIVE_INFINITY ? `${open ? '>' : '≥'} ${least}` : `${open ? 'above' : 'from'} ${least} to ${most}`;
  throw valueError(method, `${option} must be a number ${range}, got ${value}.`);
}

/** Throws unless the value is a whole number ≥ least. */
export function checkCount(method: string, option: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) throw valueError(method, `${option} must be a whole number ≥ ${least}, got ${value}.`);
}

/** Throws unless the value is one of a few words. */
export function checkWord(method: string, option: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) throw valueError(method, `${option} must be one of ${words.map((w) => `'${w}'`).join(', ')}, got '${value}'.`);
}

/** Throws where a number per loss is not finite, or below `least`. */
export function checkPerLoss(method: string, option: string, given: PerLoss | undefined, least = 0): void {
  if (given === undefined) return;
  const entries = Object.entries(given) as [string, number][];
  if (entries.length === 0) throw valueError(method, `${option} is empty. Give a number per loss, or leave it out.`);
  for (const [name, v] of entries)
    if (!Number.isFinite(v) || v < least)
      throw valueError(method, `${option} of '${name}' must be ${least === Number.NEGATIVE_INFINITY ? 'finite' : `a number ≥ ${least}`}, got ${v}.`);
}

/** The numbers in the order of the losses; `fallback` for each where none were given. */
export function perLoss(method: string, option: string, given: PerLoss | undefined, names: readonly string[], fallback: number): Float64Array {
  if (given === undefined) return new Float64Array(names.length).fill(fallback);
  if (Array.isArray(given)) {
    if (given.length !== names.length) {
      throw valueError(method, `${option} has ${given.length} numbers for ${names.length} losses (${names.join(', ')}). Give one for each.`);
    }
    return Float64Array.from(given);
  }
  const named = given as Readonly<Record<string, number>>;
  return Float64Array.from(names, (name) => {
    if (!Object.hasOwn(named, name)) throw valueError(method, `${option} has no number for the loss '${name}', only for ${Object.keys(named).join(', ')}. Add one.`);
    return named[name] as number;
  });
}

/** Where the named loss stands. */
export function positionOf(method: string, option: string, name: string, names: readonly string[]): number {
  const at = names.indexOf(name);
  if (at < 0) throw valueError(method, `${option} is '${name}', but the losses are ${names.join(', ')}. Name one of them.`);
  return at;
}

/** Throws where remembered numbers are not for as many losses as there are now. */
export function checkSameLosses(method: string, remembered: number, now: number): void {
  if (remembered !== now) throw new GradloomError('STATE', method, `it remembers ${remembered} losses, and the step has ${now}. Call reset() where the losses change.`);
}
