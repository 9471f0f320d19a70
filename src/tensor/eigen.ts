// Eigenvalues and eigenvectors of small symmetric matrices.

/** A = Σ values[k]·vₖ·vₖᵀ, the vectors as rows of `vectors` [n · n]. In no order. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** Sweeps over all pairs, at most: 6 to 10 are usual, since convergence is quadratic. */
const SWEEPS = 40;

/**
 * Jacobi's method (cyclic, 1846; Golub & Van Loan, 8.5): accurate, and small eigenvalues come out well. A is symmetric,
 * [n · n].
 */
export function eigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let turned = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q] as number;
        const app = a[p * n + p] as number;
        const aqq = a[q * n + q] as number;
        // Nothing beside either of the two.
        if (app + apq === app && aqq + apq === aqq) continue;
        turned = true;
        const ratio = (aqq - app) / (2 * apq);
        rotate(a, vectors, n, p, q, (ratio >= 0 ? 1 : -1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1)));
      }
    }
    if (!turned) break;
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i] as number), vectors };
}

/** One plane rotation that makes a[p][q] zero, given the tangent of its angle. Only the upper half is kept. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number, tangent: number): void {
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  const shift = tangent * (a[p * n + q] as number);
  a[p * n + p] = (a[p * n + p] as number) - shift;
  a[q * n + q] = (a[q * n + q] as number) + shift;
  a[p * n + q] = 0;
  for (let k = 0; k < p; k++) turn(a, k * n + p, k * n + q, cosine, sine);
  for (let k = p + 1; k < q; k++) turn(a, p * n + k, k * n + q, cosine, sine);
  for (let k = q + 1; k < n; k++) turn(a, p * n + k, q * n + k, cosine, sine);
  for (let k = 0; k < n; k++) turn(vectors, p * n + k, q * n + k, cosine, sine);
}

function turn(a: Float64Array, i: number, j: number, cosine: number, sine: number): void {
  const x = a[i] as number;
  const y = a[j] as number;
  a[i] = cosine * x - sine * y;
  a[j] = sine * x + cosine * y;
}
