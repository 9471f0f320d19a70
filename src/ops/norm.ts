// Layer normalisation: fused forward and gradient over rows; scale and shift are ordinary ops behind it.
import { call } from '../runtime/call.ts';
import { shapeError, shapeText, valueError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { add, mul, sub } from './binary.ts';
import { assertFloat } from './convert.ts';
import { constant } from './create.ts';
import { mean } from './moments.ts';
import { reshape } from './movement.ts';

const rowMean = (x: Tensor): Tensor => mean(x, { dim: 1, keepdim: true });

const normOp: Op<{ eps: number }> = {
  name: 'layerNorm',
  shape: ([x]) => (x as Tensor).shape,
  forward: (y, [x], { eps }) => {
    const [rows, n] = y.shape as [number, number];
    const inverse = empty([rows, 1]);
    call('layerNorm', (x as Tensor).address, y.address, inverse.address, rows, n, constant(eps, 'float32').address);
    return [inverse];
  },
  saves: everyInput,
  savesOutput: true,
  backward: (dy, node) => [apply(normGradOp, [dy, node.input(0), node.output, node.extra(0)], undefined)],
};

/**
 * P(dy) = r·(dy − mean(dy) − y·mean(dy·y)), with y the normalised rows and r their inverse deviation. Inputs: dy, x, y, r; y and r come
 * with x, so only dy and x have gradients. P is its own transpose. For a cotangent u, with a = mean(u·y), b = mean(dy·y) and
 * S = mean(u·dy) − mean(u)·mean(dy) − a·b, the gradient towards x is −(r²·S·y + r·(b·P(u) + a·P(dy))).
 */
const normGradOp: Op<void> = {
  name: 'layerNormGrad',
  shape: ([dy]) => (dy as Tensor).shape,
  forward: (dx, [dy, , y, r]) => {
    const [rows, n] = dx.shape as [number, number];
    call('layerNormGrad', (dy as Tensor).address, (y as Tensor).address, (r as Tensor).address, dx.address, rows, n);
  },
  saves: everyInput,
  backward: (u, node) => {
    const [dy, x, y, r] = [0, 1, 2, 3].map((i) => node.input(i)) as [Tensor, Tensor, Tensor, Tensor];
    const project = (v: Tensor): Tensor => apply(normGradOp, [v, x, y, r], undefined);
    const [a, b] = [rowMean(mul(u, y)), rowMean(mul(dy, y))];
    const s = sub(sub(rowMean(mul(u, dy)), mul(rowMean(u), rowMean(dy))), mul(a, b));
    const pu = project(u);
    const towardsX = mul(add(mul(mul(mul(r, r), s), y), mul(r, add(mul(b, pu), mul(a, project(dy))))), -1);
    return [pu, node.needs[1] ? towardsX : null, null, null];
  },
};

/** Options of layer normalisation, with PyTorch's defaults. */
export interface LayerNormOptions {
  /** Scale, of the normalised shape; none unless given. */
  weight?: Tensor | null;
  /** Shift, of the normalised shape; none unless given. */
  bias?: Tensor | null;
  /** Added to the variance; 1e-5 unless said. */
  eps?: number;
}

/**
 * (x − mean)/√(variance + ε)·weight + bias over the last dimensions, which must be `normalizedShape` (Ba, Kiros & Hinton 2016,
 * arXiv 1607.06450).
 */
export function layerNorm(x: Tensor, normalizedShape: Shape, options: LayerNormOptions = {}): Tensor {
  const op = 'layerNorm';
  assertFloat(op, x);
  const { weight, bias, eps = 1e-5 } = options;
  if (!Number.isFinite(eps)) throw valueError(op, `eps must be finite, got ${eps}.`);
  if (normalizedShape.length === 0 || normalizedShape.join() !== x.shape.slice(-normalizedShape.length).join()) {
    throw shapeError(op, 'the input does not end with the normalised shape', [x.shape, normalizedShape], `Its last sizes must be ${shapeText(normalizedShape)}.`);
  }
  for (const t of [weight, bias])
    if (t && t.shape.join() !== normalizedShape.join()) throw shapeError(op, 'weight and bias must have the normalised shape', [t.shape, normalizedShape], 'Reshape them.');
  const n = sizeOf(normalizedShape);
  const y = reshape(apply(normOp, [reshape(x, [n === 0 ? 0 : x.size / n, n])], { eps }), x.shape);
  const scaled = weight ? mul(y, weight) : y;
  return bias ? add(scaled, bias) : scaled;
}
