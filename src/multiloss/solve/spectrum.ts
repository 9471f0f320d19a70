// Functions of a symmetric matrix at one vector, f(A)·b: what the pseudo-inverse and inverse square roots come down to. Eigenvectors
// are never made: A = Q·T·Qᵀ = Q·Z·Λ·Zᵀ·Qᵀ, where Q and Z stay the reflections and rotations that they are products of.
import { isDefinite } from './cholesky.ts';
import { eigen } from './eigen.ts';
import { indices, inner } from './matrix.ts';
import { type Ranked, ranked } from './rank.ts';
import { reflect, rotations, tridiagonal } from './tridiagonal.ts';

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
/** Rows whose squared lengths differ by more are put in the order of their lengths, which keeps the digits of small eigenvalues. */
const ALIKE = 1e4;
/** How much a reflection may mix rows, relative to their lengths: beyond, small eigenvalues would lose their digits. */
const MIXING = 100;
/** A row that keeps this share of its square beside others is independent enough for relatively accurate eigenvalues. */
const INDEPENDENT = 1e-5;
/** The same for vectors that are made from columns, which are nearly orthogonal. */
const ORTHOGONAL = 1e-2;
/** Eigenvalues between these shares of a cut are left for Jacobi's method to decide. Roundings of the fast way are about n·eps/7. */
const NEAR = [1 / 4, 16] as const;
/** The same where eigenvalues are relatively accurate. */
const NEARER = [1 - 1e-8, 1 + 1e-8] as const;
const EPS = 2.220446049250313e-16;

/**
 * The spectrum of A [n · n], with b [n] in its terms. `cut` is the share of the largest eigenvalue below which the caller takes one for
 * 0: where the fast way leaves in doubt on which side of it one is, Jacobi's method decides.
 */
export function spectrum(matrix: Float64Array, b: Float64Array, n: number, cut: number): Spectrum {
  if (n < FEW) return slow(matrix, b, n);
  const factors = isDefinite(matrix, n) ? null : ranked(matrix, n);
  const found = alike(matrix, n) ? fast(matrix, b, n, cut, NEAR, Number.POSITIVE_INFINITY) : graded(matrix, b, n, cut, INDEPENDENT);
  return found ?? (factors && reduced(factors, b, n, cut)) ?? slow(matrix, b, n);
}

/**
 * That of A = L·Lᵀ from that of H = LᵀL, which has the same eigenvalues but for those that are 0: with H = V·Λ·Vᵀ, A's vectors are
 * L·V·Λ^(−½). L's columns, from the row that leaves most on, are nearly orthogonal beside their lengths (Veselić & Hari 1989), so that
 * small eigenvalues keep their digits. Null where no row depends on others.
 */
function reduced({ l, order, rank }: Ranked, b: Float64Array, n: number, cut: number): Spectrum | null {
  if (rank === 0 || rank === n) return null;
  const h = new Float64Array(rank * rank);
  const lb = new Float64Array(rank);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const size = Math.min(i + 1, rank);
    const bi = b[order[i] as number] as number;
    for (let k = 0; k < size; k++) {
      const v = l[row + k] as number;
      lb[k] = (lb[k] as number) + v * bi;
      for (let j = 0, at = k * rank; j <= k; j++, at++) h[at] = (h[at] as number) + v * (l[row + j] as number);
    }
  }
  for (let k = 0; k < rank; k++) for (let j = 0; j < k; j++) h[j * rank + k] = h[k * rank + j] as number;
  const found = graded(h, lb, rank, cut, ORTHOGONAL) ?? slow(h, lb, rank);
  const roots = found.values.map((v) => (v > 0 ? Math.sqrt(v) : 0));
  const values = new Float64Array(n);
  values.set(found.values);
  const along = new Float64Array(n);
  found.along.forEach((v, k) => {
    along[k] = roots[k] === 0 ? 0 : v / (roots[k] as number);
  });
  const within = (c: Float64Array): Float64Array => {
    const x = new Float64Array(n);
    const y = found.back(roots.map((root, k) => (root === 0 ? 0 : (c[k] as number) / root)));
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let k = 0; k <= i && k < rank; k++) sum += (l[i * n + k] as number) * (y[k] as number);
      x[order[i] as number] = sum;
    }
    return x;
  };
  // What of b no row has stands for all vectors whose eigenvalue is 0.
  const rest = within(along.slice()).map((v, i) => (b[i] as number) - v);
  const length = Math.sqrt(inner(rest, rest));
  along[rank] = length;
  const back = (c: Float64Array): Float64Array => {
    const share = length === 0 ? 0 : (c[rank] as number) / length;
    return within(c).map((v, i) => v + share * (rest[i] as number));
  };
  return { values, along, back };
}

/**
 * A with rows of very different lengths, A = D·C·D: in the order of their lengths, the shortest first, reflections from the last row up
 * and QL from the first make roundings that are small beside Dᵢ·Dⱼ (Wilkinson & Reinsch 1971, II/2 and II/3), so that the eigenvalues
 * keep the digits that C's condition leaves them. Null where a reflection mixes rows too much for that, or where a row keeps less than
 * `least` of its square beside the longer ones.
 */
function graded(matrix: Float64Array, b: Float64Array, n: number, cut: number, least: number): Spectrum | null {
  const order = indices(n).sort((i, j) => (matrix[i * n + i] as number) - (matrix[j * n + j] as number) || i - j);
  const sorted = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) sorted[at] = matrix[(order[i] as number) * n + (order[j] as number)] as number;
  if (!isDefinite(sorted, n, least)) return null;
  const found = fast(
    sorted,
    Float64Array.from(order, (i) => b[i] as number),
    n,
    cut,
    NEARER,
    MIXING,
  );
  if (!found) return null;
  const back = (c: Float64Array): Float64Array => {
    const x = new Float64Array(n);
    found.back(c).forEach((v, i) => {
      x[order[i] as number] = v;
    });
    return x;
  };
  return { values: found.values, along: found.along, back };
}

/** The eigenvalue above which one counts: those up to `cut` of the largest do not, nor more than `rank` of them. */
export function leastOf(values: Float64Array, cut: number, rank = values.length): number {
  const sizes = values.map(Math.abs).sort();
  const n = sizes.length;
  return Math.max((sizes[n - 1] ?? 0) * cut, rank < n ? (sizes[n - 1 - rank] as number) : 0);
}

/** A⁺·b: the shortest of the vectors that come nearest to solving A·x = b. A symmetric, [n · n]. `cut`, `rank`: see leastOf. */
export function pseudoSolve(matrix: Float64Array, b: Float64Array, n: number, cut = n * EPS, rank = n): Float64Array {
  const { values, along, back } = spectrum(matrix, b, n, cut);
  const least = leastOf(values, cut, rank);
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

/** `near`: the shares of the cut between which it gives up; `mixing`: see `tridiagonal`. */
function fast(matrix: Float64Array, b: Float64Array, n: number, cut: number, near: readonly [number, number], mixing: number): Spectrum | null {
  const a = matrix.slice();
  let scale = 0;
  for (let i = 0; i < n; i++) scale = Math.max(scale, a[i * n + i] as number);
  for (let at = 0; at < a.length; at++) a[at] = (a[at] as number) / scale;
  const across = new Float64Array(n);
  const squares = tridiagonal(a, n, across, mixing);
  if (!squares) return null;
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
    if (size > least * near[0] && size < least * near[1]) return null;
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
