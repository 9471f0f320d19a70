// `.grad`: who owns it, how it is added to, set and let go of.
//
// A gradient lives as long as its tensor. A block that was made for that, or that belonged to a scope that ends before, is lent to it: it goes
// back when the last `.grad` lets go of it, so that a loop does not grow. One that lasts anyway (a buffer, another tensor's elements, what
// `keep` was told of) is left alone.
import { add } from '../ops/binary.ts';
import { zeros } from '../ops/create.ts';
import { zero_ } from '../ops/inplace.ts';
import { clone } from '../ops/movement.ts';
import { call } from '../runtime/call.ts';
import { assertTrainable } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { copyElements, dense, nodeOf } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { currentScope, moveStorage, openScopes, type Scope, type Storage } from '../tensor/storage.ts';
import { noGrad } from '../tensor/modes.ts';
import { putNode } from '../tensor/tape.ts';
import { empty, metaOf, Tensor } from '../tensor/tensor.ts';
import { assertGradient, gradientArrived } from './hooks.ts';

/**
 * @internal Adds a finished gradient to a leaf's `.grad`, and runs the leaf's hooks by `around`.
 * `exclusive`: the gradient's memory may be kept as it is.
 */
export function accumulate(leaf: Tensor, g: Tensor, exclusive: boolean, createGraph: boolean, around: ((fn: () => void) => void) | null = noGrad): void {
  recording()?.leaf(leaf, 'added');
  const old = leaf.gradient;
  if (old && !createGraph && !isExpanded(old)) {
    if (old.isContiguous()) call('add', old.address, dense(g).address, old.address, 1, 1, old.size, 0, 0, 1, 0, 0, 1);
    else copyElements(add(old, g), old);
    old.storage.touch('backward');
  } else {
    const home = homeOf(leaf);
    let next: Tensor;
    if (createGraph) next = old ? add(old, g) : clone(g);
    else if (!old && exclusive) next = new Tensor(g.storage, leaf.sizes, 'float32');
    else {
      next = empty(leaf.sizes, 'float32', home);
      copyElements(old ? add(old, g) : g, next);
    }
    put(leaf, next, createGraph);
  }
  if (around && leaf.meta?.accumulateHooks) gradientArrived(leaf, around);
}

/** @internal Adds to the gradient that a tensor between keeps, in memory of its own. */
export function keepGradient(t: Tensor, g: Tensor): void {
  const old = t.gradient;
  put(t, old ? add(old, g) : clone(g), true);
}

/** Makes a fresh tensor the gradient, which lives as long as its tensor. */
function put(t: Tensor, g: Tensor, letsGo: boolean): void {
  const old = t.gradient;
  moveStorage(g.storage, homeOf(t));
  g.storage.lender = null;
  t.gradient = g;
  if (old && letsGo) letGo(old.storage);
}

/** What owns a tensor's gradient: the scope that a window on older memory was made in, else who owns the memory; nobody where that has ended. */
function homeOf({ meta, storage }: Tensor): Scope | null {
  const home = meta?.born ?? storage.owner;
  return home?.ended ? null : home;
}

/** Whether several elements share one place, so that nothing can be added in place. */
function isExpanded(t: Tensor): boolean {
  return t.steps.some((s, i) => s === 0 && (t.sizes[i] as number) > 1);
}

/** Gives back what was lent, unless another `.grad` has it. */
function letGo(storage: Storage): void {
  const { lender } = storage;
  if (storage.gradients > 0 || lender === undefined) return;
  storage.lender = undefined;
  moveStorage(storage, lender && !lender.ended ? lender : currentScope());
}

/** Lends a block to a tensor that outlives it. */
function lend(storage: Storage, home: Scope | null): void {
  const { owner } = storage;
  if (owner === null || owner === home || owner.pins) return;
  if (home !== null && !(openScopes().indexOf(home) < openScopes().indexOf(owner))) return;
  moveStorage(storage, home);
  storage.lender = owner;
}

/** Sets `.grad`. A gradient lives as long as its tensor; one that was made for it and is let go of ends with the current scope. */
export function setGrad(t: Tensor, g: Tensor | null | undefined): void {
  if (g !== null && g !== undefined) {
    assertTrainable('grad', t);
    if (g === t) throw new GradloomError('VALUE', 'grad', 'a tensor cannot be its own gradient. Clone it.');
    assertGradient('grad', g, t.sizes, 'the gradient');
  }
  recording()?.leaf(t, 'set');
  const old = t.gradient;
  const same = old?.storage === g?.storage;
  if (g && !same) lend(g.storage, homeOf(t));
  t.gradient = g ?? null;
  if (old && !same) letGo(old.storage);
}

/** `.grad` becomes null: the optimizer will skip the tensor. Or zeros, without a graph: the optimizer will still move it (decay, moments). */
export function clearGrad(t: Tensor, setToNull: boolean): void {
  if (setToNull) {
    if (recording() || t.gradient) setGrad(t, null);
    return;
  }
  const g = t.gradient;
  if (g && (isExpanded(g) || (g.meta?.view && nodeOf(g)))) setGrad(t, zeros(g.sizes));
  else if (g) {
    putNode(g, null);
    metaOf(g).wantsGrad = false;
    noGrad(() => zero_(g));
  }
}

/** @internal Lets a leaf ask for a gradient, or no longer. */
export function setWantsGrad(leaf: Tensor, on: boolean): void {
  recording()?.asked(leaf);
  metaOf(leaf).wantsGrad = on;
}
