// What counts as equal, in one place.
import type { Tensor } from 'gradloom';
import { type EncodedTensor, elementsOf, typeOf } from './decode.ts';

/** |ours − theirs| ≤ absolute + relative · |theirs|. */
export interface Tolerance {
  relative: number;
  absolute: number;
}

// Answers are float64 results from float32 inputs, stored as float32; ours are float32 throughout, with a unit roundoff of 6e-8.
//
// Values and gradients: functions are within a few units in the last place, and short chains of them within 1e-5 relative. What
// cancels keeps the absolute error of its terms: sums of up to 20 products of numbers within ±9 pass through a few hundred, where one
// rounding is 1.5e-5 at most. Observed on the recorded cases: a third of the tolerance in matrix products, a fifth or less elsewhere.
const CALL: Tolerance = { relative: 1e-5, absolute: 3e-5 };
// Twelve steps add 12 roundings of numbers near 1.
const STEPPED: Tolerance = { relative: 1e-5, absolute: 1e-6 };
// Sixty steps feed roundings back through the gradients; observed: 7e-7.
const TRAINED: Tolerance = { relative: 1e-5, absolute: 1e-5 };
const LOSSES: Tolerance = { relative: 1e-4, absolute: 0 };

// Rates are float64 on both sides; ours are products and a series where theirs step from rate to rate: a few roundings of 1e-16.
const RATES: Tolerance = { relative: 1e-12, absolute: 1e-15 };

// Values and gradients of a scalarizer: a chain of about ten float32 functions of losses rounded to float32. PBI multiplies the rounding
// of a difference by θ = 5; what underflows or cancels keeps the absolute error of terms near 1. Observed: a fifth of it.
const SCALARIZED: Tolerance = { relative: 1e-6, absolute: 1e-6 };
// Weights are float64 on both sides; twelve steps of FAMO add a few roundings of 1e-16 each. Observed: 2e-15.
const WEIGHTS: Tolerance = { relative: 1e-12, absolute: 1e-15 };

// Directions are float64 on both sides (float32 for what needs the Jacobian, 1e-7). TorchJD's interior-point solver (CAGrad) stops
// within 1e-4 of the optimum, which is also TorchJD's own tolerance; what should cancel leaves 1e-9 of the longest gradient.
const COMBINED: Tolerance = { relative: 1e-4, absolute: 1e-9 };
// Descent of two objectives from a recorded start.
const DESCENT: Tolerance = { relative: 1e-4, absolute: 1e-4 };
// The step that reaches the front, a twentieth earlier or later.
const HITS: Tolerance = { relative: 0.05, absolute: 1 };
// Where a random method ends is random: 2 % of the way to the front may be left, or twice what the recorded run left.
const FRONT: Tolerance = { relative: 1, absolute: 0.02 };

/** How far answers may differ, by what is compared: there is no other tolerance. */
export const TOLERANCES = {
  scalarized: SCALARIZED,
  weights: WEIGHTS,
  rates: RATES,
  call: CALL,
  stepped: STEPPED,
  trained: TRAINED,
  losses: LOSSES,
  combined: COMBINED,
  descent: DESCENT,
  hits: HITS,
  front: FRONT,
} as const;

/** An answer that differs; the message says where and by how much. */
export class Mismatch extends Error {}

/** The error in units of the tolerance; infinite where one is NaN or infinite and the other is not the same. */
function ratio(actual: number, expected: number, { relative, absolute }: Tolerance): number {
  if (Object.is(actual, expected) || actual === expected) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Number.POSITIVE_INFINITY;
  return Math.abs(actual - expected) / (absolute + relative * Math.abs(expected));
}

/** Compares two numbers; returns the error in units of the tolerance. */
export function compareNumbers(what: string, actual: number, expected: number, tolerance: Tolerance): number {
  const error = ratio(actual, expected, tolerance);
  if (error > 1) throw new Mismatch(`${what} is ${actual}, expected ${expected} (error ${error.toPrecision(3)} × tolerance)`);
  return error;
}

/** Compares shape, type and every element; returns the largest error in units of the tolerance. */
export function compareTensors(what: string, actual: Tensor, expected: EncodedTensor, tolerance: Tolerance): number {
  if (actual.shape.join() !== expected.shape.join()) throw new Mismatch(`${what} has shape [${actual.shape}], expected [${expected.shape}]`);
  if (actual.dtype !== typeOf(expected.tensor)) throw new Mismatch(`${what} is ${actual.dtype}, expected ${expected.tensor}`);
  const [ours, theirs] = [actual.data(), elementsOf(expected)];
  let worst = 0;
  let at = 0;
  theirs.forEach((value, i) => {
    const error = ratio(ours[i] as number, value, tolerance);
    if (error > worst) [worst, at] = [error, i];
  });
  if (worst > 1) throw new Mismatch(`${what} [${expected.shape}]: element ${at} is ${ours[at]}, expected ${theirs[at]} (error ${worst.toPrecision(3)} × tolerance)`);
  return worst;
}

/** Compares a gradient with the recorded one, where null means that none arrived. Without elements there is nothing to tell apart. */
export function compareGradients(what: string, actual: Tensor | null, expected: EncodedTensor | null, size: number): number {
  if (size === 0 && (!actual || !expected)) return 0;
  if (!expected) {
    if (actual) throw new Mismatch(`${what} is a tensor, expected null: no gradient arrives`);
    return 0;
  }
  if (!actual) throw new Mismatch(`${what} is null, expected a gradient [${expected.shape}]`);
  return compareTensors(what, actual, expected, CALL);
}
