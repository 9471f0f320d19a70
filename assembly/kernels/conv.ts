// Two-dimensional convolution (cross-correlation, as in PyTorch) by im2col and the matrix product, one image and group at a time.
//
//   col [K, P]: column p holds the K = channels · kernel inputs that output position p sees; zeros outside of the image.
//   y = W · col          dx = col2im(Wᵀ · dy)          dW = Σ_images dy · colᵀ
//
//  the geometry, i32 each:
//  ┌───┬───┬───┬───┬───┬────┬────┬────┬────┬────┬────┬────┬────┬────────┬────┬────┐
//  │ N │ C │ H │ W │ O │ KH │ KW │ SH │ SW │ PH │ PW │ DH │ DW │ groups │ OH │ OW │   kernel, stride, padding, dilation, output
//  └───┴───┴───┴───┴───┴────┴────┴────┴────┴────┴────┴────┴────┴────────┴────┴────┘
import { loadTail, storeTail } from "../lanes";
import { copy, fill } from "./movement";
import { multiply } from "./matmul";

@inline function field(geometry: usize, i: usize): i32 {
  return load<i32>(geometry + (i << 2));
}

/** y ← x, n floats that do not overlap. The last vector may write again what the one before wrote. */
@inline function copyRow(x: usize, y: usize, n: i32): void {
  if (n >= 4) {
    for (; n > 16; n -= 16, x += 64, y += 64) {
      const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
      v128.store(y, a);
      v128.store(y, b, 16);
      v128.store(y, c, 32);
      v128.store(y, d, 48);
    }
    for (; n > 4; n -= 4, x += 16, y += 16) v128.store(y, v128.load(x));
    const back = <usize>(4 - n) << 2;
    v128.store(y - back, v128.load(x - back));
  } else if (n > 0) storeTail(y, loadTail(x, n), n);
}

/** y ← y + x, n floats. */
@inline function addRow(x: usize, y: usize, n: i32): void {
  for (; n >= 16; n -= 16, x += 64, y += 64) {
    const a = f32x4.add(v128.load(y), v128.load(x)), b = f32x4.add(v128.load(y, 16), v128.load(x, 16));
    const c = f32x4.add(v128.load(y, 32), v128.load(x, 32)), d = f32x4.add(v128.load(y, 48), v128.load(x, 48));
    v128.store(y, a);
    v128.store(y, b, 16);
    v128.store(y, c, 32);
    v128.store(y, d, 48);
  }
  for (; n >= 4; n -= 4, x += 16, y += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
  if (n > 0) storeTail(y, f32x4.add(loadTail(y, n), loadTail(x, n)), n);
}

/** Zeros in columns `from` to `end` of `rows` rows. */
@inline function clearColumns(y: usize, rows: i32, width: i32, from: i32, end: i32): void {
  for (; rows > 0; rows--, y += <usize>width << 2) for (let i = from; i < end; i++) store<f32>(y + (<usize>i << 2), 0);
}

/**
 * Between an image x [channels, H, W] and its columns: x → col, or col added to x where `back` (which may write zeros into col). For each
 * channel and kernel place, a plane of the output: of each row `left` positions fall before the image, then come those inside, those
 * from `end` on fall behind. Where the planes are equally wide, rows follow one another on both sides and are one long row, of which
 * the columns outside are zeros.
 */
function unroll(x: usize, col: usize, channels: i32, g: usize, back: bool): void {
  const H = field(g, 2), W = field(g, 3), KH = field(g, 5), KW = field(g, 6), SH = field(g, 7), SW = field(g, 8);
  const PH = field(g, 9), PW = field(g, 10), DH = field(g, 11), DW = field(g, 12), OH = field(g, 14), OW = field(g, 15);
  const joined = SH == 1 && SW == 1 && W == OW;
  for (let c = 0; c < channels; c++, x += <usize>(H * W) << 2) {
    for (let ky = 0; ky < KH; ky++) {
      const rise = ky * DH - PH; // input row of output row 0
      const top = min(OH, rise < 0 ? (SH - 1 - rise) / SH : 0);
      const bottom = max(top, rise < H ? min(OH, (H - 1 - rise) / SH + 1) : 0);
      for (let kx = 0; kx < KW; kx++, col += <usize>(OH * OW) << 2) {
        const shift = kx * DW - PW; // input column of output column 0
        const left = min(OW, shift < 0 ? (SW - 1 - shift) / SW : 0);
        const end = max(left, shift < W ? min(OW, (W - 1 - shift) / SW + 1) : 0);
        const rows = bottom - top, count = end - left;
        let target = col + (<usize>(top * OW) << 2);
        if (!back) {
          if (top > 0) memory.fill(col, 0, <usize>(top * OW) << 2);
          if (bottom < OH) memory.fill(col + (<usize>(bottom * OW) << 2), 0, <usize>((OH - bottom) * OW) << 2);
        }
        if (rows == 0 || count == 0) {
          if (!back) memory.fill(target, 0, <usize>(rows * OW) << 2);
          continue;
        }
        let source = x + (<usize>((top * SH + rise) * W + shift + left * SW) << 2);
        if (joined) {
          const long = (rows - 1) * OW + count, start = target + (<usize>left << 2);
          if (!back) copyRow(source, start, long);
          clearColumns(target, rows, OW, 0, left);
          clearColumns(target, rows, OW, end, OW);
          if (back) addRow(start, source, long);
          continue;
        }
        if (!back) {
          clearColumns(target, rows, OW, 0, left);
          clearColumns(target, rows, OW, end, OW);
        }
        target += <usize>left << 2;
        for (let row = 0; row < rows; row++, source += <usize>(SH * W) << 2, target += <usize>OW << 2) {
          if (SW == 1) {
            if (back) addRow(target, source, count);
            else copyRow(source, target, count);
            continue;
          }
          for (let i = 0; i < count; i++) {
            const p = source + (<usize>(i * SW) << 2), q = target + (<usize>i << 2);
            if (back) store<f32>(p, load<f32>(p) + load<f32>(q));
            else store<f32>(q, load<f32>(p));
          }
        }
      }
    }
  }
}

/** A 1 × 1 kernel without stride or padding: the image is its own columns. */
@inline function isPointwise(g: usize): bool {
  return field(g, 5) * field(g, 6) * field(g, 7) * field(g, 8) == 1 && (field(g, 9) | field(g, 10)) == 0;
}

/** y [N, O, OH, OW] = conv(x [N, C, H, W], w [O, C/groups, KH, KW]) + bias [O] (0: none). f32; col: scratch [K, OH·OW]. */
export function conv2d(x: usize, w: usize, bias: usize, y: usize, col: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const direct = isPointwise(g);
  for (let n = field(g, 0); n > 0; n--) {
    for (let group = 0; group < groups; group++, x += image, y += result) {
      if (!direct) unroll(x, col, channels, g, false);
      if (bias) {
        for (let o = 0; o < outputs; o++) fill(y + (<usize>(o * plane) << 2), plane, load<u32>(bias + (<usize>(group * outputs + o) << 2)));
      }
      multiply(outputs, plane, K, w + (<usize>(group * outputs * K) << 2), K, 1, direct ? x : col, plane, 1, y, plane, bias ? 1 : 0, 0);
    }
  }
}

/** dx [N, C, H, W] from dy [N, O, OH, OW] and w. f32; col: scratch [K, OH·OW]. */
export function conv2dInputGrad(dy: usize, w: usize, dx: usize, col: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const plane = field(g, 14) * field(g, 15), K = channels * field(g, 5) * field(g, 6);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * plane) << 2;
  const direct = isPointwise(g);
  for (let n = field(g, 0); n > 0; n--) {
    for (let group = 0; group < groups; group++, dx += image, dy += result) {
      multiply(K, plane, outputs, w + (<usize>(group * outputs * K) << 2), 1, K, dy, plane, 1, direct ? dx : col, plane, 0, 0);
      if (direct) continue;
      memory.fill(dx, 0, image);
      unroll(dx, col, channels, g, true);
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
  const direct = isPointwise(g);
  const turned = padded(K, outputs) < padded(outputs, K);
  const transpose = col + (<usize>(K * plane) << 2);
  const N = field(g, 0);
  for (let group = 0; group < groups; group++, dw += <usize>(outputs * K) << 2) {
    const target = turned ? transpose : dw;
    memory.fill(target, 0, <usize>(outputs * K) << 2);
    for (let n = 0; n < N; n++) {
      const at = <usize>(n * groups + group);
      const input = x + image * at, gradient = dy + result * at;
      if (!direct) unroll(input, col, channels, g, false);
      const b = direct ? input : col;
      if (turned) multiply(K, outputs, plane, b, plane, 1, gradient, 1, plane, target, outputs, 1, 0);
      else multiply(outputs, K, plane, gradient, plane, 1, b, 1, plane, target, K, 1, 0);
    }
    if (turned) copy(transpose, dw, 1, 1, outputs, K, 0, 0, 1, outputs, 0, 0, K, 1);
  }
}
