// What autograd's functions refuse, by name, before anything is changed.
import { autograd, enableGrad, inference, isGradEnabled, nn, ones, setGradEnabled, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const leaf = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });
const list = (t: Tensor | null): unknown => t?.toArray() ?? null;
/** As JavaScript without types would write it. */
const any = (value: unknown): never => value as never;

test('options that do not exist, or are of another type, are refused by name', () => {
  const x = leaf(1, 2);
  const loss = x.square().sum();
  const model = new nn.Linear(2, 1);
  const cases: [RegExp, () => unknown][] = [
    [/backward: there is no option 'retain_graph'.*'retainGraph'/, () => loss.backward(any({ retain_graph: true }))],
    [/backward: retainGraph must be true or false, got 1/, () => loss.backward(any({ retainGraph: 1 }))],
    [/backward: options are an object/, () => loss.backward(any(true))],
    [/backward: options are an object/, () => loss.backward(any(null))],
    [/backward: inputs must be a tensor or a list.*Linear/s, () => loss.backward({ inputs: any(model) })],
    [/backward: inputs must be.*null/, () => loss.backward({ inputs: any([x, null]) })],
    [/backward: gradient must be/, () => loss.backward({ gradient: any(1) })],
    [/grad: there is no option 'createGrad'.*'createGraph'/, () => autograd.grad(loss, x, any({ createGrad: true }))],
    [/grad: there is no option 'inputs'/, () => autograd.grad(loss, x, any({ inputs: x }))],
    [/grad: inputs must be a tensor or a list/, () => autograd.grad(loss, any(model))],
    [/grad: inputs must be/, () => autograd.grad(loss, any(undefined))],
    [/grad: outputs must be/, () => autograd.grad(any(3), x)],
    [/grad: got 1 outputs and 0 inputs/, () => autograd.grad(loss, [])],
    [/grad: got 2 gradients for 1/, () => autograd.grad(loss, x, { gradOutputs: [null, null] })],
    [/grad: isGradsBatched/, () => autograd.grad(x.mul(2), x, { isGradsBatched: true })],
    [/gradcheck: there is no option 'epsilon'/, () => autograd.gradcheck((t) => t, [x], any({ epsilon: 1 }))],
    [/gradcheck: eps must be a finite number/, () => autograd.gradcheck((t) => t, [x], { eps: any('1') })],
    [/gradcheck: fn must be a function/, () => autograd.gradcheck(any(x), [x])],
    [/gradcheck: inputs must be a list/, () => autograd.gradcheck((t) => t, any(x))],
    [/gradcheck: no input requires/, () => autograd.gradcheck((t) => t, [ones([1])])],
    [/gradcheck: elements of input 0.*expanded/, () => autograd.gradcheck((t) => t, [leaf(1).expand([2])])],
    [/gradgradcheck: there is no option/, () => autograd.gradgradcheck((t) => t.square(), [x], any({ foo: 1 }))],
    [/jacobian: there is no option 'createGraph'/, () => autograd.jacobian([loss], [x], any({ createGraph: true }))],
    [/jacobian: the losses must be a list/, () => autograd.jacobian(any(loss), [x])],
    [/gramian: retainGraph must be/, () => autograd.gramian([loss], [x], any({ retainGraph: null }))],
    [/gramian: got 1 losses and 0 parameters/, () => autograd.gramian([loss], [])],
  ];
  for (const [message, fn] of cases) throwsCode('VALUE', message, fn);
  loss.backward({ retainGraph: undefined, inputs: undefined, gradient: undefined });
  assert.equal(list(x.grad), [2, 4], 'nothing was freed or added before');
});

test('what is no tensor is refused by name', () => {
  const x = leaf(1);
  const loss = x.square().sum();
  throwsCode('DTYPE', /backward: tensor 1 must be a tensor, got undefined/, () => autograd.backward([loss, any(undefined)]));
  throwsCode('DTYPE', /backward: tensor 0 must be a tensor, got undefined/, () => autograd.backward(Object.assign(new Array(2), { 1: loss }) as never));
  throwsCode('DTYPE', /backward: what to differentiate must be a tensor, got 3/, () => autograd.backward(any(3)));
  throwsCode('DTYPE', /jacobian: each of the parameters must be a tensor/, () => autograd.jacobian([loss], [any(null)]));
  throwsCode('DTYPE', /gradcheck: input 1 must be a tensor/, () => autograd.gradcheck((t) => t, [x, any(1)]));
  throwsCode('DTYPE', /gradcheck: output 0 of fn must be a tensor/, () =>
    autograd.gradcheck(
      any(() => 5),
      [x],
    ),
  );
  throwsCode('DTYPE', /gradgradcheck: what fn returns must be a tensor/, () =>
    autograd.gradgradcheck(
      any(() => undefined),
      [x],
    ),
  );
  throwsCode('VALUE', /gradcheck: fn returns no float32/, () => autograd.gradcheck((t) => t.gt(0), [x]));
  throwsCode('GRAPH', /gradcheck/, () => autograd.gradcheck((t) => t.detach(), [x]));
  assert.is(x.grad, null);
});

test('inputs come as a list, one tensor, or a module by its parameters', () => {
  const model = new nn.Linear(2, 1);
  const other = leaf(1);
  model
    .forward(ones([1, 2]))
    .add(other)
    .sum()
    .backward({ inputs: model.parameters() });
  assert.equal(list(model.weight.grad), [[1, 1]] as never);
  assert.is(other.grad, null);
});

test('nothing records inside inference, whatever the mode', () => {
  const x = leaf(1, 2);
  const y = inference(() => {
    assert.is(
      enableGrad(() => isGradEnabled()),
      false,
    );
    setGradEnabled(true);
    return enableGrad(() => x.mul(2));
  });
  assert.is(y.requiresGrad, false);
  throwsCode('GRAPH', /inference/, () => x.mul(y));
  assert.is(isGradEnabled(), true);
});

test('a view is an inference tensor where its base is', () => {
  const x = leaf(1, 2);
  const y = inference(() => x.mul(2));
  throwsCode('GRAPH', /inference/, () => x.mul(y.reshape([2])));
  throwsCode('INPLACE', /inference/, () => y.slice(0, 0, 1).add_(1));
  const base = ones([2]);
  const view = inference(() => base.slice(0, 0, 1));
  view.add_(1);
  assert.equal(list(base), [2, 1]);
  const w = leaf(5);
  w.mul(view).sum().backward();
  assert.equal(list(w.grad), [2]);
});

test.run();
