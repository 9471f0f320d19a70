// Sorting by merging: stable, and the same order everywhere. NaN counts as the largest value.

/** Whether what lies at q must stand before what lies at p, which comes first now. f32, or i32 where `ints`. */
@inline function ahead(p: usize, q: usize, descending: bool, ints: bool): bool {
  if (ints) return descending ? load<i32>(q) > load<i32>(p) : load<i32>(q) < load<i32>(p);
  const a = load<f32>(p), b = load<f32>(q);
  if (descending) return b > a || (b != b && a == a);
  return b < a || (a != a && b == b);
}

/**
 * index[r, i] = where in row r the i-th element of its sorted order stands; equals keep their order. x: f32 or, where
 * `ints`, i32 [rows, n]; index: i32 [rows, n]; spare: i32 [n].
 */
export function argsort(x: usize, index: usize, spare: usize, rows: i32, n: i32, descending: i32, ints: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, x += row, index += row) {
    for (let i = 0; i < n; i++) store<i32>(index + (<usize>i << 2), i);
    let from = index, to = spare;
    for (let width = 1; width < n; width <<= 1) {
      for (let start = 0; start < n; start += 2 * width) {
        const middle = min(start + width, n), end = min(start + 2 * width, n);
        let i = start, j = middle;
        for (let k = start; k < end; k++) {
          const p = from + (<usize>i << 2), q = from + (<usize>j << 2);
          let right = i >= middle;
          if (!right && j < end) right = ahead(x + (<usize>load<i32>(p) << 2), x + (<usize>load<i32>(q) << 2), descending != 0, ints != 0);
          store<i32>(to + (<usize>k << 2), load<i32>(right ? q : p));
          if (right) j++;
          else i++;
        }
      }
      const swap = from;
      from = to;
      to = swap;
    }
    if (from != index) memory.copy(index, from, row);
  }
}

/**
 * index[o, i, k] = where along i the largest (`largest`) or smallest of x[o, 0 … i, k] stands, the last of equals; a NaN is taken and then kept,
 * but for a later one. x: f32 or, where `ints`, i32 [outer, n, inner]; index: i32.
 */
export function runningExtreme(x: usize, index: usize, outer: i32, n: i32, inner: i32, largest: i32, ints: i32): void {
  const row = <usize>inner << 2;
  for (let o = 0; o < outer; o++, x += row * <usize>n, index += row * <usize>n) {
    for (let k = 0; k < inner; k++) {
      let best = x + (<usize>k << 2), p = best, to = index + (<usize>k << 2), at = 0;
      for (let i = 0; i < n; i++, p += row, to += row) {
        let takes: bool;
        if (ints) takes = largest ? load<i32>(p) >= load<i32>(best) : load<i32>(p) <= load<i32>(best);
        else {
          const a = load<f32>(p), b = load<f32>(best);
          takes = a != a || (b == b && (largest ? a >= b : a <= b));
        }
        if (takes) {
          best = p;
          at = i;
        }
        store<i32>(to, at);
      }
    }
  }
}

/**
 * y[r, j] = how many of a row's n sorted numbers stand before value[r, j]: those below it, or, where `right`, those not above it. rows of `sorted`
 * [rows, n] each serve m values; 1 row serves them all. `order`: 0, or i32 [rows, n], each row's places in ascending order, within [0, n). f32, or i32 where `ints`.
 */
export function searchSorted(sorted: usize, order: usize, value: usize, y: usize, rows: i32, n: i32, m: i32, right: i32, ints: i32): void {
  const row = <usize>n << 2;
  for (; rows > 0; rows--, sorted += row) {
    for (let j = 0; j < m; j++, value += 4, y += 4) {
      let low = 0, high = n;
      while (low < high) {
        const middle = (low + high) >> 1;
        const p = sorted + (<usize>(order ? load<i32>(order + (<usize>middle << 2)) : middle) << 2);
        let stands: bool;
        if (ints) stands = right ? load<i32>(p) > load<i32>(value) : load<i32>(p) >= load<i32>(value);
        else stands = right ? load<f32>(p) > load<f32>(value) : load<f32>(p) >= load<f32>(value);
        if (stands) high = middle;
        else low = middle + 1;
      }
      store<i32>(y, low);
    }
    if (order) order += row;
  }
}
