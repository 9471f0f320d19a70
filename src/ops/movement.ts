// Moving elements: views, copies, joins. None computes anything, so each gradient is a move back.
import { assertArity, assertSameType, assertTensor, assertTensors, assertWhole, dimensionOf, dimOf, ofOne, type Sizes, sizesOf } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueText } from '../tensor/errors.ts';
import { apply, applyView, copyElements, forEach, intoZeros, type Op, type ViewOp, windowOn } from '../tensor/op.ts';
import { MOST_SIZE, normalizeDims, resolveShape, rowMajor, sameShape, type Shape, sizeOf, viewStrides } from '../tensor/shape.ts';
import type { Node } from '../tensor/tape.ts';
import type { Tensor } from '../tensor/tensor.ts';

const cloneOp: Op<void> = {
  name: 'clone',
  strided: true,
  forward: (y, [x]) => copyElements(x as Tensor, y),
  backward: (dy) => [dy],
  batched: 'same',
};

/** A copy in row-major order that gradients flow through. */
export const clone: (x: Tensor) => Tensor = ofOne('clone', (x) => apply(cloneOp, [x], undefined));

/** The tensor itself where it is row-major, else a copy. */
export const contiguous: (x: Tensor) => Tensor = ofOne('contiguous', (x) => (x.isContiguous() ? x : clone(x)));

const viewOp: ViewOp<{ shape: Shape; strides: readonly number[] }> = {
  name: 'view',
  window: (x, { shape, strides }) => ({ shape, strides, offset: x.offset }),
  backward: (dy, node) => reshape(dy, node.shapes[0] as Shape),
  batched: (dy, node) => reshape(dy, forEach(dy, node.shapes[0])),
};

/** The same elements in another shape, given as a list or size by size; one size may be −1. A view where the memory allows it, else a copy. */
export function reshape(x: Tensor, ...shape: Sizes): Tensor {
  return reshaped(x, resolved('reshape', x, shape));
}

/** The shape that was asked for, which holds as many elements. */
function resolved(op: string, x: Tensor, shape: Sizes): number[] {
  assertTensor(op, x);
  return resolveShape(op, sizesOf(op, shape, -1), x.size);
}

/** @internal x in a shape of as many elements, x itself where it has it: for rules, whose shapes need no check and whose tensors nobody else sees. */
export function inShape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.sizes, shape) ? x : reshaped(x, shape);
}

function reshaped(x: Tensor, shape: Shape): Tensor {
  const strides = x.isContiguous() ? rowMajor(shape) : viewStrides(x.sizes, x.steps, shape);
  return strides ? applyView(viewOp, x, { shape, strides }) : applyView(viewOp, clone(x), { shape, strides: rowMajor(shape) });
}

/** As `reshape`, but always a view: refuses where no strides show the elements in that shape, as PyTorch does. */
export function view(x: Tensor, ...shape: Sizes): Tensor {
  const sizes = resolved('view', x, shape);
  const strides = viewStrides(x.sizes, x.steps, sizes);
  if (!strides) throw shapeError('view', 'is not row-major, so no view has this shape', [x.sizes, sizes], 'Use reshape().');
  return applyView(viewOp, x, { shape: sizes, strides });
}

/** Dimensions `start` … `end` (both included) merged into one; x itself where that is one already. */
export function flatten(x: Tensor, start = 0, end = -1): Tensor {
  const op = 'flatten';
  assertArity(op, arguments.length, 3);
  const [from, to] = [dimOf(op, x, start), dimOf(op, x, end)];
  if (from > to) throw new GradloomError('DIM', op, `start ${start} lies behind end ${end}. Swap them.`);
  return from === to && x.rank > 0 ? x : reshaped(x, [...x.sizes.slice(0, from), sizeOf(x.sizes.slice(from, to + 1)), ...x.sizes.slice(to + 1)]);
}

/** One dimension split in several: `unflatten(x, 0, [2, 3])`. */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  assertArity('unflatten', arguments.length, 3);
  const at = dimensionOf('unflatten', x, dim);
  const parts = resolveShape('unflatten', sizesOf('unflatten', [sizes], -1), x.sizes[at] as number);
  return reshaped(x, [...x.sizes.slice(0, at), ...parts, ...x.sizes.slice(at + 1)]);
}

/** Without the dimensions of size 1, or only without the named ones that have it. */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  assertArity('squeeze', arguments.length, 2);
  assertTensor('squeeze', x);
  const dims = normalizeDims('squeeze', dim, x.rank);
  const drop = Array.isArray(dim) && dim.length === 0 ? [] : dims;
  const stays = (_: number, i: number): boolean => x.sizes[i] !== 1 || !drop.includes(i);
  return applyView(viewOp, x, { shape: x.sizes.filter(stays), strides: x.steps.filter(stays) });
}

/** With a dimension of size 1 put in at `dim`. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  assertArity('unsqueeze', arguments.length, 2);
  const at = dimOf('unsqueeze', x, dim, 1);
  const insert = (list: readonly number[], n: number): number[] => [...list.slice(0, at), n, ...list.slice(at)];
  return applyView(viewOp, x, { shape: insert(x.sizes, 1), strides: insert(x.steps, 1) });
}

const permuteOp: ViewOp<{ dims: readonly number[] }> = {
  name: 'permute',
  window: (x, { dims }) => ({ shape: dims.map((d) => x.sizes[d] as number), strides: dims.map((d) => x.steps[d] as number), offset: x.offset }),
  backward: (dy, node) => permute(dy, inverse(node.attrs.dims)),
  batched: (dy, node) => permute(dy, [0, ...inverse(node.attrs.dims).map((d) => d + 1)]),
};

/** @internal The order that puts back what `dims` has ordered. */
export function inverse(dims: readonly number[]): number[] {
  const out = new Array<number>(dims.length);
  dims.forEach((d, i) => {
    out[d] = i;
  });
  return out;
}

/** Dimensions in another order, given as a list or one by one. A view. */
export function permute(x: Tensor, ...dims: Sizes): Tensor {
  assertTensor('permute', x);
  const list = (dims.length === 1 && Array.isArray(dims[0]) ? dims[0] : dims) as readonly number[];
  const order = Array.from(list, (d) => dimOf('permute', x, d));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new GradloomError('DIM', 'permute', `${valueText(list)} is no order of the ${x.rank} dimensions of ${shapeText(x.sizes)}. Name each once.`);
  }
  return applyView(permuteOp, x, { dims: order });
}

/** Two dimensions swapped. A view. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  assertArity('transpose', arguments.length, 3);
  const [a, b] = [dimOf('transpose', x, dim0), dimOf('transpose', x, dim1)];
  return applyView(permuteOp, x, { dims: x.sizes.map((_, i) => (i === a ? b : i === b ? a : i)) });
}

/** A matrix transposed; vectors and scalars stay. A view. */
export const t: (x: Tensor) => Tensor = ofOne('t', (x) => {
  if (x.rank > 2) throw new GradloomError('DIM', 't', `takes at most 2 dimensions, got ${shapeText(x.sizes)}. Use transpose(dim0, dim1).`);
  return permute(x, [...x.sizes.keys()].reverse());
});

/** One dimension, or a list of them, moved to other places, the rest in order. A view. */
export function movedim(x: Tensor, from: number | readonly number[], to: number | readonly number[]): Tensor {
  assertArity('movedim', arguments.length, 3);
  return movedAs('movedim', x, from, to);
}

/** @internal `movedim` under the name of what calls it. */
export function movedAs(op: string, x: Tensor, from: number | readonly number[], to: number | readonly number[]): Tensor {
  assertTensor(op, x);
  const list = (dims: number | readonly number[]): number[] => [dims].flat().map((d) => dimOf(op, x, d));
  const [a, b] = [list(from), list(to)];
  if (a.length !== b.length || new Set(a).size !== a.length || new Set(b).size !== b.length)
    throw new GradloomError('DIM', op, `dimensions ${valueText(from)} and places ${valueText(to)} must be as many, and each stand once.`);
  const order = [...x.sizes.keys()].filter((d) => !a.includes(d));
  for (const [place, d] of b.map((place, i) => [place, a[i] as number] as const).sort((p, q) => p[0] - q[0])) order.splice(place, 0, d);
  return permute(x, order);
}

interface SliceAttrs {
  dim: number;
  start: number;
  step: number;
  count: number;
}

const sliceOp: ViewOp<SliceAttrs> = {
  name: 'slice',
  window: (x, { dim, start, step, count }) => ({
    shape: x.sizes.map((n, i) => (i === dim ? count : n)),
    strides: x.steps.map((s, i) => (i === dim ? s * step : s)),
    offset: x.offset + start * (x.steps[dim] as number),
  }),
  backward: (dy, node) => apply(sliceBackwardOp, [dy], { ...node.attrs, shape: node.shapes[0] as Shape }),
  batched: (dy, { attrs, shapes }) => apply(sliceBackwardOp, [dy], { ...attrs, dim: attrs.dim + 1, shape: forEach(dy, shapes[0]) }),
};

const sliceBackwardOp = /* @__PURE__ */ intoZeros('sliceBackward', sliceOp);

/** Elements start, start + step, … below `end` along one dimension; both ends may count from the end. A view. */
export function slice(x: Tensor, dim: number, start = 0, end = MOST_SIZE, step = 1): Tensor {
  assertArity('slice', arguments.length, 5);
  return sliceAs('slice', x, dim, start, end, step);
}

/** @internal `slice` under the name of what calls it. */
export function sliceAs(op: string, x: Tensor, dim: number, start: number, end: number, step: number): Tensor {
  const at = dimensionOf(op, x, dim);
  assertWhole(op, 'the step (flip reverses)', step, 1);
  const n = x.sizes[at] as number;
  const bound = (name: string, i: number): number => {
    assertWhole(op, name, i);
    return Math.min(Math.max(i < 0 ? i + n : i, 0), n);
  };
  const [from, to] = [bound('start', start), bound('end', end)];
  return applyView(sliceOp, x, { dim: at, start: from, step, count: Math.max(0, Math.ceil((to - from) / step)) });
}

/** `length` elements from `start` along one dimension. A view. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  assertArity('narrow', arguments.length, 4);
  return narrowAs('narrow', x, dim, start, length, false);
}

/** @internal `narrow` under the name of what calls it; `sibling`: one of several views that one call returns. */
export function narrowAs(op: string, x: Tensor, dim: number, start: number, length: number, sibling: boolean): Tensor {
  const at = dimensionOf(op, x, dim);
  assertWhole(op, 'start', start);
  assertWhole(op, 'length', length, 0);
  const n = x.sizes[at] as number;
  const from = start < 0 ? start + n : start;
  if (from < 0 || from + length > n)
    throw new GradloomError('INDEX', op, `${length} elements from ${start} do not lie within dimension ${dim} of ${shapeText(x.sizes)}. It holds ${n}.`);
  return applyView(sliceOp, x, { dim: at, start: from, step: 1, count: length }, sibling);
}

/** The part at one index of a dimension, which goes away. A view. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  assertArity('select', arguments.length, 3);
  return selectAs('select', x, dim, index, false);
}

const selectOp: ViewOp<{ dim: number; index: number }> = {
  name: 'select',
  window: (x, { dim, index }) => ({
    shape: x.sizes.filter((_, i) => i !== dim),
    strides: x.steps.filter((_, i) => i !== dim),
    offset: x.offset + index * (x.steps[dim] as number),
  }),
  backward: (dy, { attrs, shapes }) => selectBackward(dy, attrs.dim, attrs.index, shapes[0] as Shape),
  batched: (dy, { attrs, shapes }) => selectBackward(dy, attrs.dim + 1, attrs.index, forEach(dy, shapes[0])),
};

const selectBackward = (dy: Tensor, dim: number, start: number, shape: Shape): Tensor => apply(sliceBackwardOp, [unsqueeze(dy, dim)], { dim, start, step: 1, count: 1, shape });

/** @internal `select` under the name of what calls it. */
export function selectAs(op: string, x: Tensor, dim: number, index: number, sibling: boolean): Tensor {
  const at = dimensionOf(op, x, dim);
  const n = x.sizes[at] as number;
  if (!Number.isInteger(index) || index < -n || index >= n)
    throw new GradloomError('INDEX', op, `index ${valueText(index)} is out of range for dimension ${dim} of ${shapeText(x.sizes)}. It holds ${n}.`);
  return applyView(selectOp, x, { dim: at, index: index < 0 ? index + n : index }, sibling);
}

/** More views than this at once would fill the host's memory. */
const MOST_VIEWS = 2 ** 20;

function assertFew(op: string, count: number): void {
  if (count > MOST_VIEWS) throw new GradloomError('MEMORY', op, `no room for ${count} views, at most 2²⁰. Reshape instead, or take larger pieces.`);
}

/** Every part along a dimension, as views. */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  assertArity('unbind', arguments.length, 2);
  const at = dimensionOf('unbind', x, dim);
  const n = x.sizes[at] as number;
  assertFew('unbind', n);
  return Array.from({ length: n }, (_, i) => selectAs('unbind', x, at, i, true));
}

/** What `split` gives: one piece for each of the listed sizes, or as many as there are of one size. */
export type Pieces<Sizes> = Sizes extends readonly number[] ? { -readonly [K in keyof Sizes]: Tensor } : Tensor[];

/** Pieces of the given size (the last may be smaller), or of the listed sizes, along a dimension, as views. */
export function split<const Sizes extends number | readonly number[]>(x: Tensor, sizes: Sizes, dim = 0): Pieces<Sizes> {
  assertArity('split', arguments.length, 3);
  return splitAs('split', x, sizes, dim) as Pieces<Sizes>;
}

function splitAs(op: string, x: Tensor, sizes: number | readonly number[], dim: number): Tensor[] {
  const at = dimensionOf(op, x, dim);
  const n = x.sizes[at] as number;
  let list = sizes as readonly number[];
  if (!Array.isArray(sizes)) {
    assertWhole(op, 'the size', sizes, n === 0 ? 0 : 1);
    const size = sizes as number;
    assertFew(op, n / size);
    list = Array.from({ length: n === 0 ? 1 : Math.ceil(n / size) }, (_, i) => Math.min(size, n - i * size));
  }
  assertFew(op, list.length);
  for (let i = 0; i < list.length; i++) assertWhole(op, `sizes[${i}]`, list[i], 0);
  if (list.reduce((a, b) => a + b, 0) !== n) throw new GradloomError('SHAPE', op, `sizes ${valueText(list)} do not add up to ${n}, dimension ${dim} of ${shapeText(x.sizes)}.`);
  let start = 0;
  return list.map((size) => {
    start += size;
    return narrowAs(op, x, at, start - size, size, true);
  });
}

/** At most `chunks` pieces of equal size along a dimension (the last may be smaller), as views. */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  assertArity('chunk', arguments.length, 3);
  const op = 'chunk';
  const at = dimensionOf(op, x, dim);
  const n = x.sizes[at] as number;
  assertWhole(op, 'chunks', chunks, 1);
  if (n > 0) return splitAs(op, x, Math.ceil(n / chunks), dim);
  assertFew(op, chunks);
  return splitAs(op, x, new Array<number>(chunks).fill(0), dim);
}

const catOp: Op<{ dim: number }> = {
  name: 'cat',
  shape: (xs, { dim }) => {
    const first = xs[0] as Tensor;
    for (const x of xs) {
      if (x.rank !== first.rank || x.sizes.some((n, i) => i !== dim && n !== first.sizes[i])) {
        throw shapeError('cat', `sizes differ outside dimension ${dim}`, [first.sizes, x.sizes], 'They must match there.');
      }
    }
    return first.sizes.map((n, i) => (i === dim ? xs.reduce((sum, x) => sum + (x.sizes[dim] as number), 0) : n));
  },
  strided: true,
  forward: (y, xs, { dim }) => {
    let start = 0;
    for (const x of xs) {
      const count = x.sizes[dim] as number;
      copyElements(x, windowOn(y, sliceOp.window(y, { dim, start, step: 1, count })));
      start += count;
    }
  },
  backward: (dy, node) => parts(dy, node, node.attrs.dim, node.needs),
  batched: (dy, node, wants) => parts(dy, node, node.attrs.dim + 1, wants),
};

/** What lies along a dimension of dy for each wanted input. */
function parts(dy: Tensor, { shapes, attrs }: Node<{ dim: number }>, dim: number, wants: readonly boolean[]): (Tensor | null)[] {
  let start = 0;
  return shapes.map((shape, i) => {
    const count = shape[attrs.dim] as number;
    start += count;
    return wants[i] ? narrow(dy, dim, start - count, count) : null;
  });
}

/** Tensors joined along a dimension. Empty one-dimensional ones are skipped, as in PyTorch. */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  assertArity('cat', arguments.length, 2);
  assertTensors('cat', tensors, 'tensors', 1);
  const full = tensors.filter((x) => !(x.rank === 1 && x.size === 0));
  const xs = full.length > 0 ? full : tensors.slice(0, 1);
  const first = xs[0] as Tensor;
  if (first.rank === 0) throw new GradloomError('DIM', 'cat', 'scalars cannot be joined. Use stack.');
  for (const x of xs) assertSameType('cat', first, x);
  return apply(catOp, xs, { dim: dimOf('cat', first, dim) });
}

/** Tensors of one shape joined along a new dimension. Gradients flow to each: `stack([loss1, loss2])` keeps the graph. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  assertArity('stack', arguments.length, 2);
  assertTensors('stack', tensors, 'tensors', 1);
  const first = tensors[0] as Tensor;
  for (const x of tensors) {
    if (!sameShape(x.sizes, first.sizes)) throw shapeError('stack', 'shapes differ', [first.sizes, x.sizes], 'They must be equal.');
    assertSameType('stack', first, x);
  }
  const at = dimOf('stack', first, dim, 1);
  return cat(
    tensors.map((x) => unsqueeze(x, at)),
    at,
  );
}
