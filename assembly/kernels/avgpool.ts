// Averages of windows over planes [H, W], and their transpose. A window is a range of rows and one of columns, listed beforehand as
// (start, end, size) i32 for each output row and column; its divisor is the product of the two sizes.
import { sumRow } from "./reduce";

@inline function field(list: usize, i: i32): i32 {
  return load<i32>(list + (<usize>i << 2));
}

/** y [planes, OH, OW] = the sum of each window of x [planes, H, W] by its divisor. f32; rows [OH, 3] and columns [OW, 3]. */
export function avgPool2d(x: usize, y: usize, rows: usize, columns: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32): void {
  for (; planes > 0; planes--, x += <usize>(H * W) << 2) {
    for (let i = 0; i < OH; i++) {
      const top = field(rows, 3 * i), bottom = field(rows, 3 * i + 1), height = field(rows, 3 * i + 2);
      for (let j = 0; j < OW; j++, y += 4) {
        const left = field(columns, 3 * j), n = field(columns, 3 * j + 1) - left;
        let total: f32 = 0;
        for (let r = top, p = x + (<usize>(top * W + left) << 2); r < bottom; r++, p += <usize>W << 2) {
          if (n >= 8) total += sumRow(p, n);
          else for (let k = 0; k < n; k++) total += load<f32>(p + (<usize>k << 2));
        }
        store<f32>(y, total / <f32>(height * field(columns, 3 * j + 2)));
      }
    }
  }
}

/** dx [planes, H, W] = what each element's windows share with it: Σ dy by the divisor. f32; dy [planes, OH, OW]. */
export function avgPool2dGrad(dy: usize, dx: usize, rows: usize, columns: usize, planes: i32, H: i32, W: i32, OH: i32, OW: i32): void {
  memory.fill(dx, 0, <usize>(planes * H * W) << 2);
  for (; planes > 0; planes--, dx += <usize>(H * W) << 2) {
    for (let i = 0; i < OH; i++) {
      const top = field(rows, 3 * i), bottom = field(rows, 3 * i + 1), height = field(rows, 3 * i + 2);
      for (let j = 0; j < OW; j++, dy += 4) {
        const left = field(columns, 3 * j), n = field(columns, 3 * j + 1) - left;
        const share = load<f32>(dy) / <f32>(height * field(columns, 3 * j + 2));
        for (let r = top, p = dx + (<usize>(top * W + left) << 2); r < bottom; r++, p += <usize>W << 2) {
          for (let k = 0; k < n; k++) {
            const q = p + (<usize>k << 2);
            store<f32>(q, load<f32>(q) + share);
          }
        }
      }
    }
  }
}
