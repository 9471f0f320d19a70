// The checks that every row of cases.ts goes through.
import * as gradloom from 'gradloom';
import { autograd, noGrad, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cases } from './cases.ts';
import { inputsOf } from './inputs.ts';

const SIZES = [1, 3, 5, 17];
/** The same values seen through other strides: dimensions reversed in memory, or every second row of a larger block. */
const views: Record<string, { store: (x: Tensor) => Tensor; look: (stored: Tensor) => Tensor }> = {
  'a transposed view': {
    store: (x) => x.permute(x.shape.map((_, i) => x.rank - 1 - i)).clone(),
    look: (s) => s.permute(s.shape.map((_, i) => s.rank - 1 - i)),
  },
  'a slice': {
    store: (x) => (x.rank === 0 ? x.clone() : tensor(interleave(x), { shape: [(x.shape[0] as number) * 2, ...x.shape.slice(1)] })),
    look: (s) => (s.rank === 0 ? s : s.slice(0, 0, undefined, 2)),
  },
};

/** Rows of x with rows of noise between. */
function interleave(x: Tensor): Float32Array {
  const data = x.data();
  const row = x.size / (x.shape[0] as number);
  return Float32Array.from({ length: data.length * 2 }, (_, i) => (Math.floor(i / row) % 2 === 0 ? (data[Math.floor(i / row / 2) * row + (i % row)] as number) : 9));
}

const close = (a: number, b: number): boolean => Math.abs(a - b) <= 2e-6 * Math.max(1, Math.abs(b)) || Object.is(a, b);

for (const c of cases) {
  const { reference } = c;
  if (reference) {
    test(`${c.name}: value`, () => {
      for (const n of [...SIZES, 64]) {
        scope(() => {
          const inputs = inputsOf(c, n);
          const flat = inputs.map((x) => x.data());
          for (const [i, v] of c
            .run(...inputs)
            .data()
            .entries()) {
            const expected = reference(...flat.map((x) => x[i] as number));
            assert.ok(close(v, expected), `element ${i} of ${n}: ${v}, expected ${expected}`);
          }
        });
      }
    });
  }

  test(`${c.name}: gradient at odd sizes`, () => {
    for (const n of SIZES) scope(() => assert.ok(autograd.gradcheck(c.run, inputsOf(c, n))));
  });

  if (!c.linear) {
    // Gradients are rougher functions than what they are gradients of: roundings are magnified once more.
    test(`${c.name}: second gradient`, () => {
      for (const n of [1, 3]) scope(() => assert.ok(autograd.gradgradcheck(c.run, inputsOf(c, n), { atol: 5e-3, rtol: 5e-3 })));
    });
  }

  for (const [kind, { store, look }] of Object.entries(views)) {
    test(`${c.name}: through ${kind}`, () => {
      scope(() => {
        const inputs = inputsOf(c, 3);
        const stored = inputs.map((x) => noGrad(() => store(x)).requiresGrad_());
        const direct = c.run(...inputs);
        const seen = c.run(...stored.map(look));
        assert.equal(seen.shape, direct.shape);
        assert.equal([...seen.data()], [...direct.data()]);
        assert.ok(autograd.gradcheck((...s) => c.run(...s.map(look)), stored));
      });
    });
  }

  test(`${c.name}: a used-up scope leaves the inputs whole`, () => {
    const inputs = inputsOf(c, 3);
    const before = inputs.map((x) => [...x.data()]);
    scope(() => void c.run(...inputs));
    assert.equal(
      inputs.map((x) => [...x.data()]),
      before,
    );
  });
}

test('every differentiable function of the public surface has a row', () => {
  // What has no gradient, is made of nothing, or is the same op under another name (view is a reshape, detach cuts), or has
  // another gradient than its function on purpose (scaleGrad, reverseGrad: test/autograd/rows.test.ts), or is random (test/nn/dropout.test.ts).
  const families = [
    /^(arange|eye|full(Like)?|linspace|ones(Like)?|oneHot|rand|randn|randperm|tensor|zeros(Like)?)$/, // made of nothing
    /^(all|any|argmax|argmin|argsort|eq|ge|gt|is[A-Z]\w*|is(finite|inf|nan|neginf|posinf)|le|logical\w+|lt|ne|signbit|heaviside|bitwise\w+|gcd|lcm)$/, // bools and whole numbers
    /^(allclose|argwhere|bincount|bucketize|countNonzero|equal|histc|isclose|nonzero|searchsorted|tri[lu]Indices|unique(Consecutive)?)$/, // places and counts
    /^(contiguous|detach|to|view|maxPool[123]dWithIndices)$/, // another name of a function
    /^(reverseGrad|scaleGrad|dropout\w*|bernoulli_?|cauchy_|exponential_|geometric_|logNormal_|multinomial|normal_?|poisson|randLike|randint(Like)?|randnLike|random_|uniform_)$/, // another gradient on purpose, or random
    /^(capture|clipGrad\w+_|close|defaultGenerator|enableGrad|functionalCall|inference|init|keep|manualSeed|memory|noGrad|scope|setGradEnabled|steps|tick|defaultCollate|evaluate|fromImageData|profile|randomSplit|summary|toImageData)$/, // no function of tensors
  ];
  const without = { test: (name: string): boolean => families.some((f) => f.test(name)) };
  const functions = [...Object.entries(gradloom), ...Object.entries(gradloom.nn.functional)]
    .filter(([name, f]) => typeof f === 'function' && /^[a-z]/.test(name))
    .map(([name]) => name);
  const rows = new Set(cases.map((c) => c.name.split(' ')[0]));
  assert.equal(
    functions.filter((name) => !without.test(name) && !rows.has(name)),
    [],
  );
});

test('elementwise ops on nothing give nothing', () => {
  for (const c of cases.filter((c) => c.reference)) {
    const count = c.shapes?.(1).length ?? 1;
    const y = c.run(...Array.from({ length: count }, () => zeros([0, 3], { requiresGrad: true })));
    assert.equal(y.shape, [0, 3], c.name);
    y.sum().backward();
  }
});

test('sums and products over nothing are zero', () => {
  assert.is(zeros([0]).sum().item(), 0);
  assert.equal(zeros([3, 0]).sum({ dim: 1 }).toArray(), [0, 0, 0]);
  assert.equal(
    zeros([2, 0])
      .matmul(zeros([0, 2]))
      .toArray(),
    [
      [0, 0],
      [0, 0],
    ] as never,
  );
  assert.ok(Number.isNaN(zeros([0]).mean().item()));
});

test.run();
