// Hooks of modules: their order, what they see, that they come off.
import { nn, ones, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

class Same extends nn.Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

test('pre-hooks run in order of registration; forward hooks see the inputs behind them', () => {
  const layer = new Same();
  let seen = 0;
  layer.registerForwardHook((_, [x]) => {
    seen = (x as Tensor).item();
  });
  layer.registerForwardPreHook((_, [x]) => [(x as Tensor).add(1)]);
  layer.registerForwardPreHook((_, [x]) => (x as Tensor).mul(10)); // one input may come without a list
  assert.is(layer.forward(ones([1])).item(), 20);
  assert.is(seen, 20);
});

test('a hook counts once for each registration; removing one leaves the others; one that is gone costs nothing', () => {
  const layer = new Same();
  const add = (_: nn.Module, __: readonly unknown[], y: unknown) => (y as Tensor).add(1);
  const [first] = [layer.registerForwardHook(add), layer.registerForwardHook(add)];
  assert.is(layer.forward(ones([1])).item(), 3);
  first?.remove();
  first?.remove();
  assert.is(layer.forward(ones([1])).item(), 2);
  for (let i = 0; i < 20_000; i++) layer.registerForwardPreHook(() => undefined).remove();
  assert.is(layer.forward(ones([1])).item(), 2);
  throwsCode('VALUE', /registerForwardHook: the hook must be a function, got 5/, () => layer.registerForwardHook(5 as never));
});

test('a forward that is assigned later is hooked as it is', () => {
  const layer = new Same();
  layer.registerForwardHook((_, __, y) => (y as Tensor).add(1));
  layer.forward = (x: Tensor) => x.mul(5);
  assert.is(layer.forward(ones([1])).item(), 5);
  layer.registerForwardHook((_, __, y) => (y as Tensor).mul(2));
  assert.is(layer.forward(ones([1])).item(), 12);
});

test('a backward hook sees the gradients of inputs and output, in each pass; what it returns is refused', () => {
  const layer = new nn.Linear(2, 1, { bias: false });
  layer.loadStateDict({ weight: tensor([[2, 3]]) });
  const seen: unknown[] = [];
  const handle = layer.registerFullBackwardHook((_, [dx], [dy]) => void seen.push([dx?.toArray(), dy?.toArray()]));
  const x = tensor([[1, 1]], { requiresGrad: true });
  const y = layer.forward(x).sum();
  y.backward({ retainGraph: true });
  y.backward();
  assert.equal(seen, [[[[2, 3]], [[1]]], [[[2, 3]], [[1]]]]); // biome-ignore format: one line
  handle.remove();
  layer.registerFullBackwardHook(((_: unknown, [dx]: Tensor[]) => [dx]) as never);
  throwsCode('VALUE', /registerFullBackwardHook/, () => layer.forward(x).sum().backward());
});

test.run();
