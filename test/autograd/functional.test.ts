// autograd.functional at its edges, and how many arguments autograd's functions take. Values are compared with PyTorch in test/peers.
import { autograd, ones, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode, warnings } from '../helpers.ts';

const { functional } = autograd;
const cube = (x: Tensor): Tensor => x.pow(3).sum();
const x = tensor([1, 2]);

test('one argument more than a function takes is refused', () => {
  const leaf = ones([1], { requiresGrad: true });
  const most: [name: string, n: number, call: (...args: never[]) => unknown, args: unknown[]][] = [
    ['backward', 2, autograd.backward, [leaf.mul(2), {}]],
    ['grad', 3, autograd.grad, [leaf.mul(2), leaf, {}]],
    ['jacobian', 3, autograd.jacobian, [[leaf.mul(2)], [leaf], {}]],
    ['gramian', 3, autograd.gramian, [[leaf.mul(2)], [leaf], {}]],
    ['gradcheck', 3, autograd.gradcheck, [cube, [leaf], {}]],
    ['gradgradcheck', 3, autograd.gradgradcheck, [cube, [leaf], {}]],
    ['vjp', 4, functional.vjp, [cube, x, undefined, {}]],
    ['jvp', 4, functional.jvp, [cube, x, x, {}]],
    ['jacobian', 3, functional.jacobian, [cube, x, {}]],
    ['hessian', 3, functional.hessian, [cube, x, {}]],
    ['vhp', 4, functional.vhp, [cube, x, x, {}]],
    ['hvp', 4, functional.hvp, [cube, x, x, {}]],
  ];
  for (const [name, n, call, args] of most) {
    assert.is(args.length, n, name);
    throwsCode('VALUE', new RegExp(`^${name}: takes at most ${n} arguments, got ${n + 1}`), () => call(...([...args, {}] as never[])));
  }
});

test('a direction may be left out for one element only', () => {
  const one = tensor([3]);
  const [y, product] = functional.jvp(cube, one);
  assert.equal([y.item(), product.item()], [27, 27]);
  throwsCode('VALUE', /jvp: v is missing/, () => functional.jvp(cube, x));
  throwsCode('VALUE', /jvp: v is missing/, () => functional.jvp((a: Tensor, b: Tensor) => a.add(b), [one, one]));
});

test("products with the Hessian come after the function's value", () => {
  for (const product of [functional.vhp, functional.hvp]) {
    const [y, along] = product(cube, x, tensor([1, 1]));
    assert.equal([y.item(), along.toArray()], [9, [6, 12]]);
  }
});

test('outputs that depend on nothing, or have no element, have zeros', () => {
  assert.equal(functional.jacobian(() => ones([2]), x).toArray(), [
    [0, 0],
    [0, 0],
  ]);
  assert.equal(functional.jacobian((t: Tensor) => t.narrow(0, 0, 0), x).shape, [0, 2]);
  assert.equal(functional.jacobian((t: Tensor) => t.sum(), x).toArray(), [1, 1]);
  throwsCode('GRAPH', /output 0 of fn depends on no input/, () => functional.jacobian(() => ones([2]), x, { strict: true }));
});

test('gradcheck compares within atol, and within rtol of the largest gradient', () => {
  const exact = ones([2], { requiresGrad: true });
  // Forward sees 102·x, backward 100.
  const near = (t: Tensor): Tensor => t.mul(100).add(t.detach().mul(2));
  assert.ok(autograd.gradcheck(near, [exact], { atol: 0, rtol: 0.05 }));
  assert.is(autograd.gradcheck(near, [exact], { atol: 0, rtol: 0.005, raise: false }), false);
});

test('the inner product of a single gradient', () => {
  const leaf = tensor([3, 4], { requiresGrad: true });
  assert.equal(autograd.gramian([leaf.sum()], [leaf]).toArray(), [[2]]);
  const empty = zeros([0], { requiresGrad: true });
  assert.equal(autograd.gramian([empty.sum()], [empty]).toArray(), [[0]]);
});

test('a gradient that grows in place is another version of itself', () => {
  const leaf = ones([2], { requiresGrad: true });
  const other = ones([2], { requiresGrad: true });
  leaf.sum().backward();
  const y = other.mul(leaf.grad as Tensor).sum();
  leaf.sum().backward();
  throwsCode('VERSION', /was modified in place by backward/, () => y.backward());
});

test('anomaly mode tells the first element, and leaves the length of stacks as it was', () => {
  const before = Error.stackTraceLimit;
  const said = warnings(() => {
    autograd.setDetectAnomaly(true);
    tensor([0, 1, 0]).log();
    autograd.setDetectAnomaly(false);
  });
  assert.is(Error.stackTraceLimit, before);
  assert.match(said.join('\n'), /at element \[0\]/);
});

test.run();
