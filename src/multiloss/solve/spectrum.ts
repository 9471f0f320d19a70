// Functions of a symmetric matrix at one vector, f(A)·b: what the pseudo-inverse and inverse square roots come down to. Eigenvectors
// are never made: A = Q·T·Qᵀ, T tridiagonal (Householder 1958), T = Z·Λ·Zᵀ by implicit QL (Francis 1961; Dubrulle, Martin & Wilkinson
// 1968), and Q and Z are kept as the reflections and rotations that they are products of.
import { eigen } from './eigen.ts';

/** A = V·diag(values)·Vᵀ, in no order. */
export interface Spectrum {
  readonly values: Float64Array;
  /** Vᵀ·b. */
  readonly along: Float64Array;
  /** V·c; c is overwritten. */
  back(c: Float64Array): Float64Array;
}

/** Below this many rows Jacobi's method costs little, and a cut at n·eps would be near the roundings of the other. */
const FEW = 17;
/** Rows whose squared lengths differ by more keep small eigenvalues' digits with Jacobi's method only. */
const ALIKE = 1e4;
/** Eigenvalues between these shares of a cut are left for Jacobi's method to decide. Roundings of the fast way are about n·eps/7. */
const NEAR = [1 / 4, 16] as const;
const EPS = 2.220446049250313e-16;

/**
 * The spectrum of A [n · n], with b [n] in its terms. `cut` is the share of the largest eigenvalue below which the caller takes one for
 * 0: where the fast way leaves in doubt on which side of it one is, Jacobi's method decides.
 */
export function spectrum(matrix: Float64Array, b: Float64Array, n: number, cut: number): Spectrum {
  return (n >= FEW && alike(matrix, n) ? fast(matrix, b, n, cut) : null) ?? slow(matrix, b, n);
}

/** A⁺·b: the shortest of the vectors that come nearest to solving A·x = b. A symmetric, [n · n]. */
export function pseudoSolve(matrix: Float64Array, b: Float64Array, n: number): Float64Array {
  // Eigenvalues above this share of the largest count; the rest is rounding (as in NumPy's and PyTorch's matrix_rank).
  const cut = n * EPS;
  const { values, along, back } = spectrum(matrix, b, n, cut);
  const least = values.reduce((x, y) => Math.max(x, Math.abs(y)), 0) * cut;
  return back(along.map((v, k) => (Math.abs(values[k] as number) > least ? v / (values[k] as number) : 0)));
}

function alike(matrix: Float64Array, n: number): boolean {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < n; i++) {
    const v = matrix[i * n + i] as number;
    if (v === 0) continue;
    least = Math.min(least, v);
    most = Math.max(most, v);
  }
  return least > 0 && most < ALIKE * least;
}

function slow(matrix: Float64Array, b: Float64Array, n: number): Spectrum {
  const { values, vectors } = eigen(matrix, n);
  const along = new Float64Array(n);
  for (let k = 0; k < n; k++) for (let i = 0; i < n; i++) along[k] = (along[k] as number) + (vectors[k * n + i] as number) * (b[i] as number);
  const back = (c: Float64Array): Float64Array => {
    const x = new Float64Array(n);
    for (let k = 0; k < n; k++) for (let i = 0; i < n; i++) x[i] = (x[i] as number) + (vectors[k * n + i] as number) * (c[k] as number);
    return x;
  };
  return { values, along, back };
}

function fast(matrix: Float64Array, b: Float64Array, n: number, cut: number): Spectrum | null {
  const a = matrix.slice();
  let scale = 0;
  for (let i = 0; i < n; i++) scale = Math.max(scale, a[i * n + i] as number);
  for (let at = 0; at < a.length; at++) a[at] = (a[at] as number) / scale;
  const across = new Float64Array(n);
  const squares = tridiagonal(a, n, across);
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = a[i * n + i] as number;
  const along = b.slice();
  for (let i = n - 1; i > 1; i--) reflect(a, n, i, squares[i] as number, along);
  const turns = rotations(values, across, n, along);
  if (!turns) return null;
  let largest = 0;
  for (const v of values) largest = Math.max(largest, Math.abs(v));
  const least = largest * cut;
  for (let i = 0; i < n; i++) {
    const size = Math.abs(values[i] as number);
    if (size > least * NEAR[0] && size < least * NEAR[1]) return null;
    values[i] = (values[i] as number) * scale;
  }
  const back = (c: Float64Array): Float64Array => {
    const { rows, cosines, sines } = turns;
    for (let t = turns.count - 1; t >= 0; t--) {
      const i = rows[t] as number;
      const [x, y] = [c[i] as number, c[i + 1] as number];
      c[i] = (cosines[t] as number) * x + (sines[t] as number) * y;
      c[i + 1] = (cosines[t] as number) * y - (sines[t] as number) * x;
    }
    for (let i = 2; i < n; i++) reflect(a, n, i, squares[i] as number, c);
    return c;
  };
  return { values, along, back };
}

/**
 * Makes A tridiagonal from the last row up, in its lower half: row i is left with u, the first i elements, of the reflection
 * I − u·uᵀ/h, h = uᵀu/2 (returned; 0 where there is none), its diagonal with T's, and `across[i]` with T[i][i − 1].
 */
function tridiagonal(a: Float64Array, n: number, across: Float64Array): Float64Array {
  const squares = new Float64Array(n);
  const u = new Float64Array(n);
  const p = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const last = a[i * n + i - 1] as number;
    let rest = 0;
    for (let k = 0; k < i - 1; k++) rest += (a[i * n + k] as number) ** 2;
    across[i] = last;
    if (rest === 0) continue;
    const length = last > 0 ? -Math.sqrt(rest + last * last) : Math.sqrt(rest + last * last);
    across[i] = length;
    a[i * n + i - 1] = last - length;
    const h = length * (length - last);
    squares[i] = h;
    for (let k = 0; k < i; k++) u[k] = a[i * n + k] as number;
    product(a, n, i, u, p);
    let up = 0;
    for (let k = 0; k < i; k++) up += (u[k] as number) * (p[k] as number);
    const half = up / (2 * h);
    for (let k = 0; k < i; k++) p[k] = ((p[k] as number) - half * (u[k] as number)) / h;
    for (let j = 0, row = 0; j < i; j++, row += n) {
      const uj = u[j] as number;
      const pj = p[j] as number;
      for (let k = 0; k <= j; k++) a[row + k] = (a[row + k] as number) - (uj * (p[k] as number) + pj * (u[k] as number));
    }
  }
  return squares;
}

/** p ← A·u over the first `size` rows, of which the lower half stands. Two rows at once. */
function product(a: Float64Array, n: number, size: number, u: Float64Array, p: Float64Array): void {
  let j = 0;
  for (; j + 1 < size; j += 2) {
    const r0 = j * n;
    const r1 = r0 + n;
    const u0 = u[j] as number;
    const u1 = u[j + 1] as number;
    let s0 = 0;
    let s1 = 0;
    for (let k = 0; k < j; k++) {
      const x = a[r0 + k] as number;
      const y = a[r1 + k] as number;
      const uk = u[k] as number;
      s0 += x * uk;
      s1 += y * uk;
      p[k] = (p[k] as number) + (x * u0 + y * u1);
    }
    const side = a[r1 + j] as number;
    p[j] = s0 + (a[r0 + j] as number) * u0 + side * u1;
    p[j + 1] = s1 + side * u0 + (a[r1 + j + 1] as number) * u1;
  }
  if (j === size) return;
  const row = j * n;
  const uj = u[j] as number;
  let sum = (a[row + j] as number) * uj;
  for (let k = 0; k < j; k++) {
    sum += (a[row + k] as number) * (u[k] as number);
    p[k] = (p[k] as number) + (a[row + k] as number) * uj;
  }
  p[j] = sum;
}

/** x ← x − u·(uᵀx)/h, the reflection that row i keeps. */
function reflect(a: Float64Array, n: number, i: number, h: number, x: Float64Array): void {
  if (h === 0) return;
  const row = i * n;
  let dot = 0;
  for (let k = 0; k < i; k++) dot += (a[row + k] as number) * (x[k] as number);
  dot /= h;
  for (let k = 0; k < i; k++) x[k] = (x[k] as number) - dot * (a[row + k] as number);
}

/** Plane rotations of neighbouring rows i and i + 1, in the order of their making. */
interface Rotations {
  readonly rows: Int32Array;
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
  readonly count: number;
}

/**
 * Implicit QL with Wilkinson's shift: d, T's diagonal, becomes its eigenvalues, y becomes Zᵀ·y; e[i] = T[i][i − 1] is used up. Null
 * where it takes more than 2·n² rotations; 1.2·n² are usual.
 */
function rotations(d: Float64Array, e: Float64Array, n: number, y: Float64Array): Rotations | null {
  const room = 2 * n * n + n;
  const rows = new Int32Array(room);
  const cosines = new Float64Array(room);
  const sines = new Float64Array(room);
  let count = 0;
  for (let first = 0; first < n; ) {
    // The block that begins at `first` and ends where an element across is rounding.
    let last = first;
    while (last + 1 < n && Math.abs(e[last + 1] as number) > (EPS / 2) * (Math.abs(d[last] as number) + Math.abs(d[last + 1] as number))) last++;
    if (last === first) {
      first++;
      continue;
    }
    if (count + last - first > room) return null;
    // The shift: the eigenvalue of the block's first 2 × 2 that is nearer to its first element.
    const [d0, e0] = [d[first] as number, e[first + 1] as number];
    const half = ((d[first + 1] as number) - d0) / 2;
    const root = Math.sqrt(half * half + e0 * e0);
    const shift = d0 - (e0 * e0) / (half + (half >= 0 ? root : -root));
    // A rotation at the block's end as a step of QL with that shift would make, then the bulge is chased to its beginning.
    let chase = (d[last] as number) - shift;
    let bulge = e[last] as number;
    for (let i = last - 1; i >= first; i--) {
      const size = Math.sqrt(chase * chase + bulge * bulge);
      const c = size === 0 ? 1 : chase / size;
      const s = size === 0 ? 0 : bulge / size;
      // [c −s; s c] on the rows i, i + 1 and the columns i, i + 1.
      const [low, high, side] = [d[i] as number, d[i + 1] as number, e[i + 1] as number];
      if (i + 1 < last) e[i + 2] = size;
      const move = s * ((high - low) * s - 2 * c * side);
      d[i] = low + move;
      d[i + 1] = high - move;
      e[i + 1] = (c * c - s * s) * side - c * s * (high - low);
      chase = e[i + 1] as number;
      if (i > first) {
        bulge = s * (e[i] as number);
        e[i] = c * (e[i] as number);
      }
      const [a, b] = [y[i] as number, y[i + 1] as number];
      y[i] = c * a - s * b;
      y[i + 1] = s * a + c * b;
      rows[count] = i;
      cosines[count] = c;
      sines[count++] = s;
    }
  }
  return { rows, cosines, sines, count };
}
