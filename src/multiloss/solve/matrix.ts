// Small dense matrices of float64, row by row in one array: what the solvers share.

/**
 * What G says of its rows: their lengths ‖gᵢ‖ and C, their cosines, [n · n]. A zero row has cosine 0 with all, itself
 * included.
 */
export interface Cosines {
  readonly norms: Float64Array;
  readonly cosines: Float64Array;
}

/**
 * G = D·C·D with D = diag(norms). Takes out one length after the other, so that tiny rows do not leave float64's range.
 * `cosines`: to hold them.
 */
export function cosinesOf(gramian: Float64Array, n: number, cosines: Float64Array = new Float64Array(n * n)): Cosines {
  const norms = new Float64Array(n);
  const shares = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const norm = Math.sqrt(Math.max(gramian[i * n + i] as number, 0));
    norms[i] = norm;
    shares[i] = norm === 0 ? 0 : 1 / norm;
  }
  for (let i = 0; i < n; i++) {
    const a = shares[i] as number;
    for (let j = 0, across = i; j < i; j++, across += n) {
      const b = shares[j] as number;
      // Both halves, in case rounding made them differ. What float32 rounded to a cosine beyond ±1 is ±1.
      const c = Math.min(1, Math.max(-1, (0.5 * (gramian[i * n + j] as number) + 0.5 * (gramian[across] as number)) * a * b));
      cosines[i * n + j] = c;
      cosines[across] = c;
    }
    cosines[i * n + i] = a === 0 ? 0 : 1;
  }
  return { norms, cosines };
}

/** The largest number on the diagonal; 0 where there is none above 0. */
export function largestDiagonal(a: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a[i * n + i] as number);
  return largest;
}

/** y = A·x, [n]. Four rows at once: their sums do not wait for one another. */
export function times(a: Float64Array, x: Float64Array, n: number, y = new Float64Array(n)): Float64Array {
  let i = 0;
  for (; i + 3 < n; i += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    const r0 = i * n;
    const [r1, r2, r3] = [r0 + n, r0 + 2 * n, r0 + 3 * n];
    for (let j = 0; j < n; j++) {
      const v = x[j] as number;
      s0 += (a[r0 + j] as number) * v;
      s1 += (a[r1 + j] as number) * v;
      s2 += (a[r2 + j] as number) * v;
      s3 += (a[r3 + j] as number) * v;
    }
    y[i] = s0;
    y[i + 1] = s1;
    y[i + 2] = s2;
    y[i + 3] = s3;
  }
  for (; i < n; i++) {
    let sum = 0;
    for (let j = 0, at = i * n; j < n; j++, at++) sum += (a[at] as number) * (x[j] as number);
    y[i] = sum;
  }
  return y;
}

/** Σ xᵢ·yᵢ. */
export function inner(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
  return sum;
}

/** xᵀ·A·x, at least 0: for A positive semidefinite but for rounding. */
export function quadratic(a: Float64Array, x: Float64Array, n: number): number {
  return Math.max(inner(x, times(a, x, n)), 0);
}

/** Σ xᵢ. */
export function total(x: Float64Array): number {
  let sum = 0;
  for (const v of x) sum += v;
  return sum;
}

/** 0 … n − 1. */
export function indices(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}
