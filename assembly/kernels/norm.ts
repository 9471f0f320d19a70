// Normalising rows: mean 0, variance 1. f32 [rows, n], n ≥ 1.
import { loadTail, splat, storeTail, sumLanes } from "../lanes";
import { squaresAround, sumRow } from "./reduce";

/** y = (x − mean)·r and inverse = r = 1/√(variance + ε), by rows; the variance divides by n. eps: address of ε; inverse [rows]. */
export function layerNorm(x: usize, y: usize, inverse: usize, rows: i32, n: i32, eps: usize): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, y += row, inverse += 4) {
    const mean = sumRow(x, n) / <f32>n;
    const r = <f32>1 / sqrt<f32>(squaresAround(x, n, mean) / <f32>n + load<f32>(eps));
    store<f32>(inverse, r);
    const m = splat(mean), s = splat(r);
    let k = n, p = x, q = y;
    for (; k >= 4; k -= 4, p += 16, q += 16) v128.store(q, f32x4.mul(f32x4.sub(v128.load(p), m), s));
    if (k > 0) storeTail(q, f32x4.mul(f32x4.sub(loadTail(p, k), m), s), k);
  }
}

/** dx = r·(dy − mean(dy) − y·mean(dy·y)), by rows: the gradient of layerNorm from its output. */
export function layerNormGrad(dy: usize, y: usize, inverse: usize, dx: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, dy += row, y += row, dx += row, inverse += 4) {
    let dot = splat(0), k = n, p = dy, q = y;
    for (; k >= 4; k -= 4, p += 16, q += 16) dot = f32x4.add(dot, f32x4.mul(v128.load(p), v128.load(q)));
    if (k > 0) dot = f32x4.add(dot, f32x4.mul(loadTail(p, k), loadTail(q, k)));
    const mean = splat(sumRow(dy, n) / <f32>n), along = splat(sumLanes(dot) / <f32>n), r = splat(load<f32>(inverse));
    let d = dx;
    for (k = n, p = dy, q = y; k >= 4; k -= 4, p += 16, q += 16, d += 16) {
      v128.store(d, f32x4.mul(r, f32x4.sub(f32x4.sub(v128.load(p), mean), f32x4.mul(v128.load(q), along))));
    }
    if (k > 0) storeTail(d, f32x4.mul(r, f32x4.sub(f32x4.sub(loadTail(p, k), mean), f32x4.mul(loadTail(q, k), along))), k);
  }
}
