// A leaf's `.grad`: who owns it, and how it is taken away.
import { zero_ } from '../ops/inplace.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { sameShape } from '../tensor/shape.ts';
import { currentScope, moveStorage } from '../tensor/storage.ts';
import { Tensor } from '../tensor/tensor.ts';

/** Sets `.grad`. A gradient lives as long as its leaf; one that is let go of ends with the current scope. */
export function setGrad(t: Tensor, g: Tensor | null): void {
  recording()?.leaf(t, 'set');
  if (g) {
    if (!(g instanceof Tensor) || g.dtype !== 'float32') throw new GradloomError('DTYPE', 'grad', 'a gradient is a float32 tensor or null.');
    if (g === t) throw new GradloomError('VALUE', 'grad', 'a tensor cannot be its own gradient. Clone it.');
    if (!sameShape(g.shape, t.shape)) throw shapeError('grad', 'the gradient has another shape than its tensor', [g.shape, t.shape], 'They must be equal.');
    if (t.storage.owner === null) moveStorage(g.storage, null);
  } else if (t.gradient && t.storage.owner === null) moveStorage(t.gradient.storage, currentScope());
  t.gradient = g;
}

/** `.grad` becomes null: the optimizer will skip the tensor. Or zeros: the optimizer will still move it (decay, moments). */
export function clearGrad(t: Tensor, setToNull: boolean): void {
  if (!t.gradient && !recording()) return;
  if (setToNull) setGrad(t, null);
  else if (t.gradient) {
    t.gradient = detach(t.gradient);
    zero_(t.gradient);
  }
}
