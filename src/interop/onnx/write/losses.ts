// Losses with a kernel of their own, as nodes.
import { valueError } from '../../../tensor/errors.ts';
import type { Value } from '../../graph.ts';
import type { Emitter } from '../emitter.ts';
import type { OpRow } from './row.ts';

/** All of it, as a mean or a sum; 'none' as it is. */
function reduced(e: Emitter, x: string, reduction: 'mean' | 'sum' | 'none'): string {
  return reduction === 'none' ? x : e.node(reduction === 'mean' ? 'ReduceMean' : 'ReduceSum', [x], { keepdims: 0 });
}

const crossEntropy: OpRow = (e, x, { inputs, attrs: { ignoreIndex, labelSmoothing, reduction }, what }) => {
  const [logits, target, weight] = x as [string, string, string | undefined];
  if ((inputs[1] as Value).dtype === 'int32') {
    if (labelSmoothing > 0) throw valueError('toOnnx', `${what}: labelSmoothing of classes has no operator. Give the target as probabilities.`);
    return e.node('SoftmaxCrossEntropyLoss', weight ? [logits, target, weight] : [logits, target], { ignore_index: ignoreIndex, reduction });
  }
  const [classes] = e.fixed(e.shape(inputs[1] as Value).slice(-1), what) as [number];
  const smooth = labelSmoothing > 0 ? e.node('Add', [e.node('Mul', [target, e.scalar(1 - labelSmoothing)]), e.scalar(labelSmoothing / classes)]) : target;
  const weighted = weight ? e.node('Mul', [smooth, weight]) : smooth;
  const each = e.node('Neg', [e.node('ReduceSum', [e.node('Mul', [weighted, e.node('LogSoftmax', [logits], { axis: 1 })]), e.ints([1])], { keepdims: 0 })]);
  return reduced(e, each, reduction);
};

/** By how much, up to a bound as a square, then straight on: d²/(2β) below β, d − β/2 above, times `by`. */
const bent =
  (field: string, by: (bound: number) => number): OpRow =>
  (e, x, { attrs }) => {
    const bound = attrs[field] as number;
    const distance = e.node('Abs', [x[0] as string]);
    const near = e.node('Mul', [e.node('Mul', [distance, distance]), e.scalar(by(bound) / (2 * bound))]);
    const far = e.node('Mul', [e.node('Sub', [distance, e.scalar(bound / 2)]), e.scalar(by(bound))]);
    return e.node('Where', [e.node('Less', [distance, e.scalar(bound)]), near, far]);
  };

const binaryCrossEntropy: OpRow = (e, x) => {
  const [p, t] = x as [string, string];
  const low = e.scalar(-100);
  const rest = (y: string): string => e.node('Sub', [e.scalar(1), y]);
  const log = (y: string): string => e.node('Max', [e.node('Log', [y]), low]);
  return e.node('Neg', [e.node('Add', [e.node('Mul', [t, log(p)]), e.node('Mul', [rest(t), log(rest(p))])])]);
};

/** @internal Rows by the op's name. */
export const lossRows: Readonly<Record<string, OpRow>> = {
  binaryCrossEntropy,
  crossEntropy,
  huberLoss: bent('delta', (delta) => delta),
  mseLoss: (e, x, { attrs }) => {
    const difference = e.node('Sub', x);
    return reduced(e, e.node('Mul', [difference, difference]), attrs.mean ? 'mean' : 'sum');
  },
  smoothL1Loss: bent('beta', () => 1),
};
