// Parameters as one vector: PyTorch's torch.nn.utils.
import { copy_ } from '../ops/inplace.ts';
import { cat, narrow, reshape } from '../ops/movement.ts';
import { assertArity, assertTensor, isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';

function listed(op: string, parameters: Iterable<Tensor> | { parameters(): Iterable<Tensor> }): Tensor[] {
  const source = typeof (parameters as { parameters?: unknown } | null)?.parameters === 'function' ? (parameters as { parameters(): Iterable<Tensor> }).parameters() : parameters;
  if (typeof (source as Iterable<Tensor> | null)?.[Symbol.iterator] !== 'function' || source instanceof Tensor || isPlainObject(source) || typeof source === 'string')
    throw new GradloomError('DTYPE', op, `parameters are a list of tensors, got ${valueText(parameters)}. Pass model.parameters().`);
  const list = [...(source as Iterable<Tensor>)];
  for (const [i, p] of list.entries()) assertTensor(op, p, `parameter ${i}`);
  if (list.length === 0) throw valueError(op, 'got an empty parameter list. Pass model.parameters().');
  return list;
}

/** All parameters one after the other in one vector, through which gradients flow. */
export function parametersToVector(parameters: Iterable<Tensor> | { parameters(): Iterable<Tensor> }): Tensor {
  assertArity('parametersToVector', arguments.length, 1);
  return cat(
    listed('parametersToVector', parameters).map((p) => reshape(p, [-1])),
    0,
  );
}

/**
 * Copies the parts of a vector into the parameters, in place and without a gradient.
 * @throws SHAPE where the vector is not as long as they are together; nothing has changed then
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor> | { parameters(): Iterable<Tensor> }): void {
  const op = 'vectorToParameters';
  assertArity(op, arguments.length, 2);
  assertTensor(op, vector, 'the vector');
  const list = listed(op, parameters);
  const size = list.reduce((n, p) => n + p.size, 0);
  if (vector.rank !== 1 || vector.size !== size) throw shapeError(op, `the parameters have ${size} elements together`, [vector.sizes], 'Pass what parametersToVector gave.');
  noGrad(() => {
    let at = 0;
    for (const p of list) {
      copy_(p, reshape(narrow(vector, 0, at, p.size), p.sizes));
      at += p.size;
    }
  });
}
