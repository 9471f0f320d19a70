// The error bounds that lanes.ts states, over samples of every exponent.
import { acosh, asinh, atanh, digamma, erf, erfc, erfinv, exp, exp2, i0, lgamma, log, log10, log2, scope, sigmoid, type Tensor, tanh, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as special from '../../src/tensor/special.ts';

const bits = new DataView(new ArrayBuffer(4));
/** Distance between neighbouring float32 numbers at |x|. */
function ulp(x: number): number {
  bits.setFloat32(0, Math.fround(Math.abs(x)));
  const word = bits.getInt32(0);
  bits.setInt32(0, word + 1);
  return bits.getFloat32(0) - Math.fround(Math.abs(x));
}

/** 200 000 numbers between low and high, dense near both ends' magnitudes. */
function samples(low: number, high: number): Float32Array {
  const n = 200_000;
  return Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / n);
}
/** Positive numbers of every exponent between the two. */
function exponents(low: number, high: number): Float32Array {
  const n = 200_000;
  return Float32Array.from({ length: n }, (_, i) => low * (high / low) ** (i / n));
}

function worst(fn: (x: Tensor) => Tensor, reference: (x: number) => number, xs: Float32Array): number {
  return scope(() => {
    const ys = fn(tensor(xs)).data();
    let most = 0;
    xs.forEach((x, i) => {
      const exact = reference(x);
      if (Object.is(ys[i], Math.fround(exact))) return; // infinities and NaN too
      most = Math.max(most, Math.abs((ys[i] as number) - exact) / ulp(exact));
    });
    return most;
  });
}

test('exp is within 1 ulp, and right at the ends', () => {
  assert.ok(worst(exp, Math.exp, samples(-87, 88.7)) <= 1.01);
  assert.ok(worst(exp, Math.exp, samples(-103, -87)) <= 1.01, 'subnormals');
  assert.equal([...exp(tensor([Number.NEGATIVE_INFINITY, -200, 89, Number.POSITIVE_INFINITY, 0, -0])).data()], [0, 0, Infinity, Infinity, 1, 1]);
  assert.ok(Number.isNaN(exp(tensor(Number.NaN)).item()));
});

test('log is within 1.1 ulp, and right at the ends', () => {
  assert.ok(worst(log, Math.log, exponents(1e-45, 3e38)) <= 1.1);
  assert.ok(worst(log, Math.log, samples(0.5, 2)) <= 1.01);
  assert.equal([...log(tensor([0, -0, Number.POSITIVE_INFINITY, 1])).data()], [-Infinity, -Infinity, Infinity, 0]);
  assert.ok(
    log(tensor([-1, Number.NaN, Number.NEGATIVE_INFINITY]))
      .data()
      .every(Number.isNaN),
  );
});

test('tanh is within 1.5 ulp; the sign of zero stays', () => {
  assert.ok(worst(tanh, Math.tanh, samples(-10, 10)) <= 1.51);
  assert.ok(worst(tanh, Math.tanh, exponents(1e-30, 1)) <= 1.51);
  assert.ok(Object.is(tanh(tensor(-0)).item(), -0) && Object.is(tanh(tensor(0)).item(), 0));
  assert.equal([...tanh(tensor([Infinity, -Infinity])).data()], [1, -1]);
  assert.ok(Number.isNaN(tanh(tensor(Number.NaN)).item()));
});

test('sigmoid is within 3 ulp where it is a normal number', () => {
  assert.ok(worst(sigmoid, (x) => 1 / (1 + Math.exp(-x)), samples(-80, 20)) <= 3);
  assert.equal([...sigmoid(tensor([Infinity, -Infinity, 0])).data()], [1, 0, 0.5]);
});

test('erf is within 5e-7', () => {
  const xs = samples(-3, 3);
  const series = (x: number): number => {
    let sum = x;
    for (let k = 1, term = x; k < 80; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  };
  const ys = erf(tensor(xs)).data();
  for (const [i, x] of xs.entries()) assert.ok(Math.abs((ys[i] as number) - series(x)) <= 5e-7);
});

const both = (xs: Float32Array): Float32Array => Float32Array.from([...xs, ...xs.map((x) => -x)]);
for (const [fn, reference, xs, bound] of [
  [asinh, Math.asinh, both(exponents(1e-40, 3e38)), 3],
  [acosh, Math.acosh, exponents(1, 3e38), 3],
  [atanh, Math.atanh, both(exponents(1e-40, 0.999999)), 3],
  [exp2, (x: number) => 2 ** x, samples(-126, 127.9), 2],
  [log2, Math.log2, exponents(1e-44, 3e38), 0.51],
  [log10, Math.log10, exponents(1e-44, 3e38), 0.51],
  [erfc, special.erfc, samples(-5, 9), 0.51],
  [erfinv, special.erfinv, samples(-0.999999, 0.999999), 0.51],
  [lgamma, special.lgamma, both(exponents(1e-30, 1e30)), 0.51],
  [digamma, special.digamma, both(exponents(1e-30, 100)), 0.51],
  [i0, (x: number) => special.bessel(0, x), samples(-80, 80), 0.51],
] as const) {
  test(`${fn.name} is within ${bound} ulp`, () => {
    const most = worst(fn, reference, xs);
    assert.ok(most <= bound, `${most}`);
  });
}

test('logarithms of powers are whole, and special functions are right at the ends', () => {
  assert.equal([...log2(tensor([8, 0.25, 2 ** -140, 0, Infinity])).data()], [3, -2, -140, -Infinity, Infinity]);
  assert.equal([...log10(tensor([1000, 1e-5, 1e10])).data()], [3, -5, 10]);
  assert.equal([...exp2(tensor([10, -3, 0.5 + 0.5])).data()], [1024, 0.125, 2]);
  assert.equal([...erfc(tensor([Infinity, -Infinity, 20])).data()], [0, 2, 0]);
  assert.equal([...erfinv(tensor([1, -1, 0, 1.5])).data()], [Infinity, -Infinity, 0, Number.NaN]);
  assert.equal([...lgamma(tensor([0, -1, 1, 2, Infinity])).data()], [Infinity, Infinity, 0, 0, Infinity]);
  assert.equal([...digamma(tensor([0, -1, Infinity])).data()], [-Infinity, Number.NaN, Infinity]);
  assert.equal([...atanh(tensor([1, -1, 2, -0])).data()], [Infinity, -Infinity, Number.NaN, -0]);
  assert.equal([...asinh(tensor([Infinity, -Infinity, -0])).data()], [Infinity, -Infinity, -0]);
  assert.equal([...acosh(tensor([1, 0.5, Infinity])).data()], [0, Number.NaN, Infinity]);
});

test('sums are trees: a million equal terms lose next to nothing', () => {
  const n = 1_000_000;
  const exact = n * Math.fround(0.1);
  const got = tensor(new Float32Array(n).fill(0.1)).sum().item();
  // An accumulator adds 64 terms before the tree begins: at most 64 roundings of 2⁻²⁵, far from the 1e-2 of a running sum.
  assert.ok(Math.abs(got - exact) / exact < 64 * 2 ** -25);
});

test('non-finite values pass through arithmetic, comparisons and reductions as in IEEE', () => {
  const x = tensor([Number.NaN, Infinity, -Infinity, 1]);
  assert.equal(x.relu().toArray(), [Number.NaN, Infinity, 0, 1]);
  assert.equal(x.gt(0).toArray(), [false, true, false, true]);
  assert.equal(x.isnan().toArray(), [true, false, false, false]);
  assert.equal(x.isfinite().toArray(), [false, false, false, true]);
  assert.ok(Number.isNaN(x.max().item()) && Number.isNaN(x.min().item()) && Number.isNaN(x.sum().item()));
  assert.is(x.argmax().item(), 0);
  assert.equal(x.clamp({ min: -2, max: 2 }).toArray(), [Number.NaN, 2, -2, 1]);
  assert.ok(x.softmax(0).data().every(Number.isNaN));
  assert.equal(tensor([-Infinity, 0]).softmax(0).toArray(), [0, 1]);
});

test.run();
