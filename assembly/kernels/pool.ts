// Two-dimensional max pooling over planes [H, W], padding counting as −∞. The geometry has N = planes and C = 1.
import { field } from "./geometry";

/** Whether windows are 2 × 2 side by side, at least four in a row: the common case, four at a time. */
function inPairs(g: usize): bool {
  const OH = field(g, 14), OW = field(g, 15);
  const two = field(g, 5) == 2 && field(g, 6) == 2 && field(g, 7) == 2 && field(g, 8) == 2 && (field(g, 9) | field(g, 10)) == 0;
  return two && field(g, 11) * field(g, 12) == 1 && 2 * OH <= field(g, 2) && 2 * OW <= field(g, 3) && OW >= 4;
}

/** One plane of such windows; y and index [OH, OW]. False where some element may be NaN: then y and index count for nothing. */
function pairs(x: usize, y: usize, index: usize, W: i32, OH: i32, OW: i32): bool {
  const row = <usize>W << 2;
  let sum = f32x4.splat(0); // NaN from the first NaN on, or from ∞ − ∞
  for (let oy = 0; oy < OH; oy++) {
    let p = x + row * <usize>(2 * oy), at = 2 * oy * W;
    for (let n = OW; n > 0; n -= 4, p += 32, at += 8, y += 16, index += 16) {
      if (n < 4) {
        // The last four, some of them a second time.
        const again = 4 - n, bytes = <usize>again << 2;
        p -= 2 * bytes;
        at -= 2 * again;
        y -= bytes;
        index -= bytes;
        n = 4;
      }
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p + row), d = v128.load(p + row, 16);
      sum = f32x4.add(sum, f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
      const left = v128.shuffle<f32>(a, b, 0, 2, 4, 6), right = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
      const lowLeft = v128.shuffle<f32>(c, d, 0, 2, 4, 6), lowRight = v128.shuffle<f32>(c, d, 1, 3, 5, 7);
      const above = f32x4.pmax(left, right), below = f32x4.pmax(lowLeft, lowRight);
      v128.store(y, f32x4.pmax(above, below));
      // A comparison that holds is −1. The first of equals stays.
      const first = i32x4.add(i32x4.splat(at), i32x4(0, 2, 4, 6));
      const upper = i32x4.sub(first, f32x4.lt(left, right)), lower = i32x4.sub(i32x4.add(first, i32x4.splat(W)), f32x4.lt(lowLeft, lowRight));
      v128.store(index, v128.bitselect(lower, upper, f32x4.lt(above, below)));
    }
  }
  return v128.all_true<i32>(f32x4.eq(sum, sum));
}

/**
 * y = the largest element of each window and index = where it stands in its plane (row-major): the first of equals, a NaN wins.
 * f32 and i32, both [planes, OH, OW]. A window without any element of the image gives −∞ and index −1.
 */
export function maxPool2d(x: usize, y: usize, index: usize, g: usize): void {
  const H = field(g, 2), W = field(g, 3), KH = field(g, 5), KW = field(g, 6), SH = field(g, 7), SW = field(g, 8);
  const PH = field(g, 9), PW = field(g, 10), DH = field(g, 11), DW = field(g, 12), OH = field(g, 14), OW = field(g, 15);
  const paired = inPairs(g);
  for (let n = field(g, 0); n > 0; n--, x += <usize>(H * W) << 2) {
    if (paired && pairs(x, y, index, W, OH, OW)) {
      y += <usize>(OH * OW) << 2;
      index += <usize>(OH * OW) << 2;
      continue;
    }
    for (let oy = 0; oy < OH; oy++) {
      const top = oy * SH - PH;
      for (let ox = 0; ox < OW; ox++, y += 4, index += 4) {
        const start = ox * SW - PW;
        let best: f32 = f32.NEGATIVE_INFINITY, at = -1;
        for (let ky = 0, iy = top; ky < KH; ky++, iy += DH) {
          if (<u32>iy >= <u32>H) continue;
          const row = iy * W;
          for (let kx = 0, ix = start; kx < KW; kx++, ix += DW) {
            if (<u32>ix >= <u32>W) continue;
            const v = load<f32>(x + (<usize>(row + ix) << 2));
            if (at < 0 || v > best || (v != v && best == best)) {
              best = v;
              at = row + ix;
            }
          }
        }
        store<f32>(y, best);
        store<i32>(index, at);
      }
    }
  }
}

/** dx [planes, H, W] = Σ dy at index, in order; index −1 gives nothing. f32; dy and index [planes, OH, OW]. */
export function maxPool2dGrad(dy: usize, index: usize, dx: usize, planes: i32, inputs: i32, outputs: i32): void {
  memory.fill(dx, 0, <usize>(planes * inputs) << 2);
  for (; planes > 0; planes--, dx += <usize>inputs << 2) {
    for (let i = 0; i < outputs; i++, dy += 4, index += 4) {
      const at = load<i32>(index);
      if (at < 0) continue;
      const p = dx + (<usize>at << 2);
      store<f32>(p, load<f32>(p) + load<f32>(dy));
    }
  }
}
