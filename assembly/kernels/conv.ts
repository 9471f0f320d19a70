// Two-dimensional convolution (cross-correlation, as in PyTorch) by im2col and the matrix product, one image and group at a time.
//
//   col [K, P]: column p holds the K = channels · kernel inputs that output position p sees; zeros outside of the image.
//   y = W · col          dx = col2im(Wᵀ · dy)          dW = Σ_images dy · colᵀ
//
// g is the record of geometry.ts. Any stride and size; convdirect.ts is faster where it serves.
import { field } from "./geometry";
import { copy, fill } from "./movement";
import { multiply } from "./matmul";
import { unroll } from "./unroll";

/** A 1 × 1 kernel without stride or padding: the image is its own columns. */
@inline function isPointwise(g: usize): bool {
  return field(g, 5) * field(g, 6) * field(g, 7) * field(g, 8) == 1 && (field(g, 9) | field(g, 10)) == 0;
}

/** y [N, O, OH, OW] = conv(x [N, C, H, W], w [O, C/groups, KH, KW]) + bias [O] (0: none). f32; col: scratch [K, OH·OW]. */
export function conv2d(x: usize, w: usize, bias: usize, y: usize, col: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const pointwise = isPointwise(g);
  for (let n = field(g, 0); n > 0; n--) {
    for (let group = 0; group < groups; group++, x += image, y += result) {
      if (!pointwise) unroll(x, col, channels, g, field(g, 5), field(g, 14), plane, false, true);
      if (bias) {
        for (let o = 0; o < outputs; o++) fill(y + (<usize>(o * plane) << 2), plane, load<u32>(bias + (<usize>(group * outputs + o) << 2)));
      }
      multiply(outputs, plane, K, w + (<usize>(group * outputs * K) << 2), K, 1, pointwise ? x : col, plane, 1, y, plane, bias ? 1 : 0, 0);
    }
  }
}

/** dx [N, C, H, W] from dy [N, O, OH, OW] and w. f32; col: scratch [K, OH·OW]. */
export function conv2dInputGrad(dy: usize, w: usize, dx: usize, col: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const pointwise = isPointwise(g);
  for (let n = field(g, 0); n > 0; n--) {
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
 * group's transpose. The product is taken in the orientation that wastes fewer columns.
 */
export function conv2dWeightGrad(x: usize, dy: usize, dw: usize, col: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const pointwise = isPointwise(g);
  const turned = padded(K, outputs) < padded(outputs, K);
  const transpose = col + (<usize>(K * plane) << 2);
  const N = field(g, 0);
  for (let group = 0; group < groups; group++, dw += <usize>(outputs * K) << 2) {
    const target = turned ? transpose : dw;
    memory.fill(target, 0, <usize>(outputs * K) << 2);
    for (let n = 0; n < N; n++) {
      const at = <usize>(n * groups + group);
      const input = x + image * at, gradient = dy + result * at;
      if (!pointwise) unroll(input, col, channels, g, field(g, 5), field(g, 14), plane, false, true);
      const b = pointwise ? input : col;
      if (turned) multiply(K, outputs, plane, b, plane, 1, gradient, 1, plane, target, outputs, 1, 0);
      else multiply(outputs, K, plane, gradient, plane, 1, b, 1, plane, target, K, 1, 0);
    }
    if (turned) copy(transpose, dw, 1, 1, outputs, K, 0, 0, 1, outputs, 0, 0, K, 1);
  }
}
