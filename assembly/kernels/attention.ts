// Attention head by head: what lies in memory of the L × S weights is one head's, or all where they are to be kept. f32.
import { multiply } from "./matmul";
import { expRow, maxRow, scaledRow, softmaxGrad } from "./softmax";

//  the table, i32 each; strides in elements
//  ┌───────┬───────┬───┬───┬───┬────────┬──────┬───────────────────────────────────────────────────┐
//  │ batch │ heads │ L │ S │ d │ causal │ kept │ of q, k, v, y and the mask: by batch, head and row │
//  └───────┴───────┴───┴───┴───┴────────┴──────┴───────────────────────────────────────────────────┘
//  kept: how far one head's weights lie from the next one's, 0 where each overwrites the last
@inline function entry(table: usize, i: i32): i32 {
  return load<i32>(table + (<usize>i << 2));
}

/** Where the matrix of a head begins; `which`: 0 to 4 for q, k, v, y, mask. */
@inline function headOf(base: usize, table: usize, which: i32, n: i32, h: i32): usize {
  return base + (<usize>(n * entry(table, 7 + 3 * which) + h * entry(table, 8 + 3 * which)) << 2);
}

@inline function rowOf(table: usize, which: i32): i32 {
  return entry(table, 9 + 3 * which);
}

/** p [L, S] = softmax(scale·q·kᵀ + mask) by rows, of the keys up to its own place where causal; zeros where a row sees nothing. */
function weigh(q: usize, k: usize, p: usize, mask: usize, scale: f32, table: usize): void {
  const length = entry(table, 2), keys = entry(table, 3), row = <usize>keys << 2, maskRow = <usize>rowOf(table, 4) << 2;
  multiply(length, keys, entry(table, 4), q, rowOf(table, 0), 1, k, 1, rowOf(table, 1), p, keys, 0, 0);
  for (let i = 0; i < length; i++, p += row, mask += maskRow) {
    const n = entry(table, 5) ? min(i + 1, keys) : keys;
    scaledRow(p, p, n, scale);
    if (mask) {
      let o: usize = 0;
      for (const end = <usize>(n & ~3) << 2; o < end; o += 16) v128.store(p + o, f32x4.add(v128.load(p + o), v128.load(mask + o)));
      for (const end = <usize>n << 2; o < end; o += 4) store<f32>(p + o, load<f32>(p + o) + load<f32>(mask + o));
    }
    const most = maxRow(p, n);
    // The largest is −∞ where nothing is seen; NaN, which it passes over, stays in the row.
    const total = expRow(p, p, n, most == f32.NEGATIVE_INFINITY ? 0 : most);
    scaledRow(p, p, n, total == 0 ? 0 : <f32>1 / total);
    memory.fill(p + (<usize>n << 2), 0, <usize>(keys - n) << 2);
  }
}

/** y = softmax(scale·q·kᵀ + mask)·v for every head. weights: room for one head's, or all; mask: 0 where there is none; scale: its address. */
export function attention(q: usize, k: usize, v: usize, y: usize, weights: usize, mask: usize, scale: usize, table: usize): void {
  const heads = entry(table, 1), d = entry(table, 4);
  for (let n = 0, p = weights; n < entry(table, 0); n++) {
    for (let h = 0; h < heads; h++, p += <usize>entry(table, 6) << 2) {
      weigh(headOf(q, table, 0, n, h), headOf(k, table, 1, n, h), p, mask ? headOf(mask, table, 4, n, h) : 0, load<f32>(scale), table);
      multiply(entry(table, 2), d, entry(table, 3), p, entry(table, 3), 1, headOf(v, table, 2, n, h), rowOf(table, 2), 1, headOf(y, table, 3, n, h), rowOf(table, 3), 0, 0);
    }
  }
}

/** The gradients of attention; dq, dk, dv lie as q, k, v do, dy as y. scratch: [L, S]. */
export function attentionGrad(
  q: usize, k: usize, v: usize, dy: usize, weights: usize, mask: usize, scale: usize, dq: usize, dk: usize, dv: usize, scratch: usize, table: usize,
): void {
  const heads = entry(table, 1), length = entry(table, 2), keys = entry(table, 3), d = entry(table, 4), kept = <usize>entry(table, 6) << 2;
  const qr = rowOf(table, 0), kr = rowOf(table, 1), vr = rowOf(table, 2), yr = rowOf(table, 3);
  for (let n = 0, p = weights; n < entry(table, 0); n++) {
    for (let h = 0; h < heads; h++, p += kept) {
      const a = headOf(q, table, 0, n, h), b = headOf(k, table, 1, n, h), c = headOf(v, table, 2, n, h), u = headOf(dy, table, 3, n, h);
      if (!kept) weigh(a, b, p, mask ? headOf(mask, table, 4, n, h) : 0, load<f32>(scale), table);
      multiply(length, keys, d, u, yr, 1, c, 1, vr, scratch, keys, 0, 0);
      softmaxGrad(scratch, p, scratch, length, keys);
      scaledRow(scratch, scratch, length * keys, load<f32>(scale));
      multiply(length, d, keys, scratch, keys, 1, b, kr, 1, headOf(dq, table, 0, n, h), qr, 0, 0);
      multiply(keys, d, length, scratch, 1, keys, a, qr, 1, headOf(dk, table, 1, n, h), kr, 0, 0);
      multiply(keys, d, length, p, 1, keys, u, yr, 1, headOf(dv, table, 2, n, h), vr, 0, 0);
    }
  }
}
