// The matrix product over a team of threads: instances of one module on one shared memory. In the ordinary build the team is one.
//
//  the control block, i32 each
//  ┌────────────┬────┬─────────┬────┬──────────────────────────┐
//  │ generation │ …  │ arrived │ …  │ the 13 words of a product│   each at the start of a 64-byte line
//  └────────────┴────┴─────────┴────┴──────────────────────────┘
//  generation goes up by one with each product; below 0 it ends the team
//
// Every element is computed by one thread in the same order as alone: the same bits, whatever the size of the team.
import { multiply } from "./matmul";

const ARRIVED: usize = 64;
const JOB: usize = 128;
/** Turns of waiting that a thread spins before it sleeps: training steps follow one another within microseconds. */
const SPIN: i32 = 20000;
/** Multiplications below which waking a team costs more than it saves. */
const LEAST: i32 = 1 << 16;

let control: usize = 0;
let team: i32 = 1;
let me: i32 = 0;

/** Makes this instance number `id` of a team of `size` on the control block `block` (192 zeroed bytes). @host */
export function joinTeam(block: usize, size: i32, id: i32): void {
  control = block;
  team = size;
  me = id;
}

@inline function word(i: usize): i32 {
  return load<i32>(control + JOB + (i << 2));
}

/** This thread's part of the product in the control block: whole panels of columns where there are enough, else pairs of rows. */
function part(): void {
  const m = word(0), n = word(1), k = word(2), a = word(3), aRow = word(4), aCol = word(5), b = word(6), bRow = word(7), bCol = word(8);
  const c = word(9), cRow = word(10), accumulate = word(11), bias = word(12);
  if (n >= 32 * team || n >= m) {
    const share = ((n + 15) / 16 + team - 1) / team * 16;
    const start = min(n, share * me), count = min(share, n - start);
    if (count > 0) multiply(m, count, k, a, aRow, aCol, b + ((start * bCol) << 2), bRow, bCol, c + (start << 2), cRow, accumulate, bias == 0 ? bias : bias + (start << 2));
  } else {
    const share = ((m + 3) / 4 + team - 1) / team * 4;
    const start = min(m, share * me), count = min(share, m - start);
    if (count > 0) multiply(count, n, k, a + ((start * aRow) << 2), aRow, aCol, b, bRow, bCol, c + ((start * cRow) << 2), cRow, accumulate, bias);
  }
}

/** A further thread's life: waits for products, does its part, until the team ends. @host */
export function work(): void {
  if (ASC_FEATURE_THREADS) {
    let seen = 0;
    while (true) {
      let turns = SPIN;
      while (atomic.load<i32>(control) == seen) {
        if (--turns > 0) continue;
        atomic.wait<i32>(control, seen, -1);
        turns = SPIN;
      }
      seen = atomic.load<i32>(control);
      if (seen < 0) return;
      part();
      atomic.add<i32>(control + ARRIVED, 1);
    }
  }
}

/** Ends the team: every further thread returns from `work`. @host */
export function dismiss(): void {
  if (ASC_FEATURE_THREADS) {
    atomic.store<i32>(control, -1);
    atomic.notify(control, team);
  }
  team = 1;
}

/** C [m, n] = A [m, k] · B [k, n], added to C where `accumulate`, to `bias` where there is one: `multiply` of matmul.ts, by the team where the product is large. f32. */
export function matmul(
  m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, b: usize, bRow: i32, bCol: i32, c: usize, cRow: i32, accumulate: i32, bias: usize,
): void {
  if (!ASC_FEATURE_THREADS || team == 1 || <f64>m * <f64>n * <f64>k < <f64>LEAST) {
    multiply(m, n, k, a, aRow, aCol, b, bRow, bCol, c, cRow, accumulate, bias);
    return;
  }
  const job = control + JOB;
  store<i32>(job, m);
  store<i32>(job, n, 4);
  store<i32>(job, k, 8);
  store<usize>(job, a, 12);
  store<i32>(job, aRow, 16);
  store<i32>(job, aCol, 20);
  store<usize>(job, b, 24);
  store<i32>(job, bRow, 28);
  store<i32>(job, bCol, 32);
  store<usize>(job, c, 36);
  store<i32>(job, cRow, 40);
  store<i32>(job, accumulate, 44);
  store<usize>(job, bias, 48);
  if (ASC_FEATURE_THREADS) {
    atomic.store<i32>(control + ARRIVED, 0);
    atomic.store<i32>(control, atomic.load<i32>(control) + 1);
    atomic.notify(control, team);
    part();
    // Spins only: a page's main thread may not sleep. The others need as long as this one did.
    while (atomic.load<i32>(control + ARRIVED) < team - 1) {}
  }
}
