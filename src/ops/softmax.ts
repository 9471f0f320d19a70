// Softmax and log-softmax along one dimension, their gradients fused.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, checkArgument, WHOLE } from '../tensor/check.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import { normalizeDim } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul, sub } from './binary.ts';
import { asFloat } from './convert.ts';
import { contiguous, squeeze, transpose, unsqueeze } from './movement.ts';
import { expand, sum } from './reduce.ts';
import { exp } from './unary.ts';

/** Rows and their length: ops here work along the last dimension. */
const rowsOf = (x: Tensor): [rows: number, n: number] => {
  const n = x.sizes[x.rank - 1] as number;
  return [n === 0 ? 0 : x.size / n, n];
};

const total = (x: Tensor): Tensor => sum(x, -1, true);

function gradOp(name: string, kernel: Kernel, rule: (u: Tensor, dy: Tensor, y: Tensor) => Tensor[]): Op<void> {
  return {
    name,
    shape: ([dy]) => (dy as Tensor).sizes,
    forward: (dx, [dy, y]) => {
      const [rows, n] = rowsOf(dx);
      call(kernel, (dy as Tensor).address, (y as Tensor).address, dx.address, rows, n);
    },
    saves: everyInput,
    backward: (u, node) => rule(u, node.input(0), node.input(1)),
  };
}

// z = y·(dy − Σ dy·y): its gradient towards y is u·(dy − Σdy·y) − dy·Σu·y.
const softmaxGradOp = gradOp('softmaxGrad', 'softmaxGrad', (u, dy, y) => [
  apply(softmaxGradOp, [u, y], undefined),
  sub(mul(u, sub(dy, total(mul(dy, y)))), mul(dy, total(mul(u, y)))),
]);

// z = dy − e^y·Σdy: towards dy it is u − Σ u·e^y, towards y −u·e^y·Σdy.
const logSoftmaxGradOp = gradOp('logSoftmaxGrad', 'logSoftmaxGrad', (u, dy, y) => {
  const p = exp(y);
  return [sub(u, total(mul(u, p))), mul(mul(u, p), mul(total(dy), -1))];
});

function softmaxOp(name: 'softmax' | 'logSoftmax', grad: Op<void>): Op<void> {
  return {
    name,
    forward: (y, [x]) => {
      const [rows, n] = rowsOf(y);
      call(name, (x as Tensor).address, y.address, rows, n);
    },
    savesOutput: true,
    backward: (dy, node) => [apply(grad, [dy, node.output], undefined)],
    batched: (dy, node) => [apply(grad, [dy, expand(node.output, dy.sizes)], undefined)],
  };
}

const softmaxForward = softmaxOp('softmax', softmaxGradOp);
const logSoftmaxForward = softmaxOp('logSoftmax', logSoftmaxGradOp);

function along(op: Op<void>, x: Tensor, dim: number): Tensor {
  const input = asFloat(x, op.name);
  checkArgument(op.name, 'dim', dim, WHOLE);
  const at = normalizeDim(op.name, dim, input.rank);
  if (input.rank === 0) return squeeze(apply(op, [unsqueeze(input, 0)], undefined), 0);
  const last = input.rank - 1;
  return at === last ? apply(op, [input], undefined) : contiguous(transpose(apply(op, [transpose(input, at, last)], undefined), at, last));
}

/** eˣ/Σeˣ along a dimension. Row-major. */
export function softmax(x: Tensor, dim: number): Tensor {
  assertArity('softmax', arguments.length, 2);
  return along(softmaxForward, x, dim);
}

/** ln softmax along a dimension, computed without forming the softmax. Row-major. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  assertArity('logSoftmax', arguments.length, 2);
  return along(logSoftmaxForward, x, dim);
}
