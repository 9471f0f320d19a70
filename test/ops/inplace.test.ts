// Writing in place: what a tensor can hold, what gradients can follow. Right values are PyTorch 2's.
import { autograd, noGrad, ones, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const L = (v: number[] | number[][]): Tensor => tensor(v, { requiresGrad: true });
const I = (v: number[]): Tensor => tensor(v, { dtype: 'int32' });
const list = (t: Tensor | null): unknown => t?.toArray();

test('a result that the type cannot hold is refused, and nothing changes', () => {
  const i = I([1, 2]);
  for (const call of [() => i.add_(0.5), () => i.mul_(0.5), () => i.div_(2), () => i.add_(ones([2])), () => i.add_(L([1, 2])), () => i.sub_(0.5)])
    throwsCode('DTYPE', /int32 \[2\] cannot hold/, call);
  throwsCode('DTYPE', /bool \[1\] cannot hold/, () => tensor([true]).add_(1));
  assert.equal(list(i), [1, 2]);
  assert.is(i.version, 0);
  assert.equal(list(i.add_(1)), [2, 3]);
  assert.equal(list(i.copy_(tensor([1.9, -1.9]))), [1, -1], 'copy_ converts');
  assert.equal(list(i.fill_(0.5)), [0, 0], 'fill_ cuts off');
  throwsCode('VALUE', /fill_: NaN does not fit int32/, () => i.fill_(Number.NaN));
  throwsCode('VALUE', /fill_: .* does not fit int32/, () => i.fill_(1e20));
  assert.equal(list(tensor([false, false]).fill_(2)), [true, true]);
  assert.equal(list(tensor([true, true]).mul_(tensor([true, false]))), [true, false]);
  assert.equal(list(ones([2]).add_(I([1, 2]))), [2, 3]);
});

test('operands are tensors or numbers, sources tensors, values numbers', () => {
  const x = ones([2]) as unknown as Record<string, (...a: unknown[]) => unknown>;
  for (const op of ['add_', 'sub_', 'mul_', 'div_'])
    for (const bad of [undefined, null, '1', [1]]) throwsCode('VALUE', new RegExp(`^${op}: the operand must be a tensor or a number`), () => x[op]?.(bad));
  throwsCode('DTYPE', /copy_: the source must be a tensor/, () => x.copy_?.(5));
  throwsCode('VALUE', /fill_: the value/, () => x.fill_?.(ones([1])));
  throwsCode('SHAPE', /add_: the result does not fit/, () => ones([1]).add_(ones([2])));
});

test('sums and differences take alpha, out of place and in place', () => {
  const x = tensor([5, -5]);
  const y = tensor([2, 3]);
  assert.equal(list(x.add(y, { alpha: 2 })), [9, 1]);
  assert.equal(list(x.sub(y, { alpha: 2 })), [1, -11]);
  assert.equal(list(x.add(3, { alpha: 0.5 })), [6.5, -3.5]);
  assert.equal(list(I([1, 2]).add(I([1, 2]), { alpha: 3 })), [4, 8]);
  assert.equal(list(x.clone().add_(y, { alpha: 2 })), [9, 1]);
  assert.equal(list(x.clone().sub_(y, { alpha: -1 })), [7, -2]);
  const w = L([1, 2]);
  const step = w.clone().add_(L([3, 4]), { alpha: -2 });
  step.sum().backward();
  assert.equal(list(w.grad), [1, 1]);
  throwsCode('DTYPE', /add_: the result is float32/, () => I([1]).add_(I([1]), { alpha: 0.5 }));
  throwsCode('VALUE', /^sub_: there is no option 'alpa'. Did you mean 'alpha'/, () => x.sub_(y, { alpa: 2 } as object));
  throwsCode('VALUE', /^add: alpha must be a number/, () => x.add(y, { alpha: '2' } as object));
  throwsCode('DTYPE', /^add: takes tensors and numbers, got '1'/, () => x.add('1' as never, { alpha: 2 }));
  for (const op of ['div', 'div_'])
    throwsCode('VALUE', new RegExp(`^${op}: .*divide\\(a, b, { roundingMode }\\)`), () => Reflect.apply(x[op as 'div'], x, [y, { roundingMode: 'floor' }]));
});

test('what was written over has no gradient, whatever is infinite there', () => {
  const writes: Record<string, (y: Tensor) => Tensor> = {
    zero_: (y) => y.slice(0, 0, 1).zero_(),
    fill_: (y) => y.slice(0, 0, 1).fill_(0),
    copy_: (y) => y.slice(0, 0, 1).copy_(tensor([0])),
  };
  for (const [name, write] of Object.entries(writes)) {
    const x = L([1, 4]);
    const y = x.mul(1);
    write(y);
    y.sqrt().sum().backward();
    assert.equal(list(x.grad), [0, 0.25], name);
  }
  for (const write of [(y: Tensor) => y.zero_(), (y: Tensor) => y.copy_(tensor([0, 0]))]) {
    const x = L([1, 4]);
    const y = x.mul(1);
    write(y);
    y.sqrt().sum().backward();
    assert.equal(list(x.grad), [0, 0], 'the whole');
  }
  const [x, v] = [L([1]), L([2])];
  const k = x.mul(1).copy_(v);
  assert.equal(autograd.grad(k.sum(), [x, v]).map(list), [[0], [1]], 'used, with the gradient 0');
});

test('expanded views take one value for all, nothing else', () => {
  assert.equal(list(ones([1]).expand(3).fill_(2)), [2, 2, 2]);
  assert.equal(list(ones([2, 1]).expand(2, 3).zero_()), [
    [0, 0, 0],
    [0, 0, 0],
  ]);
  for (const call of [(t: Tensor) => t.add_(1), (t: Tensor) => t.copy_(ones([3])), (t: Tensor) => t.mul_(2)]) throwsCode('INPLACE', /expanded/, () => call(ones([1]).expand(3)));
});

test('views that gradients cannot follow are refused', () => {
  for (const write of [(v: Tensor) => v.add_(1), (v: Tensor) => v.zero_()]) {
    const x = ones([2]);
    const early = x.view(2);
    x.requiresGrad = true;
    throwsCode('INPLACE', /view of a leaf/, () => write(early));
    noGrad(() => write(early));
  }
  const y = L([1, 1]).mul(2);
  const quiet = noGrad(() => y.view(2));
  throwsCode('INPLACE', /made inside noGrad/, () => quiet.mul_(2));
  const plain = ones([2]);
  const window = noGrad(() => plain.view(2));
  throwsCode('INPLACE', /made inside noGrad/, () => window.mul_(L([1, 1])));
  assert.equal(list(window.mul_(3)), [3, 3], 'no gradient, no harm');
});

test('a detached window with gaps is written and filled where it lies', () => {
  const w = L([2, 2]);
  const whole = ones([4]);
  const d = whole.slice(0, 0, 4, 2).detach();
  d.mul_(w);
  assert.equal(list(whole), [2, 1, 2, 1]);
  d.zero_();
  assert.equal(list(whole), [0, 1, 0, 1]);
  d.sum().backward();
  assert.equal(list(w.grad), [0, 0]);
});

test('retainGrad keeps the gradient of the value that is there', () => {
  const w = L([1, 1]);
  const h = w.mul(1).retainGrad();
  const v = h.view(2).retainGrad();
  v.mul_(3);
  v.sum().backward();
  assert.equal([h.grad, v.grad, w.grad].map(list), [
    [1, 1],
    [1, 1],
    [3, 3],
  ]);
});

test.run();
