// A leaf's `.grad`: who owns it, how it is added to and taken away.
import { add } from '../ops/binary.ts';
import { zero_ } from '../ops/inplace.ts';
import { clone } from '../ops/movement.ts';
import { call } from '../runtime/call.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { copyElements, dense, detach } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { sameShape } from '../tensor/shape.ts';
import { currentScope, moveStorage } from '../tensor/storage.ts';
import { empty, Tensor } from '../tensor/tensor.ts';

/** @internal Adds a finished gradient to a leaf's `.grad`, which lives as long as the leaf. `exclusive`: its memory may be kept as it is. */
export function accumulate(leaf: Tensor, g: Tensor, exclusive: boolean, createGraph: boolean): void {
  recording()?.leaf(leaf, 'added');
  const { owner } = leaf.storage;
  const old = leaf.gradient;
  if (createGraph) leaf.gradient = old ? add(old, g) : clone(g);
  else if (old?.isContiguous()) {
    call('add', old.address, dense(g).address, old.address, 1, 1, old.size, 0, 0, 1, 0, 0, 1);
    old.storage.touch('backward');
    return;
  } else if (!old && exclusive) leaf.gradient = new Tensor(g.storage, leaf.shape, 'float32');
  else {
    leaf.gradient = empty(leaf.shape, 'float32', owner);
    copyElements(old ? add(old, g) : g, leaf.gradient);
  }
  moveStorage(leaf.gradient.storage, owner);
}

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
  if (setToNull) {
    if (recording() || t.gradient) setGrad(t, null);
  } else if (t.gradient) {
    t.gradient = detach(t.gradient);
    zero_(t.gradient);
  }
}
