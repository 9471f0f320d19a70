// An op is one small object: name, shape rule, forward, backward. This file runs it: checks, allocates, calls, records.
import { call, settle } from '../runtime/call.ts';
import { assertTensor, ofOne } from './check.ts';
import { GradloomError } from './errors.ts';
import { collapse, MOST_ELEMENTS, type Shape } from './shape.ts';
import { enableGrad, isGradEnabled, isInferenceMode } from './modes.ts';
import { type Edge, Node, type Op, putNode, type ViewOp, type Window, type Observer, observer } from './tape.ts';
import { recording } from './recording.ts';
import { assertAlive, empty, metaOf, Tensor } from './tensor.ts';

export type { Op, OuterGradient, ViewOp, Window } from './tape.ts';

/** Backward reads every input. */
export const everyInput = (needs: readonly boolean[]): readonly boolean[] => needs.map(() => true);
/** Backward reads an input where another one needs its gradient: products. */
export const otherInputs = (needs: readonly boolean[]): readonly boolean[] => needs.map((_, i) => needs.some((n, j) => n && j !== i));

/** Whether gradients flow to this tensor. */
export function requiresGrad(t: Tensor): boolean {
  recording()?.asked(t);
  return t.meta !== null && (t.meta.wantsGrad || nodeOf(t) !== null);
}

/** The op that made it, after any in-place write to what it is a view of. */
export function nodeOf(t: Tensor): Node | null {
  const { meta } = t;
  if (!meta) return null;
  const { view } = meta;
  const written = view?.base.meta?.generation ?? 0;
  if (view && view.generation !== written) {
    view.generation = written;
    // The view's gradient flows through the base as it is now.
    putNode(t, requiresGrad(view.base) ? nodeOf(enableGrad(() => view.rebuild(view.base))) : null);
  }
  return meta.node as Node | null;
}

/** Where the gradient of this input goes. */
function edgeOf(t: Tensor): Edge {
  return nodeOf(t) ?? (t.meta?.wantsGrad ? t : null);
}

/** The same elements in row-major order: the tensor itself, or a copy that autograd does not see. */
export function dense(t: Tensor): Tensor {
  if (t.isContiguous()) return t;
  const y = empty(t.sizes, t.dtype);
  copyElements(t, y);
  return y;
}

/** y ← x element by element, for windows of one shape with any strides. No graph, no version. */
export function copyElements(x: Tensor, y: Tensor): void {
  if (x.size === 0) return;
  if (x.isContiguous() && y.isContiguous()) {
    call('copy', x.address, y.address, 1, 1, 1, x.size, 0, 0, 0, 1, 0, 0, 0, 1);
    return;
  }
  const { shape, strides } = collapse(x.sizes, [x.steps, y.steps]);
  const [xs, ys] = strides as [number[], number[]];
  const outer = Math.max(shape.length - 4, 0);
  const n = pad4(shape.slice(outer), 1);
  const s = pad4(xs.slice(outer), 0);
  const d = pad4(ys.slice(outer), 0);
  walkOuter(shape.slice(0, outer), xs, ys, x.address, y.address, (from, to) => {
    call('copy', from, to, n[0], n[1], n[2], n[3], s[0], s[1], s[2], s[3], d[0], d[1], d[2], d[3]);
  });
}

/** Walks the dimensions that a kernel leaves, in order, with the addresses of both operands. */
export function walkOuter(shape: Shape, a: readonly number[], b: readonly number[], from: number, to: number, visit: (from: number, to: number) => void, dim = 0): void {
  if (dim === shape.length) visit(from, to);
  else for (let i = 0; i < (shape[dim] as number); i++) walkOuter(shape, a, b, from + i * (a[dim] as number) * 4, to + i * (b[dim] as number) * 4, visit, dim + 1);
}

function pad4(list: number[], filler: number): number[] {
  while (list.length < 4) list.unshift(filler);
  return list;
}

/** Throws unless it is a tensor of this copy whose memory is there. */
function assertUsable(t: Tensor | undefined, op: string): void {
  if (t instanceof Tensor && t.storage.address !== 0) return;
  assertTensor(op, t);
  assertAlive(t, op);
}

/** The shape of k gradients towards an input of the given shape, one for each cotangent in dy [k, ...]. */
export const forEach = (dy: Tensor, shape: Shape | undefined): Shape => [dy.sizes[0] as number, ...(shape as Shape)];

/** Runs an op: its output, recorded on the tape where an input needs a gradient. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  return observer ? observed(observer, op, inputs, attrs) : run(op, inputs, attrs);
}

/** Apart, since a function that makes a closure pays for it at each call. */
function observed<A>(by: Observer, op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  settle(); // a pass that waits is no part of this op
  return by.forward(op.name, () => run(op, inputs, attrs), inputs, attrs);
}

function run<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  for (let i = 0; i < inputs.length; i++) assertUsable(inputs[i], op.name);
  const [first] = inputs as readonly [Tensor];
  const y = empty(op.shape ? op.shape(inputs, attrs) : first.sizes, op.dtype ? op.dtype(inputs, attrs) : first.dtype);
  const extras = op.forward(y, op.strided ? inputs : inputs.map(dense), attrs);
  record(op, inputs, attrs, y, extras ?? null);
  return y;
}

/** Puts an op on the tape: `y` becomes its output. */
export function record<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A, y: Tensor, extras: readonly Tensor[] | null): void {
  if (isInferenceMode()) metaOf(y).inference = true;
  if (!op.backward || !isGradEnabled()) return;
  const needs = inputs.map(requiresGrad);
  if (needs.includes(true)) putNode(y, new Node(op, attrs, inputs, inputs.map(edgeOf), needs, y, extras) as Node);
}

/** A window on a tensor's memory, of which autograd knows nothing. */
export function windowOn({ storage, dtype }: Tensor, { shape, strides, offset }: Window): Tensor {
  return new Tensor(storage, shape, dtype, strides, offset);
}

/** The gradient of a view: zeros of the given shape with dy in the window. */
export function intoZeros<A>(name: string, view: ViewOp<A>): Op<A & { shape: Shape }> {
  return {
    name,
    shape: (_, { shape }) => shape,
    strided: true,
    forward: (y, [dy], attrs) => {
      call('fill', y.address, y.size, 0);
      copyElements(dy as Tensor, windowOn(y, view.window(y, attrs)));
    },
    backward: (dy, { attrs }) => [applyView(view, dy, attrs)],
  };
}

/** Runs a view op: a window that shares memory and version counter. `sibling`: one of several windows that one call returns. */
export function applyView<A>(op: ViewOp<A>, x: Tensor, attrs: A, sibling = false): Tensor {
  assertUsable(x, op.name);
  const y = windowOn(x, op.window(x, attrs));
  if (y.size > MOST_ELEMENTS) throw new GradloomError('MEMORY', op.name, `a view has at most 2³⁰ elements, this one ${y.describe()}.`);
  const of = x.meta?.view;
  const base = of?.base ?? x;
  const records = isGradEnabled();
  const rebuild = (written: Tensor): Tensor => applyView(op, of ? of.rebuild(written) : written, attrs);
  const meta = metaOf(y);
  meta.inference = x.meta?.inference ?? false; // a view is what its base is, wherever it was taken
  if (records) record(viewAsOp(op), [x], attrs, y, null);
  meta.view = { base, generation: base.meta?.generation ?? 0, sibling, quiet: !records, rebuild };
  observer?.view?.(op.name, x, attrs, y);
  return y;
}

const viewOps = new WeakMap<object, Op>();

/** The tape's form of a view op. */
function viewAsOp<A>(op: ViewOp<A>): Op<A> {
  let made = viewOps.get(op) as Op<A> | undefined;
  if (!made) {
    made = {
      name: op.name,
      forward: () => {},
      backward: (dy, node) => [op.backward(dy, node)],
      ...(op.batched && { batched: (dy, node) => [(op.batched as NonNullable<typeof op.batched>)(dy, node)] }),
    };
    viewOps.set(op, made as Op);
  }
  return made;
}

/** A window on the same memory that no gradient passes (`detach`): version counter shared, graph not. */
export const detach: (x: Tensor) => Tensor = ofOne('detach', (t) => {
  assertAlive(t, 'detach');
  const y = new Tensor(t.storage, t.sizes, t.dtype, t.steps, t.offset);
  y.label = t.label;
  if (t.meta?.inference) metaOf(y).inference = true;
  return y;
});
