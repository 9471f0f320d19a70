// Functions of a symmetric matrix at one vector, f(A)·b: what the pseudo-inverse and inverse square roots come down to.
import { eigen } from '../../tensor/eigen.ts';

/** A = V·diag(values)·Vᵀ, in no order. */
export interface Spectrum {
  readonly values: Float64Array;
  /** Vᵀ·b. */
  readonly projected: Float64Array;
  /** V·c. */
  expand(c: Float64Array): Float64Array;
}

/** The spectrum of A [n · n], with b [n] in its terms. */
export function spectrum(matrix: Float64Array, b: Float64Array, n: number): Spectrum {
  const { values, vectors } = eigen(matrix, n);
  const projected = values.map((_, k) => b.reduce((sum, v, i) => sum + v * (vectors[k * n + i] as number), 0));
  return { values, projected, expand: (c) => b.map((_, i) => c.reduce((sum, v, k) => sum + v * (vectors[k * n + i] as number), 0)) };
}

/** The eigenvalue above which one counts: those up to `rcond` of the largest do not, nor more than `rank` of them. */
export function smallestCounted(values: Float64Array, rcond: number, rank = values.length): number {
  const sizes = values.map(Math.abs).sort();
  const n = sizes.length;
  return Math.max((sizes[n - 1] as number) * rcond, rank < n ? (sizes[n - 1 - rank] as number) : 0);
}

/**
 * A⁺·b: the shortest of the vectors that come nearest to solving A·x = b. A symmetric, [n · n]. `rcond`, `rank`: see
 * smallestCounted.
 */
export function pseudoSolve(matrix: Float64Array, b: Float64Array, n: number, rcond: number, rank = n): Float64Array {
  const { values, projected, expand } = spectrum(matrix, b, n);
  const least = smallestCounted(values, rcond, rank);
  return expand(projected.map((v, k) => (Math.abs(values[k] as number) > least ? v / (values[k] as number) : 0)));
}
