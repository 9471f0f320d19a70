// Two-dimensional max pooling over planes [H, W], padding counting as −∞. The geometry has N = planes and C = 1.
import { field } from "./geometry";

/** Where v takes the place of best: it is larger, or the first NaN. */
@inline function wins(v: v128, best: v128): v128 {
  return v128.or(f32x4.gt(v, best), v128.and(f32x4.ne(v, v), f32x4.eq(best, best)));
}

/** The common case: 2 × 2 windows side by side, four at a time. One plane; y and index [OH, OW]. */
function pairs(x: usize, y: usize, index: usize, W: i32, OH: i32, OW: i32): void {
  const row = <usize>W << 2;
  const steps = i32x4(0, 2, 4, 6);
  for (let oy = 0; oy < OH; oy++) {
    let p = x + row * <usize>(2 * oy);
    let at = 2 * oy * W;
    let n = OW;
    for (; n >= 4 || (n > 0 && OW >= 4); n -= 4, p += 32, at += 8, y += 16, index += 16) {
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
      let best = v128.shuffle<f32>(a, b, 0, 2, 4, 6);
      let place = i32x4.add(i32x4.splat(at), steps);
      const right = v128.shuffle<f32>(a, b, 1, 3, 5, 7), below = v128.shuffle<f32>(c, d, 0, 2, 4, 6), last = v128.shuffle<f32>(c, d, 1, 3, 5, 7);
      const first = place;
      let m = wins(right, best);
      best = v128.bitselect(right, best, m);
      place = v128.bitselect(i32x4.add(first, i32x4.splat(1)), place, m);
      m = wins(below, best);
      best = v128.bitselect(below, best, m);
      place = v128.bitselect(i32x4.add(first, i32x4.splat(W)), place, m);
      m = wins(last, best);
      best = v128.bitselect(last, best, m);
      place = v128.bitselect(i32x4.add(first, i32x4.splat(W + 1)), place, m);
      v128.store(y, best);
      v128.store(index, place);
    }
    for (; n > 0; n--, p += 8, at += 2, y += 4, index += 4) {
      let best = load<f32>(p), place = at;
      for (let k = 1; k < 4; k++) {
        const offset = (k & 1) + (k >> 1) * W;
        const v = load<f32>(p + (<usize>offset << 2));
        if (v > best || (v != v && best == best)) {
          best = v;
          place = at + offset;
        }
      }
      store<f32>(y, best);
      store<i32>(index, place);
    }
  }
}

/**
 * y = the largest element of each window and index = where it stands in its plane (row-major): the first of equals, a NaN wins.
 * f32 and i32, both [planes, OH, OW]. A window without any element of the image gives −∞ and index −1.
 */
export function maxPool2d(x: usize, y: usize, index: usize, g: usize): void {
  const H = field(g, 2), W = field(g, 3), KH = field(g, 5), KW = field(g, 6), SH = field(g, 7), SW = field(g, 8);
  const PH = field(g, 9), PW = field(g, 10), DH = field(g, 11), DW = field(g, 12), OH = field(g, 14), OW = field(g, 15);
  const inPairs = KH == 2 && KW == 2 && SH == 2 && SW == 2 && (PH | PW) == 0 && (DH & DW) == 1 && 2 * OH <= H && 2 * OW <= W;
  for (let n = field(g, 0); n > 0; n--, x += <usize>(H * W) << 2) {
    if (inPairs) {
      pairs(x, y, index, W, OH, OW);
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
