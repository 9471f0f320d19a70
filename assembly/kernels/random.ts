// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011). A generator is 16 bytes of memory, advanced by what it
// gives: the same seed gives the same numbers on every machine, and a saved state resumes them.
//
//  ┌─────────┬─────────┬─────────────┬──────────────┐
//  │ key: u32│ key: u32│ counter low │ counter high │
//  └─────────┴─────────┴─────────────┴──────────────┘

import { storeTail } from "../lanes";

let r0: u32 = 0, r1: u32 = 0, r2: u32 = 0, r3: u32 = 0;

/** Four random words into r0 … r3 from the state's counter, which moves on by one. */
function next(state: usize): void {
  let k0 = load<u32>(state), k1 = load<u32>(state, 4);
  const counter = load<u64>(state, 8);
  store<u64>(state, counter + 1, 8);
  let c0 = <u32>counter, c1 = <u32>(counter >> 32), c2: u32 = 0, c3: u32 = 0;
  for (let round = 0; round < 10; round++) {
    const a = <u64>c0 * 0xd2511f53, b = <u64>c2 * 0xcd9e8d57;
    c0 = <u32>(b >> 32) ^ c1 ^ k0;
    c2 = <u32>(a >> 32) ^ c3 ^ k1;
    c1 = <u32>b;
    c3 = <u32>a;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  r0 = c0;
  r1 = c1;
  r2 = c2;
  r3 = c3;
}

/** A word as a float in [0, 1): its upper 24 bits. */
@inline function unit(word: u32): f32 {
  return <f32>(word >> 8) * <f32>5.9604644775390625e-8;
}

/** The upper halves of four products a·m of unsigned words. */
@inline function upper(a: v128, m: v128): v128 {
  return v128.shuffle<i32>(i64x2.extmul_low_i32x4_u(a, m), i64x2.extmul_high_i32x4_u(a, m), 1, 3, 5, 7);
}

export let w0 = i32x4.splat(0), w1 = w0, w2 = w0, w3 = w0;

/** Four times `next` at once, one counter in each lane: word k of them into wₖ. */
export function nextFour(state: usize): void {
  const counter = load<u64>(state, 8);
  store<u64>(state, counter + 4, 8);
  const m0 = i32x4.splat(0xd2511f53), m1 = i32x4.splat(0xcd9e8d57);
  // Counters go on from lane to lane; the upper words differ only where the lower ones overflow.
  let c0 = i32x4(<i32>counter, <i32>(counter + 1), <i32>(counter + 2), <i32>(counter + 3));
  let c1 = i32x4(<i32>(counter >> 32), <i32>((counter + 1) >> 32), <i32>((counter + 2) >> 32), <i32>((counter + 3) >> 32));
  let c2 = i32x4.splat(0), c3 = c2;
  let k0 = load<u32>(state), k1 = load<u32>(state, 4);
  for (let round = 0; round < 10; round++) {
    const h0 = upper(c0, m0), l0 = i32x4.mul(c0, m0), h1 = upper(c2, m1), l1 = i32x4.mul(c2, m1);
    c0 = v128.xor(v128.xor(h1, c1), i32x4.splat(k0));
    c2 = v128.xor(v128.xor(h0, c3), i32x4.splat(k1));
    c1 = l1;
    c3 = l0;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  w0 = c0;
  w1 = c1;
  w2 = c2;
  w3 = c3;
}

/** Four words as floats in [0, 1), as `unit`. */
@inline function units(words: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(words, 8)), f32x4.splat(5.9604644775390625e-8));
}

/** y[i] uniform in [0, 1), multiples of 2⁻²⁴. f32, n elements. */
export function uniform(y: usize, n: i32, state: usize): void {
  for (; n >= 16; n -= 16, y += 64) {
    nextFour(state);
    // Each counter's four words stand one behind another.
    const a = v128.shuffle<i32>(w0, w1, 0, 4, 1, 5), b = v128.shuffle<i32>(w2, w3, 0, 4, 1, 5);
    const c = v128.shuffle<i32>(w0, w1, 2, 6, 3, 7), d = v128.shuffle<i32>(w2, w3, 2, 6, 3, 7);
    v128.store(y, units(v128.shuffle<i64>(a, b, 0, 2)));
    v128.store(y, units(v128.shuffle<i64>(a, b, 1, 3)), 16);
    v128.store(y, units(v128.shuffle<i64>(c, d, 0, 2)), 32);
    v128.store(y, units(v128.shuffle<i64>(c, d, 1, 3)), 48);
  }
  for (; n > 0; n -= 4, y += 16) {
    next(state);
    store<f32>(y, unit(r0));
    if (n > 1) store<f32>(y, unit(r1), 4);
    if (n > 2) store<f32>(y, unit(r2), 8);
    if (n > 3) store<f32>(y, unit(r3), 12);
  }
}

/** y[i] normal, mean 0 and variance 1 (Box and Muller). f32, n elements. */
export function normal(y: usize, n: i32, state: usize): void {
  for (; n > 0; n -= 4, y += 16) {
    next(state);
    // 1 − u lies in (0, 1], so the logarithm is finite.
    const s = sqrt<f32>(-2 * NativeMathf.log(1 - unit(r0))), a = unit(r1) * <f32>6.283185307179586;
    store<f32>(y, s * NativeMathf.cos(a));
    if (n > 1) store<f32>(y, s * NativeMathf.sin(a), 4);
    if (n > 2) {
      const t = sqrt<f32>(-2 * NativeMathf.log(1 - unit(r2))), b = unit(r3) * <f32>6.283185307179586;
      store<f32>(y, t * NativeMathf.cos(b), 8);
      if (n > 3) store<f32>(y, t * NativeMathf.sin(b), 12);
    }
  }
}

/** y = a random permutation of 0 … n − 1 (Fisher and Yates). i32. */
export function permutation(y: usize, n: i32, state: usize): void {
  for (let i = 0; i < n; i++) store<i32>(y + (<usize>i << 2), i);
  for (let i = n - 1; i > 0; i--) {
    next(state);
    // The upper half of word · (i + 1) is uniform in [0, i] but for a bias below n/2³².
    const p = y + (<usize>((<u64>r0 * <u64>(i + 1)) >> 32) << 2);
    const q = y + (<usize>i << 2);
    const v = load<i32>(p);
    store<i32>(p, load<i32>(q));
    store<i32>(q, v);
  }
}

/** 0 where the upper 24 bits of a word are below `bound`, else `keep`. */
@inline function kept(words: v128, bound: v128, keep: v128): v128 {
  return v128.and(i32x4.ge_s(i32x4.shr_u(words, 8), bound), keep);
}

/**
 * y[i] = 0 with probability p (in steps of 2⁻²⁴), else 1/(1 − p): what dropout multiplies by. All 0 where p is 1. f32, n elements; p: its
 * address. Four counters at a time: element 4k + j of each 16 is word k of counter j.
 */
export function dropoutMask(y: usize, n: i32, p: usize, state: usize): void {
  const drop = load<f32>(p);
  const bound = i32x4.splat(<i32>ceil<f64>(<f64>drop * 16777216)), keep = f32x4.splat(drop < 1 ? 1 / (1 - drop) : 0);
  for (; n > 0; n -= 16, y += 64) {
    nextFour(state);
    const r0 = kept(w0, bound, keep), r1 = kept(w1, bound, keep), r2 = kept(w2, bound, keep), r3 = kept(w3, bound, keep);
    if (n >= 16) {
      v128.store(y, r0);
      v128.store(y, r1, 16);
      v128.store(y, r2, 32);
      v128.store(y, r3, 48);
      continue;
    }
    let rest = n, q = y;
    for (let k = 0; rest > 0; k++, rest -= 4, q += 16) {
      const v = k == 0 ? r0 : k == 1 ? r1 : k == 2 ? r2 : r3;
      if (rest >= 4) v128.store(q, v);
      else storeTail(q, v, rest);
    }
  }
}
