// Several losses' gradients [m, n] made into one [n], element by element: four columns at a time, down all rows.
import { loadTail, splat, storeTail } from "../lanes";

/** Four columns of a row, zeros behind the row's end; n columns are left. */
@inline function columns(x: usize, n: i32): v128 {
  return n >= 4 ? v128.load(x) : loadTail(x, n);
}

@inline function put(y: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(y, v);
  else storeTail(y, v, n);
}

/**
 * GradDrop (Chen et al. 2020, arXiv 2010.06808): P = ½(1 + Σg/Σ|g|) per column; y = Σ of the positive g where P > u, of the negative g
 * where P < u; what is dropped counts leak[i] times. x f32 [m, n], u f32 [n] in [0, 1), leak f32 [m], y f32 [n].
 */
export function gradDrop(x: usize, u: usize, leak: usize, y: usize, m: i32, n: i32): void {
  const stride = <usize>n << 2, zero = splat(0);
  for (; n > 0; n -= 4, x += 16, u += 16, y += 16) {
    let sum = zero, size = zero;
    for (let i = 0, p = x; i < m; i++, p += stride) {
      const g = columns(p, n);
      sum = f32x4.add(sum, g);
      size = f32x4.add(size, f32x4.abs(g));
    }
    // 0/0 is NaN, for which no comparison holds: a column of zeros stays 0.
    const purity = f32x4.mul(splat(0.5), f32x4.add(splat(1), f32x4.div(sum, size)));
    const threshold = columns(u, n);
    const up = f32x4.gt(purity, threshold), down = f32x4.lt(purity, threshold);
    let kept = zero;
    for (let i = 0, p = x; i < m; i++, p += stride) {
      const g = columns(p, n);
      const keep = v128.or(v128.and(up, f32x4.gt(g, zero)), v128.and(down, f32x4.lt(g, zero)));
      kept = f32x4.add(kept, v128.bitselect(g, f32x4.mul(g, splat(load<f32>(leak + (<usize>i << 2)))), keep));
    }
    put(y, kept, n);
  }
}

/**
 * Trimmed mean (Yin et al. 2018, arXiv 1803.01498): y = the mean of each column of x without its k largest and its k smallest.
 * x f32 [m, n], y f32 [n], m > 2k; scratch: 16·m bytes.
 */
export function trimmedMean(x: usize, scratch: usize, y: usize, m: i32, n: i32, k: i32): void {
  const stride = <usize>n << 2, share = splat(<f32>1 / <f32>(m - 2 * k));
  for (; n > 0; n -= 4, x += 16, y += 16) {
    for (let i = 0, p = x; i < m; i++, p += stride) v128.store(scratch + (<usize>i << 4), columns(p, n));
    // Each turn carries the largest of what is left to its end and the smallest to its start.
    let from = scratch, to = scratch + (<usize>(m - 1) << 4);
    for (let turn = 0; turn < k; turn++, from += 16, to -= 16) {
      for (let p = from; p < to; p += 16) exchange(p, p + 16);
      for (let p = to - 16; p > from; p -= 16) exchange(p - 16, p);
    }
    let sum = splat(0);
    for (let p = from; p <= to; p += 16) sum = f32x4.add(sum, v128.load(p));
    put(y, f32x4.mul(sum, share), n);
  }
}

/** The smaller to p, the larger to q, lane by lane. */
@inline function exchange(p: usize, q: usize): void {
  const a = v128.load(p), b = v128.load(q);
  v128.store(p, f32x4.min(a, b));
  v128.store(q, f32x4.max(a, b));
}
