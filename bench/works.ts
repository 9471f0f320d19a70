// What is measured: training steps, and the kernels that such steps are made of. Who measures a work looks up its `operation`.

import { PHYSICS } from './physics.ts';
import { PICTURES } from './pictures.ts';
import { SEQUENCES } from './sequences.ts';

export type Unit = 'steps/s' | 'GFLOP/s' | 'Gelem/s';

/** How an input's numbers come about; the stream is seeded by the work. */
export type Fill = { normal: true } | { from: number; to: number } | { classes: number } | { same: string } | { coin: true };

export interface Input {
  readonly name: string;
  readonly shape: readonly number[];
  readonly fill: Fill;
}

export interface Work {
  /** The row's name, and the key in `--json`. */
  readonly name: string;
  readonly kind: 'step' | 'kernel';
  /** A step's model or a kernel's function. */
  readonly operation: string;
  /** A step's backward passes: one over the sum of the losses, or one for each over a retained graph. */
  readonly passes: 1 | 2;
  readonly unit: Unit;
  /** How many of the unit (steps, 10⁹ flop, 10⁹ elements) one run is. */
  readonly amount: number;
  readonly inputs: readonly Input[];
}

const normal: Fill = { normal: true };

/** A dense or convolutional layer's weights in PyTorch's layout, [out, in, …], and its bias; uniform in ±1/√fan-in as PyTorch starts them. */
function layer(name: string, ...shape: readonly number[]): Input[] {
  const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
  const fill: Fill = { from: -bound, to: bound };
  return [
    { name: `${name}.weight`, shape, fill },
    { name: `${name}.bias`, shape: shape.slice(0, 1), fill },
  ];
}

/** Batch, labels for cross-entropy, values for the squared error, and every weight, under the names of its place in the model. */
const MODELS: Readonly<Record<string, readonly Input[]>> = {
  tiny: [
    { name: 'x', shape: [32, 2], fill: normal },
    { name: 'labels', shape: [32], fill: { classes: 3 } },
    { name: 'values', shape: [32, 1], fill: normal },
    ...layer('trunk.0', 32, 2),
    ...layer('trunk.2', 32, 32),
    ...layer('first', 3, 32),
    ...layer('second', 1, 32),
  ],
  mlp: [
    { name: 'x', shape: [64, 784], fill: { from: 0, to: 1 } },
    { name: 'labels', shape: [64], fill: { classes: 10 } },
    { name: 'values', shape: [64, 784], fill: { same: 'x' } },
    ...layer('trunk.0', 256, 784),
    ...layer('trunk.2', 128, 256),
    ...layer('first', 10, 128),
    ...layer('second', 784, 128),
  ],
  cnn: [
    { name: 'x', shape: [32, 1, 28, 28], fill: { from: 0, to: 1 } },
    { name: 'labels', shape: [32], fill: { classes: 10 } },
    { name: 'values', shape: [32, 1], fill: normal },
    ...layer('trunk.0', 8, 1, 3, 3),
    ...layer('trunk.3', 16, 8, 3, 3),
    ...layer('first', 10, 784),
    ...layer('second', 1, 784),
  ],
  ...SEQUENCES,
  ...PICTURES,
  ...PHYSICS,
};

const steps = Object.entries(MODELS).flatMap(([operation, inputs]) =>
  ([1, 2] as const).map((passes): Work => {
    const name = passes === 1 ? operation : `${operation}-independent`;
    return { name, kind: 'step', operation, passes, unit: 'steps/s', amount: 1, inputs };
  }),
);

function kernel(name: string, operation: string, unit: Unit, count: number, ...inputs: Input[]): Work {
  return { name, kind: 'kernel', operation, passes: 1, unit, amount: count / 1e9, inputs };
}

function matrix(name: string, ...shape: number[]): Input {
  return { name, shape, fill: normal };
}

/** [m, k] · [k, n]. A transposed operand is stored the other way round, as training has it. */
function product(name: string, m: number, k: number, n: number, transposed: '' | 'A' | 'B' = ''): Work {
  const a = transposed === 'A' ? matrix('a', k, m) : matrix('a', m, k);
  const b = transposed === 'B' ? matrix('b', n, k) : matrix('b', k, n);
  return kernel(name, `matmul${transposed}`, 'GFLOP/s', 2 * m * k * n, a, b);
}

const MILLION = 1_000_000;

function elementwise(operation: string, from: number, to: number): Work {
  return kernel(operation, operation, 'Gelem/s', MILLION, { name: 'a', shape: [MILLION], fill: { from, to } });
}

export const WORKS: readonly Work[] = [
  ...steps,
  ...[32, 64, 128, 256, 512, 1024].map((n) => product(`matmul-${n}`, n, n, n)),
  product('matmul-64x784x256', 64, 784, 256),
  product('matmul-dW', 784, 64, 256, 'A'),
  product('matmul-dX', 64, 256, 784, 'B'),
  product('matmul-128x128x10', 128, 128, 10),
  product('matmul-32x2x32', 32, 2, 32),
  kernel('add', 'add', 'Gelem/s', MILLION, matrix('a', MILLION), matrix('b', MILLION)),
  elementwise('relu', -1, 1),
  elementwise('sum', 0, 1),
  kernel('bias', 'add', 'Gelem/s', 1024 * 1024, matrix('a', 1024, 1024), matrix('b', 1024)),
  elementwise('exp', -8, 8),
  elementwise('log', 1e-3, 10),
  elementwise('tanh', -4, 4),
  kernel('softmax', 'softmax', 'Gelem/s', 1024 * 1000, matrix('a', 1024, 1000)),
  kernel('softmax-cross-entropy', 'crossEntropy', 'Gelem/s', 1024 * 1000, matrix('a', 1024, 1000), { name: 'labels', shape: [1024], fill: { classes: 1000 } }),
];

export function isProduct(work: Work): boolean {
  return work.unit === 'GFLOP/s';
}
