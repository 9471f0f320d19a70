// What the matrix product of matmul.ts is made of: register tiles over panels of B, and the packing of panels.
//
// 2 × 16 is the widest tile whose operands fit V8's 15 vector registers without spills. Each unrolled step ends in an early exit:
// the block boundary keeps the compiler from hoisting the next step's loads into registers that are not there. A tile's sums must be
// locals to stay in registers, and functions cannot share locals: each size is written out, here and in convtiles.ts.
import { loadTail, mad } from "../lanes";

/** How far rows of a panel lie apart, in bytes: 16 columns. */
export const PANEL: usize = 64;

// `from`: what the sums are added to, rows `fromRow` bytes apart: C itself, or a bias (0 bytes apart). Both are 0 where there is nothing.

/** c ← from + v. */
@inline function store4(c: usize, from: usize, v0: v128, v1: v128, v2: v128, v3: v128): void {
  if (from) {
    v0 = f32x4.add(v128.load(from), v0);
    v1 = f32x4.add(v128.load(from, 16), v1);
    v2 = f32x4.add(v128.load(from, 32), v2);
    v3 = f32x4.add(v128.load(from, 48), v3);
  }
  v128.store(c, v0);
  v128.store(c, v1, 16);
  v128.store(c, v2, 32);
  v128.store(c, v3, 48);
}

@inline function store2(c: usize, from: usize, v0: v128, v1: v128): void {
  if (from) {
    v0 = f32x4.add(v128.load(from), v0);
    v1 = f32x4.add(v128.load(from, 16), v1);
  }
  v128.store(c, v0);
  v128.store(c, v1, 16);
}

/** 2 × 16 tile over a packed panel (rows 64 bytes apart), 3 steps of k a turn. Strides in bytes. */
export function tile2x16(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c02 = c00, c03 = c00;
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00;
  let a0 = a, a1 = a + aRow;
  while (true) {
    {
      const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
      let t = v128.load32_splat(a0);
      c00 = mad(t, b0, c00); c01 = mad(t, b1, c01); c02 = mad(t, b2, c02); c03 = mad(t, b3, c03);
      t = v128.load32_splat(a1);
      c10 = mad(t, b0, c10); c11 = mad(t, b1, c11); c12 = mad(t, b2, c12); c13 = mad(t, b3, c13);
    }
    a0 += aCol;
    a1 += aCol;
    if (!--k) break;
    {
      const b0 = v128.load(b, 64), b1 = v128.load(b, 80), b2 = v128.load(b, 96), b3 = v128.load(b, 112);
      let t = v128.load32_splat(a0);
      c00 = mad(t, b0, c00); c01 = mad(t, b1, c01); c02 = mad(t, b2, c02); c03 = mad(t, b3, c03);
      t = v128.load32_splat(a1);
      c10 = mad(t, b0, c10); c11 = mad(t, b1, c11); c12 = mad(t, b2, c12); c13 = mad(t, b3, c13);
    }
    a0 += aCol;
    a1 += aCol;
    if (!--k) break;
    {
      const b0 = v128.load(b, 128), b1 = v128.load(b, 144), b2 = v128.load(b, 160), b3 = v128.load(b, 176);
      let t = v128.load32_splat(a0);
      c00 = mad(t, b0, c00); c01 = mad(t, b1, c01); c02 = mad(t, b2, c02); c03 = mad(t, b3, c03);
      t = v128.load32_splat(a1);
      c10 = mad(t, b0, c10); c11 = mad(t, b1, c11); c12 = mad(t, b2, c12); c13 = mad(t, b3, c13);
    }
    a0 += aCol;
    a1 += aCol;
    b += 3 * PANEL;
    if (!--k) break;
  }
  store4(c, from, c00, c01, c02, c03);
  store4(c + cRow, from + fromRow, c10, c11, c12, c13);
}

/** 4 × 8 tile over the left half of a packed panel. */
export function tile4x8(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  let a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
  while (true) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let t = v128.load32_splat(a0);
    c00 = mad(t, b0, c00); c01 = mad(t, b1, c01);
    t = v128.load32_splat(a1);
    c10 = mad(t, b0, c10); c11 = mad(t, b1, c11);
    t = v128.load32_splat(a2);
    c20 = mad(t, b0, c20); c21 = mad(t, b1, c21);
    t = v128.load32_splat(a3);
    c30 = mad(t, b0, c30); c31 = mad(t, b1, c31);
    a0 += aCol;
    a1 += aCol;
    a2 += aCol;
    a3 += aCol;
    b += PANEL;
    if (!--k) break;
  }
  store2(c, from, c00, c01);
  store2(c + cRow, from + fromRow, c10, c11);
  store2(c + 2 * cRow, from + 2 * fromRow, c20, c21);
  store2(c + 3 * cRow, from + 3 * fromRow, c30, c31);
}

/**
 * 6 × 8 tile over half a packed panel: as many sums as hide the latency of a fused multiply-add. Faster there where the compiler keeps
 * twelve sums in registers; where it does not, half as fast.
 */
export function tile6x8(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  let a0 = a, a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow, a4 = a3 + aRow, a5 = a4 + aRow;
  while (true) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let t = v128.load32_splat(a0);
    c00 = mad(t, b0, c00); c01 = mad(t, b1, c01);
    t = v128.load32_splat(a1);
    c10 = mad(t, b0, c10); c11 = mad(t, b1, c11);
    t = v128.load32_splat(a2);
    c20 = mad(t, b0, c20); c21 = mad(t, b1, c21);
    t = v128.load32_splat(a3);
    c30 = mad(t, b0, c30); c31 = mad(t, b1, c31);
    t = v128.load32_splat(a4);
    c40 = mad(t, b0, c40); c41 = mad(t, b1, c41);
    t = v128.load32_splat(a5);
    c50 = mad(t, b0, c50); c51 = mad(t, b1, c51);
    a0 += aCol;
    a1 += aCol;
    a2 += aCol;
    a3 += aCol;
    a4 += aCol;
    a5 += aCol;
    b += PANEL;
    if (!--k) break;
  }
  store2(c, from, c00, c01);
  store2(c + cRow, from + fromRow, c10, c11);
  store2(c + 2 * cRow, from + 2 * fromRow, c20, c21);
  store2(c + 3 * cRow, from + 3 * fromRow, c30, c31);
  store2(c + 4 * cRow, from + 4 * fromRow, c40, c41);
  store2(c + 5 * cRow, from + 5 * fromRow, c50, c51);
}

/** 2 × 16 tile over B in place (rows bRow apart). Inlined and not unrolled: measured faster so on the small products it serves. */
@inline export function tileInPlace(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
  let c00 = f32x4.splat(0), c01 = c00, c02 = c00, c03 = c00;
  let c10 = c00, c11 = c00, c12 = c00, c13 = c00;
  let a0 = a, a1 = a + aRow;
  while (true) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    let t = v128.load32_splat(a0);
    c00 = mad(t, b0, c00); c01 = mad(t, b1, c01); c02 = mad(t, b2, c02); c03 = mad(t, b3, c03);
    t = v128.load32_splat(a1);
    c10 = mad(t, b0, c10); c11 = mad(t, b1, c11); c12 = mad(t, b2, c12); c13 = mad(t, b3, c13);
    a0 += aCol;
    a1 += aCol;
    b += bRow;
    if (!--k) break;
  }
  store4(c, from, c00, c01, c02, c03);
  store4(c + cRow, from + fromRow, c10, c11, c12, c13);
}

/** k rows of 4 transposed columns (each contiguous in k, bCol bytes apart) into a panel: 4 × 4 blocks. */
function pack4Transposed(d: usize, b: usize, bCol: usize, k: i32): void {
  let p0 = b, p1 = p0 + bCol, p2 = p1 + bCol, p3 = p2 + bCol;
  for (; k >= 4; k -= 4) {
    const r0 = v128.load(p0), r1 = v128.load(p1), r2 = v128.load(p2), r3 = v128.load(p3);
    const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(d, v128.shuffle<i64>(t0, t1, 0, 2));
    v128.store(d, v128.shuffle<i64>(t0, t1, 1, 3), 64);
    v128.store(d, v128.shuffle<i64>(t2, t3, 0, 2), 128);
    v128.store(d, v128.shuffle<i64>(t2, t3, 1, 3), 192);
    d += 4 * PANEL;
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
  }
  if (k > 0) {
    // By vectors too: the tile's loads could not be served from narrower stores that are still under way.
    const r0 = loadTail(p0, k), r1 = loadTail(p1, k), r2 = loadTail(p2, k), r3 = loadTail(p3, k);
    const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    v128.store(d, v128.shuffle<i64>(t0, t1, 0, 2));
    if (k > 1) v128.store(d, v128.shuffle<i64>(t0, t1, 1, 3), 64);
    if (k > 2) v128.store(d, v128.shuffle<i64>(v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), v128.shuffle<f32>(r2, r3, 2, 6, 3, 7), 0, 2), 128);
  }
}

/** k × n of B into panels of 16 columns, zeros where n ends in a panel's half. Strides in bytes. */
export function pack(d: usize, b: usize, bRow: usize, bCol: usize, k: i32, n: i32): void {
  for (; n > 0; n -= 16, b += bCol * 16, d += <usize>k * PANEL) {
    if (n >= 16 && bCol == 4) {
      for (let p = 0, q = b, e = d; p < k; p++, q += bRow, e += PANEL) {
        v128.store(e, v128.load(q));
        v128.store(e, v128.load(q, 16), 16);
        v128.store(e, v128.load(q, 32), 32);
        v128.store(e, v128.load(q, 48), 48);
      }
    } else if (n >= 4 && bRow == 4) {
      // Four columns at a time while there are four; then one by one; then zeros, as far as the tile reads.
      const width = min(16, n), fours = width & ~3, end = width > 8 ? 16 : 8;
      for (let j = 0; j < fours; j += 4) pack4Transposed(d + (<usize>j << 2), b + bCol * <usize>j, bCol, k);
      for (let j = fours; j < end; j++) {
        let e = d + (<usize>j << 2), r = b + bCol * <usize>j;
        for (let p = 0; p < k; p++, e += PANEL, r += 4) store<f32>(e, j < width ? load<f32>(r) : 0);
      }
    } else if (bCol == 4) {
      const fours = n & ~3, rest = n & 3;
      for (let p = 0, q = b, e = d; p < k; p++, q += bRow, e += PANEL) {
        for (let j = 0; j < 16; j += 4) {
          const at = <usize>j << 2;
          v128.store(e + at, j < fours ? v128.load(q + at) : j == fours && rest > 0 ? loadTail(q + at, rest) : f32x4.splat(0));
        }
      }
    } else {
      const width = min(16, n);
      for (let p = 0, q = b, e = d; p < k; p++, q += bRow, e += PANEL) {
        let r = q;
        for (let j = 0; j < width; j++, r += bCol) store<f32>(e + (<usize>j << 2), load<f32>(r));
        for (let j = width; j < 16; j++) store<f32>(e + (<usize>j << 2), 0);
      }
    }
  }
}
