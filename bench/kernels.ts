// Single operations on gradloom's public functions. Inputs are made once; what a run makes ends with its scope.
import { add, autograd, exp, log, matmul, nn, relu, scope, softmax, sum, type Tensor, tanh, tensor, transpose } from 'gradloom';
import type { Data, Values } from './data.ts';
import type { Work } from './works.ts';

export interface Kernel {
  /** Runs it once. */
  run(): void;
  /** Runs it once and takes the results out; the last list is what `digest` looks at. */
  results(): (Float32Array | Int32Array | Uint8Array)[];
}

const OPERATIONS: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor[]>> = {
  matmul: (a, b) => [matmul(a, b)],
  matmulA: (a, b) => [matmul(transpose(a, 0, 1), b)],
  matmulB: (a, b) => [matmul(a, transpose(b, 0, 1))],
  add: (a, b) => [add(a, b)],
  relu: (a) => [relu(a)],
  sum: (a) => [sum(a)],
  exp: (a) => [exp(a)],
  log: (a) => [log(a)],
  tanh: (a) => [tanh(a)],
  softmax: (a) => [softmax(a, 1)],
  crossEntropy: (logits, labels) => {
    const loss = nn.functional.crossEntropy(logits, labels);
    return [loss, ...autograd.grad(loss, [logits]).filter((g) => g !== null)];
  },
};

export function kernelOf(work: Work, data: Data): Kernel {
  const operation = OPERATIONS[work.operation];
  if (!operation) throw new Error(`no kernel is called ${work.operation}.`);
  const [a, b] = work.inputs.map(({ name }) => {
    const { shape, data: values } = data.get(name) as Values;
    return tensor(values, { shape });
  }) as [Tensor, Tensor];
  if (work.operation === 'crossEntropy') a.requiresGrad = true;
  return {
    run: () =>
      scope(() => {
        operation(a, b);
      }),
    results: () => scope(() => operation(a, b).map((t) => t.data())),
  };
}
