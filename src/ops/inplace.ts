// Writing in place, under PyTorch's rules: version counters move, leaves that require gradients refuse, graphs follow.
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { apply, applyView, copyElements, nodeOf, type Op, record, requiresGrad, setRebuildView, type ViewOp } from '../tensor/op.ts';
import { settle } from '../tensor/pending.ts';
import { isRowMajor, sameShape, type Shape } from '../tensor/shape.ts';
import { enableGrad, isGradEnabled, isInferenceMode, noGrad, putNode } from '../tensor/tape.ts';
import { assertAlive, Tensor } from '../tensor/tensor.ts';
import { add, div, mul, type Operand, sub } from './binary.ts';
import { to } from './convert.ts';
import { full } from './create.ts';
import { clone, contiguous } from './movement.ts';
import { expand, sum } from './reduce.ts';
import { clamp } from './unary.ts';

/** A window on a row-major tensor; the offset counts from its first element. */
interface Window {
  shape: Shape;
  strides: readonly number[];
  offset: number;
}

/** Whether a window shows some element twice, other than by expansion: its gradient would have to be summed. */
function overlaps({ shape, strides }: Window): boolean {
  const order = shape.map((n, i) => ({ n, s: strides[i] as number })).filter(({ n, s }) => n > 1 && s !== 0);
  order.sort((a, b) => a.s - b.s);
  let reach = 1;
  for (const { n, s } of order) {
    if (s < reach) return true;
    reach = s * (n - 1) + reach;
  }
  return false;
}

const asStridedOp: ViewOp<Window> = {
  name: 'asStrided',
  window: (x, { shape, strides, offset }) => ({ shape, strides, offset: x.offset + offset }),
  backward: (dy, node) => {
    const { shape, strides } = node.attrs;
    const stretched = shape.flatMap((n, i) => (strides[i] === 0 && n > 1 ? [i] : []));
    const g = stretched.length > 0 ? sum(dy, { dim: stretched, keepdim: true }) : dy;
    return apply(scatterWindowOp, [g], { ...node.attrs, shape: g.shape, whole: node.shapes[0] as Shape });
  },
};

/** Zeros of shape `whole` with dy in the window. */
const scatterWindowOp: Op<Window & { whole: Shape }> = {
  name: 'asStridedBackward',
  shape: (_, { whole }) => whole,
  strided: true,
  forward: (y, [dy], { shape, strides, offset, whole }) => {
    copyElements(full(whole, 0), y);
    copyElements(dy as Tensor, new Tensor(y.storage, shape, y.dtype, strides, offset));
  },
  backward: (dy, { attrs }) => [look(dy, attrs)],
};

/** What a window shows of a tensor, made row-major first. */
function look(x: Tensor, { shape, strides, offset }: Window): Tensor {
  return applyView(asStridedOp, contiguous(x), { shape, strides, offset });
}

/** A window on x's memory by explicit strides and offset, in elements. x must be row-major; the window must not overlap itself. */
export function asStrided(x: Tensor, shape: Shape, strides: readonly number[], offset = 0): Tensor {
  const window = { shape, strides, offset };
  const reach = shape.some((n) => n === 0) ? 0 : offset + 1 + shape.reduce((m, n, i) => m + (n - 1) * (strides[i] as number), 0);
  if (!x.isContiguous()) throw new GradloomError('SHAPE', 'asStrided', 'takes a row-major tensor. Call contiguous() first.');
  if (offset < 0 || strides.some((s) => s < 0) || reach > x.size) throw new GradloomError('INDEX', 'asStrided', `the window reaches element ${reach} of ${x.size}. Shrink it.`);
  if (overlaps(window) && requiresGrad(x)) throw new GradloomError('VALUE', 'asStrided', 'the window shows elements twice, which has no gradient here. Detach first.');
  return applyView(asStridedOp, x, window);
}

// After its base was written to, a view's gradient flows through the base as it is now.
setRebuildView((view) => {
  const { base } = view.viewInfo as { base: Tensor };
  return requiresGrad(base) ? enableGrad(() => applyView(asStridedOp, base, windowOn(base, view))).node : null;
});

/** Where a view lies in its base. */
function windowOn(base: Tensor, view: Tensor): Window {
  return { shape: view.shape, strides: view.strides, offset: view.offset - base.offset };
}

/** The base after a window of it was overwritten: inputs are the base as it was and the window's new value. */
const writeWindowOp: Op<Window> = {
  name: 'writeWindow',
  shape: ([base]) => (base as Tensor).shape,
  forward: () => {},
  backward: (dy, { attrs, needs }) => {
    const outside = needs[0] ? mul(dy, apply(scatterMaskOp, [], { ...attrs, whole: dy.shape })) : null;
    return [outside, needs[1] ? look(dy, attrs) : null];
  },
};

/** Ones of shape `whole` with zeros in the window. */
const scatterMaskOp: Op<Window & { whole: Shape }> = {
  name: 'windowMask',
  shape: (_, { whole }) => whole,
  dtype: () => 'float32',
  forward: (y, _, { shape, strides, offset, whole }) => {
    copyElements(full(whole, 1), y);
    copyElements(full(shape, 0), new Tensor(y.storage, shape, y.dtype, strides, offset));
  },
};

/** Refuses what autograd cannot follow, before anything is written. */
function assertWritable(op: string, t: Tensor, value: Tensor): void {
  assertAlive(t, op);
  if (!isRowMajor(t.shape, t.strides) && t.strides.some((s, i) => s === 0 && (t.shape[i] as number) > 1)) {
    throw new GradloomError('INPLACE', op, 'the tensor is an expanded view: several of its elements share one place in memory. Write to clone() of it.');
  }
  if (t.inference && !isInferenceMode()) throw new GradloomError('INPLACE', op, 'an inference tensor may only be written to inside inference(() => …). Clone it first.');
  if (!isGradEnabled() || !(requiresGrad(t) || requiresGrad(value))) return;
  const view = t.viewInfo;
  if (t.wantsGrad && !t.node) {
    throw new GradloomError(
      'INPLACE',
      op,
      `${t.describe()} is a leaf that requires a gradient, so it cannot be written to in place. Write inside noGrad(() => …), or out of place.`,
    );
  }
  if (view?.base.wantsGrad && !view.base.node) {
    throw new GradloomError(
      'INPLACE',
      op,
      `${t.describe()} is a view of a leaf that requires a gradient, so it cannot be written to in place. Write inside noGrad(() => …), or to a clone().`,
    );
  }
  if (view?.sibling) {
    throw new GradloomError(
      'INPLACE',
      op,
      'the tensor is one of several views that unbind, split or chunk returned: writing to it in place would mislead the others. Write to clone() of it.',
    );
  }
}

/** Writes `value` (of t's shape and type) into t and lets t take its place in the graph. Returns t. */
function write(op: string, t: Tensor, value: Tensor): Tensor {
  assertWritable(op, t, value);
  if (!sameShape(value.shape, t.shape)) throw shapeError(op, 'the result does not fit in place', [value.shape, t.shape], 'Write out of place.');
  const tracked = isGradEnabled() && (requiresGrad(t) || requiresGrad(value));
  const base = t.viewInfo?.base ?? t;
  if (tracked && base !== t && !base.isContiguous()) {
    throw new GradloomError('INPLACE', op, 'the tensor is a view of a detached, not row-major one, which gradients cannot follow. Write to clone() of it.');
  }
  settle();
  copyElements(to(value, t.dtype), t);
  t.storage.touch(op);
  if (!tracked) return t;
  const node = nodeOf(value);
  // What was copied over is reached as well, with the gradient 0.
  if (base === t && node && !(op === 'copy_' && requiresGrad(t))) putNode(t, node);
  else {
    const before = new Tensor(base.storage, base.shape, base.dtype, base.strides, base.offset);
    before.node = nodeOf(base);
    before.wantsGrad = base.wantsGrad;
    record(writeWindowOp, [before, value], windowOn(base, t), base, null);
  }
  base.generation++;
  if (t.retains) nodeOf(t); // its gradient from now on is that of the new value
  return t;
}

/** t's value and place in the graph in memory of its own: what an op that is about to overwrite t may save. */
function snapshot(t: Tensor): Tensor {
  if (!isGradEnabled()) return t;
  const y = noGrad(() => clone(t));
  y.node = nodeOf(t);
  y.wantsGrad = t.wantsGrad;
  return y;
}

const stretch = (x: Tensor, to: Tensor): Tensor => (sameShape(x.shape, to.shape) ? clone(x) : clone(expand(x, to.shape)));

/** t ← t + x (x may broadcast). Returns t. */
export function add_(t: Tensor, x: Operand): Tensor {
  return write('add_', t, add(t, x));
}
/** t ← t − x. Returns t. */
export function sub_(t: Tensor, x: Operand): Tensor {
  return write('sub_', t, sub(t, x));
}
/** t ← t · x. Returns t. */
export function mul_(t: Tensor, x: Operand): Tensor {
  return write('mul_', t, mul(snapshot(t), x));
}
/** t ← t / x. Returns t. */
export function div_(t: Tensor, x: Operand): Tensor {
  return write('div_', t, div(snapshot(t), x));
}
/** t ← clamp(t). Returns t. */
export function clamp_(t: Tensor, options: { min?: Operand; max?: Operand }): Tensor {
  return write('clamp_', t, clamp(snapshot(t), options));
}
/** t ← x (which may broadcast), converted to t's type. Returns t. */
export function copy_(t: Tensor, x: Tensor): Tensor {
  return write('copy_', t, stretch(to(x, t.dtype), t));
}
/** Every element ← value. Returns t. */
export function fill_(t: Tensor, value: number): Tensor {
  return write('fill_', t, full(t.shape, value, { dtype: t.dtype }));
}
/** Every element ← 0. Returns t. */
export function zero_(t: Tensor): Tensor {
  return write('zero_', t, full(t.shape, 0, { dtype: t.dtype }));
}
