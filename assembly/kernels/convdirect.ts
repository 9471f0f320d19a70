// Convolution with vertical stride 1, one image and group at a time, without the column matrix of conv.ts. Of its rows (c, ky, kx), those
// of one channel and kernel column differ only in where they begin in one plane, which is as high as the padded image:
//
//   planes [channels, KW, R, OW], R = OH + (KH − 1)·DH        row (c, ky, kx) = plane (c, kx) from its row ky·DH on
//
// so an image is copied KW times and not KH·KW times, and nothing is packed. Where an output row is whole tiles (OW a multiple of 16), and the
// horizontal stride 1, y needs one copy: its rows are as wide as the padded image, and the kernel's columns are places in them:
//
//   planes [channels, R, OW + (KW − 1)·DW]                    row (c, ky, kx) = plane c from its row ky·DH and column kx·DW on
//
//  the scratch, 32-bit words; m = O/groups, K = channels · KH · KW:
//  ┌────────┬────┬─────────┬──────────────┬───────────┬───────────────┐
//  │ planes │ 8  │ table K │ biases m + 4 │ record 16 │ weights m · K │   for y: the record of the one copy; the weights only where they are turned
//  ├────────┼────┼─────────┼──────────────┴───────────┴───────────────┤
//  │ planes │ 8  │ table K │ sums 32 · ⌈m/4⌉ · ⌈K/2⌉                  │   for dW
//  └────────┴────┴─────────┴──────────────────────────────────────────┘
import { multiplications } from "./conv";
import { addDots, finishDots, multiplyRows } from "./convtiles";
import { field } from "./geometry";
import { copy } from "./movement";
import { mine, partAt, partsOf, say, share, shared, word } from "./team";
import { unroll } from "./unroll";

/** Rows of a plane. */
@inline function height(g: usize): i32 {
  return field(g, 14) + (field(g, 5) - 1) * field(g, 11);
}

/** How far planes of rows so wide lie apart, in floats: an odd number of cache lines, so that they do not meet in a few of the cache's sets. */
@inline function planeStep(g: usize, width: i32): i32 {
  return ((height(g) * width + 15) >> 4 | 1) << 4;
}

/** The width of a plane's rows where there is one for each channel, or 0 where there is one for each kernel column too. */
@inline function wholeWidth(g: usize): i32 {
  const OW = field(g, 15), reach = (field(g, 6) - 1) * field(g, 12);
  return (OW & 15) == 0 && field(g, 8) == 1 && reach <= OW >> 1 ? OW + reach : 0;
}

/** Fills the table of K entries: bytes from one kernel row, column and channel to the next. `flipped`: the kernel's places come in opposite order. */
function placeRows(table: usize, channels: i32, g: usize, rise: i32, shift: i32, channel: i32, flipped: bool): void {
  const KH = field(g, 5), KW = field(g, 6);
  for (let c = 0; c < channels; c++) {
    for (let ky = 0; ky < KH; ky++) {
      for (let kx = 0; kx < KW; kx++, table += 4) {
        const at = flipped ? (KW - 1 - kx) * shift + (KH - 1 - ky) * rise : kx * shift + ky * rise;
        store<i32>(table, (c * channel + at) << 2);
      }
    }
  }
}

/** Floats of the planes of one image and group, at most, and the 8 behind them. */
@inline function planeFloats(g: usize): i32 {
  return field(g, 1) / field(g, 13) * planeStep(g, field(g, 15)) * field(g, 6) + 8;
}

/**
 * y [N, O, OH, OW] = conv(x [N, C, H, W], w [O, C/groups, KH, KW]) + bias [O] (0: none), vertical stride 1, C ≥ 1. f32. Padding is a
 * zero that is multiplied too. `flipped`: w is [C, O/groups, KH, KW], and its places count from the last: with stride 1, and
 * (K − 1)·dilation less the padding as padding (which may be below 0), that is the input's gradient. One scratch for each thread: a team
 * shares the images.
 */
export function conv2dDirect(x: usize, w: usize, bias: usize, y: usize, scratch: usize, g: usize, flipped: i32): void {
  const N = field(g, 0);
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(N, 2);
    if (shared(multiplications(g), parts)) {
      say(0, x), say(1, w), say(2, bias), say(3, y), say(4, scratch), say(5, g), say(6, flipped);
      share(partOfDirect.index, parts);
      return;
    }
  }
  directImages(x, w, bias, y, scratch, g, flipped, 0, N);
}

function partOfDirect(i: i32): void {
  const g = word(5), N = field(g, 0), outputs = field(g, 4) / field(g, 13), K = field(g, 1) / field(g, 13) * field(g, 5) * field(g, 6);
  const floats = planeFloats(g) + K + outputs + 20 + outputs * K;
  directImages(word(0), word(1), word(2), word(3), mine(word(4), <usize>floats << 2), g, word(6), partAt(N, i), partAt(N, i + 1));
}

/** Images `from` to `to` of conv2dDirect. */
function directImages(x: usize, w: usize, bias: usize, y: usize, scratch: usize, g: usize, flipped: i32, from: i32, to: i32): void {
  const groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const taps = field(g, 5) * field(g, 6), K = channels * taps, P = field(g, 14) * field(g, 15);
  const image = <usize>(channels * field(g, 2) * field(g, 3)) << 2, result = <usize>(outputs * P) << 2;
  const OH = field(g, 14), OW = field(g, 15), whole = wholeWidth(g), width = whole ? whole : OW, plane = planeStep(g, width);
  const channel = whole ? plane : plane * field(g, 6);
  const table = scratch + (<usize>(channels * channel + 8) << 2), biases = table + (<usize>K << 2);
  const record = biases + (<usize>(outputs + 4) << 2), turned = record + 64;
  placeRows(table, channels, g, width * field(g, 11), whole ? field(g, 12) : plane, channel, flipped != 0);
  memory.copy(record, g, 64);
  if (whole) {
    store<i32>(record, 1, 24);
    store<i32>(record, width, 60);
  }
  memory.fill(biases, 0, <usize>outputs << 2);
  for (let group = 0; group < groups; group++, w += <usize>(outputs * K) << 2, bias += bias ? <usize>outputs << 2 : 0) {
    if (bias) memory.copy(biases, bias, <usize>outputs << 2);
    if (flipped) copy(w, turned, 1, outputs, channels, taps, 0, taps, outputs * taps, 1, 0, K, taps, 1);
    const a = flipped ? turned : w;
    for (let n = from; n < to; n++) {
      const at = <usize>(n * groups + group);
      let d = y + result * at;
      unroll(x + image * at, scratch, channels, record, 1, height(g), plane, false, n == from);
      if (whole) {
        for (let row = 0, p = scratch; row < OH; row++, p += <usize>width << 2, d += <usize>OW << 2)
          multiplyRows(outputs, OW, K, a, p, table, biases, d, <usize>P << 2);
      } else multiplyRows(outputs, P, K, a, scratch, table, biases, d, <usize>P << 2);
    }
  }
}

/** Positions that are taken for all of dW at once, so that dy's and the image's stay in the caches; a whole four each but the last. */
const POSITIONS: i32 = 256;

/**
 * dw [O, C/groups, KH, KW] from x and dy [N, O, OH, OW], vertical stride 1, OH·OW ≥ 4. f32. Sums in four lanes over images in order. One
 * scratch for each thread: a team shares the groups, or the channels of a single one.
 */
export function conv2dDirectWeightGrad(x: usize, dy: usize, dw: usize, scratch: usize, g: usize): void {
  const groups = field(g, 13), channels = field(g, 1) / groups;
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(groups > 1 ? groups : channels, 1);
    if (shared(multiplications(g), parts)) {
      say(0, x), say(1, dy), say(2, dw), say(3, scratch), say(4, g);
      share(partOfDirectWeightGrad.index, parts);
      return;
    }
  }
  directWeightGrad(x, dy, dw, scratch, g, 0, groups, 0, channels);
}

function partOfDirectWeightGrad(i: i32): void {
  const g = word(4), groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups, K = channels * field(g, 5) * field(g, 6);
  const scratch = mine(word(3), <usize>(planeFloats(g) + K + 32 * ((outputs + 3) / 4) * ((K + 1) / 2)) << 2);
  if (groups > 1) directWeightGrad(word(0), word(1), word(2), scratch, g, partAt(groups, i), partAt(groups, i + 1), 0, channels);
  else directWeightGrad(word(0), word(1), word(2), scratch, g, 0, 1, partAt(channels, i), partAt(channels, i + 1));
}

/** dw in some groups, and of each in channels `from` to `to`. */
function directWeightGrad(x: usize, dy: usize, dw: usize, scratch: usize, g: usize, group: i32, lastGroup: i32, from: i32, to: i32): void {
  const N = field(g, 0), groups = field(g, 13), channels = field(g, 1) / groups, outputs = field(g, 4) / groups;
  const taps = field(g, 5) * field(g, 6), K = channels * taps, P = field(g, 14) * field(g, 15), area = field(g, 2) * field(g, 3), rows = (to - from) * taps;
  const image = <usize>(channels * area) << 2, result = <usize>(outputs * P) << 2;
  const plane = planeStep(g, field(g, 15)), channel = plane * field(g, 6);
  const table = scratch + (<usize>(channels * channel + 8) << 2), sums = table + (<usize>K << 2);
  placeRows(table, channels, g, field(g, 15) * field(g, 11), plane, channel, false);
  for (; group < lastGroup; group++) {
    memory.fill(sums, 0, <usize>((outputs + 3) / 4 * ((rows + 1) / 2)) << 7);
    for (let n = 0; n < N; n++) {
      const at = <usize>(n * groups + group);
      unroll(x + image * at + (<usize>(from * area) << 2), scratch, to - from, g, 1, height(g), plane, false, n == 0);
      for (let p = 0, count = 0; p < P; p += count) {
        count = P - p < 2 * POSITIONS ? P - p : POSITIONS;
        addDots(outputs, count, rows, dy + result * at + (<usize>p << 2), <usize>P << 2, scratch + (<usize>p << 2), table, sums);
      }
    }
    finishDots(outputs, rows, sums, dw + (<usize>(group * outputs * K + from * taps) << 2), K);
  }
}
