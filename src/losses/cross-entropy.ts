// Cross-entropy between logits and classes or class probabilities.
import type { Buffer } from '../module/parameter.ts';
import { add, div, mul } from '../ops/binary.ts';
import { assertFloat } from '../ops/convert.ts';
import { checkIndices } from '../ops/indexing.ts';
import { crossEntropyRows, type Reduction } from '../ops/loss.ts';
import { movedim, inShape } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { type Given, type Kinds, NUMBER, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { assertPair, bufferOf, checkClassWeight, LossModule, REDUCTION, WEIGHT } from './reduction.ts';

/** Options of cross-entropy, with PyTorch's defaults. */
export interface CrossEntropyOptions {
  /** One weight per class, float32 [C]. */
  weight?: Tensor | null;
  /** The class index that does not count; default −100. Class targets only. */
  ignoreIndex?: number;
  /** 'mean' (over what counts, by weight), 'sum' or 'none'; default 'mean'. */
  reduction?: Reduction;
  /** Share of the target spread evenly over all classes, 0 … 1; default 0 (Szegedy et al. 2016, arXiv 1512.00567). */
  labelSmoothing?: number;
}

const OPTIONS: Kinds<CrossEntropyOptions> = { weight: WEIGHT, ignoreIndex: WHOLE, reduction: REDUCTION, labelSmoothing: NUMBER };

function checkOptions(op: string, { labelSmoothing = 0 }: CrossEntropyOptions): void {
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) throw valueError(op, `labelSmoothing must lie in [0, 1], got ${labelSmoothing}.`);
}

/**
 * −Σ target·log softmax(input) per element, reduced.
 * input: logits [C], [N, C] or [N, C, d1, …]. target: int32 classes without the C dimension, or float32 probabilities of the
 * input's shape.
 *
 * @throws SHAPE, DTYPE (labels that are not int32), INDEX (a class outside [0, C))
 */
export function crossEntropy(input: Tensor, target: Tensor, ...given: Given<CrossEntropyOptions>): Tensor {
  const op = 'crossEntropy';
  const options = optionsBy(op, given, OPTIONS);
  checkOptions(op, options);
  const { ignoreIndex = -100, labelSmoothing = 0, reduction = 'mean' } = options;
  const weight = options.weight ?? undefined;
  assertPair(op, input, target);
  assertFloat(op, input);
  if (input.rank === 0) throw new GradloomError('SHAPE', op, 'the input is a scalar. It needs a class dimension: [C], [N, C] or [N, C, d1, …].');
  const dim = input.rank === 1 ? 0 : 1;
  const classes = input.sizes[dim] as number;
  const places = input.sizes.filter((_, d) => d !== dim);
  const probabilities = sameShape(input.sizes, target.sizes) && target.dtype === 'float32';
  if (!probabilities) {
    if (!sameShape(places, target.sizes)) {
      throw shapeError(
        op,
        'input and target do not fit',
        [input.sizes, target.sizes],
        `The target must be int32 classes ${shapeText(places)}, or float32 probabilities of the input's shape.`,
      );
    }
    if (target.dtype !== 'int32') {
      throw new GradloomError('DTYPE', op, `labels must be whole numbers of type int32, got ${target.describe()}. Convert them with .int().`);
    }
    checkIndices(op, target, classes, ignoreIndex, 'class');
  } else if (ignoreIndex >= 0) throw valueError(op, `ignoreIndex is ${ignoreIndex}, but the target has probabilities. Weigh the rows, or give classes.`);
  checkClassWeight(op, weight, classes);
  const rows = inShape(dim === input.rank - 1 ? input : movedim(input, dim, -1), [places.reduce((a, b) => a * b, 1), classes]);
  const targets = inShape(probabilities && dim !== input.rank - 1 ? movedim(target, dim, -1) : target, probabilities ? rows.sizes : [rows.sizes[0] as number]);
  const loss =
    probabilities && requiresGrad(target)
      ? softTargets(rows, targets, weight, labelSmoothing, reduction)
      : crossEntropyRows(rows, targets, weight, { ignoreIndex, labelSmoothing, reduction });
  return reduction === 'none' ? inShape(loss, places) : loss;
}

/** Probabilities that themselves need a gradient: the formula in ops. */
function softTargets(rows: Tensor, target: Tensor, weight: Tensor | undefined, labelSmoothing: number, reduction: Reduction): Tensor {
  const [count, classes] = rows.sizes as [number, number];
  const smooth = add(mul(target, 1 - labelSmoothing), labelSmoothing / classes);
  const losses = sum(mul(mul(weight ? mul(smooth, weight) : smooth, logSoftmax(rows, 1)), -1), { dim: 1 });
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : div(sum(losses), count);
}

/** `crossEntropy` as a module. */
export class CrossEntropyLoss extends LossModule<CrossEntropyOptions> {
  /** One weight per class, saved with the module. */
  readonly weight: Buffer | null;

  constructor(...given: Given<CrossEntropyOptions, [weight?: Tensor | null]>) {
    super('CrossEntropyLoss', given, OPTIONS, checkOptions);
    this.weight = bufferOf(this.options);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return crossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}
