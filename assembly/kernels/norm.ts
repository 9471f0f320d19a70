// Normalising rows: mean 0, variance 1. f32 [rows, n], n ≥ 1.
import { loadTail, splat, storeTail } from "../lanes";
import { dotRow, squaresAround, sumRow } from "./reduce";

/** y = (x − m)·r of a row, its mean taken away and brought to variance 1. y may be x. */
@inline export function normalRow(x: usize, y: usize, n: i32, m: f32, r: f32): void {
  const shift = splat(m), scale = splat(r);
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, f32x4.mul(f32x4.sub(v128.load(x), shift), scale));
  if (n > 0) storeTail(y, f32x4.mul(f32x4.sub(loadTail(x, n), shift), scale), n);
}

/** dx = r·(dy − mean − dx·along) of a row, where dx holds what was normalised. */
@inline export function normalRowGrad(dy: usize, dx: usize, n: i32, m: f32, a: f32, r: f32): void {
  const mean = splat(m), along = splat(a), scale = splat(r);
  for (; n >= 4; n -= 4, dy += 16, dx += 16) v128.store(dx, f32x4.mul(scale, f32x4.sub(f32x4.sub(v128.load(dy), mean), f32x4.mul(v128.load(dx), along))));
  if (n > 0) storeTail(dx, f32x4.mul(scale, f32x4.sub(f32x4.sub(loadTail(dy, n), mean), f32x4.mul(loadTail(dx, n), along))), n);
}

/** y = (x − m)·r, by rows: m the mean and r = 1/√(variance + ε), which go to [rows] each; the variance divides by n. eps: address of ε. */
export function layerNorm(x: usize, y: usize, mean: usize, inverse: usize, rows: i32, n: i32, eps: usize): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, y += row, mean += 4, inverse += 4) {
    const m = sumRow(x, n) / <f32>n;
    const r = <f32>1 / sqrt<f32>(squaresAround(x, n, m) / <f32>n + load<f32>(eps));
    store<f32>(mean, m);
    store<f32>(inverse, r);
    normalRow(x, y, n, m, r);
  }
}

/** dx = r·(dy − mean(dy) − y·mean(dy·y)), y = (x − m)·r, by rows: the gradient of layerNorm. mean, inverse: m and r, [rows] each. */
export function layerNormGrad(dy: usize, x: usize, mean: usize, inverse: usize, dx: usize, rows: i32, n: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, dy += row, x += row, dx += row, mean += 4, inverse += 4) {
    const r = load<f32>(inverse);
    normalRow(x, dx, n, load<f32>(mean), r);
    normalRowGrad(dy, dx, n, sumRow(dy, n) / <f32>n, dotRow(dy, dx, n) / <f32>n, r);
  }
}
