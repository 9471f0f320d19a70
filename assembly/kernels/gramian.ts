// Inner products between the rows of one or two matrices: float32 products in blocks short enough to be exact to a few roundings,
// their sums in float64. Two rows by two are walked at once, so that each vector loaded serves two products. What leaves float32's range
// that way is summed again in float64.
import { loadTail, mad, splat, sumLanes } from "../lanes";

// Columns per float32 sum: eight rows of a block stay in the first-level cache.
const BLOCK: i32 = 512;

/** Σ p[c]·q[c] of n ≤ BLOCK columns. */
@inline function dot(p: usize, q: usize, n: i32): f64 {
  let a = splat(0), b = a;
  for (; n >= 8; n -= 8, p += 32, q += 32) {
    a = mad(v128.load(p), v128.load(q), a);
    b = mad(v128.load(p, 16), v128.load(q, 16), b);
  }
  for (; n >= 4; n -= 4, p += 16, q += 16) a = mad(v128.load(p), v128.load(q), a);
  if (n > 0) b = mad(loadTail(p, n), loadTail(q, n), b);
  return <f64>sumLanes(f32x4.add(a, b));
}

@inline function addTo(out: usize, value: f64): void {
  store<f64>(out, load<f64>(out) + value);
}

/** out[i, j] += ⟨pᵢ, qⱼ⟩ for two rows of p and two of q, n ≤ BLOCK columns. `stride`: bytes of a row; `wide`: of a row of out. */
function dotFour(p: usize, q: usize, n: i32, stride: usize, out: usize, wide: usize): void {
  const body = n & ~3, p1 = p + stride, q1 = q + stride;
  let a = splat(0), b = a, c = a, d = a;
  const end = <usize>body << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const x = v128.load(p + at), y = v128.load(p1 + at), u = v128.load(q + at), v = v128.load(q1 + at);
    a = mad(x, u, a);
    b = mad(x, v, b);
    c = mad(y, u, c);
    d = mad(y, v, d);
  }
  if (n > body) {
    const left = n - body;
    const x = loadTail(p + end, left), y = loadTail(p1 + end, left), u = loadTail(q + end, left), v = loadTail(q1 + end, left);
    a = mad(x, u, a);
    b = mad(x, v, b);
    c = mad(y, u, c);
    d = mad(y, v, d);
  }
  addTo(out, <f64>sumLanes(a));
  addTo(out + 8, <f64>sumLanes(b));
  addTo(out + wide, <f64>sumLanes(c));
  addTo(out + wide + 8, <f64>sumLanes(d));
}

/** Below LEAST products may have lost digits to float32's smallest numbers; above MOST, or where one is NaN, sums may have overflowed. */
const LEAST: f64 = 1e-30, MOST: f64 = 1e36;

@inline function inRange(cell: usize): bool {
  const size = abs(load<f64>(cell));
  return size > LEAST && size < MOST;
}

/** Σ p[c]·q[c] in float64, which holds every product of two float32 numbers. */
function dotWide(p: usize, q: usize, n: i32): f64 {
  let a = f64x2.splat(0);
  for (; n >= 2; n -= 2, p += 8, q += 8) {
    a = f64x2.add(a, f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(p)), f64x2.promote_low_f32x4(v128.load64_zero(q))));
  }
  const sum = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  return n > 0 ? sum + <f64>load<f32>(p) * <f64>load<f32>(q) : sum;
}

/**
 * out[i, j] = ⟨pᵢ, qⱼ⟩. p, q: f32 [k, n]; out: f64 [k, k]. `symmetric`: the products are known to be symmetric (q is p, or a symmetric map
 * of p), so only j ≤ i is computed and mirrored. Relative error ≤ 1e-6 of ‖pᵢ‖·‖qⱼ‖, whatever these are; finite where p and
 * q are.
 */
export function gramian(p: usize, q: usize, k: i32, n: i32, out: usize, symmetric: i32): void {
  memory.fill(out, 0, <usize>(k * k) << 3);
  const stride = <usize>n << 2, wide = <usize>k << 3;
  for (let start = 0; start < n; start += BLOCK) {
    const count = min(BLOCK, n - start), at = <usize>start << 2;
    for (let i = 0; i < k; i += 2) {
      const rows = p + at + <usize>i * stride, last = symmetric ? i + 1 : k;
      for (let j = 0; j < last; j += 2) {
        const columns = q + at + <usize>j * stride, cell = out + <usize>i * wide + (<usize>j << 3);
        if (i + 1 < k && j + 1 < k) dotFour(rows, columns, count, stride, cell, wide);
        else {
          addTo(cell, dot(rows, columns, count));
          if (i + 1 < k) addTo(cell + wide, dot(rows + stride, columns, count));
          if (j + 1 < k) addTo(cell + 8, dot(rows, columns + stride, count));
        }
      }
    }
  }
  // Two rows' product is no larger than the squares of both: of one batch these tell for all.
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const cell = out + <usize>i * wide + (<usize>j << 3);
      if (symmetric) {
        if (j > i) break;
        if (inRange(out + <usize>i * (wide + 8)) && inRange(out + <usize>j * (wide + 8))) continue;
      } else if (inRange(cell)) continue;
      store<f64>(cell, dotWide(p + <usize>i * stride, q + <usize>j * stride, n));
    }
  }
  if (symmetric) {
    for (let i = 0; i < k; i++) {
      for (let j = i + 1; j < k; j++) store<f64>(out + <usize>i * wide + (<usize>j << 3), load<f64>(out + <usize>j * wide + (<usize>i << 3)));
    }
  }
}
