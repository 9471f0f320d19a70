// What a backward pass holds while it runs, and after.
import { autograd, capture, memory, ones, optim, type Tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const BYTES = 4 * 250_000;
const large = (): Tensor => zeros([250_000], { requiresGrad: true });
/** Live bytes in units of one large tensor. */
const live = (): number => memory().live / BYTES;

/** A rule of two inputs has its rows, what it makes of them, and the leaf's own at once; a chain that held on would have 30 and more. */
const AT_ONCE = 6;

/** How many large tensors more are alive when the gradient of the first of a chain's leaves is known than before the pass. */
function held(leaves: readonly Tensor[]): number {
  let most = 0;
  const loss = leaves.reduce((y, leaf) => leaf.div(y.add(leaf).add(2)), zeros([250_000])).sum();
  const hook = leaves[0]?.registerHook(() => {
    most = Math.max(most, live() - before);
  });
  const before = live();
  loss.backward();
  hook?.remove();
  return most;
}

test('what is made on the way is given back on the way', () => {
  const leaves = [large()];
  for (const leaf of leaves) leaf.grad = zeros([250_000]);
  const chain = Array.from({ length: 30 }, () => leaves[0] as Tensor);
  const most = held(chain);
  assert.ok(most < AT_ONCE, `${most} large tensors at once`);
});

test("each leaf's gradient is its only memory", () => {
  const leaves = Array.from({ length: 12 }, large);
  for (const leaf of leaves) leaf.grad = zeros([250_000]);
  const most = held(leaves);
  assert.ok(most < AT_ONCE, `${most} large tensors at once`);
});

test('a hook in the middle leaves the rest of the pass its own memory', () => {
  const run = (): void => {
    const x = large();
    const middle = x.mul(2).mul(2).mul(2).mul(2);
    middle.registerHook((g) => void g.sum().item());
    const y = middle.mul(3).mul(4).sum();
    const before = live();
    y.backward();
    // Those of x, and of what the hook saw.
    assert.ok(live() - before < 2.5, `${live() - before} large tensors stay`);
  };
  run();
});

test('the gradient of a tensor on the way stays what it was', () => {
  const x = ones([4], { requiresGrad: true });
  const middle = x.mul(2);
  const [at, first] = autograd.grad(middle.mul(middle).mul(3).sum(), [middle, x]);
  assert.equal([at.toArray(), first.toArray()], [new Array(4).fill(12), new Array(4).fill(24)]);
});

test('zeroGrad to zeros: an expanded gradient is replaced, what has a graph loses it', () => {
  const x = ones([3], { requiresGrad: true });
  const optimizer = new optim.SGD([x], { lr: 1 });
  const one = ones([1]);
  x.grad = one.expand([3]);
  optimizer.zeroGrad({ setToNull: false });
  assert.equal([x.grad?.toArray(), one.toArray()], [[0, 0, 0], [1]]);
  const base = ones([6], { requiresGrad: true }).mul(1);
  x.grad = base.narrow(0, 1, 3);
  optimizer.zeroGrad({ setToNull: false });
  assert.equal(
    [(x.grad as Tensor | null)?.toArray(), base.toArray()],
    [
      [0, 0, 0],
      [1, 1, 1, 1, 1, 1],
    ],
  );
});

test('a hook cannot run in a captured step', () => {
  const x = ones([2], { requiresGrad: true });
  x.registerHook(() => {});
  const step = capture(() => x.square().sum().backward());
  throwsCode('CAPTURE', /registerHook: a hook runs/, () => {
    for (let i = 0; i < 4; i++) step();
  });
});

test.run();
