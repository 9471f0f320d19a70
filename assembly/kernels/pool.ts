// Two-dimensional max pooling over planes [H, W], padding counting as −∞. The geometry is conv.ts's, with N = planes and C = 1.

@inline function field(geometry: usize, i: usize): i32 {
  return load<i32>(geometry + (i << 2));
}

/**
 * y = the largest element of each window and index = where it stands in its plane (row-major): the first of equals, a NaN wins.
 * f32 and i32, both [planes, OH, OW]. A window without any element of the image gives −∞ and index −1.
 */
export function maxPool2d(x: usize, y: usize, index: usize, g: usize): void {
  const H = field(g, 2), W = field(g, 3), KH = field(g, 5), KW = field(g, 6), SH = field(g, 7), SW = field(g, 8);
  const PH = field(g, 9), PW = field(g, 10), DH = field(g, 11), DW = field(g, 12), OH = field(g, 14), OW = field(g, 15);
  for (let n = field(g, 0); n > 0; n--, x += <usize>(H * W) << 2) {
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
