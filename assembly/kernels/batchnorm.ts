// Normalising channels: mean 0, variance 1 over all samples and places of a channel. f32 [N, C, L]: a channel is N runs of L floats,
// C·L apart. Runs are summed in float32, the sums of runs in float64.
import { normalRow, normalRowGrad } from "./norm";
import { dotRow, squaresAround, sumRow } from "./reduce";
import { ELEMENT, partAt, partsOf, say, share, shared, word } from "./team";

/** y = (x − mean)·r, r = 1/√(variance + ε), by channels; mean, variance (divided by N·L) and r go to [C] each. eps: address of ε. A team shares the channels. */
export function batchNorm(x: usize, y: usize, mean: usize, variance: usize, inverse: usize, N: i32, C: i32, L: i32, eps: usize): void {
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(C, 2);
    if (shared(2 * ELEMENT * <f64>N * <f64>C * <f64>L, parts)) {
      say(0, x), say(1, y), say(2, mean), say(3, variance), say(4, inverse), say(5, N), say(6, C), say(7, L), say(8, eps);
      share(partOfBatchNorm.index, parts);
      return;
    }
  }
  normalChannels(x, y, mean, variance, inverse, N, C, L, eps, 0, C);
}

function partOfBatchNorm(i: i32): void {
  const C = word(6);
  normalChannels(word(0), word(1), word(2), word(3), word(4), word(5), C, word(7), word(8), partAt(C, i), partAt(C, i + 1));
}

/** Channels `from` to `to` of batchNorm. */
function normalChannels(x: usize, y: usize, mean: usize, variance: usize, inverse: usize, N: i32, C: i32, L: i32, eps: usize, from: i32, to: i32): void {
  const run = <usize>L << 2, step = run * <usize>C;
  const count = <f64>N * <f64>L, first = <usize>from << 2;
  x += run * <usize>from, y += run * <usize>from, mean += first, variance += first, inverse += first;
  for (let c = from; c < to; c++, x += run, y += run, mean += 4, variance += 4, inverse += 4) {
    let total: f64 = 0;
    for (let i = 0, p = x; i < N; i++, p += step) total += <f64>sumRow(p, L);
    const m = <f32>(total / count);
    total = 0;
    for (let i = 0, p = x; i < N; i++, p += step) total += <f64>squaresAround(p, L, m);
    const v = <f32>(total / count), r = <f32>1 / sqrt<f32>(v + load<f32>(eps));
    store<f32>(mean, m);
    store<f32>(variance, v);
    store<f32>(inverse, r);
    for (let i = 0, p = x, q = y; i < N; i++, p += step, q += step) normalRow(p, q, L, m, r);
  }
}

/** dx = r·(dy − mean(dy) − y·mean(dy·y)), y = (x − m)·r, by channels: the gradient of batchNorm. mean, inverse: m and r, [C] each. A team shares the channels. */
export function batchNormGrad(dy: usize, x: usize, mean: usize, inverse: usize, dx: usize, N: i32, C: i32, L: i32): void {
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(C, 2);
    if (shared(2 * ELEMENT * <f64>N * <f64>C * <f64>L, parts)) {
      say(0, dy), say(1, x), say(2, mean), say(3, inverse), say(4, dx), say(5, N), say(6, C), say(7, L);
      share(partOfBatchNormGrad.index, parts);
      return;
    }
  }
  normalChannelsGrad(dy, x, mean, inverse, dx, N, C, L, 0, C);
}

function partOfBatchNormGrad(i: i32): void {
  const C = word(6);
  normalChannelsGrad(word(0), word(1), word(2), word(3), word(4), word(5), C, word(7), partAt(C, i), partAt(C, i + 1));
}

/** Channels `from` to `to` of batchNormGrad. */
function normalChannelsGrad(dy: usize, x: usize, mean: usize, inverse: usize, dx: usize, N: i32, C: i32, L: i32, from: i32, to: i32): void {
  const run = <usize>L << 2, step = run * <usize>C;
  const count = <f64>N * <f64>L, first = <usize>from << 2;
  dy += run * <usize>from, x += run * <usize>from, dx += run * <usize>from, mean += first, inverse += first;
  for (let c = from; c < to; c++, dy += run, x += run, dx += run, mean += 4, inverse += 4) {
    const m = load<f32>(mean), r = load<f32>(inverse);
    let total: f64 = 0, dot: f64 = 0;
    for (let i = 0, p = dy, q = x, d = dx; i < N; i++, p += step, q += step, d += step) {
      normalRow(q, d, L, m, r);
      total += <f64>sumRow(p, L);
      dot += <f64>dotRow(p, d, L);
    }
    const shift = <f32>(total / count), along = <f32>(dot / count);
    for (let i = 0, p = dy, d = dx; i < N; i++, p += step, d += step) normalRowGrad(p, d, L, shift, along, r);
  }
}
