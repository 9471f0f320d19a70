// Images laid out for convolution: a plane of the output's width for each channel and place of the kernel, zeros outside of the image.
import { loadTail, storeTail } from "../lanes";
import { field } from "./geometry";

/** y ← x, n floats that do not overlap. The last vector may write again what the one before wrote. */
function copyRow(x: usize, y: usize, n: i32): void {
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
function addRow(x: usize, y: usize, n: i32): void {
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

/** n zeros. */
@inline function clearRow(y: usize, n: i32): void {
  for (; n >= 4; n -= 4, y += 16) v128.store(y, f32x4.splat(0));
  if (n > 0) storeTail(y, f32x4.splat(0), n);
}

/** Zeros in columns `from` to `end` of `rows` rows. */
function clearColumns(y: usize, rows: i32, width: i32, from: i32, end: i32): void {
  for (let i = from; i < end; i++) for (let r = rows, p = y + (<usize>i << 2); r > 0; r--, p += <usize>width << 2) store<f32>(p, 0);
}

/** ⌈n/stride⌉, n > 0. Division is slow, and the stride mostly 1. */
@inline function steps(n: i32, stride: i32): i32 {
  return stride == 1 ? n : (n + stride - 1) / stride;
}

/**
 * Between an image x [channels, H, W] and its planes: x → planes, or planes added to x where `back` (which may write zeros into them). For
 * each channel and place of a kernel of KH rows, a plane of OH rows, `plane` floats apart: [channels, KH, KW, OH, OW]. Of each row `left` positions fall before
 * the image, then come those inside, those from `end` on fall behind. Where image and planes are equally wide, rows follow one another on
 * both sides and are one long row, of which the columns outside are zeros. `clear`: the zeros are to be written, and not there from the
 * image before.
 */
export function unroll(x: usize, col: usize, channels: i32, g: usize, KH: i32, OH: i32, plane: i32, back: bool, clear: bool): void {
  const H = field(g, 2), W = field(g, 3), KW = field(g, 6), SH = field(g, 7), SW = field(g, 8);
  const PH = field(g, 9), PW = field(g, 10), DH = field(g, 11), DW = field(g, 12), OW = field(g, 15);
  const joined = SH == 1 && SW == 1 && W == OW;
  for (let c = 0; c < channels; c++, x += <usize>(H * W) << 2) {
    for (let ky = 0; ky < KH; ky++) {
      const rise = ky * DH - PH; // input row of output row 0
      const top = min(OH, rise < 0 ? steps(-rise, SH) : 0);
      const bottom = max(top, rise < H ? min(OH, steps(H - rise, SH)) : 0);
      for (let kx = 0; kx < KW; kx++, col += <usize>plane << 2) {
        const shift = kx * DW - PW; // input column of output column 0
        const left = min(OW, shift < 0 ? steps(-shift, SW) : 0);
        const end = max(left, shift < W ? min(OW, steps(W - shift, SW)) : 0);
        const rows = bottom - top, count = end - left;
        let target = col + (<usize>(top * OW) << 2);
        if (clear) {
          if (top > 0) clearRow(col, top * OW);
          if (bottom < OH) clearRow(col + (<usize>(bottom * OW) << 2), (OH - bottom) * OW);
        }
        if (rows == 0 || count == 0) {
          if (clear) clearRow(target, rows * OW);
          continue;
        }
        let source = x + (<usize>((top * SH + rise) * W + shift + left * SW) << 2);
        if (joined) {
          const long = (rows - 1) * OW + count, start = target + (<usize>left << 2);
          if (!back) copyRow(source, start, long);
          if (left > 0) clearColumns(target, rows, OW, 0, left);
          if (end < OW) clearColumns(target, rows, OW, end, OW);
          if (back) addRow(start, source, long);
          continue;
        }
        if (clear) {
          if (left > 0) clearColumns(target, rows, OW, 0, left);
          if (end < OW) clearColumns(target, rows, OW, end, OW);
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
