// Optimizer steps that divide by the size of past gradients, and others beside SGD and Adam. As update.ts: one parameter a call,
// hyper-parameters f64 in memory, float32 elements, as PyTorch's single-tensor forms. d is the gradient: negated where
// maximizing, plus λ·p where decay is coupled.
import { mad, splat } from "../lanes";
import { counted, direction, flushed, option, power, powerAboveOne, read, squares, towards, write } from "../step";

/**
 * RMSprop: v ← α·v + (1 − α)·d²; where `mean`: u ← u + (1 − α)(d − u), and v − u² stands for v; s = d/(√v + ε); where `buffer`:
 * b ← μ·b + s, and b stands for s; p ← p − lr·s. hyper f64: lr, α, ε, λ, μ.
 */
export function rmsprop(p: usize, g: usize, v: usize, mean: usize, buffer: usize, hyper: usize, n: i32, maximize: i32): void {
  const lr = option(hyper, 0), alpha = option(hyper, 1), epsilon = option(hyper, 2), decay = option(hyper, 3), mu = option(hyper, 4);
  const share = splat(<f32>(1 - load<f64>(hyper, 8))), sign = splat(maximize ? -1 : 1);
  for (; n > 0; n -= 4, p += 16, g += 16, v += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay);
    let second = squares(read(v, n), d, alpha, share);
    write(v, second, n);
    if (mean) {
      const u = towards(read(mean, n), d, share);
      write(mean, u, n);
      mean += 16;
      // Never below 0 but for rounding.
      second = f32x4.max(f32x4.sub(second, f32x4.mul(u, u)), splat(0));
    }
    let s = f32x4.div(d, f32x4.add(f32x4.sqrt(second), epsilon));
    if (buffer) {
      s = flushed(mad(mu, read(buffer, n), s));
      write(buffer, s, n);
      buffer += 16;
    }
    write(p, f32x4.sub(x, f32x4.mul(lr, s)), n);
  }
}

/** Adagrad: t ← t + 1; v ← v + d²; p ← p − lr/(1 + (t − 1)·η)·d/(√v + ε). hyper f64: lr, η, ε, λ. step: one f32, t. */
export function adagrad(p: usize, g: usize, v: usize, step: usize, hyper: usize, n: i32, maximize: i32): void {
  const t = load<f32>(step) + 1;
  store<f32>(step, t);
  const rate = splat(<f32>(load<f64>(hyper) / (1 + <f64>(t - 1) * load<f64>(hyper, 8))));
  const epsilon = option(hyper, 2), decay = option(hyper, 3), sign = splat(maximize ? -1 : 1);
  for (; n > 0; n -= 4, p += 16, g += 16, v += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay), sum = mad(d, d, read(v, n));
    write(v, sum, n);
    write(p, f32x4.sub(x, f32x4.div(f32x4.mul(rate, d), f32x4.add(f32x4.sqrt(sum), epsilon))), n);
  }
}

/**
 * Adadelta: v ← ρ·v + (1 − ρ)·d²; s = √(u + ε)/√(v + ε)·d; u ← ρ·u + (1 − ρ)·s²; p ← p − lr·s. hyper f64: lr, ρ, ε, λ.
 */
export function adadelta(p: usize, g: usize, v: usize, u: usize, hyper: usize, n: i32, maximize: i32): void {
  const lr = option(hyper, 0), rho = option(hyper, 1), epsilon = option(hyper, 2), decay = option(hyper, 3);
  const share = splat(<f32>(1 - load<f64>(hyper, 8))), sign = splat(maximize ? -1 : 1);
  for (; n > 0; n -= 4, p += 16, g += 16, v += 16, u += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay), steps = read(u, n);
    const second = squares(read(v, n), d, rho, share);
    write(v, second, n);
    const s = f32x4.mul(f32x4.div(f32x4.sqrt(f32x4.add(steps, epsilon)), f32x4.sqrt(f32x4.add(second, epsilon))), d);
    write(u, squares(steps, s, rho, share), n);
    write(p, f32x4.sub(x, f32x4.mul(lr, s)), n);
  }
}

/**
 * Adamax: t ← t + 1; m ← m + (1 − β1)(d − m); u ← max(β2·u, |d| + ε); p ← p − lr/(1 − β1ᵗ)·m/u. hyper f64: lr, β1, β2, ε, λ.
 * step: one f32, t.
 */
export function adamax(p: usize, g: usize, m: usize, u: usize, step: usize, hyper: usize, n: i32, maximize: i32): void {
  const beta1 = load<f64>(hyper, 8), t = load<f32>(step) + 1;
  store<f32>(step, t);
  const rate = splat(<f32>(load<f64>(hyper) / (1 - power(beta1, counted(t))))), share = splat(<f32>(1 - beta1));
  const beta2 = option(hyper, 2), epsilon = option(hyper, 3), decay = option(hyper, 4), sign = splat(maximize ? -1 : 1);
  for (; n > 0; n -= 4, p += 16, g += 16, m += 16, u += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay), first = towards(read(m, n), d, share);
    const largest = f32x4.max(f32x4.mul(beta2, read(u, n)), f32x4.add(f32x4.abs(d), epsilon));
    write(m, first, n);
    write(u, largest, n);
    write(p, f32x4.sub(x, f32x4.div(f32x4.mul(rate, first), largest)), n);
  }
}

/**
 * NAdam: t ← t + 1; μₜ = β1·(1 − ½·bᵗ); π ← π·μₜ; m and v as Adam; s = √(v/(1 − β2ᵗ)) + ε;
 * p ← p − lr·((1 − μₜ)/(1 − π)·d + μₜ₊₁/(1 − π·μₜ₊₁)·m)/s. hyper f64: lr, β1, β2, ε, λ, b = 0.96^ψ. step, product: one f32 each, t and π.
 */
export function nadam(
  p: usize, g: usize, m: usize, v: usize, step: usize, product: usize, hyper: usize, n: i32, decoupled: i32, maximize: i32,
): void {
  const lr = load<f64>(hyper), beta1 = load<f64>(hyper, 8), beta2 = load<f64>(hyper, 16), lambda = load<f64>(hyper, 32), b = load<f64>(hyper, 40);
  const t = load<f32>(step) + 1;
  store<f32>(step, t);
  const mu = beta1 * (1 - 0.5 * power(b, counted(t))), next = beta1 * (1 - 0.5 * power(b, counted(t) + 1)), pi = <f64>load<f32>(product) * mu;
  store<f32>(product, <f32>pi);
  const now = splat(<f32>(lr * (1 - mu) / (1 - pi))), ahead = splat(<f32>(lr * next / (1 - pi * next)));
  const root = splat(<f32>(1 / Math.sqrt(1 - power(beta2, counted(t))))), epsilon = option(hyper, 3);
  const shrink = splat(decoupled ? <f32>(1 - lr * lambda) : 1), decay = splat(decoupled ? 0 : <f32>lambda), sign = splat(maximize ? -1 : 1);
  const new1 = splat(<f32>(1 - beta1)), old2 = option(hyper, 2), new2 = splat(<f32>(1 - beta2));
  for (; n > 0; n -= 4, p += 16, g += 16, m += 16, v += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay);
    const first = towards(read(m, n), d, new1), second = squares(read(v, n), d, old2, new2);
    write(m, first, n);
    write(v, second, n);
    const s = f32x4.div(mad(now, d, f32x4.mul(ahead, first)), mad(f32x4.sqrt(second), root, epsilon));
    write(p, f32x4.sub(f32x4.mul(x, shrink), s), n);
  }
}

/**
 * RAdam: t ← t + 1; m and v as Adam; ρ∞ = 2/(1 − β2) − 1, ρ = ρ∞ − 2t·β2ᵗ/(1 − β2ᵗ); p ← p − lr/(1 − β1ᵗ)·m·r, where r is
 * √((ρ − 4)(ρ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρ))·√(1 − β2ᵗ)/(√v + ε) if ρ > 5, else 1. hyper f64: lr, β1, β2, ε, λ. step: one f32, t.
 */
export function radam(
  p: usize, g: usize, m: usize, v: usize, step: usize, hyper: usize, n: i32, decoupled: i32, maximize: i32,
): void {
  const lr = load<f64>(hyper), beta1 = load<f64>(hyper, 8), beta2 = load<f64>(hyper, 16), lambda = load<f64>(hyper, 32);
  const t = load<f32>(step) + 1;
  store<f32>(step, t);
  const old = power(beta2, counted(t)), limit = 2 / (1 - beta2) - 1, rho = limit - 2 * <f64>t * old / (1 - old);
  const known = rho > 5;
  const rate = lr / (1 - power(beta1, counted(t)));
  const rectified = rate * Math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)) * Math.sqrt(1 - old);
  const factor = splat(<f32>(known ? rectified : rate)), epsilon = option(hyper, 3);
  const shrink = splat(decoupled ? <f32>(1 - lr * lambda) : 1), decay = splat(decoupled ? 0 : <f32>lambda), sign = splat(maximize ? -1 : 1);
  const new1 = splat(<f32>(1 - beta1)), old2 = option(hyper, 2), new2 = splat(<f32>(1 - beta2));
  for (; n > 0; n -= 4, p += 16, g += 16, m += 16, v += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay);
    const first = towards(read(m, n), d, new1), second = squares(read(v, n), d, old2, new2);
    write(m, first, n);
    write(v, second, n);
    let s = f32x4.mul(factor, first);
    if (known) s = f32x4.div(s, f32x4.add(f32x4.sqrt(second), epsilon));
    write(p, f32x4.sub(f32x4.mul(x, shrink), s), n);
  }
}

/**
 * Rprop: a = sign(d·d₀); size ← size·(η⁺ where a > 0, η⁻ where a < 0), within [smallest, largest]; d ← 0 where a < 0; p ← p − sign(d)·size;
 * d₀ ← d. hyper f64: η⁻, η⁺, smallest, largest.
 */
export function rprop(p: usize, g: usize, last: usize, size: usize, hyper: usize, n: i32, maximize: i32): void {
  const shorter = option(hyper, 0), longer = option(hyper, 1), smallest = option(hyper, 2), largest = option(hyper, 3);
  const sign = splat(maximize ? -1 : 1), zero = splat(0);
  for (; n > 0; n -= 4, p += 16, g += 16, last += 16, size += 16) {
    // Signs are compared one by one: the product of small gradients would vanish.
    const d0 = read(last, n), d = f32x4.mul(sign, read(g, n));
    const up = v128.and(f32x4.gt(d, zero), f32x4.gt(d0, zero)), down = v128.and(f32x4.lt(d, zero), f32x4.lt(d0, zero));
    const turnedUp = v128.and(f32x4.gt(d, zero), f32x4.lt(d0, zero)), turnedDown = v128.and(f32x4.lt(d, zero), f32x4.gt(d0, zero));
    const stayed = v128.or(up, down), turned = v128.or(turnedUp, turnedDown);
    const factor = v128.bitselect(longer, v128.bitselect(shorter, splat(1), turned), stayed);
    const s = f32x4.min(f32x4.max(f32x4.mul(read(size, n), factor), smallest), largest);
    const kept = v128.andnot(d, turned);
    write(size, s, n);
    write(last, kept, n);
    const nan = v128.and(kept, f32x4.ne(kept, kept));
    const move = v128.or(nan, v128.or(v128.and(s, f32x4.gt(kept, zero)), v128.and(f32x4.neg(s), f32x4.lt(kept, zero))));
    write(p, f32x4.sub(read(p, n), move), n);
  }
}

/**
 * ASGD: p ← p·(1 − λ·η) − η·d; ax ← ax + μ·(p − ax); then t ← t + 1, η ← lr/(1 + λ·lr·t)^α, μ ← 1/max(1, t − t0).
 * hyper f64: lr, λ, α, t0, weight decay. step, eta, mu: one f32 each.
 */
export function asgd(p: usize, g: usize, ax: usize, step: usize, eta: usize, mu: usize, hyper: usize, n: i32, maximize: i32): void {
  const lr = load<f64>(hyper), lambda = load<f64>(hyper, 8), t = load<f32>(step) + 1;
  const rate = load<f32>(eta), share = splat(load<f32>(mu));
  store<f32>(step, t);
  store<f32>(eta, <f32>(lr / powerAboveOne(1 + lambda * lr * <f64>t, load<f64>(hyper, 16))));
  store<f32>(mu, <f32>(1 / Math.max(1, <f64>t - load<f64>(hyper, 24))));
  const shrink = splat(<f32>(1 - lambda * <f64>rate)), decay = option(hyper, 4), sign = splat(maximize ? -1 : 1);
  for (; n > 0; n -= 4, p += 16, g += 16, ax += 16) {
    const x = read(p, n), d = direction(x, read(g, n), sign, decay);
    const y = f32x4.sub(f32x4.mul(x, shrink), f32x4.mul(splat(rate), d));
    write(ax, towards(read(ax, n), y, share), n);
    write(p, y, n);
  }
}
