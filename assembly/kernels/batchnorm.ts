// Normalising channels: mean 0, variance 1 over all samples and places of a channel. f32 [N, C, L]: a channel is N runs of L floats,
// C·L apart. Runs are summed in float32, the sums of runs in float64.
import { loadTail, splat, storeTail, sumLanes } from "../lanes";
import { squaresAround, sumRow } from "./reduce";

/** Σ a·b of a run. */
function products(a: usize, b: usize, n: i32): f32 {
  let dot = splat(0);
  for (; n >= 4; n -= 4, a += 16, b += 16) dot = f32x4.add(dot, f32x4.mul(v128.load(a), v128.load(b)));
  if (n > 0) dot = f32x4.add(dot, f32x4.mul(loadTail(a, n), loadTail(b, n)));
  return sumLanes(dot);
}

/** y = (x − mean)·r, r = 1/√(variance + ε), by channels; mean, variance (divided by N·L) and r go to [C] each. eps: address of ε. */
export function batchNorm(x: usize, y: usize, mean: usize, variance: usize, inverse: usize, N: i32, C: i32, L: i32, eps: usize): void {
  const run = <usize>L << 2, step = run * <usize>C;
  const count = <f64>N * <f64>L;
  for (let c = 0; c < C; c++, x += run, y += run, mean += 4, variance += 4, inverse += 4) {
    let total: f64 = 0;
    for (let i = 0, p = x; i < N; i++, p += step) total += <f64>sumRow(p, L);
    const m = <f32>(total / count);
    total = 0;
    for (let i = 0, p = x; i < N; i++, p += step) total += <f64>squaresAround(p, L, m);
    const v = <f32>(total / count), r = <f32>1 / sqrt<f32>(v + load<f32>(eps));
    store<f32>(mean, m);
    store<f32>(variance, v);
    store<f32>(inverse, r);
    const shift = splat(m), scale = splat(r);
    for (let i = 0, p = x, q = y; i < N; i++, p += step, q += step) {
      let k = L, s = p, d = q;
      for (; k >= 4; k -= 4, s += 16, d += 16) v128.store(d, f32x4.mul(f32x4.sub(v128.load(s), shift), scale));
      if (k > 0) storeTail(d, f32x4.mul(f32x4.sub(loadTail(s, k), shift), scale), k);
    }
  }
}

/** dx = r·(dy − mean(dy) − y·mean(dy·y)), by channels: the gradient of batchNorm from its output. inverse: r [C]. */
export function batchNormGrad(dy: usize, y: usize, inverse: usize, dx: usize, N: i32, C: i32, L: i32): void {
  const run = <usize>L << 2, step = run * <usize>C;
  const count = <f64>N * <f64>L;
  for (let c = 0; c < C; c++, dy += run, y += run, dx += run, inverse += 4) {
    let total: f64 = 0, dot: f64 = 0;
    for (let i = 0, p = dy, q = y; i < N; i++, p += step, q += step) {
      total += <f64>sumRow(p, L);
      dot += <f64>products(p, q, L);
    }
    const mean = splat(<f32>(total / count)), along = splat(<f32>(dot / count)), r = splat(load<f32>(inverse));
    for (let i = 0, p = dy, q = y, d = dx; i < N; i++, p += step, q += step, d += step) {
      let k = L, s = p, t = q, u = d;
      for (; k >= 4; k -= 4, s += 16, t += 16, u += 16) {
        v128.store(u, f32x4.mul(r, f32x4.sub(f32x4.sub(v128.load(s), mean), f32x4.mul(v128.load(t), along))));
      }
      if (k > 0) storeTail(u, f32x4.mul(r, f32x4.sub(f32x4.sub(loadTail(s, k), mean), f32x4.mul(loadTail(t, k), along))), k);
    }
  }
}
