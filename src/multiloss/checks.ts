// Kinds of numbers that methods take as options, numbers that are given per loss, and checks of losses.
import { isPlainObject, type Kind } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';

/** A number per loss: in the order of the losses, or by name. */
export type PerLoss<Name extends string = string> = readonly number[] | Readonly<Record<Name, number>>;

/** A finite number ≥ least (> where `open`) and ≤ most. */
// @__NO_SIDE_EFFECTS__
export function range(least: number, most = Number.POSITIVE_INFINITY, open = false): Kind {
  const what = most === Number.POSITIVE_INFINITY ? `${open ? '>' : '≥'} ${least}` : `${open ? 'above' : 'from'} ${least} to ${most}`;
  return { what: `a number ${what}`, test: (v) => Number.isFinite(v) && (open ? (v as number) > least : (v as number) >= least) && (v as number) <= most };
}

/** A finite number > 0. */
export const POSITIVE = range(0, Number.POSITIVE_INFINITY, true);

/** A whole number ≥ least. */
export const count = /* @__NO_SIDE_EFFECTS__ */ (least: number): Kind => ({ what: `a whole number ≥ ${least}`, test: (v) => Number.isSafeInteger(v) && (v as number) >= least });

/** Numbers that float32 holds. */
export const FLOAT: Kind = { what: 'a number that float32 holds', test: (v) => typeof v === 'number' && Number.isFinite(Math.fround(v)) };

/** A finite number ≥ least (any, where that is −∞) for each loss. */
// @__NO_SIDE_EFFECTS__
export function each(least = Number.NEGATIVE_INFINITY): Kind {
  const fits = (v: unknown): boolean => Number.isFinite(v) && (v as number) >= least;
  return {
    what: `a ${least === Number.NEGATIVE_INFINITY ? 'finite number' : `number ≥ ${least}`} for each loss, in a list or by name`,
    test: (given) => (Array.isArray(given) || isPlainObject(given)) && Object.keys(given).length > 0 && Object.values(given).every(fits),
  };
}

/** The numbers in the order of the losses; `fallback` for each where none were given. */
export function perLoss(method: string, option: string, given: PerLoss | undefined, names: readonly string[], fallback: number): Float64Array {
  if (given === undefined) return new Float64Array(names.length).fill(fallback);
  if (Array.isArray(given)) {
    if (given.length !== names.length) {
      throw valueError(method, `${option} has ${given.length} numbers for ${names.length} losses (${names.join(', ')}). Give them by name where losses come and go.`);
    }
    return Float64Array.from(given);
  }
  const named = given as Readonly<Record<string, number>>;
  return Float64Array.from(names, (name) => {
    if (!Object.hasOwn(named, name)) throw valueError(method, `${option} has no number for the loss '${name}', only for ${Object.keys(named).join(', ')}. Add one.`);
    return named[name] as number;
  });
}

/**
 * Throws where a loss's value is NaN or infinite; and where it is negative, if the method says what is wrong with that.
 */
export function assertLosses(method: string, losses: Float64Array, names: readonly string[], negative?: string): void {
  losses.forEach((loss, i) => {
    if (!Number.isFinite(loss)) throw new GradloomError('NONFINITE', method, `the loss '${names[i]}' is ${loss}; nothing was changed. Lower the learning rate, or leave it out.`);
    if (loss < 0 && negative) throw valueError(method, `the loss '${names[i]}' is ${loss}; ${negative}. Shift it, or take a method that looks at gradients only.`);
  });
}
