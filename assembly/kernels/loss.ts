// Losses and their gradients, fused: one pass over the logits each way.
//
// Cross-entropy, one row x of C logits against a target distribution T (class weights w and label smoothing ε inside):
//   loss = Σ_c T_c (lse − x_c)        lse = ln Σ eˣ        dx_c = g · (W·p_c − T_c),  p = eˣ/Σeˣ,  W = Σ_c T_c
// The forward pass keeps e^(x − max) and its sum, so that the backward one needs no exponential.
//   classes:        T_c = (1 − ε)·w_y·[c = y] + ε/C·w_c
//   probabilities:  T_c = w_c·((1 − ε)·t_c + ε/C)
import { loadTail, log, splat, storeTail, sumLanes } from "../lanes";
import { sumRow } from "./reduce";
import { expRows, scaledRow } from "./softmax";

@inline function at(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

/** w_c, or 1 where there are no weights (address 0). */
@inline function weightAt(weight: usize, c: i32): f32 {
  return weight ? at(weight, c) : 1;
}

/** Of all rows: exps and sums, the largest logit in `maxima`, and ln Σ e^(x − max) in `logs`. lse − x_c = (max − x_c) + that, whatever max is. */
function exponentials(x: usize, maxima: usize, exps: usize, sums: usize, logs: usize, rows: i32, n: i32): void {
  expRows(x, exps, maxima, sums, rows, n);
  for (; rows >= 4; rows -= 4, logs += 16, sums += 16) v128.store(logs, log(v128.load(sums)));
  if (rows > 0) storeTail(logs, log(loadTail(sums, rows)), rows);
}

/**
 * Per row of logits x [rows, classes] against class indices: losses, exps [rows, classes] and sums [rows] for backward, and the weight
 * w_y that the mean divides by (0 where the target is `ignore`). f32; target i32, in range or `ignore`; weight [classes] or address 0;
 * smoothing: address of ε.
 */
export function crossEntropyClasses(
  x: usize, target: usize, weight: usize, losses: usize, exps: usize, sums: usize, weights: usize, rows: i32, classes: i32, ignore: i32, smoothing: usize,
): void {
  const eps = load<f32>(smoothing);
  const kept: f32 = 1 - eps, share = eps / <f32>classes;
  const row = <usize>classes << 2;
  exponentials(x, losses, exps, sums, weights, rows, classes);
  for (; rows > 0; rows--, x += row, target += 4, losses += 4, weights += 4) {
    const y = load<i32>(target);
    const m = load<f32>(losses), l = load<f32>(weights);
    let w: f32 = 0, loss: f32 = 0;
    if (y != ignore) {
      w = weightAt(weight, y);
      loss = kept * w * (m - at(x, y) + l);
      if (eps > 0) {
        let spread: f32 = 0;
        for (let c = 0; c < classes; c++) spread += weightAt(weight, c) * (m - at(x, c) + l);
        loss += share * spread;
      }
    }
    store<f32>(losses, loss);
    store<f32>(weights, w);
  }
}

/** As crossEntropyClasses, against probabilities target [rows, classes]; every row's weight in the mean is 1. */
export function crossEntropyProbabilities(
  x: usize, target: usize, weight: usize, losses: usize, exps: usize, sums: usize, weights: usize, rows: i32, classes: i32, smoothing: usize,
): void {
  const eps = load<f32>(smoothing);
  const kept: f32 = 1 - eps, share = eps / <f32>classes;
  const row = <usize>classes << 2;
  exponentials(x, losses, exps, sums, weights, rows, classes);
  for (; rows > 0; rows--, x += row, target += row, losses += 4, weights += 4) {
    const m = load<f32>(losses), l = load<f32>(weights);
    let loss: f32 = 0;
    for (let c = 0; c < classes; c++) loss += weightAt(weight, c) * (kept * at(target, c) + share) * (m - at(x, c) + l);
    store<f32>(losses, loss);
    store<f32>(weights, 1);
  }
}

/** y = Σ losses · scale, where scale = 1 or, for the mean, 1/Σ weights (0/0 is NaN, as in PyTorch). f32 [rows] → one float each. */
export function reduceLosses(losses: usize, weights: usize, y: usize, scale: usize, rows: i32, mean: i32): void {
  const total = sumRow(losses, rows);
  if (mean) {
    const weight = sumRow(weights, rows);
    store<f32>(y, total / weight);
    store<f32>(scale, <f32>1 / weight);
  } else {
    store<f32>(y, total);
    store<f32>(scale, 1);
  }
}

/**
 * dx [rows, classes] from dy and what forward kept; g = dy[r·dyStep]·scale (dyStep 0: one dy for all rows; 1: a dy a row).
 * f32; the other words as in crossEntropyClasses.
 */
export function crossEntropyClassesGrad(
  dy: usize, dyStep: i32, scale: usize, exps: usize, sums: usize, target: usize, weight: usize, dx: usize,
  rows: i32, classes: i32, ignore: i32, smoothing: usize,
): void {
  const eps = load<f32>(smoothing);
  const kept: f32 = 1 - eps, share = eps / <f32>classes;
  const row = <usize>classes << 2;
  let total: f32 = <f32>classes;
  if (weight) total = sumRow(weight, classes);
  for (; rows > 0; rows--, dy += <usize>dyStep << 2, exps += row, target += 4, sums += 4, dx += row) {
    const y = load<i32>(target);
    if (y == ignore) {
      memory.fill(dx, 0, row);
      continue;
    }
    const g = load<f32>(dy) * load<f32>(scale);
    const w = kept * weightAt(weight, y);
    scaledRow(exps, dx, classes, g * (w + share * total) / load<f32>(sums));
    if (eps > 0) {
      for (let c = 0; c < classes; c++) {
        const p = dx + (<usize>c << 2);
        store<f32>(p, load<f32>(p) - g * share * weightAt(weight, c));
      }
    }
    const p = dx + (<usize>y << 2);
    store<f32>(p, load<f32>(p) - g * w);
  }
}

/** As crossEntropyClassesGrad, against probabilities target [rows, classes]. */
export function crossEntropyProbabilitiesGrad(
  dy: usize, dyStep: i32, scale: usize, exps: usize, sums: usize, target: usize, weight: usize, dx: usize,
  rows: i32, classes: i32, smoothing: usize,
): void {
  const eps = load<f32>(smoothing);
  const kept: f32 = 1 - eps, share = eps / <f32>classes;
  const row = <usize>classes << 2;
  for (; rows > 0; rows--, dy += <usize>dyStep << 2, exps += row, target += row, sums += 4, dx += row) {
    const g = load<f32>(dy) * load<f32>(scale);
    let total: f32 = 0;
    for (let c = 0; c < classes; c++) total += weightAt(weight, c) * (kept * at(target, c) + share);
    scaledRow(exps, dx, classes, g * total / load<f32>(sums));
    for (let c = 0; c < classes; c++) {
      const p = dx + (<usize>c << 2);
      store<f32>(p, load<f32>(p) - g * weightAt(weight, c) * (kept * at(target, c) + share));
    }
  }
}

/** Σ (x − t)² as a tree over blocks of 2048, four accumulators each. */
function squaredErrorRow(x: usize, t: usize, n: i32): f32 {
  if (n > 2048) {
    const half = ((n >> 1) + 2047) & ~2047;
    const bytes = <usize>half << 2;
    return squaredErrorRow(x, t, half) + squaredErrorRow(x + bytes, t + bytes, n - half);
  }
  let a = splat(0), b = a, c = a, d = a;
  for (; n >= 16; n -= 16, x += 64, t += 64) {
    const e = f32x4.sub(v128.load(x), v128.load(t)), f = f32x4.sub(v128.load(x, 16), v128.load(t, 16));
    const g = f32x4.sub(v128.load(x, 32), v128.load(t, 32)), h = f32x4.sub(v128.load(x, 48), v128.load(t, 48));
    a = f32x4.add(a, f32x4.mul(e, e));
    b = f32x4.add(b, f32x4.mul(f, f));
    c = f32x4.add(c, f32x4.mul(g, g));
    d = f32x4.add(d, f32x4.mul(h, h));
  }
  for (; n >= 4; n -= 4, x += 16, t += 16) {
    const e = f32x4.sub(v128.load(x), v128.load(t));
    a = f32x4.add(a, f32x4.mul(e, e));
  }
  if (n > 0) {
    const e = f32x4.sub(loadTail(x, n), loadTail(t, n));
    b = f32x4.add(b, f32x4.mul(e, e));
  }
  return sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

/** y = Σ (x − t)², divided by n where `mean` (0/0 is NaN). f32 [n] → one float. */
export function squaredError(x: usize, t: usize, y: usize, n: i32, mean: i32): void {
  const total = squaredErrorRow(x, t, n);
  store<f32>(y, mean ? total / <f32>n : total);
}

/** dx = dy·2·(x − t), divided by n where `mean`; dy is one float. f32 [n]. */
export function squaredErrorGrad(dy: usize, x: usize, t: usize, dx: usize, n: i32, mean: i32): void {
  const s = splat(load<f32>(dy) * (mean ? <f32>2 / <f32>n : <f32>2));
  for (; n >= 8; n -= 8, x += 32, t += 32, dx += 32) {
    const a = f32x4.mul(s, f32x4.sub(v128.load(x), v128.load(t)));
    const b = f32x4.mul(s, f32x4.sub(v128.load(x, 16), v128.load(t, 16)));
    v128.store(dx, a);
    v128.store(dx, b, 16);
  }
  for (; n >= 4; n -= 4, x += 16, t += 16, dx += 16) v128.store(dx, f32x4.mul(s, f32x4.sub(v128.load(x), v128.load(t))));
  if (n > 0) storeTail(dx, f32x4.mul(s, f32x4.sub(loadTail(x, n), loadTail(t, n))), n);
}

/** The first i with index[i] outside [low, high) and ≠ `ignore`, or −1. i32, n elements. */
export function findOutOfRange(index: usize, n: i32, low: i32, high: i32, ignore: i32): i32 {
  for (let i = 0; i < n; i++, index += 4) {
    const v = load<i32>(index);
    if (v != ignore && (v < low || v >= high)) return i;
  }
  return -1;
}
