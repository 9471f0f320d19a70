// Values and gradients where numbers are special: infinities, NaN, the ends of float32 and int32, long sums. Right values are PyTorch 2.15's, or the maths'.
import {
  acosh,
  add,
  autograd,
  div,
  addmm,
  cov,
  fmax,
  fmin,
  full,
  fullLike,
  GradloomError,
  lerp,
  linalg,
  logit,
  mul,
  nn,
  ones,
  prelu,
  quantile,
  rand,
  randn,
  scope,
  sub,
  type Tensor,
  tensor,
  zeros,
  zerosLike,
} from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional;
const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const list = (x: Tensor | null): number[] => [...(x as Tensor).data()].map((v) => v + 0); // no −0
/** The gradient that arrives at x where dy arrives at f(x). */
function gradient(f: (x: Tensor) => Tensor, values: number[], dy = 1): number[] {
  const x = leaf(values);
  const y = f(x);
  y.backward({ gradient: fullLike(y, dy) });
  return list(x.grad);
}
const near = (got: number[], right: number[], tolerance = 1e-6): void => {
  assert.is(got.length, right.length);
  for (const [i, v] of right.entries()) assert.ok(Object.is(got[i], v) || Math.abs((got[i] as number) - v) <= tolerance * Math.max(Math.abs(v), 1e-30), `${got} for ${right}`);
};

// [function, input, gradient where 1 arrives, gradient where ∞ arrives]
const places = [-inf, -4, -3, 0, 3, 4, inf, nan];
const masks: Record<string, [f: (x: Tensor) => Tensor, one: number[], infinite: number[]]> = {
  hardswish: [F.hardswish, [0, 0, 0, 0.5, 1, 1, 1, 1], []],
  hardsigmoid: [F.hardsigmoid, [0, 0, 0, Math.fround(1 / 6), 0, 0, 0, 0], [0, 0, 0, inf, 0, 0, 0, 0]],
  relu6: [F.relu6, [0, 0, 0, 0, 1, 1, 0, 1], [0, 0, 0, 0, inf, inf, 0, inf]],
  hardtanh: [(x) => F.hardtanh(x, -3, 3), [0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, inf, 0, 0, 0, inf]],
  softshrink: [(x) => F.softshrink(x), [1, 1, 1, 0, 1, 1, 1, 1], [inf, inf, inf, 0, inf, inf, inf, inf]],
  hardshrink: [(x) => F.hardshrink(x), [1, 1, 1, 0, 1, 1, 1, 1], [inf, inf, inf, 0, inf, inf, inf, inf]],
  relu: [F.relu, [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, inf, inf, inf, inf]],
  clamp: [(x) => x.clamp(-3.5, 3.5), [0, 0, 1, 1, 1, 0, 0, 0], [0, 0, inf, inf, inf, 0, 0, 0]],
  maximum: [(x) => x.maximum(1), [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, inf, inf, inf, inf]],
  minimum: [(x) => x.minimum(1), [1, 1, 1, 1, 0, 0, 0, 1], [inf, inf, inf, inf, 0, 0, 0, inf]],
  leakyRelu: [(x) => F.leakyRelu(x, 0.25), [0.25, 0.25, 0.25, 0.25, 1, 1, 1, 0.25], []],
  prelu: [(x) => prelu(x, tensor([0.25])), [0.25, 0.25, 0.25, 0.25, 1, 1, 1, 0.25], []],
  elu: [(x) => F.elu(x.maximum(-1)), [0, 0, 0, 1, 1, 1, 1, 1], []],
  threshold: [(x) => F.threshold(x, 3, 7), [0, 0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, inf, inf, inf]],
};
for (const name of ['sign', 'floor', 'ceil', 'trunc', 'round'] as const) masks[name] = [(x) => x[name](), places.map(() => 0), places.map(() => 0)];
for (const [name, [f, one, infinite]] of Object.entries(masks)) {
  test(`${name}: the gradient at and beyond its bends`, () => {
    assert.equal(gradient(f, places), one);
    if (infinite.length > 0) assert.equal(gradient(f, places, inf), infinite);
  });
}

test('a root behind a mask has the gradient 0 where the mask is', () => {
  for (const f of [(x: Tensor) => x.clamp({ min: 0 }), (x: Tensor) => x.maximum(0), F.relu6, F.relu])
    assert.equal(
      gradient((x) => f(x).sqrt(), [-1, 4]),
      [0, 0.25],
    );
});

test('NaN wins, and has the gradient', () => {
  const [a, b] = [leaf([nan, 1, 2, 2]), leaf([1, nan, 2, 1])];
  const y = a.maximum(b);
  y.sum().backward();
  assert.equal(list(y), [nan, nan, 2, 2]);
  assert.equal(
    [list(a.grad), list(b.grad)],
    [
      [1, 1, 0.5, 1],
      [1, 1, 0.5, 0],
    ],
  );
  assert.equal(
    gradient((x) => x.max(), [1, nan, 3]),
    [0, 1, 0],
  );
  assert.equal(
    gradient((x) => x.amin(0), [2, nan, nan]),
    [0, 0.5, 0.5],
  );
  assert.equal(list(tensor([1, 2, nan, 5]).clamp(tensor([nan, 0, 0, 0]), tensor([3, nan, 3, 3]))), [nan, nan, nan, 3]);
});

test('huber and smoothL1: gradients of any difference, curvature at 0', () => {
  for (const loss of [F.huberLoss, F.smoothL1Loss]) {
    assert.equal(
      gradient((x) => loss(x, zerosLike(x), { reduction: 'none' }), [3e38, -3e38, inf, -inf, nan, 0, 1, -1]),
      [1, -1, 1, -1, nan, 0, 1, -1],
    );
    for (const [at, right] of [
      [0, 1],
      [0.5, 1],
      [1, 0],
      [-2, 0],
    ] as const) {
      const x = tensor(at, { requiresGrad: true });
      const [d] = autograd.grad(loss(x, tensor(0)), x, { createGraph: true }) as [Tensor];
      assert.is((autograd.grad(d, x)[0] as Tensor).item(), right, `at ${at}`);
    }
  }
});

test('powers, angles and hyperbolas at their special points', () => {
  assert.equal(list(tensor([1, 1, -1, -1, nan]).pow(tensor([nan, inf, inf, -inf, 0]))), [1, 1, 1, 1, 1]);
  assert.equal(
    gradient((x) => x.atan2(zerosLike(x)), [0]),
    [0],
  );
  near(list(tensor([89, -89, 89.4, 90]).sinh()), [2.2448056e38, -2.2448056e38, 3.3488627e38, inf], 1e-5);
  near(list(tensor([89, -89, 1]).cosh()), [2.2448056e38, 2.2448056e38, 1.5430806], 1e-5);
  assert.equal(list(tensor([5, 50000]).pow(2)), [25, 2.5e9]);
  assert.equal(list(acosh(tensor([-3e38, -(2 ** 31), -1, 0.5, 1]))), [nan, nan, nan, nan, 0]);
  near(list(acosh(tensor([1.5, 1e20, 3e38, inf]))), [0.9624237, 46.744848, 89.28999, inf]);
});

test('lerp ends at its ends', () => {
  assert.is(lerp(tensor(1e8), tensor(1), 1).item(), 1);
  assert.is(lerp(tensor(1e8), tensor(1), tensor(1)).item(), 1);
  assert.is(lerp(tensor(1e8), tensor(1), 0).item(), 1e8);
  assert.equal(
    gradient((x) => lerp(x, tensor([1, 1]), 0.75), [3, 4]),
    [0.25, 0.25],
  );
});

test('norms and deviations are finite where float32 holds them', () => {
  const r = Math.SQRT1_2;
  near([tensor([1e20, 1e20]).norm().item(), tensor([1e-30, 1e-30]).norm().item()], [Math.SQRT2 * 1e20, Math.SQRT2 * 1e-30]);
  near([tensor([1e20, 1e20]).norm(3).item(), tensor([1e-25, 1e-25]).norm(3).item()], [2 ** (1 / 3) * 1e20, 2 ** (1 / 3) * 1e-25]);
  near([tensor([3, 4]).norm(-1).item(), tensor([0, 0]).norm(3).item(), tensor([3, inf]).norm(3).item(), tensor([3, nan]).norm().item()], [12 / 7, 0, inf, nan]);
  near([tensor([1e20, 2e20, 3e20]).std().item(), tensor([1e-20, 2e-20, 3e-20]).std().item()], [1e20, 1e-20]);
  for (const p of [-1, -0.5, -inf]) throwsCode('SHAPE', /nothing to choose from/, () => zeros([0, 3]).norm(p, 0));
  assert.equal([list(zeros([0, 3]).norm(-1, 1)), zeros([0]).norm(3).item()], [[], 0]);
  throwsCode('DIM', /quantile: dimension 1/, () => quantile(tensor(2), 0.5, 1));
  for (const scale of [1e-20, 1, 1e20]) {
    near(
      gradient((x) => x.norm(), [scale, scale]),
      [r, r],
    );
    near(
      gradient((x) => x.norm(3), [scale, scale]),
      [2 ** (-2 / 3), 2 ** (-2 / 3)],
    );
    near(
      gradient((x) => x.std(), [scale, 2 * scale, 3 * scale]),
      [-0.5, 0, 0.5],
      1e-5,
    );
  }
  for (const f of [(x: Tensor) => x.norm(), (x: Tensor) => x.norm(3), (x: Tensor) => x.std({ correction: 0 })]) assert.equal(gradient(f, [0, 0]), [0, 0]);
  const x = leaf([3, 0]);
  x.norm(0).backward(); // as in PyTorch no gradient arrives, which is no error
  assert.is(x.grad, null);
});

test('variance about a mean far away', () => {
  const n = 20_001;
  const rows = tensor(
    Float32Array.from({ length: 3 * n }, (_, i) => 1e6 + (Math.floor(i / 3) % 7)),
    { shape: [n, 3] },
  );
  const mean = Array.from({ length: n }, (_, i) => i % 7).reduce((a, b) => a + b, 0) / n;
  const right = Array.from({ length: n }, (_, i) => ((i % 7) - mean) ** 2).reduce((a, b) => a + b, 0) / (n - 1);
  near(list(rows.variance(0)), [right, right, right], 1e-5);
  near(list(rows.t().contiguous().std(1)), [Math.sqrt(right), Math.sqrt(right), Math.sqrt(right)], 1e-5);
  near([rows.variance().item()], [(right * (n - 1) * 3) / (3 * n - 1)], 1e-5);
  const apart = randn([4, 3, 5]);
  near(list(apart.variance([0, 2])), list(apart.permute([1, 0, 2]).reshape([3, 20]).variance(1)), 1e-5);
  assert.ok(autograd.gradcheck((x) => x.variance([0, 2]), [randn([2, 3, 2], { requiresGrad: true })]));
  assert.ok(autograd.gradgradcheck((x) => x.std([0, 2]), [randn([2, 3, 2], { requiresGrad: true })], { atol: 5e-3, rtol: 5e-3 }));
});

test('sums over leading dimensions keep their digits, infinities and NaN', () => {
  scope(() => {
    for (const columns of [1, 3, 4, 17, 21]) {
      const n = 70_001;
      const x = rand([n, columns]);
      const data = x.data();
      const right = Array.from({ length: columns }, (_, j) => {
        let total = 0;
        for (let i = 0; i < n; i++) total += data[i * columns + j] as number;
        return total;
      });
      near(list(x.sum(0)), right, 1e-5);
      near(list(full([n, columns], 0.1).sum(0)), Array(columns).fill(n * Math.fround(0.1)), 1e-5);
    }
  });
  const x = full([1000, 2], 1);
  x.select(1, 0).narrow(0, 3, 1).fill_(inf);
  assert.equal(list(x.sum(0)), [inf, 1000]);
  x.select(1, 0).narrow(0, 900, 1).fill_(-inf);
  assert.equal(list(x.sum(0)), [nan, 1000]);
});

test('normalisation over long rows', () => {
  const y = F.layerNorm(rand([1, 200_000]).mul(3).add(7), [200_000], { eps: 1e-12 });
  near([y.square().mean().item()], [1], 1e-5);
});

test('cross-entropy of large logits keeps its digits', () => {
  const at = (logits: number[], target: number): number => F.crossEntropy(tensor([logits]), int([target])).item();
  near([at([1e7, 1e7 - 1], 1), at([1000, 990], 0), at([1000, 990], 1)], [1.3132617, 4.5398e-5, 10.000045], 1e-3); // 1 + 4.5e-5 rounds in float32
  near([F.crossEntropy(tensor([[1e7, 1e7 - 1]]), tensor([[0, 1]])).item()], [1.3132617]);
});

test('logsumexp of nothing, of infinities, over several dimensions', () => {
  assert.equal(list(zeros([2, 0]).logsumexp(1)), [-inf, -inf]);
  assert.is(tensor([-inf, -inf]).logsumexp(0).item(), -inf);
  near([zeros([2, 3]).logsumexp([0, 1]).item(), zeros([2, 3]).logsumexp().item()], [Math.log(6), Math.log(6)]);
});

test('int32 stays int32', () => {
  const big = int([16777217, -5, 16777216]);
  const kept: [Tensor, number[]][] = [
    [big.clamp({ min: 2 }), [16777217, 2, 16777216]],
    [big.clamp(int([0, 0, 0]), 7), [7, 0, 7]],
    [big.sign(), [1, -1, 1]],
    [big.relu(), [16777217, 0, 16777216]],
    [big.sort(0, true).values, [16777217, 16777216, -5]],
    [big.topk(2).values, [16777217, 16777216]],
    [big.argsort(), [1, 2, 0]],
    [big.floor(), [16777217, -5, 16777216]],
    [big.nanToNum(), [16777217, -5, 16777216]],
    [big.maskedFill(big.lt(0), 3), [16777217, 3, 16777216]],
    [
      int([
        [2, 3],
        [4, 5],
      ]).cumprod(0),
      [2, 3, 8, 15],
    ],
    [int([2147483647, 1, -5]).sum(), [2147483643]],
    [int([65536, 65536, 0]).prod(), [0]],
    [int([-65536, 32768]).prod(), [-2147483648]],
  ];
  for (const [y, right] of kept) {
    assert.is(y.dtype, 'int32');
    assert.equal(list(y), right);
  }
  const copy = big.floor();
  copy.fill_(0);
  assert.is(big.data()[0], 16777217);
});

test('what int32 cannot hold is refused or becomes float32', () => {
  for (const f of [() => int([2147483647, 1]).sum(), () => int([2147483647, 1]).cumsum(0), () => int([65536, 65536]).prod(), () => int([65536, 65536]).cumprod(0)])
    throwsCode('VALUE', /beyond int32.*float\(\)/, f);
  for (const y of [int([1, 2]).add(1e10), sub(3e9, int([1, 2])), int([1, 2]).clamp(0.5), int([50000]).pow(2), div(int([1]), int([2]))]) assert.is(y.dtype, 'float32');
  assert.is(int([50000]).pow(2).item(), 2.5e9);
  throwsCode('DTYPE', /maskedFill: int32 \[2\] cannot hold 0\.5/, () => int([1, 2]).maskedFill(tensor([true, false]), 0.5));
  for (const f of [() => int([1]).variance(), () => int([1]).std(), () => int([1]).norm(), () => int([1]).mean()]) throwsCode('DTYPE', /takes a float32 tensor/, f);
});

test('int32 beside numbers beyond it', () => {
  const ends = int([-2147483648, 0, 2147483647]);
  const flags = (y: Tensor): number[] => list(y);
  assert.equal(flags(ends.lt(3e9)), [1, 1, 1]);
  assert.equal(flags(ends.lt(2 ** 31)), [1, 1, 1]);
  assert.equal(flags(ends.eq(2 ** 31)), [0, 0, 0]);
  assert.equal(flags(ends.eq(2 ** 32)), [0, 0, 0]);
  assert.equal(flags(ends.ne(2 ** 32 + 1)), [1, 1, 1]);
  assert.equal(flags(ends.ge(-(2 ** 31) - 1)), [1, 1, 1]);
  assert.equal(flags(ends.gt(inf)), [0, 0, 0]);
  assert.equal(flags(ends.le(-(2 ** 31))), [1, 0, 0]);
});

test('bools', () => {
  const [t, f] = [tensor([true, true]), tensor([true, false])];
  assert.equal([t.add(f).dtype, list(t.add(f)), t.add(1).dtype], ['bool', [1, 1], 'int32']);
  assert.equal([f.maskedFill(t, false).dtype, list(f.maskedFill(f, 0))], ['bool', [0, 0]]);
  assert.equal([f.sign().dtype, f.cumsum(0).dtype, f.sum().item()], ['bool', 'int32', 1]);
});

test('what backward does not read may be written to', () => {
  /** The gradient where `write` follows `f`. */
  const after = (f: (x: Tensor) => Tensor, write: (x: Tensor, y: Tensor) => void): number[] => {
    const w = leaf([1, 2, 4]);
    const x = w.mul(1);
    const y = f(x);
    write(x, y);
    y.sum().backward();
    return list(w.grad);
  };
  for (const f of [(x: Tensor) => div(3, x), (x: Tensor) => x.tan(), (x: Tensor) => F.crossEntropy(x.reshape([1, 3]), int([1]))])
    near(
      after(f, (x) => x.zero_()),
      gradient((x) => f(x), [1, 2, 4]),
    );
  for (const f of [(x: Tensor) => x.pow(3), (x: Tensor) => x.pow(0.5), (x: Tensor) => x.pow(1.5), (x: Tensor) => div(3, x), (x: Tensor) => F.layerNorm(x, [3])])
    near(
      after(f, (_, y) => y.mul_(1)),
      gradient(f, [1, 2, 4]),
      1e-5,
    );
});

test('batchNorm: what it gives is row-major and may be written to', () => {
  const x = randn([5, 3], { requiresGrad: true });
  const y = F.batchNorm(x, null, null, { training: true });
  assert.ok(y.isContiguous());
  y.mul_(2);
  y.square().sum().backward();
  assert.ok(list(x.grad).every(Number.isFinite));
});

test('cross-entropy through a write has its second gradient', () => {
  const second = (write: boolean): number[] => {
    const w = leaf([1, 2, 0.5]);
    const x = w.mul(1).reshape([1, 3]);
    const l = F.crossEntropy(x, int([1]));
    if (write) x.zero_();
    const [d] = autograd.grad(l, w, { createGraph: true }) as [Tensor];
    return list(autograd.grad(d.square().sum(), w)[0] as Tensor);
  };
  near(second(false), [0.1810809, -0.2653933, 0.0843124], 1e-5);
  near(second(true), second(false));
});

test('prelu: slopes lie along dimension 1', () => {
  const w = leaf([0.25, 0.5]);
  const y = prelu(full([1, 2, 1, 2], -1), w);
  assert.equal(list(y), [-0.25, -0.25, -0.5, -0.5]);
  y.mul(tensor([1, 10]))
    .sum()
    .backward();
  assert.equal(list(w.grad), [-11, -11]);
  assert.equal(prelu(full([2, 3], -1), tensor([1, 2, 3])).toArray(), [
    [-1, -2, -3],
    [-1, -2, -3],
  ]);
  assert.throws(
    () => prelu(ones([1, 2, 3]), tensor([1, 2, 3])),
    (e: unknown) => e instanceof GradloomError && e.op === 'prelu',
  );
});

test('softmax and sort are row-major along every dimension', () => {
  for (const dim of [0, 1, 2]) {
    const x = randn([2, 3, 4]);
    for (const y of [x.softmax(dim), x.logSoftmax(dim), x.sort(dim).values, x.argsort(dim), x.topk(2, dim).indices]) assert.is(y.view([y.size]).size, y.size);
  }
});

test('equals share the gradient, half to each; at a bound that is a number none passes', () => {
  const at = (f: (x: Tensor, y: Tensor) => Tensor): number[][] => {
    const [x, y] = [leaf([1, 2, nan, nan, 3]), leaf([1, 1, 1, nan, 5])];
    const z = f(x, y);
    z.backward({ gradient: fullLike(z, 1) });
    return [list(x.grad), list(y.grad)];
  };
  assert.equal(at(fmax), [[0.5, 1, 0, 1, 0], [0.5, 0, 1, 0, 1]]); // biome-ignore format: one line
  assert.equal(at(fmin), [[0.5, 0, 0, 1, 1], [0.5, 1, 1, 0, 0]]); // biome-ignore format: one line
  assert.equal(at((x, y) => x.clamp({ min: y })), [[0.5, 1, 1, 1, 0], [0.5, 0, 1, 1, 1]]); // biome-ignore format: one line
  assert.equal(at((x, y) => x.clamp({ max: y })), [[0.5, 0, 1, 1, 1], [0.5, 1, 1, 1, 0]]); // biome-ignore format: one line
  assert.equal(
    gradient((x) => x.clamp(1, 3), [0, 1, 2, 3, 4, nan]),
    [0, 0, 1, 0, 0, 0],
  );
  assert.equal(
    gradient((x) => x.clamp({ min: 1 }), [-inf, 1, 2, inf, nan]),
    [0, 0, 1, 1, 0],
  );
  assert.equal(
    gradient((x) => x.clamp({ max: 1 }), [-inf, 0, 1, inf, nan]),
    [1, 1, 0, 0, 0],
  );
});

test('logit: beyond [0, 1] NaN, beyond eps nothing; an eps above a half turns the bounds round', () => {
  const [low, high] = [Math.fround(Math.log(0.4 / 0.6)), Math.fround(-Math.log(0.4 / 0.6))];
  near(list(logit(tensor([0, 0.4, 0.5, 0.7, nan]), 0.6)), [high, high, high, low, nan]);
  assert.equal(
    gradient((x) => logit(x), [-1, 0, 0.5, 1, 2, nan]),
    [nan, inf, 4, inf, nan, nan],
  );
  assert.equal(
    gradient((x) => logit(x, 0.25), [-1, 0.125, 0.5, 0.875, 2, nan]),
    [0, 0, 4, 0, 0, nan],
  );
});

test('where β or the power is 0, what does not count gets a gradient of 0, also where it is NaN', () => {
  const [x, m] = [tensor([[1, nan]], { requiresGrad: true }), tensor([[1, nan], [2, 3]], { requiresGrad: true })]; // biome-ignore format: one line
  const y = addmm(x, ones([1, 2]), ones([2, 2]), { beta: 0 });
  y.sum().backward();
  assert.equal([list(y), list(x.grad)], [[2, 2], [0, 0]]); // biome-ignore format: one line
  const one = linalg.matrixPower(m, 0);
  one.sum().backward();
  assert.equal([list(one), list(m.grad)], [[1, 0, 0, 1], [0, 0, 0, 0]]); // biome-ignore format: one line
});

test('tolerances of ranks may be tensors, one for each matrix', () => {
  const a = tensor([[[3, 0], [0, 1]], [[8, 0], [0, 2]]]); // biome-ignore format: one line
  assert.equal(list(linalg.matrixRank(a, { rtol: tensor([0.5, 0.1]) })), [1, 2]);
  assert.equal(list(linalg.matrixRank(a, { atol: tensor([[0.5], [5]]) })), [2, 2, 0, 1]);
  assert.equal(linalg.pinv(a, { atol: tensor([2, 1]) }).toArray(), [[[1 / 3, 0], [0, 0]].map((r) => r.map(Math.fround)), [[0.125, 0], [0, 0.5]]]); // biome-ignore format: one line
  throwsCode('SHAPE', /broadcast/, () => linalg.pinv(a, { rtol: tensor([1, 2, 3]) }));
});

test('cov: weights that make no sense are refused', () => {
  throwsCode('DTYPE', /whole numbers/, () => cov(ones([3]), { fweights: ones([3]) }));
  throwsCode('VALUE', /negative/, () => cov(ones([3]), { fweights: int([1, -1, 1]) }));
  throwsCode('VALUE', /negative/, () => cov(ones([3]), { aweights: tensor([1, -0.5, 1]) }));
});

test('sums of halves: add and mul of what broadcasts keep their gradients', () => {
  const [a, b] = [leaf([1, 2]), leaf([3])];
  mul(add(a, b), b).sum().backward();
  assert.equal([list(a.grad), list(b.grad)], [[3, 3], [15]]);
});

test.run();
