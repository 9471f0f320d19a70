// Principal pivoting in float64: min ½·zᵀC·z + qᵀz over z ≥ 0 for one q after another, each reached from the same solved one. What a
// caller reads and what the solutions mean stands in src/multiloss/solve/parametric.ts.
import { take } from "./cholesky";

/** A pivot below this share of a row's square is taken for 0: the row depends on those inside. */
const PIVOT: f64 = 1e-9;
/** What is above minus this share of the largest number is not negative. */
const ROUNDING: f64 = 1e-12;
/** How many times that a dependent row's number may be off. */
const FAINT: f64 = 1e4;

/**
 * m ← its principal pivotal transform over the rows inside, the largest pivots first; those taken are marked by 2.
 * m: f64 [n, n] by columns that are `stride` numbers apart, a multiple of 8, zeros behind row n, symmetric; inside: i32 [n]; column: f64
 * [stride], overwritten.
 */
export function pivotAll(m: usize, inside: usize, column: usize, n: i32, stride: i32): void {
  const wide = <usize>stride << 3;
  for (;;) {
    let place = -1;
    let most: f64 = 0;
    for (let i = 0; i < n; i++) {
      const own = load<f64>(m + <usize>i * (wide + 8));
      if (own > most && load<i32>(inside + (<usize>i << 2)) == 1) {
        place = i;
        most = own;
      }
    }
    if (place < 0) return;
    store<i32>(inside + (<usize>place << 2), 2);
    const at = m + <usize>place * wide, own = <usize>place << 3;
    memory.copy(column, at, wide);
    store<f64>(column + own, most + 1);
    memory.fill(at, 0, wide);
    store<f64>(at + own, -1);
    for (let j = 0, to = m; j < n; j++, to += wide) take(load<f64>(to + own) / most, column, to, stride);
  }
}

// followPath's memory, in numbers of 8 bytes from `work`: the goal and the sides are the caller's too.
let stride: i32 = 0;
let goal: usize = 0;
let sides: usize = 0;
let from: usize = 0;
let unit: usize = 0;
let shares: usize = 0;
let inverses: usize = 0;
let places: usize = 0;
let corner: usize = 0;
let columns: usize = 0;

/** The row whose number is the first to reach 0 on the way; −1 where all are at least `least` at its end. */
function nearest(least: f64): i32 {
  const zero = f64x2.splat(0), bound = f64x2.splat(least);
  let shortest = f64x2.splat(Infinity), row = i64x2.splat(-1), here = i64x2(0, 1);
  for (let at: usize = 0, end = <usize>stride << 3; at < end; at += 16) {
    const last = v128.load(goal + at), first = f64x2.pmax(v128.load(from + at), zero), way = f64x2.div(first, f64x2.sub(first, last));
    const nearer = v128.and(f64x2.lt(last, bound), f64x2.lt(way, shortest));
    shortest = v128.bitselect(way, shortest, nearer);
    row = v128.bitselect(here, row, nearer);
    here = i64x2.add(here, i64x2.splat(2));
  }
  const odd = f64x2.extract_lane(shortest, 1) < f64x2.extract_lane(shortest, 0);
  return <i32>(odd ? i64x2.extract_lane(row, 1) : i64x2.extract_lane(row, 0));
}

/** The t-th column's number for row i. */
@inline function element(i: i32, t: i32): usize {
  return columns + (<usize>((i >> 3) * stride + t) << 6) + (<usize>(i & 7) << 3);
}

/** How many exchanges the transform's column `place` begins after: past the latest of this very row, all before it are without effect. */
function beginOf(place: i32, steps: i32): i32 {
  let t = steps;
  while (t > 0 && load<i32>(places + (<usize>(t - 1) << 2)) != place) t--;
  return max(t - 1, 0);
}

/** How much of each exchange is in the column that is `source` at first, and the pivot, which is what they leave of its own number. */
function share(source: usize, place: i32, first: i32, steps: i32): f64 {
  const wide = <usize>stride << 3, now = <usize>steps << 3;
  for (let t = 0, to = corner + now; t < steps; t++, to += wide) store<f64>(to, load<f64>(element(place, t)));
  for (let t = first; t < steps; t++) store<f64>(shares + (<usize>t << 3), load<f64>(source + (<usize>load<i32>(places + (<usize>t << 2)) << 3)));
  store<f64>(shares + now, load<f64>(source + (<usize>place << 3)));
  for (let t = first; t < steps; t++) {
    const at = <usize>t << 3, part = load<f64>(shares + at) * load<f64>(inverses + at);
    store<f64>(shares + at, part);
    for (let s = at + 8, to = corner + <usize>t * wide; s <= now; s += 8) store<f64>(shares + s, load<f64>(shares + s) - part * load<f64>(to + s));
  }
  return load<f64>(shares + now);
}

/** y ← y − f·x of two numbers. */
@inline function less(y: usize, f: v128, x: v128): void {
  v128.store(y, f64x2.sub(v128.load(y), f64x2.mul(f, x)));
}

/** The whole column, of which f and g times are taken from both ends. Eight rows at once. */
function append(source: usize, first: i32, steps: i32, f: v128, g: v128): void {
  for (let i = 0; i < stride; i += 8) {
    const rows = <usize>i << 3, s = source + rows, a = from + rows, b = goal + rows;
    let x0 = v128.load(s), x1 = v128.load(s, 16), x2 = v128.load(s, 32), x3 = v128.load(s, 48), at = element(i, first);
    for (let t = first; t < steps; t++, at += 64) {
      const part = v128.load64_splat(shares + (<usize>t << 3));
      x0 = f64x2.sub(x0, f64x2.mul(part, v128.load(at)));
      x1 = f64x2.sub(x1, f64x2.mul(part, v128.load(at, 16)));
      x2 = f64x2.sub(x2, f64x2.mul(part, v128.load(at, 32)));
      x3 = f64x2.sub(x3, f64x2.mul(part, v128.load(at, 48)));
    }
    v128.store(at, x0);
    v128.store(at, x1, 16);
    v128.store(at, x2, 32);
    v128.store(at, x3, 48);
    less(a, f, x0);
    less(a + 16, f, x1);
    less(a + 32, f, x2);
    less(a + 48, f, x3);
    less(b, g, x0);
    less(b + 16, g, x1);
    less(b + 32, g, x2);
    less(b + 48, g, x3);
  }
}

/**
 * From h to the goal, both under m, the transform that pivotAll leaves: wherever a number reaches 0 on the straight way, its row changes
 * sides. The exchanges are kept as a product, of which a column is made where it is needed. Leaves the goal's numbers at `work` and 1
 * for each row inside behind them. The count of exchanges, or −1 where the way meets dependent rows or takes more than n of them.
 *
 * h: f64 [stride], none below 0 but for roundings; inside: i32 [n]; work: 2·stride² + 8·stride numbers of 8 bytes, that begin with the
 * goal [stride], 0 from n on.
 */
export function followPath(m: usize, h: usize, inside: usize, work: usize, n: i32, wide: i32): i32 {
  const row = <usize>wide << 3;
  stride = wide;
  goal = work;
  sides = goal + row;
  from = sides + row;
  unit = from + row;
  inverses = unit + row;
  places = inverses + row;
  shares = places + row;
  corner = shares + 2 * row;
  columns = corner + <usize>wide * row;
  memory.copy(from, h, row);
  memory.copy(sides, inside, <usize>n << 2);
  memory.fill(unit, 0, row);
  let largest: f64 = 1;
  for (let at = goal; at < sides; at += 8) largest = max(largest, abs(load<f64>(at)));
  const least = -ROUNDING * largest;
  for (let steps = 0; steps <= n; ) {
    const place = nearest(least), own = <usize>place << 3;
    if (place < 0) return steps;
    if (steps == n) break;
    const first = beginOf(place, steps), again = load<i32>(places + (<usize>first << 2)) == place && first < steps;
    // What the exchange of this very row leaves of its column begins with its negative unit.
    if (again) store<f64>(unit + own, -1);
    const source = again ? unit : m + <usize>place * row, pivot = share(source, place, first, steps);
    if (!(pivot > PIVOT)) {
      // What a dependent row has left of its number may be rounding: whoever asked will see.
      if (!(load<f64>(goal + own) > FAINT * least)) return -1;
      store<f64>(goal + own, 0);
      if (again) store<f64>(unit + own, 0);
      continue;
    }
    const f = load<f64>(from + own) / pivot, g = load<f64>(goal + own) / pivot, side = sides + (<usize>place << 2);
    append(source, first, steps, f64x2.splat(f), f64x2.splat(g));
    if (again) store<f64>(unit + own, 0);
    store<f64>(from + own, -f);
    store<f64>(goal + own, -g);
    // x ← x − part·column is −part in the pivot's place then.
    store<f64>(element(place, steps), pivot + 1);
    store<i32>(places + (<usize>steps << 2), place);
    store<f64>(inverses + (<usize>steps << 3), 1 / pivot);
    store<i32>(side, 1 - load<i32>(side));
    steps++;
  }
  return -1;
}
