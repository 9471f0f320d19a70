// Moving 32-bit words: no arithmetic, so one kernel serves float32, int32 and bool. Strides are in elements.

/** 4×4 transpose from rows s apart at x to rows d apart at y (bytes). */
@inline function transpose4(x: usize, s: usize, y: usize, d: usize): void {
  const r0 = v128.load(x);
  const r1 = v128.load(x + s);
  const r2 = v128.load(x + 2 * s);
  const r3 = v128.load(x + 3 * s);
  const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<i64>(t0, t1, 0, 2));
  v128.store(y + d, v128.shuffle<i64>(t0, t1, 1, 3));
  v128.store(y + 2 * d, v128.shuffle<i64>(t2, t3, 0, 2));
  v128.store(y + 3 * d, v128.shuffle<i64>(t2, t3, 1, 3));
}

/** One plane [rows, cols] whose source runs down the columns (row stride 1) and whose target runs along the rows. */
function transposePlane(x: usize, y: usize, rows: i32, cols: i32, xCol: usize, yRow: usize): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const p = x + (<usize>i << 2);
    const q = y + yRow * <usize>i;
    let j = 0;
    for (; j + 4 <= cols; j += 4) transpose4(p + xCol * <usize>j, xCol, q + (<usize>j << 2), yRow);
    for (; j < cols; j++) {
      for (let k = 0; k < 4; k++) store<u32>(q + yRow * <usize>k + (<usize>j << 2), load<u32>(p + xCol * <usize>j + (<usize>k << 2)));
    }
  }
  for (; i < rows; i++) {
    for (let j = 0; j < cols; j++) store<u32>(y + yRow * <usize>i + (<usize>j << 2), load<u32>(x + xCol * <usize>j + (<usize>i << 2)));
  }
}

/**
 * y[i, j, k, l] = x[i, j, k, l] over [n0, n1, n2, n3], each side with strides of its own: contiguous copies of views, writes into
 * slices, broadcasts (stride 0). 32-bit elements; x and y do not overlap.
 */
export function copy(
  x: usize, y: usize, n0: i32, n1: i32, n2: i32, n3: i32,
  x0: i32, x1: i32, x2: i32, x3: i32, y0: i32, y1: i32, y2: i32, y3: i32,
): void {
  const xs = <usize>x3 << 2;
  const ys = <usize>y3 << 2;
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      let p = x + (<usize>(i * x0 + j * x1) << 2);
      let q = y + (<usize>(i * y0 + j * y1) << 2);
      if (x2 == 1 && y3 == 1 && x3 != 1) {
        transposePlane(p, q, n2, n3, xs, <usize>y2 << 2);
        continue;
      }
      for (let k = 0; k < n2; k++) {
        if (x3 == 1 && y3 == 1) memory.copy(q, p, <usize>n3 << 2);
        else if (x3 == 0 && y3 == 1) fill(q, n3, load<u32>(p));
        else {
          let s = p;
          let d = q;
          for (let l = 0; l < n3; l++, s += xs, d += ys) store<u32>(d, load<u32>(s));
        }
        p += <usize>x2 << 2;
        q += <usize>y2 << 2;
      }
    }
  }
}

/** y[i] = the word `bits`, n elements. */
export function fill(y: usize, n: i32, bits: u32): void {
  if (bits == 0) {
    memory.fill(y, 0, <usize>n << 2);
    return;
  }
  const v = i32x4.splat(bits);
  for (; n >= 4; n -= 4, y += 16) v128.store(y, v);
  for (; n > 0; n--, y += 4) store<u32>(y, bits);
}

/** y[i] = condition[i] ? a[i] : b[i]. bool, then 32-bit words; n elements; y may be a or b. */
export function select(condition: usize, a: usize, b: usize, y: usize, n: i32): void {
  for (; n >= 4; n -= 4) {
    const no = i32x4.eq(v128.load(condition), i32x4.splat(0));
    v128.store(y, v128.bitselect(v128.load(b), v128.load(a), no));
    condition += 16;
    a += 16;
    b += 16;
    y += 16;
  }
  for (; n > 0; n--) {
    store<u32>(y, load<u32>(condition) ? load<u32>(a) : load<u32>(b));
    condition += 4;
    a += 4;
    b += 4;
    y += 4;
  }
}

/** y[o, i, :] = x[o, index[i], :] over x [outer, size, inner], index [count] within [0, size). 32-bit words. */
export function indexSelect(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      memory.copy(y, x + row * <usize>load<i32>(index + (<usize>i << 2)), row);
      y += row;
    }
    x += row * <usize>size;
  }
}

@unmanaged class Floats { @inline add(a: v128, b: v128): v128 { return f32x4.add(a, b); } }
@unmanaged class Ints { @inline add(a: v128, b: v128): v128 { return i32x4.add(a, b); } }

@inline function addRows<Kind>(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  const kind = changetype<Kind>(0);
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      let q = y + row * <usize>load<i32>(index + (<usize>i << 2));
      let n = inner;
      for (; n >= 4; n -= 4, x += 16, q += 16) v128.store(q, kind.add(v128.load(q), v128.load(x)));
      for (; n > 0; n--, x += 4, q += 4) v128.store32_lane(q, kind.add(v128.load32_zero(q), v128.load32_zero(x)), 0);
    }
    y += row * <usize>size;
  }
}

/** y[o, index[i], :] += x[o, i, :] over y [outer, size, inner], x [outer, count, inner], in the order of i; index within [0, size). f32. */
export function indexAdd(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  addRows<Floats>(x, index, y, outer, size, inner, count);
}

/** As `indexAdd`. i32, which wraps. */
export function indexAddInt(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  addRows<Ints>(x, index, y, outer, size, inner, count);
}

/** y[o, i, k] = x[o, index[o, i, k], k] over x [outer, size, inner], y and index [outer, count, inner]. 32-bit words. */
export function gather(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < inner; k++) {
        store<u32>(y, load<u32>(x + (<usize>(load<i32>(index) * inner + k) << 2)));
        index += 4;
        y += 4;
      }
    }
    x += <usize>(size * inner) << 2;
  }
}

@inline function addEach<T>(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < inner; k++) {
        const q = y + (<usize>(load<i32>(index) * inner + k) << 2);
        store<T>(q, <T>(load<T>(q) + load<T>(x)));
        index += 4;
        x += 4;
      }
    }
    y += <usize>(size * inner) << 2;
  }
}

/** y[o, index[o, i, k], k] += x[o, i, k] over y [outer, size, inner], in order; index within [0, size). f32. */
export function scatterAdd(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  addEach<f32>(x, index, y, outer, size, inner, count);
}

/** As `scatterAdd`. i32, which wraps. */
export function scatterAddInt(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  addEach<i32>(x, index, y, outer, size, inner, count);
}

/** y[o, index[o, i, k], k] = x[o, i, k] over y [outer, size, inner], in order: the last of equals stays. 32-bit words. */
export function scatter(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < inner; k++) {
        store<u32>(y + (<usize>(load<i32>(index) * inner + k) << 2), load<u32>(x));
        index += 4;
        x += 4;
      }
    }
    y += <usize>(size * inner) << 2;
  }
}

/** y[o, index[i], :] = x[o, i, :] over y [outer, size, inner], x [outer, count, inner], in order: the last of equals stays; index within [0, size). 32-bit words. */
export function indexCopy(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32): void {
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++, x += row) memory.copy(y + row * <usize>load<i32>(index + (<usize>i << 2)), x, row);
    y += row * <usize>size;
  }
}

/** a·b (kind 0), the larger (1) or the smaller (2) of both. f32, where NaN wins, or i32. */
@inline function folded<T>(kind: i32, a: T, b: T): T {
  return kind == 0 ? <T>(a * b) : kind == 1 ? max<T>(a, b) : min<T>(a, b);
}

/** As `scatterAdd`, with a product, the largest or the smallest in the sum's place (`kind` 0, 1, 2). f32, or i32 where `ints`. */
export function scatterFold(x: usize, index: usize, y: usize, outer: i32, size: i32, inner: i32, count: i32, kind: i32, ints: i32): void {
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < inner; k++) {
        const q = y + (<usize>(load<i32>(index) * inner + k) << 2);
        if (ints) store<i32>(q, folded<i32>(kind, load<i32>(q), load<i32>(x)));
        else store<f32>(q, folded<f32>(kind, load<f32>(q), load<f32>(x)));
        index += 4;
        x += 4;
      }
    }
    y += <usize>(size * inner) << 2;
  }
}
