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
import { loadTail, storeTail } from "../lanes";
import { partsOf, say, share, shared, word } from "./team";
import { pack, PANEL, tile2x16, tile4x8, tile6x8, tileInPlace } from "./tiles";

const KC: i32 = 256;
const MC: i32 = 128;
const NC: i32 = 1024;

/** A turned product: C's rows at a time, and how far the rows of Cᵀ lie apart, in bytes (not at one place of the cache). */
const TURNED: i32 = 256;
const TURNED_ROW: usize = (256 + 16) * 4;

/** Scratch, in bytes: one packed block of B, one tile (2 × 16 or 4 × 8) for ragged edges, 16 rows of a turned product. Nothing in it outlives a call. */
const SCRATCH: i32 = KC * NC * 4 + 128 + 16 * <i32>TURNED_ROW;
// Given by the host: each thread is an instance of its own on the same memory, with scratch of its own.
let packed: usize = 0;
export let edge: usize = 0;
let turned: usize = 0;

/** How much scratch an instance needs, in bytes. @host */
export function scratchBytes(): i32 {
  return SCRATCH;
}

/** Where this instance's scratch lies: to be said before the first product. @host */
export function useScratch(address: usize): void {
  packed = address;
  edge = address + KC * NC * 4;
  turned = edge + 128;
}

let tall = false;

/** With fused multiply-adds, products take 6 × 8 tiles from now on: the same sums in the same order. @host */
export function useTallTiles(): void {
  tall = true;
}

// `from` is what sums are added to, as in tiles.ts.

/** The first rows × columns of the edge tile (rows `tileRow` bytes apart) into C. */
export function flush(c: usize, cRow: usize, from: usize, fromRow: usize, tileRow: usize, rows: i32, columns: i32): void {
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
    if (ASC_FEATURE_RELAXED_SIMD && tall && width == 16) {
      for (; m >= 6; m -= 6, a += aRow * 6, c += cRow * 6, from += fromRow * 6) {
        tile6x8(a, aRow, aCol, panel, k, c, cRow, from, fromRow);
        tile6x8(a, aRow, aCol, panel + 32, k, c + 32, cRow, from ? from + 32 : 0, fromRow);
      }
    }
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

/** Part i of a product that a team shares: whole panels of columns where there are enough, else rows in fours. */
function partOfProduct(i: i32): void {
  const m = word(0), n = word(1), k = word(2), a = word(3), aRow = word(4), aCol = word(5), b = word(6), bRow = word(7), bCol = word(8);
  const c = word(9), cRow = word(10), accumulate = word(11), bias = word(12), parts = word(13);
  if (n >= 32 * parts || n >= m) {
    const each = ((n + 15) / 16 + parts - 1) / parts * 16;
    const start = min(n, each * i), count = min(each, n - start);
    if (count > 0) multiply(m, count, k, a, aRow, aCol, b + ((start * bCol) << 2), bRow, bCol, c + (start << 2), cRow, accumulate, bias == 0 ? bias : bias + (start << 2));
  } else {
    const each = ((m + 3) / 4 + parts - 1) / parts * 4;
    const start = min(m, each * i), count = min(each, m - start);
    if (count > 0) multiply(count, n, k, a + ((start * aRow) << 2), aRow, aCol, b, bRow, bCol, c + ((start * cRow) << 2), cRow, accumulate, bias);
  }
}

/** `multiply`, shared by the team where the product is large. */
export function matmul(
  m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, b: usize, bRow: i32, bCol: i32, c: usize, cRow: i32, accumulate: i32, bias: usize,
): void {
  if (ASC_FEATURE_THREADS) {
    const parts = partsOf(i32.MAX_VALUE, 1);
    if (shared(<f64>m * <f64>n * <f64>k, parts)) {
      say(0, m), say(1, n), say(2, k), say(3, a), say(4, aRow), say(5, aCol), say(6, b), say(7, bRow), say(8, bCol);
      say(9, c), say(10, cRow), say(11, accumulate), say(12, bias), say(13, parts);
      share(partOfProduct.index, parts);
      return;
    }
  }
  multiply(m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, bias);
}
