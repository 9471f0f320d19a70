// An op is one small object: name, shape rule, forward, backward. This file runs it: checks, allocates, calls, records.
import { call } from '../runtime/call.ts';
import { assertTensor, ofOne } from './check.ts';
import type { DType } from './dtype.ts';
import { GradloomError } from './errors.ts';
import { collapse, MOST_ELEMENTS, type Shape } from './shape.ts';
import { type Edge, isGradEnabled, isInferenceMode, Node, putNode } from './tape.ts';
import { recording } from './recording.ts';
import { assertAlive, empty, Tensor } from './tensor.ts';

/** What an op is. `A` are its plain options. */
export interface Op<A = unknown> {
  /** As in PyTorch, camelCase; stands in messages. */
  readonly name: string;
  /** The output's shape; that of the first input unless said. Throws, with shapes and remedy, where the inputs do not fit: nothing has been allocated yet. */
  readonly shape?: (inputs: readonly Tensor[], attrs: A) => Shape;
  /** The output's type; that of the first input unless said. */
  readonly dtype?: (inputs: readonly Tensor[], attrs: A) => DType;
  /** Whether forward takes inputs of any strides; others are made contiguous first. */
  readonly strided?: boolean;
  /** Fills y by kernel calls. May return further tensors that backward will read. */
  readonly forward: (y: Tensor, inputs: readonly Tensor[], attrs: A) => readonly Tensor[] | void;
  /**
   * One gradient per input (null where none is needed), made of ops only, so that it can be differentiated again.
   * Without it no gradient passes.
   */
  readonly backward?: (dy: Tensor, node: Node<A>) => readonly (Tensor | null)[];
  /**
   * `backward` for several dy at once, laid one behind another along a new first dimension: dy [k, ...y] gives [k, ...input] for the inputs
   * that `wants` names. 'same': backward itself serves where shapes have that dimension too (rules that go element by element).
   * Without it, backward runs once for each. No gradient passes through what it makes, so it may call kernels itself.
   */
  readonly batched?: 'same' | ((dy: Tensor, node: Node<A>, wants: readonly boolean[]) => readonly (Tensor | null)[]);
  /** Where one input's gradient is a sum of outer products (a weight's): how to know its inner products without forming it. */
  readonly outer?: OuterGradient<A>;
  /** Which inputs backward reads, given which need gradients; none unless said. */
  readonly saves?: (needs: readonly boolean[]) => readonly boolean[];
  /** Whether backward reads the output. */
  readonly savesOutput?: boolean;
}

/**
 * A gradient Σᵣ uᵣ dᵣᵀ over R rows: u from forward, d from dy. Then ⟨gᵢ, gⱼ⟩ = ⟨U Uᵀ Dᵢ, Dⱼ⟩ (Goodfellow 2015, arXiv 1510.01799, for one row
 * each), which costs less than the gradients where R is small.
 */
export interface OuterGradient<A = unknown> {
  /** The input whose gradient it is. */
  readonly input: number;
  /** R, the length of each d, and the multiplications of one gradient and of U Uᵀ. */
  readonly cost: (node: Node<A>) => { rows: number; width: number; gradient: number; gram: number };
  /** U Uᵀ, [R, R]. */
  readonly gram: (node: Node<A>) => Tensor;
  /** D: dy [k, ...y] as [k, R, width], row-major. */
  readonly rowsOf: (dy: Tensor, node: Node<A>) => Tensor;
}

/** An op whose output is a window on its input's memory. */
export interface ViewOp<A = unknown> {
  readonly name: string;
  /** Shape, strides and offset of the window. Throws where it does not fit. */
  readonly window: (x: Tensor, attrs: A) => Window;
  /** The input's gradient from the output's. */
  readonly backward: (dy: Tensor, node: Node<A>) => Tensor;
  /** As in `Op`. */
  readonly batched?: (dy: Tensor, node: Node<A>) => Tensor;
}

/** Backward reads every input. */
export const everyInput = (needs: readonly boolean[]): readonly boolean[] => needs.map(() => true);
/** Backward reads an input where another one needs its gradient: products. */
export const otherInputs = (needs: readonly boolean[]): readonly boolean[] => needs.map((_, i) => needs.some((n, j) => n && j !== i));

/** Whether gradients flow to this tensor. */
export function requiresGrad(t: Tensor): boolean {
  recording()?.asked(t);
  return t.wantsGrad || nodeOf(t) !== null;
}

/** The op that made it, after any in-place write to what it is a view of. */
export function nodeOf(t: Tensor): Node | null {
  const view = t.viewInfo;
  if (view && view.generation !== view.base.generation) {
    view.generation = view.base.generation;
    putNode(t, rebuildView(t));
  }
  return t.node;
}

let rebuildView: (t: Tensor) => Node | null = () => null;

/** ops/inplace.ts registers how a view finds its node again after its base was written to. */
export function setRebuildView(rebuild: (t: Tensor) => Node | null): void {
  rebuildView = rebuild;
}

/** Where the gradient of this input goes. */
function edgeOf(t: Tensor): Edge {
  return nodeOf(t) ?? (t.wantsGrad ? t : null);
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
  for (let i = 0; i < inputs.length; i++) assertUsable(inputs[i], op.name);
  const [first] = inputs as readonly [Tensor];
  const y = empty(op.shape ? op.shape(inputs, attrs) : first.sizes, op.dtype ? op.dtype(inputs, attrs) : first.dtype);
  const extras = op.forward(y, op.strided ? inputs : inputs.map(dense), attrs);
  record(op, inputs, attrs, y, extras ?? null);
  return y;
}

/** Puts an op on the tape: `y` becomes its output. */
export function record<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A, y: Tensor, extras: readonly Tensor[] | null): void {
  if (isInferenceMode()) y.inference = true;
  if (!op.backward || !isGradEnabled()) return;
  let any = false;
  for (const t of inputs) if (requiresGrad(t)) any = true;
  if (!any) return;
  putNode(y, new Node(op, attrs, inputs, inputs.map(edgeOf), inputs.map(requiresGrad), y, extras) as Node);
}

/** Which part of a tensor's memory a window shows, in elements of it. */
export interface Window {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
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
  const base = x.viewInfo?.base ?? x;
  const records = isGradEnabled();
  y.inference = x.inference; // a view is what its base is, wherever it was taken
  if (records) record(viewAsOp(op), [x], attrs, y, null);
  y.viewInfo = { base, generation: base.generation, sibling, quiet: !records };
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
  y.inference = t.inference;
  return y;
});
