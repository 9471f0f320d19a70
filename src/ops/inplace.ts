// Writing in place, under PyTorch's rules: version counters move, leaves that require gradients refuse, graphs follow.
import { assertArity, assertTensor, assertWhole, checkArgument, either, FLAG, type Kind, NUMBER, sizesOf, TENSOR } from '../tensor/check.ts';
import { bitsOf, promote } from '../tensor/dtype.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { apply, applyView, copyElements, nodeOf, type Op, record, requiresGrad, type ViewOp, type Window, windowOn } from '../tensor/op.ts';
import { isRowMajor, rowMajor, sameShape, type Shape } from '../tensor/shape.ts';
import { isGradEnabled, isInferenceMode, noGrad } from '../tensor/modes.ts';
import { observer, putNode } from '../tensor/tape.ts';
import { assertAlive, metaOf, Tensor } from '../tensor/tensor.ts';
import { type AddOptions, add, div, mul, type Operand, ROUNDED, scaled, sub } from './binary.ts';
import { to } from './convert.ts';
import { full } from './create.ts';
import { clone, contiguous } from './movement.ts';
import { expand, sum } from './reduce.ts';
import { clamp } from './unary.ts';

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

// Its attributes are a window on a row-major tensor, whose offset counts from the first element.
const asStridedOp: ViewOp<Window> = {
  name: 'asStrided',
  window: (x, { shape, strides, offset }) => ({ shape, strides, offset: x.offset + offset }),
  backward: (dy, node) => {
    const { shape, strides } = node.attrs;
    const stretched = shape.flatMap((n, i) => (strides[i] === 0 && n > 1 ? [i] : []));
    const g = stretched.length > 0 ? sum(dy, { dim: stretched, keepdim: true }) : dy;
    return apply(scatterWindowOp, [g], { ...node.attrs, shape: g.sizes, whole: node.shapes[0] as Shape });
  },
};

/** Zeros of shape `whole` with dy in the window. */
const scatterWindowOp: Op<Window & { whole: Shape }> = {
  name: 'asStridedBackward',
  shape: (_, { whole }) => whole,
  strided: true,
  forward: (y, [dy], window) => {
    copyElements(full(window.whole, 0), y);
    copyElements(dy as Tensor, windowOn(y, window));
  },
  backward: (dy, { attrs }) => [look(dy, attrs)],
};

/** What a window shows of a tensor, made row-major first. */
function look(x: Tensor, { shape, strides, offset }: Window): Tensor {
  return applyView(asStridedOp, contiguous(x), { shape, strides, offset });
}

/** A window on x's memory by explicit strides and offset, in elements. x must be row-major; the window must not overlap itself. */
export function asStrided(x: Tensor, shape: Shape, strides: readonly number[], offset = 0): Tensor {
  assertArity('asStrided', arguments.length, 4);
  const op = 'asStrided';
  assertTensor(op, x);
  assertWhole(op, 'offset', offset, 0);
  const window = { shape: sizesOf(op, [shape]), strides: sizesOf(op, [strides], 0, 'strides are a list'), offset };
  if (window.shape.length !== window.strides.length)
    throw shapeError(op, 'shape and strides differ in length', [window.shape, window.strides], 'Give a stride for each dimension.');
  const reach = window.shape.includes(0) ? 0 : offset + 1 + window.shape.reduce((m, n, i) => m + (n - 1) * (window.strides[i] as number), 0);
  if (!x.isContiguous()) throw new GradloomError('SHAPE', op, 'takes a row-major tensor. Call contiguous() first.');
  if (reach > x.size || (reach === 0 && offset > x.size)) throw new GradloomError('INDEX', op, `the window reaches element ${reach || offset} of ${x.size}. Shrink it.`);
  if (overlaps(window) && requiresGrad(x)) throw new GradloomError('VALUE', op, 'the window shows elements twice, which has no gradient here. Detach first.');
  return applyView(asStridedOp, x, window);
}

/** Where a view lies in its base. */
function placeOf(view: Tensor, base: Tensor): Window {
  return { shape: view.sizes, strides: view.steps, offset: view.offset - base.offset };
}

/** The base after a window of it was overwritten: inputs are the base as it was and the window's new value. */
const writeWindowOp: Op<Window> = {
  name: 'writeWindow',
  shape: ([base]) => (base as Tensor).sizes,
  forward: () => {},
  backward: (dy, { attrs, needs }) => [needs[0] ? apply(clearWindowOp, [dy], attrs) : null, needs[1] ? look(dy, attrs) : null],
};

/** x with zeros in the window. A choice, not a product: what is infinite there goes as well. */
const clearWindowOp: Op<Window> = {
  name: 'clearWindow',
  strided: true,
  forward: (y, [x], window) => {
    copyElements(x as Tensor, y);
    copyElements(full(window.shape, 0), windowOn(y, window));
  },
  backward: (dy, { attrs }) => [apply(clearWindowOp, [dy], attrs)],
};

const isFixedLeaf = (x?: Tensor): boolean => !!x?.meta?.wantsGrad && !x.meta.node;

function refuse(op: string, wrong: boolean | undefined | null, what: string): void {
  if (wrong) throw new GradloomError('INPLACE', op, what);
}

/** Refuses what autograd cannot follow, before anything is written. `repeats`: whether every element becomes the same. Returns whether a gradient flows. */
function assertWritable(op: string, t: Tensor, value: Tensor, repeats: boolean): boolean {
  assertAlive(t, op);
  const view = t.meta?.view;
  refuse(
    op,
    !repeats && !isRowMajor(t.sizes, t.steps) && t.steps.some((s, i) => s === 0 && (t.sizes[i] as number) > 1),
    'the tensor is an expanded view: several of its elements share one place in memory. Clone it.',
  );
  refuse(op, t.meta?.inference && !isInferenceMode(), 'an inference tensor may only be written to inside inference(() => …). Clone it.');
  if (!sameShape(value.sizes, t.sizes)) throw shapeError(op, 'the result does not fit in place', [value.sizes, t.sizes], 'Write out of place.');
  if (promote(value.dtype, t.dtype) !== t.dtype) throw new GradloomError('DTYPE', op, `the result is ${value.dtype}, which ${t.describe()} cannot hold. Write out of place.`);
  if (!isGradEnabled() || !(requiresGrad(t) || requiresGrad(value) || (view && requiresGrad(view.base)))) return false;
  const own = isFixedLeaf(t);
  if (own || isFixedLeaf(view?.base))
    refuse(
      op,
      true,
      `${t.describe()} is ${own ? '' : 'a view of '}a leaf that requires a gradient, so it cannot be written to in place. Write inside noGrad(() => …), or clone it.`,
    );
  refuse(op, view?.sibling, 'the tensor is one of several views that unbind, split or chunk returned: writing would mislead the others. Clone it.');
  refuse(op, view?.quiet, 'the tensor is a view that was made inside noGrad(() => …), so gradients do not follow it. Write inside noGrad too, or make the view outside.');
  refuse(op, view && !view.base.isContiguous(), 'the tensor is a view of a detached, not row-major one, which gradients cannot follow. Clone it.');
  return true;
}

/** @internal Writes `value` (of t's shape) into t and lets t take its place in the graph. `fresh`: the value does not come from t. Returns t. */
export function write(op: string, t: Tensor, value: Tensor, fresh = false, repeats = false): Tensor {
  const tracked = assertWritable(op, t, value, repeats);
  const base = t.meta?.view?.base ?? t;
  copyElements(to(value, t.dtype), t);
  t.storage.touch(op);
  observer?.wrote?.(t, value);
  if (!tracked) return t;
  const node = nodeOf(value);
  if (base === t && node && !fresh) putNode(t, node);
  else {
    const before = new Tensor(base.storage, base.sizes, base.dtype, base.steps, base.offset);
    standIn(before, base);
    const window = base === t ? { shape: t.sizes, strides: rowMajor(t.sizes), offset: 0 } : placeOf(t, base);
    record(writeWindowOp, [before, value], window, base, null);
  }
  metaOf(base).generation++;
  if (t.meta?.retains) nodeOf(t); // its gradient from now on is that of the new value
  return t;
}

/** Gives y the place in the graph that t has. */
function standIn(y: Tensor, t: Tensor): void {
  putNode(y, nodeOf(t));
  if (t.meta?.wantsGrad) metaOf(y).wantsGrad = true;
}

/** t's value and place in the graph in memory of its own: what an op that is about to overwrite t may save. */
function snapshot(t: Tensor): Tensor {
  if (!isGradEnabled()) return t;
  const y = noGrad(() => clone(t));
  standIn(y, t);
  return y;
}

const OPERAND: Kind = either(TENSOR, NUMBER);

function check(op: string, t: Tensor, x: Operand, count: number, most = 2, remedy?: string): void {
  assertArity(op, count, most, remedy);
  assertTensor(op, t);
  checkArgument(op, 'the operand', x, OPERAND);
}

/** t ← t + alpha · x (x may broadcast). Returns t. */
export function add_(t: Tensor, x: Operand, options?: AddOptions): Tensor {
  check('add_', t, x, arguments.length, 3);
  return write('add_', t, add(t, options === undefined ? x : scaled('add_', x, options)));
}
/** t ← t − alpha · x. Returns t. */
export function sub_(t: Tensor, x: Operand, options?: AddOptions): Tensor {
  check('sub_', t, x, arguments.length, 3);
  return write('sub_', t, sub(t, options === undefined ? x : scaled('sub_', x, options)));
}
/** t ← t · x. Returns t. */
export function mul_(t: Tensor, x: Operand): Tensor {
  check('mul_', t, x, arguments.length);
  return write('mul_', t, mul(snapshot(t), x));
}
/** t ← t / x; float32 only. Returns t. */
export function div_(t: Tensor, x: Operand): Tensor {
  check('div_', t, x, arguments.length, 2, ROUNDED);
  return write('div_', t, div(snapshot(t), x));
}
/** t ← clamp(t); arguments as in `clamp`. Returns t. */
export function clamp_(t: Tensor, ...bounds: Bounds): Tensor {
  assertTensor('clamp_', t);
  assertArity('clamp_', arguments.length, 3);
  return write('clamp_', t, clamp(snapshot(t), ...bounds));
}
type Bounds = typeof clamp extends (x: Tensor, ...bounds: infer B) => Tensor ? B : never;

/** t ← x (which may broadcast), converted to t's type. Returns t. */
export function copy_(t: Tensor, x: Tensor): Tensor {
  assertArity('copy_', arguments.length, 2);
  assertTensor('copy_', t);
  assertTensor('copy_', x, 'the source');
  const y = to(x, t.dtype);
  return write('copy_', t, clone(sameShape(y.sizes, t.sizes) ? y : expand(y, t.sizes)), true);
}

const VALUE: Kind = either(NUMBER, FLAG);

/** Every element ← value, as t's type holds it. Returns t. */
export function fill_(t: Tensor, value: number | boolean): Tensor {
  assertArity('fill_', arguments.length, 2);
  return fillAs('fill_', t, value);
}
/** Every element ← 0. Returns t. */
export function zero_(t: Tensor): Tensor {
  assertArity('zero_', arguments.length, 1);
  return fillAs('zero_', t, 0);
}

function fillAs(op: string, t: Tensor, value: number | boolean): Tensor {
  assertTensor(op, t);
  checkArgument(op, 'the value', value, VALUE);
  bitsOf(Number(value), t.dtype, op);
  return write(op, t, full(t.sizes, Number(value), { dtype: t.dtype }), true, true);
}
