// Attention head by head: what lies in memory of the L × S weights is one head's, or all where they are to be kept. f32.
import { multiply } from "./matmul";
import { expRow, maxRow, scaledRow, softmaxGrad } from "./softmax";
import { mine, partAt, partsOf, say, share, shared, word } from "./team";

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

/** Where the weights of head i of all are: where they are kept, or this thread's room. */
@inline function weightsOf(weights: usize, table: usize, i: i32): usize {
  const kept = entry(table, 6);
  return kept ? weights + (<usize>(kept * i) << 2) : mine(weights, <usize>(entry(table, 2) * entry(table, 3)) << 2);
}

/** Multiplications of so many products. */
function multiplications(table: usize, products: f64): f64 {
  return products * <f64>(entry(table, 0) * entry(table, 1)) * <f64>(entry(table, 2) * entry(table, 3)) * <f64>entry(table, 4);
}

/**
 * y = softmax(scale·q·kᵀ + mask)·v for every head. weights: room for one head's for each thread, or all; mask: 0 where there is none;
 * scale: its address. A team shares the heads.
 */
export function attention(q: usize, k: usize, v: usize, y: usize, weights: usize, mask: usize, scale: usize, table: usize): void {
  const all = entry(table, 0) * entry(table, 1);
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(all, 2);
    if (shared(multiplications(table, 2), parts)) {
      say(0, q), say(1, k), say(2, v), say(3, y), say(4, weights), say(5, mask), say(6, scale), say(7, table);
      share(partOfAttention.index, parts);
      return;
    }
  }
  attentionHeads(q, k, v, y, weights, mask, scale, table, 0, all);
}

function partOfAttention(i: i32): void {
  const table = word(7), all = entry(table, 0) * entry(table, 1);
  attentionHeads(word(0), word(1), word(2), word(3), word(4), word(5), word(6), table, partAt(all, i), partAt(all, i + 1));
}

/** Heads `from` to `to` of all of attention. */
function attentionHeads(q: usize, k: usize, v: usize, y: usize, weights: usize, mask: usize, scale: usize, table: usize, from: i32, to: i32): void {
  const heads = entry(table, 1), d = entry(table, 4);
  for (let i = from; i < to; i++) {
    const n = i / heads, h = i % heads, p = weightsOf(weights, table, i);
    weigh(headOf(q, table, 0, n, h), headOf(k, table, 1, n, h), p, mask ? headOf(mask, table, 4, n, h) : 0, load<f32>(scale), table);
    multiply(entry(table, 2), d, entry(table, 3), p, entry(table, 3), 1, headOf(v, table, 2, n, h), rowOf(table, 2), 1, headOf(y, table, 3, n, h), rowOf(table, 3), 0, 0);
  }
}

/** The gradients of attention; dq, dk, dv lie as q, k, v do, dy as y. scratch: [L, S] for each thread. A team shares the heads. */
export function attentionGrad(
  q: usize, k: usize, v: usize, dy: usize, weights: usize, mask: usize, scale: usize, dq: usize, dk: usize, dv: usize, scratch: usize, table: usize,
): void {
  const all = entry(table, 0) * entry(table, 1);
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(all, 2);
    if (shared(multiplications(table, 4), parts)) {
      say(0, q), say(1, k), say(2, v), say(3, dy), say(4, weights), say(5, mask), say(6, scale), say(7, dq), say(8, dk), say(9, dv), say(10, scratch), say(11, table);
      share(partOfAttentionGrad.index, parts);
      return;
    }
  }
  attentionGradHeads(q, k, v, dy, weights, mask, scale, dq, dk, dv, scratch, table, 0, all);
}

function partOfAttentionGrad(i: i32): void {
  const table = word(11), all = entry(table, 0) * entry(table, 1), room = mine(word(10), <usize>(entry(table, 2) * entry(table, 3)) << 2);
  attentionGradHeads(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7), word(8), word(9), room, table, partAt(all, i), partAt(all, i + 1));
}

/** Heads `from` to `to` of all of attentionGrad. */
function attentionGradHeads(
  q: usize, k: usize, v: usize, dy: usize, weights: usize, mask: usize, scale: usize, dq: usize, dk: usize, dv: usize, scratch: usize, table: usize, from: i32, to: i32,
): void {
  const heads = entry(table, 1), length = entry(table, 2), keys = entry(table, 3), d = entry(table, 4), kept = entry(table, 6);
  const qr = rowOf(table, 0), kr = rowOf(table, 1), vr = rowOf(table, 2), yr = rowOf(table, 3);
  for (let i = from; i < to; i++) {
    const h = i % heads, n = i / heads, p = weightsOf(weights, table, i);
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
