// Convolution with vertical stride 1, one image and group at a time, without the column matrix of conv.ts. Of its rows (c, ky, kx), those
// of one channel and kernel column differ only in where they begin in one plane, which is as high as the padded image:
//
//   planes [channels, KW, R, OW], R = OH + (KH − 1)·DH        row (c, ky, kx) = plane (c, kx) from its row ky·DH on
//
// so an image is copied KW times and not KH·KW times, and nothing is packed.
//
//  the scratch, 32-bit words; m = O/groups, K = channels · KH · KW:
//  ┌────────┬────┬─────────┬──────────────┬───────────────┐
//  │ planes │ 8  │ table K │ biases m + 4 │ weights m · K │   for y, the weights only where they are turned
//  ├────────┼────┼─────────┼──────────────┴───────────────┤
//  │ planes │ 8  │ table K │ sums 32 · ⌈m/4⌉ · ⌈K/2⌉      │   for dW
//  └────────┴────┴─────────┴──────────────────────────────┘
import { addDots, finishDots, multiplyRows } from "./convtiles";
import { field } from "./geometry";
import { copy } from "./movement";
import { unroll } from "./unroll";

/** Rows of a plane. */
@inline function height(g: usize): i32 {
  return field(g, 14) + (field(g, 5) - 1) * field(g, 11);
}

/** How far planes lie apart, in floats: an odd number of cache lines, so that they do not meet in a few of the cache's sets. */
@inline function planeStep(g: usize): i32 {
  return ((height(g) * field(g, 15) + 15) >> 4 | 1) << 4;
}

/** Fills the table behind the planes and gives its address. `flipped`: the kernel's places come in opposite order. */
function placeRows(scratch: usize, channels: i32, g: usize, flipped: bool): usize {
  const KH = field(g, 5), KW = field(g, 6), OW = field(g, 15), plane = planeStep(g), rise = field(g, 11) * OW;
  const table = scratch + (<usize>(channels * KW * plane + 8) << 2);
  let entry = table;
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < KH; ky++) {
      for (let kx = 0; kx < KW; kx++, entry += 4) {
        const at = flipped ? (KW - 1 - kx) * plane + (KH - 1 - ky) * rise : kx * plane + ky * rise;
        store<i32>(entry, (c * KW * plane + at) << 2);
      }
    }
  }
  return table;
}

/**
 * y [N, O, OH, OW] = conv(x [N, C, H, W], w [O, C/groups, KH, KW]) + bias [O] (0: none), vertical stride 1, C ≥ 1. f32. Padding is a
 * zero that is multiplied too. `flipped`: w is [C, O/groups, KH, KW], and its places count from the last: with stride 1, and
 * (K − 1)·dilation less the padding as padding (which may be below 0), that is the input's gradient.
 */
export function conv2dDirect(x: usize, w: usize, bias: usize, y: usize, scratch: usize, g: usize, flipped: i32): void {
  const N = field(g, 0), groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const taps = field(g, 5) * field(g, 6), K = channels * taps, P = field(g, 14) * field(g, 15);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * P) << 2;
  const table = placeRows(scratch, channels, g, flipped != 0);
  const biases = table + (<usize>K << 2), turned = biases + (<usize>(outputs + 4) << 2);
  memory.fill(biases, 0, <usize>outputs << 2);
  for (let group = 0; group < groups; group++, w += <usize>(outputs * K) << 2, bias += bias ? <usize>outputs << 2 : 0) {
    if (bias) memory.copy(biases, bias, <usize>outputs << 2);
    if (flipped) copy(w, turned, 1, outputs, channels, taps, 0, taps, outputs * taps, 1, 0, K, taps, 1);
    for (let n = 0; n < N; n++) {
      const at = <usize>(n * groups + group);
      unroll(x + image * at, scratch, channels, g, 1, height(g), planeStep(g), false, n == 0);
      multiplyRows(outputs, P, K, flipped ? turned : w, scratch, table, biases, y + result * at);
    }
  }
}

/** dw [O, C/groups, KH, KW] from x and dy [N, O, OH, OW], vertical stride 1, OH·OW ≥ 4. f32. Sums in four lanes over images in order. */
export function conv2dDirectWeightGrad(x: usize, dy: usize, dw: usize, scratch: usize, g: usize): void {
  const N = field(g, 0), groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const K = channels * field(g, 5) * field(g, 6), P = field(g, 14) * field(g, 15);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * P) << 2;
  const table = placeRows(scratch, channels, g, false), sums = table + (<usize>K << 2);
  for (let group = 0; group < groups; group++, dw += <usize>(outputs * K) << 2) {
    memory.fill(sums, 0, <usize>((outputs + 3) / 4 * ((K + 1) / 2)) << 7);
    for (let n = 0; n < N; n++) {
      const at = <usize>(n * groups + group);
      unroll(x + image * at, scratch, channels, g, 1, height(g), planeStep(g), false, n == 0);
      addDots(outputs, P, K, dy + result * at, scratch, table, sums);
    }
    finishDots(outputs, K, sums, dw);
  }
}
