// Clipping: what it takes, and gradients of any length.
import { nn, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

test('gradients are clipped for a list, one parameter, names or a module; norms of finite gradients are finite', () => {
  const layer = new nn.Linear(2, 1, { bias: false });
  const { weight } = layer;
  for (const given of [() => layer, () => weight, () => [weight], () => layer.namedParameters(), () => layer.parameters(), () => [layer]]) {
    weight.grad = tensor([[3, 4]]);
    assert.is(nn.clipGradNorm_(given(), 1).item(), 5);
    assert.ok(Math.abs(weight.grad.norm().item() - 1) < 1e-6);
    weight.grad = tensor([[3, -4]]);
    nn.clipGradValue_(given(), 2);
    assert.equal(weight.grad.toArray(), [[2, -2]]);
  }
  for (const g of [1e30, 3e38]) {
    weight.grad = tensor([[g, g]]);
    nn.clipGradNorm_(layer, 1);
    assert.ok(Math.abs(weight.grad.norm().item() - 1) < 1e-6);
  }
  for (const given of [null, undefined, 5, 'text', {}, [5], [[1, 2]]]) throwsCode('DTYPE', /clipGradNorm_: parameters are tensors/, () => nn.clipGradNorm_(given as never, 1));
  throwsCode('VALUE', /maxNorm must be a number, got '1'/, () => nn.clipGradNorm_(layer, '1' as never));
  throwsCode('VALUE', /there is no option 'norm_type'.*normType/, () => nn.clipGradNorm_(layer, 1, { norm_type: 1 } as never));
  weight.grad = tensor([[3, 4]]);
  assert.is(nn.clipGradNorm_(layer, 1, 1).item(), 7);
});

test.run();
