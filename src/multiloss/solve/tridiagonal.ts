// A = Q·T·Qᵀ with T tridiagonal (Householder 1958), and T = Z·Λ·Zᵀ by implicit QL (Francis 1961; Dubrulle, Martin & Wilkinson 1968). Q
// and Z stay the reflections and rotations that they are products of.

const EPS = 2.220446049250313e-16;

/**
 * Makes A tridiagonal from the last row up, in its lower half: row i is left with u, the first i elements, of the reflection
 * I − u·uᵀ/h, h = uᵀu/2 (returned; 0 where there is none), its diagonal with T's, and `across[i]` with T[i][i − 1]. Null where a
 * reflection mixes rows by more than `mixing`, relative to the roots of their diagonal elements.
 */
export function tridiagonal(a: Float64Array, n: number, across: Float64Array, mixing: number): Float64Array | null {
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
    if (mixing < Number.POSITIVE_INFINITY && mixes(a, n, i, u) > mixing * h) return null;
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

/** max |uⱼ|/dⱼ · max |uₖ|·dₖ over the first `size` rows, d the roots of the diagonal: h times more than D⁻¹·u·uᵀ·D/h has in any place. */
function mixes(a: Float64Array, n: number, size: number, u: Float64Array): number {
  let [over, under] = [0, 0];
  for (let k = 0; k < size; k++) {
    const v = Math.abs(u[k] as number);
    if (v === 0) continue;
    const d = Math.sqrt(Math.max(a[k * n + k] as number, 0));
    over = Math.max(over, v / d);
    under = Math.max(under, v * d);
  }
  return over * under;
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
export function reflect(a: Float64Array, n: number, i: number, h: number, x: Float64Array): void {
  if (h === 0) return;
  const row = i * n;
  let dot = 0;
  for (let k = 0; k < i; k++) dot += (a[row + k] as number) * (x[k] as number);
  dot /= h;
  for (let k = 0; k < i; k++) x[k] = (x[k] as number) - dot * (a[row + k] as number);
}

/** Plane rotations of neighbouring rows i and i + 1, in the order of their making. */
export interface Rotations {
  readonly rows: Int32Array;
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
  readonly count: number;
}

/**
 * Implicit QL with Wilkinson's shift: d, T's diagonal, becomes its eigenvalues, y becomes Zᵀ·y; e[i] = T[i][i − 1] is used up. Null
 * where it takes more than 2·n² rotations; 1.2·n² are usual.
 */
export function rotations(d: Float64Array, e: Float64Array, n: number, y: Float64Array): Rotations | null {
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
