// float32 matrix product: C [m, n] (+)= A [m, k] · B [k, n]. A and B have any strides, so transposes cost no copy; C has rows.
//
// Goto's scheme with one side packed. B is packed into panels of 16 columns; A is read in place through two row pointers.
//
//   for jc in n step NC                 B block of NC columns
//     for pc in k step KC               packed: KC × NC floats ≤ 1 MiB, a panel KC × 16 = 16 KiB stays in L1
//       for ic in m step MC             C block of MC rows
//         panel by panel: 2 × 16 tiles (4 × 8 where 8 columns or fewer are left)
//
// A narrow C (a head of few outputs) is computed as Cᵀ = Bᵀ·Aᵀ where that fills the tiles better: the same products in the same order, so
// the same bits.
//
// 2 × 16 is the widest tile whose operands fit V8's 15 vector registers without spills. Each unrolled step ends in an early exit:
// the block boundary keeps the compiler from hoisting the next step's loads into registers that are not there.
import { loadTail, mad, storeTail } from "../lanes";

const KC: i32 = 256;
const MC: i32 = 128;
const NC: i32 = 1024;
const PANEL: usize = 64; // bytes: 16 columns

/** A turned product: C's rows at a time, and how far the rows of Cᵀ lie apart, in bytes (not at one place of the cache). */
const TURNED: i32 = 256;
const TURNED_ROW: usize = (256 + 16) * 4;

/** Scratch, in bytes: one packed block of B, one tile (2 × 16 or 4 × 8) for ragged edges, 16 rows of a turned product. Nothing in it outlives a call. */
const SCRATCH: i32 = KC * NC * 4 + 128 + 16 * <i32>TURNED_ROW;
// Given by the host: each thread is an instance of its own on the same memory, with scratch of its own.
let packed: usize = 0;
let edge: usize = 0;
let turned: usize = 0;

/** How much scratch an instance needs, in bytes. */
export function scratchBytes(): i32 {
  return SCRATCH;
}

/** Where this instance's scratch lies: to be said before the first product. */
export function useScratch(address: usize): void {
  packed = address;
  edge = address + KC * NC * 4;
  turned = edge + 128;
}

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

/** 2 × 16 tile over a packed panel (rows 64 bytes apart), two steps of k a turn. Strides in bytes. */
function tile2x16(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
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
    b += 2 * PANEL;
    if (!--k) break;
  }
  store4(c, from, c00, c01, c02, c03);
  store4(c + cRow, from + fromRow, c10, c11, c12, c13);
}

/** 4 × 8 tile over the left half of a packed panel. */
function tile4x8(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
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

/** 2 × 16 tile over B in place (rows bRow apart). Inlined and not unrolled: measured faster so on the small products it serves. */
@inline function tileInPlace(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, c: usize, cRow: usize, from: usize, fromRow: usize): void {
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
function pack(d: usize, b: usize, bRow: usize, bCol: usize, k: i32, n: i32): void {
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

/** The first rows × columns of the edge tile (rows `tileRow` bytes apart) into C. */
function flush(c: usize, cRow: usize, from: usize, fromRow: usize, tileRow: usize, rows: i32, columns: i32): void {
  for (let t = edge; rows > 0; rows--, t += tileRow, c += cRow, from += fromRow) {
    let o: usize = 0, n = columns;
    for (; n >= 4; n -= 4, o += 16) {
      const v = v128.load(t + o);
      v128.store(c + o, from ? f32x4.add(v128.load(from + o), v) : v);
    }
    if (n > 0) {
      const v = v128.load(t + o);
      storeTail(c + o, from ? f32x4.add(loadTail(from + o, n), v) : v, n);
    }
  }
}

/** m rows of A times one packed panel, of whose 16 columns the first `width` count. */
function multiplyPanel(m: i32, width: i32, k: i32, a: usize, aRow: usize, aCol: usize, panel: usize, c: usize, cRow: usize, from: usize, fromRow: usize): void {
  if (width > 8) {
    for (; m > 0; m -= 2, a += aRow * 2, c += cRow * 2, from += fromRow * 2) {
      if (m > 1 && width == 16) tile2x16(a, aRow, aCol, panel, k, c, cRow, from, fromRow);
      else {
        tile2x16(a, m > 1 ? aRow : 0, aCol, panel, k, edge, 64, 0, 0);
        flush(c, cRow, from, fromRow, 64, min(2, m), width);
      }
    }
    return;
  }
  for (; m >= 4; m -= 4, a += aRow * 4, c += cRow * 4, from += fromRow * 4) {
    if (width == 8) tile4x8(a, aRow, aCol, panel, k, c, cRow, from, fromRow);
    else {
      tile4x8(a, aRow, aCol, panel, k, edge, 32, 0, 0);
      flush(c, cRow, from, fromRow, 32, 4, width);
    }
  }
  for (; m > 0; m--, a += aRow, c += cRow, from += fromRow) {
    tile4x8(a, 0, aCol, panel, k, edge, 32, 0, 0); // four times the same row
    flush(c, cRow, from, fromRow, 32, 1, width);
  }
}

/** m rows of A times n columns of B, n a multiple of 16: in place, or small and packed. B's rows and panels are bRow and bPanel bytes apart. */
function multiplySmall(
  m: i32, n: i32, k: i32, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bPanel: usize, c: usize, cRow: usize, from: usize, fromRow: usize,
): void {
  for (; n > 0; n -= 16, b += bPanel, c += PANEL, from = from ? from + PANEL : 0) {
    let rows = m, p = a, d = c, f = from;
    for (; rows >= 2; rows -= 2, p += aRow * 2, d += cRow * 2, f += fromRow * 2) tileInPlace(p, aRow, aCol, b, bRow, k, d, cRow, f, fromRow);
    if (rows > 0) {
      tileInPlace(p, 0, aCol, b, bRow, k, edge, 64, 0, 0);
      flush(d, cRow, f, fromRow, 64, 1, 16);
    }
  }
}

/** Rows of A up to which packing B costs more than it saves. */
const FEW_ROWS: i32 = 32;

/** C = from + A · B; all strides in bytes. */
function product(
  m: i32, n: i32, k: i32, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize, c: usize, cRow: usize, from: usize, fromRow: usize,
): void {
  const whole = n & ~15, small = whole == n && k * n <= 4096;
  // Rows of B a multiple of 1 KiB apart would fall into a few cache sets.
  if (k <= KC && (small || (bCol == 4 && m <= FEW_ROWS && (bRow & 1023) != 0))) {
    if (bCol == 4) multiplySmall(m, whole, k, a, aRow, aCol, b, bRow, PANEL, c, cRow, from, fromRow);
    else {
      pack(packed, b, bRow, bCol, k, whole);
      multiplySmall(m, whole, k, a, aRow, aCol, packed, PANEL, <usize>k * PANEL, c, cRow, from, fromRow);
    }
    if (whole < n) {
      const rest = <usize>whole << 2;
      pack(packed, b + rest, bRow, bCol, k, n - whole);
      multiplyPanel(m, n - whole, k, a, aRow, aCol, packed, c + rest, cRow, from ? from + rest : 0, fromRow);
    }
    return;
  }
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(NC, n - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      // What one block of k made is what the next starts from.
      const old = pc > 0 ? c : from, oldRow = pc > 0 ? cRow : fromRow;
      pack(packed, b + bRow * <usize>pc + bCol * <usize>jc, bRow, bCol, kc, nc);
      for (let ic = 0; ic < m; ic += MC) {
        const mc = min(MC, m - ic);
        const rows = a + aRow * <usize>ic + aCol * <usize>pc;
        for (let j = 0, panel = packed; j < nc; j += 16, panel += <usize>kc * PANEL) {
          const at = <usize>(jc + j) << 2;
          multiplyPanel(mc, min(16, nc - j), kc, rows, aRow, aCol, panel, c + cRow * <usize>ic + at, cRow, old ? old + oldRow * <usize>ic + at : 0, oldRow);
        }
      }
    }
  }
}

/** n columns with those that the tiles fill up. */
@inline function filled(n: i32): i32 {
  const rest = n & 15;
  return n - rest + (rest == 0 ? 0 : rest <= 8 ? 8 : 16);
}

/** Whether Cᵀ = Bᵀ·Aᵀ costs less than C = A·B: multiplications, and 2.5 for each element that is packed, 3 for each of Cᵀ (all × 2). */
@inline function pays(m: i32, n: i32, k: i32, aRow: usize): bool {
  if (n > 12 || m < 16) return false;
  const straight = k * (((m + 3) & ~3) * filled(n) * 2 + 5 * n);
  return k * (((n + 1) & ~1) * filled(m) * 2 + (aRow == 4 ? 0 : 5 * m)) + 6 * m * n < straight;
}

/** C = from + A · B by way of Cᵀ, n ≤ 12. */
function productTurned(
  m: i32, n: i32, k: i32, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize, c: usize, cRow: usize, from: usize, fromRow: usize,
): void {
  for (; m > 0; m -= TURNED) {
    const rows = min(m, TURNED);
    if (from) {
      for (let j = 0; j < n; j++) {
        let f = from + (<usize>j << 2), t = turned + TURNED_ROW * <usize>j;
        if (fromRow == 0) for (let i = 0; i < rows; i += 4, t += 16) v128.store(t, v128.load32_splat(f));
        else for (let i = 0; i < rows; i++, t += 4, f += fromRow) store<f32>(t, load<f32>(f));
      }
    }
    product(n, rows, k, b, bCol, bRow, a, aCol, aRow, turned, TURNED_ROW, from ? turned : 0, from ? TURNED_ROW : 0);
    for (let j = 0; j < n; j += 4) {
      const width = min(4, n - j);
      let t = turned + TURNED_ROW * <usize>j, d = c + (<usize>j << 2);
      for (let i = 0; i < rows; i += 4, t += 16) {
        const r0 = v128.load(t), r1 = v128.load(t + TURNED_ROW), r2 = v128.load(t + 2 * TURNED_ROW), r3 = v128.load(t + 3 * TURNED_ROW);
        const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
        const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
        d = storeRow(d, cRow, v128.shuffle<i64>(t0, t1, 0, 2), width);
        if (i + 1 < rows) d = storeRow(d, cRow, v128.shuffle<i64>(t0, t1, 1, 3), width);
        if (i + 2 < rows) d = storeRow(d, cRow, v128.shuffle<i64>(t2, t3, 0, 2), width);
        if (i + 3 < rows) d = storeRow(d, cRow, v128.shuffle<i64>(t2, t3, 1, 3), width);
      }
    }
    a += aRow * TURNED;
    c += cRow * TURNED;
    from += fromRow * TURNED;
  }
}

/** The first `width` floats of a row; gives the next row. */
@inline function storeRow(d: usize, row: usize, v: v128, width: i32): usize {
  if (width == 4) v128.store(d, v);
  else storeTail(d, v, width);
  return d + row;
}

/**
 * C [m, n] = A [m, k] · B [k, n], added to C where `accumulate`, or to `bias` [n] (0: none) in each row. f32; strides in elements
 * (aRow, aCol), (bRow, bCol); rows of C cRow apart. C overlaps neither A nor B. k = 0 gives zeros (or the bias, or C as it is).
 * Error: k rounded products summed in order, 2 at a time in none.
 */
export function multiply(
  m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, b: usize, bRow: i32, bCol: i32, c: usize, cRow: i32, accumulate: i32, bias: usize,
): void {
  const ar = <usize>aRow << 2, ac = <usize>aCol << 2, br = <usize>bRow << 2, bc = <usize>bCol << 2, cr = <usize>cRow << 2;
  if (k == 0) {
    if (accumulate) return;
    for (; m > 0; m--, c += cr) {
      if (bias) memory.copy(c, bias, <usize>n << 2);
      else memory.fill(c, 0, <usize>n << 2);
    }
    return;
  }
  const from = accumulate ? c : bias, fromRow = accumulate ? cr : 0;
  if (pays(m, n, k, ar)) productTurned(m, n, k, a, ar, ac, b, br, bc, c, cr, from, fromRow);
  else product(m, n, k, a, ar, ac, b, br, bc, c, cr, from, fromRow);
}
