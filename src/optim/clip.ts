// Bounding gradients before a step.
import { add, div, minimum, mul } from '../ops/binary.ts';
import { stack } from '../ops/movement.ts';
import { norm } from '../ops/moments.ts';
import { clamp } from '../ops/unary.ts';
import { copyElements, detach } from '../tensor/op.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { noGrad } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { zeros } from '../ops/create.ts';

const gradientsOf = (params: Iterable<Tensor>): Tensor[] => [...params].flatMap((p) => (p.gradient ? [detach(p.gradient)] : []));

function overwrite(g: Tensor, value: Tensor, writer: string): void {
  copyElements(value, g);
  g.storage.touch(writer);
}

/**
 * Scales all gradients together so that their joint norm is at most `maxNorm`. Returns the norm before. Parameters without a
 * gradient are skipped.
 * @throws NONFINITE with `errorIfNonfinite`, where the norm is NaN or infinite; no gradient has changed then
 */
export function clipGradNorm_(params: Iterable<Tensor>, maxNorm: number, options: { normType?: number; errorIfNonfinite?: boolean } = {}): Tensor {
  const { normType = 2, errorIfNonfinite = false } = options;
  if (!(maxNorm >= 0)) throw valueError('clipGradNorm_', `maxNorm must be ≥ 0, got ${maxNorm}.`);
  return noGrad(() => {
    const gradients = gradientsOf(params);
    if (gradients.length === 0) return zeros([]);
    const total = norm(stack(gradients.map((g) => norm(g, { p: normType }))), { p: normType });
    if (errorIfNonfinite && !Number.isFinite(total.item())) {
      throw new GradloomError(
        'NONFINITE',
        'clipGradNorm_',
        `the norm of order ${normType} of the gradients is ${total.item()}, so they cannot be clipped. Look for the loss that overflowed, or drop errorIfNonfinite.`,
      );
    }
    const scale = minimum(div(maxNorm, add(total, 1e-6)), 1);
    for (const g of gradients) overwrite(g, mul(g, scale), 'clipGradNorm_');
    return total;
  });
}

/** Bounds every gradient element to ±clipValue. */
export function clipGradValue_(params: Iterable<Tensor>, clipValue: number): void {
  if (!(clipValue >= 0)) throw valueError('clipGradValue_', `clipValue must be ≥ 0, got ${clipValue}.`);
  noGrad(() => {
    for (const g of gradientsOf(params)) overwrite(g, clamp(g, { min: -clipValue, max: clipValue }), 'clipGradValue_');
  });
}
