// Connectionist temporal classification: the loss of a sequence whose places in time are not known.
import { add, div, eq, gt, logicalAnd, logicalOr, lt, maximum, mul, ne, sub, where } from '../ops/binary.ts';
import { assertFloat } from '../ops/convert.ts';
import { constantList, full } from '../ops/create.ts';
import { checkIndices, gather, indexSelect } from '../ops/indexing.ts';
import { logsumexp, mean } from '../ops/moments.ts';
import { cat, narrow, reshape, select, squeeze, stack, unsqueeze } from '../ops/movement.ts';
import { expand, sum } from '../ops/reduce.ts';
import { cumsum } from '../ops/scan.ts';
import { exp, logicalNot, neg } from '../ops/unary.ts';
import { FLAG, type Given, isListOf, type Kinds, optionsBy, valueText, WHOLE } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { Tensor } from '../tensor/tensor.ts';
import { assertPair, LossModule, type LossOptions, REDUCTION } from './reduction.ts';

/** Lengths of the batch's sequences: numbers, or int32 [N]. */
export type Lengths = Tensor | readonly number[];

/** Options of `ctcLoss`, with PyTorch's defaults. */
export interface CTCOptions extends LossOptions {
  /** The class that stands for nothing; default 0. */
  blank?: number;
  /** Whether targets that do not fit into their inputs cost 0 instead of ∞; default false. */
  zeroInfinity?: boolean;
}

const OPTIONS: Kinds<CTCOptions> = { blank: WHOLE, reduction: REDUCTION, zeroInfinity: FLAG };

function checkOptions(op: string, { blank = 0 }: CTCOptions): void {
  if (blank < 0) throw valueError(op, `blank must be a class, a whole number ≥ 0, got ${blank}.`);
}

// The logarithm of an impossible path: finite, so that no ∞ − ∞ meets the gradients.
const NEVER = -1e30;

/** Lengths as int32 [N], checked where they are numbers. */
function lengthsOf(op: string, name: string, lengths: Lengths, batch: number, most: number): Tensor {
  const isList = Array.isArray(lengths);
  if (isList && !isListOf(lengths, (n) => Number.isInteger(n) && (n as number) >= 0 && (n as number) <= most))
    throw valueError(op, `${name} must be whole numbers from 0 to ${most}, got [${lengths}].`);
  const list = isList ? constantList(lengths as readonly number[]) : reshape(lengths as Tensor, [-1]);
  if (list.size !== batch) throw shapeError(op, `${name} must have one number per sequence`, [list.sizes, [batch]], 'Give one for each.');
  if (!isList) checkIndices(op, list, most + 1, null, name);
  return list;
}

/** Targets [N, S], from one list of all of them where they are not so already. */
function padded(op: string, targets: Tensor, given: Lengths, batch: number): Tensor {
  if (targets.rank === 2) return targets;
  const list = Array.isArray(given) ? (given as readonly number[]) : [...(given as Tensor).data()];
  if (list.reduce((a, b) => a + b, 0) !== targets.size)
    throw shapeError(op, `the target lengths [${list}] do not add up to the targets`, [targets.sizes], 'Concatenate the targets without padding, or give [N, S].');
  const longest = Math.max(1, ...list);
  const lengths = constantList(list);
  const starts = reshape(sub(cumsum(lengths, 0), lengths), [batch, 1]);
  const places = clamp32(add(starts, constantList(range(longest))), targets.size - 1);
  return targets.size === 0 ? full([batch, longest], 0, { dtype: 'int32' }) : reshape(indexSelect(targets, 0, reshape(places, [batch * longest])), [batch, longest]);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const clamp32 = (x: Tensor, most: number): Tensor => where(gt(x, most), most, x);

/**
 * −ln Σ over all ways to write the target in time, with repeats and blanks between (Graves et al. 2006): forward variables of 2·S + 1
 * states, step by step. logProbs: ln softmax, [T, N, C] or [T, C]. targets: int32 [N, S], padded with anything, or all of them one behind
 * another. The mean divides each loss by its target's length first. The gradient is the one through logSoftmax, as PyTorch's.
 *
 * @throws INDEX (a class outside [0, C)), SHAPE, VALUE
 */
export function ctcLoss(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths, ...given: Given<CTCOptions>): Tensor {
  const op = 'ctcLoss';
  const options = optionsBy(op, given, OPTIONS);
  checkOptions(op, options);
  assertPair(op, logProbs, targets);
  for (const lengths of [inputLengths, targetLengths])
    if (!Array.isArray(lengths) && !(lengths instanceof Tensor)) throw valueError(op, `lengths are a list of numbers or an int32 tensor, got ${valueText(lengths)}.`);
  assertFloat(op, logProbs);
  if (logProbs.rank !== 2 && logProbs.rank !== 3) throw shapeError(op, 'takes log-probabilities [T, N, C] or [T, C]', [logProbs.sizes], 'Put time first.');
  const { blank = 0, zeroInfinity = false, reduction = 'mean' } = options;
  const x = logProbs.rank === 2 ? unsqueeze(logProbs, 1) : logProbs;
  const [steps, batch, classes] = x.sizes as [number, number, number];
  if (blank >= classes) throw valueError(op, `blank is class ${blank} of ${classes}. It must be one of them.`);
  const labels = padded(op, logProbs.rank === 2 && targets.rank === 1 ? reshape(targets, [1, -1]) : targets, targetLengths, batch);
  if (labels.sizes[0] !== batch) throw shapeError(op, 'targets and log-probabilities differ in batch', [labels.sizes, x.sizes], 'Give targets [N, S].');
  const most = labels.sizes[1] as number;
  const until = lengthsOf(op, 'input length', inputLengths, batch, steps);
  const lengths = lengthsOf(op, 'target length', targetLengths, batch, most);

  // States: blank, label, blank, …, label, blank; what lies behind a target's end is blank too.
  const states = 2 * most + 1;
  const counted = lt(constantList(range(most)), reshape(lengths, [batch, 1]));
  const blanks = (n: number): Tensor => full([batch, n], blank, { dtype: 'int32' });
  const path = cat([reshape(stack([blanks(most), where(counted, labels, blank)], 2), [batch, 2 * most]), blanks(1)], 1);
  checkIndices(op, path, classes, null, 'class');
  const emitted = gather(x, 2, expand(path, [steps, batch, states]));
  // From two states before, where a label follows another one.
  const skips = states > 2 ? logicalAnd(ne(narrow(path, 1, 2, states - 2), blank), ne(narrow(path, 1, 2, states - 2), narrow(path, 1, 0, states - 2))) : null;
  const skipCost = skips && where(skips, 0, NEVER);
  const never = (n: number): Tensor => full([batch, n], NEVER);

  let alpha = add(select(emitted, 0, 0), where(lt(constantList(range(states)), 2), 0, NEVER));
  for (let t = 1; t < steps; t++) {
    const ways = [alpha, cat([never(1), narrow(alpha, 1, 0, states - 1)], 1)];
    if (skipCost) ways.push(cat([never(2), add(narrow(alpha, 1, 0, states - 2), skipCost)], 1));
    const next = add(logsumexp(stack(ways), 0), select(emitted, 0, t));
    alpha = where(gt(reshape(until, [batch, 1]), t), next, alpha);
  }
  const ends = (back: number): Tensor => squeeze(gather(alpha, 1, reshape(maximum(sub(mul(lengths, 2), back), 0), [batch, 1])), 1);
  const reached = logsumexp(stack([ends(0), where(gt(lengths, 0), ends(1), NEVER)]), 0);

  const losses = neg(reached);
  // Nothing to read where the input is empty: possible for an empty target only.
  const empty = eq(until, 0);
  const impossible = logicalOr(gt(losses, -NEVER / 10), logicalAnd(empty, gt(lengths, 0)));
  const finite = where(empty, 0, losses);
  const cost = where(impossible, zeroInfinity ? 0 : Number.POSITIVE_INFINITY, add(finite, towardsSoftmax(x, until, impossible)));
  const each = logProbs.rank === 2 ? squeeze(cost, 0) : cost;
  if (reduction === 'none') return each;
  return reduction === 'sum' ? sum(each) : mean(div(each, reshape(maximum(lengths, 1), each.sizes)));
}

/**
 * 0 for each sequence, with the gradient e^x: Σ e^x is 1 wherever x is a log-softmax, so nothing changes behind one, and the gradient at x
 * itself is then what PyTorch gives.
 */
function towardsSoftmax(x: Tensor, until: Tensor, impossible: Tensor): Tensor {
  const [steps, batch] = x.sizes as [number, number];
  const counts = logicalAnd(lt(reshape(constantList(range(steps)), [steps, 1]), until), logicalNot(impossible));
  const p = exp(where(reshape(counts, [steps, batch, 1]), x, NEVER));
  return sum(sub(p, detach(p)), { dim: [0, 2] });
}

/** `ctcLoss` as a module. */
export class CTCLoss extends LossModule<CTCOptions> {
  constructor(...given: Given<CTCOptions>) {
    super('CTCLoss', given, OPTIONS, checkOptions);
  }

  forward(logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths): Tensor {
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, this.options);
  }
}
