// Small dense matrices of float64, row by row in one array: what the solvers share.

/** Rows that are closer to dependent than this (1 − R² of one on the others) count as dependent. Gramians carry roundings of 1e-16. */
export const DEPENDENT = 1e-12;

/** A few roundings of a float64. */
const ROUNDING = 1e-15;

/** What G says of its rows: their lengths ‖gᵢ‖ and C, their cosines, [n · n]. A zero row has cosine 0 with all, itself included. */
export interface Cosines {
  readonly norms: Float64Array;
  readonly cosines: Float64Array;
}

/** G = D·C·D with D = diag(norms). Divides by one length after the other, so that tiny rows do not leave float64's range. */
export function cosinesOf(gramian: Float64Array, n: number): Cosines {
  const norms = new Float64Array(n);
  for (let i = 0; i < n; i++) norms[i] = Math.sqrt(Math.max(gramian[i * n + i] as number, 0));
  const cosines = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const a = norms[i] as number;
    if (a === 0) continue;
    for (let j = 0; j < i; j++) {
      const b = norms[j] as number;
      if (b === 0) continue;
      // Both halves, in case rounding made them differ. What float32 rounded to a cosine beyond ±1 is ±1.
      const c = ((gramian[i * n + j] as number) / a / b + (gramian[j * n + i] as number) / a / b) / 2;
      cosines[i * n + j] = Math.min(1, Math.max(-1, c));
      cosines[j * n + i] = cosines[i * n + j] as number;
    }
    cosines[i * n + i] = 1;
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

/**
 * L·Lᵀ = A over the rows and columns `set[from … size)`, given the part of L before `from`; L by rows with stride `n`. False where a
 * pivot falls below `least` of its diagonal element, or below what rounding makes of it after the smallest pivot before: those rows are
 * dependent.
 */
export function factor(a: Float64Array, n: number, set: Int32Array, size: number, l: Float64Array, least = DEPENDENT, from = 0): boolean {
  let smallest = 1;
  for (let i = 0; i < from; i++) smallest = Math.min(smallest, (l[i * n + i] as number) ** 2 / (a[(set[i] as number) * (n + 1)] as number));
  // Blocks of four rows end at multiples of four, wherever it starts.
  for (let i = from; i < size; ) {
    const end = Math.min(size, (i & ~3) + 4);
    const start = i;
    if (end - i === 4) fourRows(a, n, set, i, l);
    else for (let r = i; r < end; r++) oneRow(a, n, set, r, 0, start, l);
    for (; i < end; i++) {
      oneRow(a, n, set, i, start, i, l);
      const li = i * n;
      let squares = 0;
      for (let k = 0; k < i; k++) squares += (l[li + k] as number) * (l[li + k] as number);
      const diagonal = a[(set[i] as number) * (n + 1)] as number;
      const pivot = diagonal - squares;
      if (!(pivot > Math.max(least, least < ROUNDING ? 0 : ROUNDING / smallest) * diagonal)) return false;
      smallest = Math.min(smallest, pivot / diagonal);
      l[li + i] = Math.sqrt(pivot);
    }
  }
  return true;
}

/** Elements [first, end) of row i of L. */
function oneRow(a: Float64Array, n: number, set: Int32Array, i: number, first: number, end: number, l: Float64Array): void {
  const row = (set[i] as number) * n;
  const li = i * n;
  for (let j = first; j < end; j++) {
    const lj = j * n;
    let sum = a[row + (set[j] as number)] as number;
    for (let k = 0; k < j; k++) sum -= (l[li + k] as number) * (l[lj + k] as number);
    l[li + j] = sum / (l[lj + j] as number);
  }
}

/** Elements [0, i) of the rows i to i + 3 of L: four sums that do not wait for one another. */
function fourRows(a: Float64Array, n: number, set: Int32Array, i: number, l: Float64Array): void {
  const a0 = (set[i] as number) * n;
  const a1 = (set[i + 1] as number) * n;
  const a2 = (set[i + 2] as number) * n;
  const a3 = (set[i + 3] as number) * n;
  const l0 = i * n;
  const l1 = l0 + n;
  const l2 = l1 + n;
  const l3 = l2 + n;
  for (let j = 0; j < i; j++) {
    const lj = j * n;
    const column = set[j] as number;
    let s0 = a[a0 + column] as number;
    let s1 = a[a1 + column] as number;
    let s2 = a[a2 + column] as number;
    let s3 = a[a3 + column] as number;
    for (let k = 0; k < j; k++) {
      const v = l[lj + k] as number;
      s0 -= (l[l0 + k] as number) * v;
      s1 -= (l[l1 + k] as number) * v;
      s2 -= (l[l2 + k] as number) * v;
      s3 -= (l[l3 + k] as number) * v;
    }
    const pivot = l[lj + j] as number;
    l[l0 + j] = s0 / pivot;
    l[l1 + j] = s1 / pivot;
    l[l2 + j] = s2 / pivot;
    l[l3 + j] = s3 / pivot;
  }
}

/** x ← (L·Lᵀ)⁻¹·x, the first `size` elements. */
export function solveFactored(l: Float64Array, n: number, size: number, x: Float64Array): void {
  for (let i = 0; i < size; i++) {
    const li = i * n;
    let even = x[i] as number;
    let odd = 0;
    let k = 0;
    for (; k + 1 < i; k += 2) {
      even -= (l[li + k] as number) * (x[k] as number);
      odd -= (l[li + k + 1] as number) * (x[k + 1] as number);
    }
    if (k < i) even -= (l[li + k] as number) * (x[k] as number);
    x[i] = (even + odd) / (l[li + i] as number);
  }
  for (let i = size - 1; i >= 0; i--) {
    const li = i * n;
    const v = (x[i] as number) / (l[li + i] as number);
    x[i] = v;
    for (let k = 0; k < i; k++) x[k] = (x[k] as number) - (l[li + k] as number) * v;
  }
}

/** 0 … n − 1. */
export function indices(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}
