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
