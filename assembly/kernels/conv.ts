// Two-dimensional convolution (cross-correlation, as in PyTorch) by im2col and the matrix product, one image and group at a time.
//
//   col [K, P]: column p holds the K = channels · kernel inputs that output position p sees; zeros outside of the image.
//   y = W · col          dx = col2im(Wᵀ · dy)          dW = Σ_images dy · colᵀ
//
// g is the record of geometry.ts. Any stride and size; convdirect.ts is faster where it serves.
import { field } from "./geometry";
import { copy, fill } from "./movement";
import { multiply } from "./matmul";
import { mine, partAt, partsOf, say, share, shared, word } from "./team";
import { unroll } from "./unroll";

/** A 1 × 1 kernel without stride or padding: the image is its own columns. */
@inline function isPointwise(g: usize): bool {
  return field(g, 5) * field(g, 6) * field(g, 7) * field(g, 8) == 1 && (field(g, 9) | field(g, 10)) == 0;
}

/** Elements of the column matrix. */
@inline function columnsOf(g: usize): i32 {
  return field(g, 1) / field(g, 13) * field(g, 5) * field(g, 6) * field(g, 14) * field(g, 15);
}

/** Multiplications of a convolution. */
export function multiplications(g: usize): f64 {
  return <f64>columnsOf(g) * <f64>field(g, 4) * <f64>field(g, 0);
}

/**
 * y [N, O, OH, OW] = conv(x [N, C, H, W], w [O, C/groups, KH, KW]) + bias [O] (0: none). f32; col: scratch [K, OH·OW], one for each
 * thread. A team shares the images.
 */
export function conv2d(x: usize, w: usize, bias: usize, y: usize, col: usize, g: usize): void {
  const N = field(g, 0);
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(N, 2);
    if (shared(multiplications(g), parts)) {
      say(0, x), say(1, w), say(2, bias), say(3, y), say(4, col), say(5, g);
      share(partOfConv.index, parts);
      return;
    }
  }
  convImages(x, w, bias, y, col, g, 0, N);
}

function partOfConv(i: i32): void {
  const g = word(5), N = field(g, 0);
  convImages(word(0), word(1), word(2), word(3), mine(word(4), <usize>columnsOf(g) << 2), g, partAt(N, i), partAt(N, i + 1));
}

/** Images `from` to `to` of conv2d. */
function convImages(x: usize, w: usize, bias: usize, y: usize, col: usize, g: usize, from: i32, to: i32): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const pointwise = isPointwise(g);
  x += image * <usize>(from * groups), y += result * <usize>(from * groups);
  for (let n = to - from; n > 0; n--) {
    for (let group = 0; group < groups; group++, x += image, y += result) {
      if (!pointwise) unroll(x, col, channels, g, field(g, 5), field(g, 14), plane, false, true);
      if (bias) {
        for (let o = 0; o < outputs; o++) fill(y + (<usize>(o * plane) << 2), plane, load<u32>(bias + (<usize>(group * outputs + o) << 2)));
      }
      multiply(outputs, plane, K, w + (<usize>(group * outputs * K) << 2), K, 1, pointwise ? x : col, plane, 1, y, plane, bias ? 1 : 0, 0);
    }
  }
}

/** dx [N, C, H, W] from dy [N, O, OH, OW] and w. f32; col: scratch [K, OH·OW], one for each thread. A team shares the images. */
export function conv2dInputGrad(dy: usize, w: usize, dx: usize, col: usize, g: usize): void {
  const N = field(g, 0);
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(N, 2);
    if (shared(multiplications(g), parts)) {
      say(0, dy), say(1, w), say(2, dx), say(3, col), say(4, g);
      share(partOfInputGrad.index, parts);
      return;
    }
  }
  inputGradImages(dy, w, dx, col, g, 0, N);
}

function partOfInputGrad(i: i32): void {
  const g = word(4), N = field(g, 0);
  inputGradImages(word(0), word(1), word(2), mine(word(3), <usize>columnsOf(g) << 2), g, partAt(N, i), partAt(N, i + 1));
}

/** Images `from` to `to` of conv2dInputGrad. */
function inputGradImages(dy: usize, w: usize, dx: usize, col: usize, g: usize, from: i32, to: i32): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const pointwise = isPointwise(g);
  dx += image * <usize>(from * groups), dy += result * <usize>(from * groups);
  for (let n = to - from; n > 0; n--) {
    for (let group = 0; group < groups; group++, dx += image, dy += result) {
      multiply(K, plane, outputs, w + (<usize>(group * outputs * K) << 2), 1, K, dy, plane, 1, pointwise ? dx : col, plane, 0, 0);
      if (pointwise) continue;
      memory.fill(dx, 0, image);
      unroll(dx, col, channels, g, field(g, 5), field(g, 14), plane, true, false);
    }
  }
}

/** Multiplications of an [m, k]·[k, n] product for each k, with the columns that the matrix kernel fills up. */
@inline function padded(m: i32, n: i32): i32 {
  const rest = n & 15;
  return m * (n - rest + (rest == 0 ? 0 : rest <= 8 ? 8 : 16));
}

/**
 * dw [O, C/groups, KH, KW] from x and dy, summed over images in order. f32; col: scratch [K, OH·OW], and behind it [K, O/groups] for a
 * group's transpose, one for each thread. The product is taken in the orientation that wastes fewer columns. A team shares the groups, or the
 * channels of a single one.
 */
export function conv2dWeightGrad(x: usize, dy: usize, dw: usize, col: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups;
  memory.fill(dw, 0, <usize>(field(g, 4) * channels * field(g, 5) * field(g, 6)) << 2);
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(groups > 1 ? groups : channels, 1);
    if (shared(multiplications(g), parts)) {
      say(0, x), say(1, dy), say(2, dw), say(3, col), say(4, g);
      share(partOfWeightGrad.index, parts);
      return;
    }
  }
  addWeightGrad(x, dy, dw, col, g, 0, groups, 0, channels);
}

function partOfWeightGrad(i: i32): void {
  const g = word(4), groups = field(g, 13), channels = field(g, 1) / groups;
  const col = mine(word(3), <usize>(columnsOf(g) + channels * field(g, 5) * field(g, 6) * (field(g, 4) / groups)) << 2);
  if (groups > 1) addWeightGrad(word(0), word(1), word(2), col, g, partAt(groups, i), partAt(groups, i + 1), 0, channels);
  else addWeightGrad(word(0), word(1), word(2), col, g, 0, 1, partAt(channels, i), partAt(channels, i + 1));
}

/** Adds to dw in some groups, and of each in channels `from` to `to`. */
function addWeightGrad(x: usize, dy: usize, dw: usize, col: usize, g: usize, group: i32, lastGroup: i32, from: i32, to: i32): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const area = field(g, 2) * field(g, 3), plane = field(g, 14) * field(g, 15), taps = field(g, 5) * field(g, 6), K = channels * taps, rows = (to - from) * taps;
  const image = <usize>(channels * area) << 2, result = <usize>(outputs * plane) << 2;
  const pointwise = isPointwise(g);
  const turned = padded(K, outputs) < padded(outputs, K);
  const transpose = col + (<usize>(K * plane) << 2);
  const N = field(g, 0);
  for (; group < lastGroup; group++) {
    const own = dw + (<usize>(group * outputs * K + from * taps) << 2), target = turned ? transpose : own;
    if (turned) memory.fill(target, 0, <usize>(outputs * rows) << 2);
    for (let n = 0; n < N; n++) {
      const at = <usize>(n * groups + group);
      const input = x + image * at + (<usize>(from * area) << 2), gradient = dy + result * at;
      if (!pointwise) unroll(input, col, to - from, g, field(g, 5), field(g, 14), plane, false, true);
      const b = pointwise ? input : col;
      if (turned) multiply(rows, outputs, plane, b, plane, 1, gradient, 1, plane, target, outputs, 1, 0);
      else multiply(outputs, rows, plane, gradient, plane, 1, b, 1, plane, target, K, 1, 0);
    }
    if (turned) copy(transpose, own, 1, 1, outputs, rows, 0, 0, 1, outputs, 0, 0, K, 1);
  }
}
