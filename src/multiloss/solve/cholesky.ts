// A = L·Lᵀ over some rows and columns of A, and what is solved with it. L stands by rows with A's stride n.

/** Rows that are closer to dependent than this (1 − R² of one on the others) count as dependent. Gramians carry roundings of 1e-16. */
export const DEPENDENT = 1e-12;

/** A few roundings of a float64. */
const ROUNDING = 1e-15;

/**
 * L·Lᵀ = A over the rows and columns `set[from … size)`, given the part of L before `from`. False where a pivot falls below `least` of
 * its diagonal element, or below what rounding makes of it after the smallest pivot before: those rows are dependent.
 */
export function factor(a: Float64Array, n: number, set: Int32Array, size: number, l: Float64Array, least = DEPENDENT, from = 0): boolean {
  const faintest = least < ROUNDING ? 0 : ROUNDING;
  let smallest = 1;
  for (let i = 0; i < from; i++) smallest = Math.min(smallest, (l[i * n + i] as number) ** 2 / (a[(set[i] as number) * (n + 1)] as number));
  for (let start = from; start < size; ) {
    // Four rows at once begin at multiples of four; those of them that stand already are made again, to the same bits.
    const four = start & ~3;
    const many = four + 4 <= size && start + 1 < size;
    if (many) start = four;
    const end = many ? four + 4 : start + 1;
    if (many) fourRows(a, n, set, four, l);
    else oneRow(a, n, set, start, l);
    for (; start < end; start++) {
      const at = start * n + start;
      const pivot = l[at] as number;
      const diagonal = a[(set[start] as number) * (n + 1)] as number;
      if (!(pivot > Math.max(least, faintest / smallest) * diagonal)) return false;
      smallest = Math.min(smallest, pivot / diagonal);
      l[at] = Math.sqrt(pivot);
      eliminate(l, n, start, end);
    }
  }
  return true;
}

/** Row i of L, but for its last element, whose square stands there. Four columns at once: their sums do not wait for one another. */
function oneRow(a: Float64Array, n: number, set: Int32Array, i: number, l: Float64Array): void {
  const row = (set[i] as number) * n;
  const li = i * n;
  let j = 0;
  for (; j + 3 < i; j += 4) {
    const l0 = j * n;
    const l1 = l0 + n;
    const l2 = l1 + n;
    const l3 = l2 + n;
    let s0 = a[row + (set[j] as number)] as number;
    let s1 = a[row + (set[j + 1] as number)] as number;
    let s2 = a[row + (set[j + 2] as number)] as number;
    let s3 = a[row + (set[j + 3] as number)] as number;
    for (let k = 0; k < j; k++) {
      const x = l[li + k] as number;
      s0 -= x * (l[l0 + k] as number);
      s1 -= x * (l[l1 + k] as number);
      s2 -= x * (l[l2 + k] as number);
      s3 -= x * (l[l3 + k] as number);
    }
    s0 *= 1 / (l[l0 + j] as number);
    s1 = (s1 - s0 * (l[l1 + j] as number)) * (1 / (l[l1 + j + 1] as number));
    s2 = (s2 - s0 * (l[l2 + j] as number) - s1 * (l[l2 + j + 1] as number)) * (1 / (l[l2 + j + 2] as number));
    s3 = (s3 - s0 * (l[l3 + j] as number) - s1 * (l[l3 + j + 1] as number) - s2 * (l[l3 + j + 2] as number)) * (1 / (l[l3 + j + 3] as number));
    l[li + j] = s0;
    l[li + j + 1] = s1;
    l[li + j + 2] = s2;
    l[li + j + 3] = s3;
  }
  for (; j < i; j++) {
    const lj = j * n;
    let sum = a[row + (set[j] as number)] as number;
    for (let k = 0; k < j; k++) sum -= (l[li + k] as number) * (l[lj + k] as number);
    l[li + j] = sum * (1 / (l[lj + j] as number));
  }
  let square = a[row + (set[i] as number)] as number;
  for (let k = 0; k < i; k++) square -= (l[li + k] as number) * (l[li + k] as number);
  l[li + i] = square;
}

/**
 * The rows i to i + 3 of L, i a multiple of 4: their elements before i, two columns at once, and what those leave of A from i on, to
 * be eliminated.
 */
function fourRows(a: Float64Array, n: number, set: Int32Array, i: number, l: Float64Array): void {
  const a0 = (set[i] as number) * n;
  const a1 = (set[i + 1] as number) * n;
  const a2 = (set[i + 2] as number) * n;
  const a3 = (set[i + 3] as number) * n;
  const l0 = i * n;
  const l1 = l0 + n;
  const l2 = l1 + n;
  const l3 = l2 + n;
  for (let j = 0; j < i; j += 2) {
    const lj = j * n;
    const ln = lj + n;
    const column = set[j] as number;
    const next = set[j + 1] as number;
    let s0 = a[a0 + column] as number;
    let s1 = a[a1 + column] as number;
    let s2 = a[a2 + column] as number;
    let s3 = a[a3 + column] as number;
    let t0 = a[a0 + next] as number;
    let t1 = a[a1 + next] as number;
    let t2 = a[a2 + next] as number;
    let t3 = a[a3 + next] as number;
    for (let k = 0; k < j; k++) {
      const v = l[lj + k] as number;
      const w = l[ln + k] as number;
      const x0 = l[l0 + k] as number;
      const x1 = l[l1 + k] as number;
      const x2 = l[l2 + k] as number;
      const x3 = l[l3 + k] as number;
      s0 -= x0 * v;
      s1 -= x1 * v;
      s2 -= x2 * v;
      s3 -= x3 * v;
      t0 -= x0 * w;
      t1 -= x1 * w;
      t2 -= x2 * w;
      t3 -= x3 * w;
    }
    const side = l[ln + j] as number;
    const own = 1 / (l[lj + j] as number);
    const below = 1 / (l[ln + j + 1] as number);
    s0 *= own;
    s1 *= own;
    s2 *= own;
    s3 *= own;
    l[l0 + j] = s0;
    l[l1 + j] = s1;
    l[l2 + j] = s2;
    l[l3 + j] = s3;
    l[l0 + j + 1] = (t0 - s0 * side) * below;
    l[l1 + j + 1] = (t1 - s1 * side) * below;
    l[l2 + j + 1] = (t2 - s2 * side) * below;
    l[l3 + j + 1] = (t3 - s3 * side) * below;
  }
  let d0 = a[a0 + (set[i] as number)] as number;
  let d1 = a[a1 + (set[i + 1] as number)] as number;
  let d2 = a[a2 + (set[i + 2] as number)] as number;
  let d3 = a[a3 + (set[i + 3] as number)] as number;
  let d10 = a[a1 + (set[i] as number)] as number;
  let d20 = a[a2 + (set[i] as number)] as number;
  let d21 = a[a2 + (set[i + 1] as number)] as number;
  let d30 = a[a3 + (set[i] as number)] as number;
  let d31 = a[a3 + (set[i + 1] as number)] as number;
  let d32 = a[a3 + (set[i + 2] as number)] as number;
  for (let k = 0; k < i; k++) {
    const x0 = l[l0 + k] as number;
    const x1 = l[l1 + k] as number;
    const x2 = l[l2 + k] as number;
    const x3 = l[l3 + k] as number;
    d0 -= x0 * x0;
    d1 -= x1 * x1;
    d2 -= x2 * x2;
    d3 -= x3 * x3;
    d10 -= x1 * x0;
    d20 -= x2 * x0;
    d21 -= x2 * x1;
    d30 -= x3 * x0;
    d31 -= x3 * x1;
    d32 -= x3 * x2;
  }
  l[l0 + i] = d0;
  l[l1 + i] = d10;
  l[l1 + i + 1] = d1;
  l[l2 + i] = d20;
  l[l2 + i + 1] = d21;
  l[l2 + i + 2] = d2;
  l[l3 + i] = d30;
  l[l3 + i + 1] = d31;
  l[l3 + i + 2] = d32;
  l[l3 + i + 3] = d3;
}

/** Takes column `i`, whose root stands, out of the rows after it, up to `end`. */
function eliminate(l: Float64Array, n: number, i: number, end: number): void {
  const inverse = 1 / (l[i * n + i] as number);
  for (let r = i + 1; r < end; r++) {
    const lr = r * n;
    const v = (l[lr + i] as number) * inverse;
    l[lr + i] = v;
    for (let j = i + 1; j <= r; j++) l[lr + j] = (l[lr + j] as number) - v * (l[j * n + i] as number);
  }
}

/** x ← (L·Lᵀ)⁻¹·x, the first `size` elements. Four rows at once, as far as they go. */
export function solveFactored(l: Float64Array, n: number, size: number, x: Float64Array): void {
  let i = 0;
  for (; i + 3 < size; i += 4) {
    const l0 = i * n;
    const l1 = l0 + n;
    const l2 = l1 + n;
    const l3 = l2 + n;
    let s0 = x[i] as number;
    let s1 = x[i + 1] as number;
    let s2 = x[i + 2] as number;
    let s3 = x[i + 3] as number;
    for (let k = 0; k < i; k++) {
      const v = x[k] as number;
      s0 -= (l[l0 + k] as number) * v;
      s1 -= (l[l1 + k] as number) * v;
      s2 -= (l[l2 + k] as number) * v;
      s3 -= (l[l3 + k] as number) * v;
    }
    s0 /= l[l0 + i] as number;
    s1 = (s1 - (l[l1 + i] as number) * s0) / (l[l1 + i + 1] as number);
    s2 = (s2 - (l[l2 + i] as number) * s0 - (l[l2 + i + 1] as number) * s1) / (l[l2 + i + 2] as number);
    s3 = (s3 - (l[l3 + i] as number) * s0 - (l[l3 + i + 1] as number) * s1 - (l[l3 + i + 2] as number) * s2) / (l[l3 + i + 3] as number);
    x[i] = s0;
    x[i + 1] = s1;
    x[i + 2] = s2;
    x[i + 3] = s3;
  }
  const whole = i;
  for (; i < size; i++) {
    const li = i * n;
    let sum = x[i] as number;
    for (let k = 0; k < i; k++) sum -= (l[li + k] as number) * (x[k] as number);
    x[i] = sum / (l[li + i] as number);
  }
  for (i = size - 1; i >= whole; i--) {
    const li = i * n;
    const v = (x[i] as number) / (l[li + i] as number);
    x[i] = v;
    for (let k = 0; k < i; k++) x[k] = (x[k] as number) - (l[li + k] as number) * v;
  }
  for (i = whole - 4; i >= 0; i -= 4) {
    const l0 = i * n;
    const l1 = l0 + n;
    const l2 = l1 + n;
    const l3 = l2 + n;
    const x3 = (x[i + 3] as number) / (l[l3 + i + 3] as number);
    const x2 = ((x[i + 2] as number) - (l[l3 + i + 2] as number) * x3) / (l[l2 + i + 2] as number);
    const x1 = ((x[i + 1] as number) - (l[l3 + i + 1] as number) * x3 - (l[l2 + i + 1] as number) * x2) / (l[l1 + i + 1] as number);
    const x0 = ((x[i] as number) - (l[l3 + i] as number) * x3 - (l[l2 + i] as number) * x2 - (l[l1 + i] as number) * x1) / (l[l0 + i] as number);
    x[i] = x0;
    x[i + 1] = x1;
    x[i + 2] = x2;
    x[i + 3] = x3;
    for (let k = 0; k < i; k++) {
      x[k] = (x[k] as number) - ((l[l0 + k] as number) * x0 + (l[l1 + k] as number) * x1 + ((l[l2 + k] as number) * x2 + (l[l3 + k] as number) * x3));
    }
  }
}
