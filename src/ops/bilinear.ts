// A form that is linear in each of two inputs.
import { assertArity } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import { sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add } from './binary.ts';
import { assertFloat } from './convert.ts';
import { matmul } from './matmul.ts';
import { permute, reshape } from './movement.ts';

/**
 * y_o = x1ᵀ W_o x2 + b_o. x1 [..., I], x2 [..., J] with the same dimensions before, weight [O, I, J], bias [O] → [..., O].
 *
 * @throws SHAPE where they do not fit
 */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const op = 'bilinear';
  assertArity(op, arguments.length, 4);
  for (const [name, t] of Object.entries({ x1, x2, weight })) assertFloat(op, t, name);
  if (bias) assertFloat(op, bias, 'bias');
  const [o, i, j] = weight.sizes as [number, number, number];
  const lead = x1.sizes.slice(0, -1);
  if (weight.rank !== 3 || x1.rank === 0 || !sameShape(lead, x2.sizes.slice(0, -1)) || x1.sizes[x1.rank - 1] !== i || x2.sizes[x2.rank - 1] !== j)
    throw shapeError(op, 'takes [..., I], [..., J] and a weight [O, I, J]', [x1.sizes, x2.sizes, weight.sizes], 'Check the features.');
  if (bias && !sameShape(bias.sizes, [o])) throw shapeError(op, 'the bias is not [O]', [bias.sizes, weight.sizes], 'Give it one number per output.');
  const rows = sizeOf(lead);
  const half = reshape(matmul(reshape(x1, [rows, i]), reshape(permute(weight, [1, 0, 2]), [i, o * j])), [rows, o, j]);
  const y = reshape(matmul(half, reshape(x2, [rows, j, 1])), [...lead, o]);
  return bias ? add(y, bias) : y;
}
