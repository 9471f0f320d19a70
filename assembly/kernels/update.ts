// Optimizer steps, one parameter a call, or many by a table of such calls. Hyper-parameters are float64 in memory, by address: what changes between steps (a
// schedule, a step count) is read when the kernel runs. Flags are counts of 0 or 1.
import { loadTail, mad, splat, storeTail } from "../lanes";
import { counted, direction, flushed, power, squares, towards } from "../step";

// Adam's corrections 1 − β1ᵗ and 1/√(1 − β2ᵗ) are the same for all parameters of a step: what they were made from, and they.
let lastT: f32 = 0;
let lastBeta1: f64 = 0;
let lastBeta2: f64 = 0;
let correction1: f64 = 0;
let correction2: f64 = 0;

/**
 * SGD (PyTorch's): d = ±g + λp; buffer ← μ·buffer + (1 − τ)·d, or d where `first`; p ← p − lr·(buffer, or d + μ·buffer with
 * Nesterov). hyper f64: lr, momentum μ, dampening τ, weight decay λ. f32 [n]; buffer 0: no momentum.
 */
export function sgd(p: usize, g: usize, buffer: usize, hyper: usize, n: i32, first: i32, nesterov: i32, maximize: i32): void {
  const lr = splat(<f32>load<f64>(hyper));
  const mu = splat(<f32>load<f64>(hyper, 8));
  const keep = splat(first ? 1 : <f32>(1 - load<f64>(hyper, 16)));
  const decay = splat(<f32>load<f64>(hyper, 24));
  const sign = splat(maximize ? -1 : 1);
  for (; n > 0; n -= 4, p += 16, g += 16) {
    const whole = n >= 4;
    const x = whole ? v128.load(p) : loadTail(p, n);
    let d = direction(x, whole ? v128.load(g) : loadTail(g, n), sign, decay);
    if (buffer) {
      let b = d;
      if (!first) b = flushed(mad(mu, whole ? v128.load(buffer) : loadTail(buffer, n), f32x4.mul(keep, d)));
      if (whole) v128.store(buffer, b);
      else storeTail(buffer, b, n);
      d = nesterov ? mad(mu, b, d) : b;
      buffer += 16;
    }
    const y = f32x4.sub(x, f32x4.mul(lr, d));
    if (whole) v128.store(p, y);
    else storeTail(p, y, n);
  }
}

/**
 * Adam (Kingma & Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101: `decoupled`), as PyTorch:
 * t ← t + 1; m ← m + (1 − β1)(d − m); v ← β2·v + (1 − β2)·d²; p ← p − lr/(1 − β1ᵗ) · m/(√v/√(1 − β2ᵗ) + ε).
 * hyper f64: lr, β1, β2, ε, λ. step: one f32, the count t. f32 [n]; largest 0: no AMSGrad, else the running maximum of v.
 */
export function adam(
  p: usize, g: usize, m: usize, v: usize, largest: usize, step: usize, hyper: usize, n: i32, decoupled: i32, maximize: i32,
): void {
  const lr = load<f64>(hyper), beta1 = load<f64>(hyper, 8), beta2 = load<f64>(hyper, 16), lambda = load<f64>(hyper, 32);
  const t = load<f32>(step) + 1;
  store<f32>(step, t);
  if (t != lastT || beta1 != lastBeta1 || beta2 != lastBeta2) {
    lastT = t;
    lastBeta1 = beta1;
    lastBeta2 = beta2;
    correction1 = 1 - power(beta1, counted(t));
    correction2 = 1 / Math.sqrt(1 - power(beta2, counted(t)));
  }
  const rate = splat(<f32>(lr / correction1));
  const root = splat(<f32>correction2);
  const epsilon = splat(<f32>load<f64>(hyper, 24));
  const shrink = splat(decoupled ? <f32>(1 - lr * lambda) : 1);
  const decay = splat(decoupled ? 0 : <f32>lambda);
  const sign = splat(maximize ? -1 : 1);
  const new1 = splat(<f32>(1 - beta1)), old2 = splat(<f32>beta2), new2 = splat(<f32>(1 - beta2));
  for (; n >= 4; n -= 4, p += 16, g += 16, m += 16, v += 16) {
    const x = v128.load(p), d = direction(x, v128.load(g), sign, decay);
    const m1 = towards(v128.load(m), d, new1), v1 = squares(v128.load(v), d, old2, new2);
    v128.store(m, m1);
    v128.store(v, v1);
    let second = v1;
    if (largest) {
      second = f32x4.max(v1, v128.load(largest));
      v128.store(largest, second);
      largest += 16;
    }
    v128.store(p, f32x4.sub(f32x4.mul(x, shrink), f32x4.div(f32x4.mul(rate, m1), mad(f32x4.sqrt(second), root, epsilon))));
  }
  if (n <= 0) return;
  const x = loadTail(p, n), d = direction(x, loadTail(g, n), sign, decay);
  const m1 = towards(loadTail(m, n), d, new1), v1 = squares(loadTail(v, n), d, old2, new2);
  storeTail(m, m1, n);
  storeTail(v, v1, n);
  let second = v1;
  if (largest) {
    second = f32x4.max(v1, loadTail(largest, n));
    storeTail(largest, second, n);
  }
  storeTail(p, f32x4.sub(f32x4.mul(x, shrink), f32x4.div(f32x4.mul(rate, m1), mad(f32x4.sqrt(second), root, epsilon))), n);
}

// A table: ten words a record, a call's words first; one record after the other.
const RECORD: usize = 40;

@inline function word(table: usize, i: usize): i32 {
  return load<i32>(table + (i << 2));
}

/** `sgd` for each record of a table. */
export function sgdAll(table: usize, records: i32): void {
  for (; records > 0; records--, table += RECORD) {
    sgd(word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4), word(table, 5), word(table, 6), word(table, 7));
  }
}

/** `adam` for each record of a table. */
export function adamAll(table: usize, records: i32): void {
  for (; records > 0; records--, table += RECORD) {
    adam(
      word(table, 0), word(table, 1), word(table, 2), word(table, 3), word(table, 4),
      word(table, 5), word(table, 6), word(table, 7), word(table, 8), word(table, 9),
    );
  }
}
