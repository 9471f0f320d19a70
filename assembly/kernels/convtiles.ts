// Products over rows that a table places: row k begins table[k] bytes behind a base. The rows are those of a column matrix that is not
// formed (convdirect.ts), and overlap.
//
//   y [m, P] = bias + W [m, K] · rows      tiles of 2 outputs × 16 positions, 4 × 8 where 8 positions or fewer are left
//   dW [m, K] += dy [m, P] · rowsᵀ         tiles of 4 outputs × 2 rows: sums of four lanes, which come together after the last image
//
// As in tiles.ts: eight sums and six loads a step are what fits V8's registers, and each unrolled step ends in an early exit.
import { mad, sumLanes } from "../lanes";
import { edge, flush } from "./matmul";

/** 2 × 16 tile, added to the biases where `first`, else to what y has. W's rows at a0 and a1; three steps of k a turn. */
@inline function tile2x16(a0: usize, a1: usize, base: usize, table: usize, k: i32, first: bool, bias: usize, y0: usize, y1: usize): void {
  let c00: v128, c01: v128, c02: v128, c03: v128, c10: v128, c11: v128, c12: v128, c13: v128;
  if (first) {
    c00 = v128.load32_splat(bias);
    c10 = v128.load32_splat(bias, 4);
    c01 = c00; c02 = c00; c03 = c00;
    c11 = c10; c12 = c10; c13 = c10;
  } else {
    c00 = v128.load(y0); c01 = v128.load(y0, 16); c02 = v128.load(y0, 32); c03 = v128.load(y0, 48);
    c10 = v128.load(y1); c11 = v128.load(y1, 16); c12 = v128.load(y1, 32); c13 = v128.load(y1, 48);
  }
  while (true) {
    {
      const p = base + load<usize>(table);
      const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48);
      let t = v128.load32_splat(a0);
      c00 = mad(t, x0, c00); c01 = mad(t, x1, c01); c02 = mad(t, x2, c02); c03 = mad(t, x3, c03);
      t = v128.load32_splat(a1);
      c10 = mad(t, x0, c10); c11 = mad(t, x1, c11); c12 = mad(t, x2, c12); c13 = mad(t, x3, c13);
    }
    a0 += 4;
    a1 += 4;
    if (!--k) break;
    {
      const p = base + load<usize>(table, 4);
      const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48);
      let t = v128.load32_splat(a0);
      c00 = mad(t, x0, c00); c01 = mad(t, x1, c01); c02 = mad(t, x2, c02); c03 = mad(t, x3, c03);
      t = v128.load32_splat(a1);
      c10 = mad(t, x0, c10); c11 = mad(t, x1, c11); c12 = mad(t, x2, c12); c13 = mad(t, x3, c13);
    }
    a0 += 4;
    a1 += 4;
    if (!--k) break;
    {
      const p = base + load<usize>(table, 8);
      const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48);
      let t = v128.load32_splat(a0);
      c00 = mad(t, x0, c00); c01 = mad(t, x1, c01); c02 = mad(t, x2, c02); c03 = mad(t, x3, c03);
      t = v128.load32_splat(a1);
      c10 = mad(t, x0, c10); c11 = mad(t, x1, c11); c12 = mad(t, x2, c12); c13 = mad(t, x3, c13);
    }
    a0 += 4;
    a1 += 4;
    table += 12;
    if (!--k) break;
  }
  v128.store(y0, c00); v128.store(y0, c01, 16); v128.store(y0, c02, 32); v128.store(y0, c03, 48);
  v128.store(y1, c10); v128.store(y1, c11, 16); v128.store(y1, c12, 32); v128.store(y1, c13, 48);
}

/** 4 × 8 tile; y's rows follow one another. */
function tile4x8(a0: usize, a1: usize, a2: usize, a3: usize, base: usize, table: usize, k: i32, bias: usize, y: usize): void {
  let c00 = v128.load32_splat(bias), c01 = c00, c10 = v128.load32_splat(bias, 4), c11 = c10;
  let c20 = v128.load32_splat(bias, 8), c21 = c20, c30 = v128.load32_splat(bias, 12), c31 = c30;
  for (; k > 0; k--, table += 4, a0 += 4, a1 += 4, a2 += 4, a3 += 4) {
    const p = base + load<usize>(table);
    const x0 = v128.load(p), x1 = v128.load(p, 16);
    let t = v128.load32_splat(a0);
    c00 = mad(t, x0, c00); c01 = mad(t, x1, c01);
    t = v128.load32_splat(a1);
    c10 = mad(t, x0, c10); c11 = mad(t, x1, c11);
    t = v128.load32_splat(a2);
    c20 = mad(t, x0, c20); c21 = mad(t, x1, c21);
    t = v128.load32_splat(a3);
    c30 = mad(t, x0, c30); c31 = mad(t, x1, c31);
  }
  v128.store(y, c00); v128.store(y, c01, 16); v128.store(y, c10, 32); v128.store(y, c11, 48);
  v128.store(y, c20, 64); v128.store(y, c21, 80); v128.store(y, c30, 96); v128.store(y, c31, 112);
}

/** Rows at a time: 16 positions of so many, on two cache lines each, stay in L1. */
const ROWS: i32 = 192;

/**
 * y [m, P] = bias + W [m, K] · rows, K ≥ 1; bias [m + 3]; y's rows lie `row` bytes apart. f32. Where P is no multiple of 16, up to 7 floats
 * behind a row are read, and reach no result. Error: K rounded products added to the bias in the table's order.
 */
export function multiplyRows(m: i32, P: i32, K: i32, w: usize, base: usize, table: usize, bias: usize, y: usize, row: usize): void {
  const wRow = <usize>K << 2;
  for (; P > 8; P -= 16, base += 64, y += 64) {
    // A last block that is not whole takes all rows at once: the edge tile holds no sums between two.
    const step = P >= 16 ? ROWS : K;
    for (let k = 0; k < K; k += step) {
      const count = min(step, K - k), at = <usize>k << 2;
      let a = w + at, d = y, b = bias;
      for (let i = m; i > 0; i -= 2, a += 2 * wRow, d += 2 * row, b += 8) {
        const pair = i > 1, whole = P >= 16;
        tile2x16(a, pair ? a + wRow : a, base, table + at, count, k == 0, b, whole ? d : edge, pair && whole ? d + row : edge + 64);
        if (!whole) flush(d, row, 0, 0, 64, min(2, i), P);
      }
    }
  }
  if (P <= 0) return;
  for (; m > 0; m -= 4, w += 4 * wRow, y += 4 * row, bias += 16) {
    const a1 = m > 1 ? w + wRow : w, a2 = m > 2 ? a1 + wRow : w, a3 = m > 3 ? a2 + wRow : w;
    tile4x8(w, a1, a2, a3, base, table, K, bias, edge);
    flush(y, row, 0, 0, 32, min(4, m), P);
  }
}

/** 4 × 2 tile of sums of four lanes, which go on from and to `sums`. P ≥ 4. Four steps a turn. */
function tileDots(g0: usize, g1: usize, g2: usize, g3: usize, x0: usize, x1: usize, P: i32, sums: usize): void {
  let c00 = v128.load(sums), c01 = v128.load(sums, 16), c10 = v128.load(sums, 32), c11 = v128.load(sums, 48);
  let c20 = v128.load(sums, 64), c21 = v128.load(sums, 80), c30 = v128.load(sums, 96), c31 = v128.load(sums, 112);
  let n = P >> 2, p = x0, q = x1, r0 = g0, r1 = g1, r2 = g2, r3 = g3;
  while (true) {
    {
      const x = v128.load(p), z = v128.load(q);
      let g = v128.load(r0);
      c00 = mad(g, x, c00); c01 = mad(g, z, c01);
      g = v128.load(r1);
      c10 = mad(g, x, c10); c11 = mad(g, z, c11);
      g = v128.load(r2);
      c20 = mad(g, x, c20); c21 = mad(g, z, c21);
      g = v128.load(r3);
      c30 = mad(g, x, c30); c31 = mad(g, z, c31);
    }
    if (!--n) break;
    {
      const x = v128.load(p, 16), z = v128.load(q, 16);
      let g = v128.load(r0, 16);
      c00 = mad(g, x, c00); c01 = mad(g, z, c01);
      g = v128.load(r1, 16);
      c10 = mad(g, x, c10); c11 = mad(g, z, c11);
      g = v128.load(r2, 16);
      c20 = mad(g, x, c20); c21 = mad(g, z, c21);
      g = v128.load(r3, 16);
      c30 = mad(g, x, c30); c31 = mad(g, z, c31);
    }
    if (!--n) break;
    {
      const x = v128.load(p, 32), z = v128.load(q, 32);
      let g = v128.load(r0, 32);
      c00 = mad(g, x, c00); c01 = mad(g, z, c01);
      g = v128.load(r1, 32);
      c10 = mad(g, x, c10); c11 = mad(g, z, c11);
      g = v128.load(r2, 32);
      c20 = mad(g, x, c20); c21 = mad(g, z, c21);
      g = v128.load(r3, 32);
      c30 = mad(g, x, c30); c31 = mad(g, z, c31);
    }
    if (!--n) break;
    {
      const x = v128.load(p, 48), z = v128.load(q, 48);
      let g = v128.load(r0, 48);
      c00 = mad(g, x, c00); c01 = mad(g, z, c01);
      g = v128.load(r1, 48);
      c10 = mad(g, x, c10); c11 = mad(g, z, c11);
      g = v128.load(r2, 48);
      c20 = mad(g, x, c20); c21 = mad(g, z, c21);
      g = v128.load(r3, 48);
      c30 = mad(g, x, c30); c31 = mad(g, z, c31);
    }
    p += 64;
    q += 64;
    r0 += 64;
    r1 += 64;
    r2 += 64;
    r3 += 64;
    if (!--n) break;
  }
  if (P & 3) {
    // The last four positions, without those that belong to a whole four: zeros on both sides, since 0 · ∞ would be NaN.
    const last = <usize>(P - 4) << 2, mask = i32x4.gt_s(i32x4(0, 1, 2, 3), i32x4.splat(3 - (P & 3)));
    const x = v128.and(v128.load(x0 + last), mask), z = v128.and(v128.load(x1 + last), mask);
    let g = v128.and(v128.load(g0 + last), mask);
    c00 = mad(g, x, c00); c01 = mad(g, z, c01);
    g = v128.and(v128.load(g1 + last), mask);
    c10 = mad(g, x, c10); c11 = mad(g, z, c11);
    g = v128.and(v128.load(g2 + last), mask);
    c20 = mad(g, x, c20); c21 = mad(g, z, c21);
    g = v128.and(v128.load(g3 + last), mask);
    c30 = mad(g, x, c30); c31 = mad(g, z, c31);
  }
  v128.store(sums, c00); v128.store(sums, c01, 16); v128.store(sums, c10, 32); v128.store(sums, c11, 48);
  v128.store(sums, c20, 64); v128.store(sums, c21, 80); v128.store(sums, c30, 96); v128.store(sums, c31, 112);
}

/** sums [⌈m/4⌉, ⌈K/2⌉, 4, 2] of four lanes += dy [m, P] · rowsᵀ, P ≥ 4; dy's rows lie `row` bytes apart. f32. What a last tile misses repeats what is there. */
export function addDots(m: i32, P: i32, K: i32, dy: usize, row: usize, base: usize, table: usize, sums: usize): void {
  for (; m > 0; m -= 4, dy += 4 * row) {
    const g1 = m > 1 ? dy + row : dy, g2 = m > 2 ? g1 + row : dy, g3 = m > 3 ? g2 + row : dy;
    for (let k = 0; k < K; k += 2, sums += 128) {
      const at = table + (<usize>k << 2), x = base + load<usize>(at);
      tileDots(dy, g1, g2, g3, x, k + 1 < K ? base + load<usize>(at, 4) : x, P, sums);
    }
  }
}

/** dW [m, K], its rows `row` floats apart, from those sums: (lane 0 + lane 2) + (lane 1 + lane 3). */
export function finishDots(m: i32, K: i32, sums: usize, dw: usize, row: i32): void {
  for (; m > 0; m -= 4, dw += <usize>row << 4) {
    for (let k = 0; k < K; k += 2) {
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 2; j++, sums += 16) if (i < m && k + j < K) store<f32>(dw + (<usize>(i * row + k + j) << 2), sumLanes(v128.load(sums)));
      }
    }
  }
}
