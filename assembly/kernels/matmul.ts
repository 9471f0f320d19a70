// float32 matrix product: C [m, n] (+)= A [m, k] · B [k, n]. A and B have any strides, so transposes cost no copy; C has rows.
//
// Goto's scheme with one side packed. B is packed into panels of 16 columns; A is read in place through two row pointers.
//
//   for jc in n step NC                 B block of NC columns
//     for pc in k step KC               packed: KC × NC floats ≤ 1 MiB, a panel KC × 16 = 16 KiB stays in L1
//       for ic in m step MC             C block of MC rows
//         panel by panel: 2 × 16 tiles (4 × 8 where 8 columns or fewer are left)
//
// 2 × 16 is the widest tile whose operands fit V8's 15 vector registers without spills. Each unrolled step ends in an early exit:
// the block boundary keeps the compiler from hoisting the next step's loads into registers that are not there.
import { loadTail, mad } from "../lanes";

const KC: i32 = 256;
const MC: i32 = 128;
const NC: i32 = 1024;
const PANEL: usize = 64; // bytes: 16 columns

/** Scratch, in bytes: one packed block of B, and behind it one tile (2 × 16 or 4 × 8) for ragged edges. Nothing in it outlives a call. */
const SCRATCH: i32 = KC * NC * 4 + 128;
// Given by the host: each thread is an instance of its own on the same memory, with scratch of its own.
let packed: usize = 0;
let edge: usize = 0;

/** How much scratch an instance needs, in bytes. */
export function scratchBytes(): i32 {
  return SCRATCH;
}

/** Where this instance's scratch lies: to be said before the first product. */
export function useScratch(address: usize): void {
  packed = address;
  edge = address + KC * NC * 4;
}

@inline function store4(c: usize, v0: v128, v1: v128, v2: v128, v3: v128, accumulate: bool): void {
  if (accumulate) {
    v0 = f32x4.add(v128.load(c), v0);
    v1 = f32x4.add(v128.load(c, 16), v1);
    v2 = f32x4.add(v128.load(c, 32), v2);
    v3 = f32x4.add(v128.load(c, 48), v3);
  }
  v128.store(c, v0);
  v128.store(c, v1, 16);
  v128.store(c, v2, 32);
  v128.store(c, v3, 48);
}

@inline function store2(c: usize, v0: v128, v1: v128, accumulate: bool): void {
  if (accumulate) {
    v0 = f32x4.add(v128.load(c), v0);
    v1 = f32x4.add(v128.load(c, 16), v1);
  }
  v128.store(c, v0);
  v128.store(c, v1, 16);
}

/** 2 × 16 tile over a packed panel (rows 64 bytes apart), two steps of k a turn. Strides in bytes. */
function tile2x16(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, accumulate: bool): void {
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
  store4(c, c00, c01, c02, c03, accumulate);
  store4(c + cRow, c10, c11, c12, c13, accumulate);
}

/** 4 × 8 tile over the left half of a packed panel. */
function tile4x8(a: usize, aRow: usize, aCol: usize, b: usize, k: i32, c: usize, cRow: usize, accumulate: bool): void {
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
  store2(c, c00, c01, accumulate);
  store2(c + cRow, c10, c11, accumulate);
  store2(c + 2 * cRow, c20, c21, accumulate);
  store2(c + 3 * cRow, c30, c31, accumulate);
}

/** 2 × 16 tile over B in place (rows bRow apart). Inlined and not unrolled: measured faster so on the small products it serves. */
@inline function tileInPlace(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, c: usize, cRow: usize, accumulate: bool): void {
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
  store4(c, c00, c01, c02, c03, accumulate);
  store4(c + cRow, c10, c11, c12, c13, accumulate);
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
  for (; k > 0; k--, d += PANEL, p0 += 4, p1 += 4, p2 += 4, p3 += 4) {
    store<f32>(d, load<f32>(p0));
    store<f32>(d, load<f32>(p1), 4);
    store<f32>(d, load<f32>(p2), 8);
    store<f32>(d, load<f32>(p3), 12);
  }
}

/** k × n of B into panels of 16 columns, zeros where n ends. Strides in bytes. */
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
      // Four columns at a time while there are four; then one by one; then zeros.
      const width = min(16, n), fours = width & ~3;
      for (let j = 0; j < fours; j += 4) pack4Transposed(d + (<usize>j << 2), b + bCol * <usize>j, bCol, k);
      for (let j = fours; j < 16; j++) {
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
function flush(c: usize, cRow: usize, tileRow: usize, rows: i32, columns: i32, accumulate: bool): void {
  for (let i = 0, t = edge; i < rows; i++, t += tileRow, c += cRow) {
    for (let j = 0; j < columns; j++) {
      const o = <usize>j << 2;
      const v = load<f32>(t + o);
      store<f32>(c + o, accumulate ? load<f32>(c + o) + v : v);
    }
  }
}

/** m rows of A times one packed panel, of whose 16 columns the first `width` count. */
function multiplyPanel(m: i32, width: i32, k: i32, a: usize, aRow: usize, aCol: usize, panel: usize, c: usize, cRow: usize, accumulate: bool): void {
  if (width > 8) {
    for (; m > 0; m -= 2, a += aRow * 2, c += cRow * 2) {
      if (m > 1 && width == 16) tile2x16(a, aRow, aCol, panel, k, c, cRow, accumulate);
      else {
        tile2x16(a, m > 1 ? aRow : 0, aCol, panel, k, edge, 64, false);
        flush(c, cRow, 64, min(2, m), width, accumulate);
      }
    }
    return;
  }
  for (; m >= 4; m -= 4, a += aRow * 4, c += cRow * 4) {
    if (width == 8) tile4x8(a, aRow, aCol, panel, k, c, cRow, accumulate);
    else {
      tile4x8(a, aRow, aCol, panel, k, edge, 32, false);
      flush(c, cRow, 32, 4, width, accumulate);
    }
  }
  for (; m > 0; m--, a += aRow, c += cRow) {
    tile4x8(a, 0, aCol, panel, k, edge, 32, false); // four times the same row
    flush(c, cRow, 32, 1, width, accumulate);
  }
}

/** Products whose B rows are contiguous and which would not repay packing: B in place, but for columns that fill no panel. Bytes; k ≤ KC. */
function multiplyInPlace(m: i32, n: i32, k: i32, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, c: usize, cRow: usize, accumulate: bool): void {
  for (; n >= 16; n -= 16, b += PANEL, c += PANEL) {
    let rows = m, p = a, d = c;
    for (; rows >= 2; rows -= 2, p += aRow * 2, d += cRow * 2) tileInPlace(p, aRow, aCol, b, bRow, k, d, cRow, accumulate);
    if (rows > 0) {
      tileInPlace(p, 0, aCol, b, bRow, k, edge, 64, false);
      flush(d, cRow, 64, 1, 16, accumulate);
    }
  }
  if (n > 0) {
    pack(packed, b, bRow, 4, k, n);
    multiplyPanel(m, n, k, a, aRow, aCol, packed, c, cRow, accumulate);
  }
}

/** Rows of A up to which packing B costs more than it saves. */
const FEW_ROWS: i32 = 32;

/**
 * C [m, n] = A [m, k] · B [k, n], added to C where `accumulate`. f32; strides in elements (aRow, aCol), (bRow, bCol); rows of C cRow
 * apart. C overlaps neither A nor B. k = 0 gives zeros (or leaves C). Error: k rounded products summed in order, 2 at a time in none.
 */
export function multiply(
  m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, b: usize, bRow: i32, bCol: i32, c: usize, cRow: i32, accumulate: i32,
): void {
  const ar = <usize>aRow << 2, ac = <usize>aCol << 2, br = <usize>bRow << 2, bc = <usize>bCol << 2, cr = <usize>cRow << 2;
  if (k == 0) {
    if (!accumulate) for (let i = 0; i < m; i++) memory.fill(c + cr * <usize>i, 0, <usize>n << 2);
    return;
  }
  // Rows of B a multiple of 1 KiB apart would fall into a few cache sets.
  if (bCol == 1 && k <= KC && (((n & 15) == 0 && k * n <= 4096) || (m <= FEW_ROWS && (bRow & 255) != 0))) {
    multiplyInPlace(m, n, k, a, ar, ac, b, br, c, cr, accumulate != 0);
    return;
  }
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(NC, n - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      const adding = accumulate != 0 || pc > 0;
      pack(packed, b + br * <usize>pc + bc * <usize>jc, br, bc, kc, nc);
      for (let ic = 0; ic < m; ic += MC) {
        const mc = min(MC, m - ic);
        const rows = a + ar * <usize>ic + ac * <usize>pc;
        const target = c + cr * <usize>ic + (<usize>jc << 2);
        for (let j = 0, panel = packed; j < nc; j += 16, panel += <usize>kc * PANEL) {
          multiplyPanel(mc, min(16, nc - j), kc, rows, ar, ac, panel, target + (<usize>j << 2), cr, adding);
        }
      }
    }
  }
}
