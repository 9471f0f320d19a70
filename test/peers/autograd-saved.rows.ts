// PyTorch's test_autograd: which values backward reads, so that a write to them before it is refused.
import { div, nn, type Tensor } from 'gradloom';
import { differing, L, type Row, row } from './row.ts';

/** Ops of which PyTorch says what their backward reads: the input or the output written to before backward. */
const reads: readonly (readonly [name: string, py: string, js: (x: Tensor) => Tensor])[] = [
  ['exp', 'x.exp()', (x) => x.exp()],
  ['log', 'x.log()', (x) => x.log()],
  ['sin', 'x.sin()', (x) => x.sin()],
  ['tan', 'x.tan()', (x) => x.tan()],
  ['tanh', 'x.tanh()', (x) => x.tanh()],
  ['sigmoid', 'x.sigmoid()', (x) => x.sigmoid()],
  ['relu', 'x.relu()', (x) => x.relu()],
  ['sqrt', 'x.sqrt()', (x) => x.sqrt()],
  ['rsqrt', 'x.rsqrt()', (x) => x.rsqrt()],
  ['abs', 'x.abs()', (x) => x.abs()],
  ['square', 'x ** 2', (x) => x.pow(2)],
  ['cube', 'x ** 3', (x) => x.pow(3)],
  ['pow 1.5', 'x ** 1.5', (x) => x.pow(1.5)],
  ['pow 0.5', 'x ** 0.5', (x) => x.pow(0.5)],
  ['reciprocal', 'x.reciprocal()', (x) => x.reciprocal()],
  ['mul by a number', 'x * 3', (x) => x.mul(3)],
  ['mul by itself', 'x * x', (x) => x.mul(x)],
  ['a number by x', '3 / x', (x) => div(3, x)],
  ['add', 'x + 1', (x) => x.add(1)],
  ['div by a number', 'x / 2', (x) => x.div(2)],
  ['clamp', 'x.clamp(0, 2.5)', (x) => x.clamp(0, 2.5)],
  ['softmax', 'x.softmax(0)', (x) => x.softmax(0)],
  ['logSoftmax', 'x.log_softmax(0)', (x) => x.logSoftmax(0)],
  ['logsumexp', 'x.logsumexp(0)', (x) => x.logsumexp(0)],
  ['amax', 'x.amax()', (x) => x.amax()],
  ['prod', 'x.prod()', (x) => x.prod()],
  ['sum', 'x.sum()', (x) => x.sum()],
  ['cumsum', 'x.cumsum(0)', (x) => x.cumsum(0)],
  ['sort', 'x.sort().values', (x) => x.sort().values],
  ['gelu', 'F.gelu(x)', (x) => nn.functional.gelu(x)],
  ['softplus', 'F.softplus(x)', (x) => nn.functional.softplus(x)],
  ['elu', 'F.elu(x)', (x) => nn.functional.elu(x)],
  ['leaky relu', 'F.leaky_relu(x)', (x) => nn.functional.leakyRelu(x)],
  ['norm', 'x.norm()', (x) => x.norm()],
  ['std', 'x.std()', (x) => x.std()],
];
/** Where backward reads something else here, so that a write does no harm. */
const freer = ['input of logsumexp', 'output of logsumexp', 'output of prod', 'input of softplus', 'input of elu', 'input of std'];

const one = (which: string, py: string, js: Row['js']): Row => {
  const name = `the ${which} is written to`;
  return freer.includes(which) ? differing('backward reads copies of its own', name, py, js) : row(name, py, js);
};

export const rows: readonly Row[] = reads.flatMap(([name, py, js]) => [
  one(`input of ${name}`, `l = L([1, 2, 3]); x = l * 1; y = ${py}; x.mul_(2); y.sum().backward(); l.grad`, () => {
    const l = L([1, 2, 3]);
    const x = l.mul(1);
    const y = js(x);
    x.mul_(2);
    y.sum().backward();
    return l.grad;
  }),
  one(`output of ${name}`, `l = L([1, 2, 3]); x = l * 1; y = ${py}; y.add_(1); y.sum().backward(); l.grad`, () => {
    const l = L([1, 2, 3]);
    const y = js(l.mul(1));
    y.add_(1);
    y.sum().backward();
    return l.grad;
  }),
]);
