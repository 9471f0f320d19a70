// Dropout: what it does to values and gradients, that a seed repeats it, and that a captured step draws anew.
import { autograd, capture, Generator, manualSeed, nn, ones, rand, randn, type Tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional;
const values = (x: Tensor): number[] => [...x.data()];

test('a share p is 0, the rest grows so that the mean stays', () => {
  const y = values(F.dropout(ones([10_000]), { p: 0.3, generator: new Generator(1) }));
  const zeroed = y.filter((v) => v === 0).length;
  assert.ok(Math.abs(zeroed - 3000) < 140, `${zeroed} of 10 000`); // three deviations
  assert.equal(new Set(y), new Set([0, Math.fround(1 / Math.fround(1 - Math.fround(0.3)))]));
});

test('the mask is the stream of rand, four counters at a time', () => {
  const u = values(rand([80], { generator: new Generator(7) }));
  const y = values(F.dropout(ones([77]), { p: 0.3, generator: new Generator(7) }));
  for (const [i, v] of y.entries()) {
    // Element 4k + j of each 16 is word k of counter j, which rand puts at 4j + k.
    const [block, k, j] = [Math.floor(i / 16), Math.floor((i % 16) / 4), i % 4];
    assert.is(v === 0, (u[16 * block + 4 * j + k] as number) < Math.fround(0.3), `element ${i}`);
  }
});

test('gradients go where values went; again and again', () => {
  const x = randn([50], { requiresGrad: true });
  const y = F.dropout(x, { generator: new Generator(2) });
  y.sum().backward();
  assert.equal(
    values(x.grad as Tensor),
    values(y).map((v) => (v === 0 ? 0 : 2)),
  );
  const same = (v: Tensor): Tensor => F.dropout(v.square(), { generator: new Generator(3) });
  assert.ok(autograd.gradcheck(same, [randn([5], { requiresGrad: true })]));
  assert.ok(autograd.gradgradcheck(same, [randn([5], { requiresGrad: true })], { atol: 5e-3, rtol: 5e-3 }));
});

test('evaluation and p = 0 leave x alone; p = 1 leaves nothing; other p are refused', () => {
  const x = randn([4]);
  const layer = new nn.Dropout(0.9).eval();
  assert.is(layer.forward(x), x);
  assert.is(F.dropout(x, { p: 0 }), x);
  assert.equal(values(F.dropout(x, { p: 1 })).map(Math.abs), [0, 0, 0, 0]);
  throwsCode('VALUE', /Dropout: p must lie in \[0, 1\], got 1\.5/, () => new nn.Dropout(1.5));
  throwsCode('VALUE', /got NaN/, () => F.dropout(x, { p: Number.NaN }));
});

test('dropout2d drops whole planes', () => {
  const y = new nn.Dropout2d(0.5, { generator: new Generator(4) }).forward(ones([4, 8, 3, 3]));
  const planes = values(y.sum({ dim: [2, 3] }));
  assert.equal(new Set(planes), new Set([0, 18]));
  assert.equal(new Set(values(F.dropout2d(ones([4, 8, 3])).sum(2))), new Set([0, 6])); // [N, C, L]: rows
  throwsCode('SHAPE', /\[N, C, L\]/, () => F.dropout2d(ones([3])));
});

test('a seed repeats the masks, in replays too', () => {
  const layer = new nn.Dropout(0.5);
  const run = (step: (x: Tensor) => Tensor): number[][] => {
    manualSeed(9);
    return Array.from({ length: 5 }, () => values(step(ones([16]))));
  };
  const eager = run((x) => layer.forward(x));
  assert.equal(run(capture((x: Tensor) => layer.forward(x))), eager);
  assert.is(new Set(eager.map(String)).size, 5);
  assert.equal(values(layer.forward(zeros([0]))), []);
});

test.run();
