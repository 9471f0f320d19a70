// Bounding gradients before a step.
import { add, div, gt, logicalAnd, lt, minimum, mul, where } from '../ops/binary.ts';
import { zeros } from '../ops/create.ts';
import { amax, norm } from '../ops/moments.ts';
import { stack } from '../ops/movement.ts';
import { clamp } from '../ops/unary.ts';
import { checkArgument, FLAG, type Given, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { copyElements, detach } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { parametersOf, tensorOf, type Trainable } from './parameters.ts';

/** Options of `clipGradNorm_`, with PyTorch's defaults. */
export interface ClipOptions {
  /** The norm's exponent, ∞ included; default 2. */
  normType?: number;
  /** Whether a norm that is NaN or infinite is an error; default false. */
  errorIfNonfinite?: boolean;
}

const OPTIONS: Kinds<ClipOptions> = { normType: NUMBER, errorIfNonfinite: FLAG };

const gradientsOf = (op: string, params: Trainable): Tensor[] => parametersOf(op, params, tensorOf).flatMap((p) => (p.gradient ? [detach(p.gradient)] : []));

function checkBound(op: string, name: string, bound: number): void {
  checkArgument(op, name, bound, NUMBER);
  if (!(bound >= 0)) throw valueError(op, `${name} must be ≥ 0, got ${bound}.`);
}

function overwrite(g: Tensor, value: Tensor, writer: string): void {
  copyElements(value, g);
  g.storage.touch(writer);
}

/** The joint norm, and by how much to scale so that it is at most `maxNorm`. */
function jointNorm(gradients: readonly Tensor[], p: number, maxNorm: number): { total: Tensor; scale: Tensor } {
  const of = (list: readonly Tensor[]): Tensor => norm(stack(list.map((g) => norm(g, { p }))), { p });
  const total = of(gradients);
  const scale = minimum(div(maxNorm, add(total, 1e-6)), 1);
  if (!recording() && Number.isFinite(total.item())) return { total, scale };
  // Powers of finite numbers may be infinite: once more with the largest element as unit. A replay has to decide each time.
  const largest = amax(stack(gradients.map((g) => norm(g, { p: Number.POSITIVE_INFINITY }))));
  const finite = lt(total, Number.POSITIVE_INFINITY);
  const unit = where(logicalAnd(gt(largest, 0), lt(largest, Number.POSITIVE_INFINITY)), largest, 1);
  const inUnits = of(gradients.map((g) => div(g, unit)));
  return { total: where(finite, total, mul(inUnits, unit)), scale: where(finite, scale, minimum(div(div(maxNorm, inUnits), unit), 1)) };
}

/**
 * Scales all gradients together so that their joint norm is at most `maxNorm`. Returns the norm before. Takes parameters, one of them, or the
 * module whose they are; those without a gradient are skipped.
 * @throws NONFINITE with `errorIfNonfinite`, where the norm is NaN or infinite; no gradient has changed then
 */
export function clipGradNorm_(params: Trainable, maxNorm: number, ...given: Given<ClipOptions, [normType?: number, errorIfNonfinite?: boolean]>): Tensor {
  const op = 'clipGradNorm_';
  const { normType = 2, errorIfNonfinite = false } = optionsBy(op, given, OPTIONS);
  checkBound(op, 'maxNorm', maxNorm);
  if (Number.isNaN(normType)) throw valueError(op, 'normType must be a number other than NaN.');
  return noGrad(() => {
    const gradients = gradientsOf(op, params);
    if (gradients.length === 0) return zeros([]);
    const { total, scale } = jointNorm(gradients, normType, maxNorm);
    if (errorIfNonfinite && !Number.isFinite(total.item())) {
      throw new GradloomError(
        'NONFINITE',
        op,
        `the norm of order ${normType} of the gradients is ${total.item()}, so they cannot be clipped. Look for the loss that overflowed, or drop errorIfNonfinite.`,
      );
    }
    for (const g of gradients) overwrite(g, mul(g, scale), op);
    return total;
  });
}

/** Bounds every gradient element to ±clipValue. Takes what `clipGradNorm_` takes. */
export function clipGradValue_(params: Trainable, clipValue: number, ...extra: never[]): void {
  const op = 'clipGradValue_';
  if (extra.length > 0) throw valueError(op, 'takes parameters and a bound, no more. Leave the rest out.');
  checkBound(op, 'clipValue', clipValue);
  noGrad(() => {
    for (const g of gradientsOf(op, params)) overwrite(g, clamp(g, { min: -clipValue, max: clipValue }), op);
  });
}
