// Binary cross-entropy of probabilities: an op of its own, since at 0 and 1 its gradient is not that of its formula.
import { copyElements, apply, everyInput, type Op } from '../tensor/op.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, maximum, mul, sub } from './binary.ts';
import { log, log1p, neg } from './unary.ts';

/** ln x, at least −100: what stands for ln 0, so that a certain mistake costs much but not infinity (PyTorch). */
const boundedLog = (x: Tensor): Tensor => maximum(log(x), -100);
const boundedLogOfRest = (x: Tensor): Tensor => maximum(log1p(neg(x)), -100);

const bceOp: Op<void> = {
  name: 'binaryCrossEntropy',
  forward: (y, [x, t]) => {
    const losses = noGrad(() => {
      const rest = boundedLogOfRest(x as Tensor);
      return neg(add(mul(t as Tensor, sub(boundedLog(x as Tensor), rest)), rest));
    });
    copyElements(losses, y);
  },
  saves: everyInput,
  batched: 'same',
  backward: (dy, node) => {
    const [x, t] = [node.input(0), node.input(1)];
    // (x − t)/(x·(1 − x)), whose divisor is at least 1e-12.
    const dx = node.needs[0] ? mul(dy, div(sub(x, t), maximum(mul(x, sub(1, x)), 1e-12))) : null;
    return [dx, node.needs[1] ? mul(dy, sub(boundedLogOfRest(x), boundedLog(x))) : null];
  },
};

/** @internal −(t·ln x + (1 − t)·ln(1 − x)) per element, logarithms at least −100. x and t: float32 of one shape. */
export function crossEntropyOfProbabilities(x: Tensor, t: Tensor): Tensor {
  return apply(bceOp, [x, t], undefined);
}
