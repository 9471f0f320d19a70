// The tape: what an op is, and what it leaves behind so that gradients can flow back through it.
import { settle } from '../runtime/call.ts';
import type { DType } from './dtype.ts';
import { GradloomError } from './errors.ts';
import { isAnomalyEnabled } from './modes.ts';
import type { Shape } from './shape.ts';
import { assertAlive, type GradientHook, type Hooks, metaOf, type Tensor } from './tensor.ts';

/** What an op is. `A` are its plain options. */
export interface Op<A = unknown> {
  /** As in PyTorch, camelCase; stands in messages. */
  readonly name: string;
  /** The output's shape; default that of the first input. Throws, with shapes and remedy, where the inputs do not fit: nothing has been allocated yet. */
  readonly shape?: (inputs: readonly Tensor[], attrs: A) => Shape;
  /** The output's type; default that of the first input. */
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
  /** Which inputs backward reads, given which need gradients; default none. */
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

/** Which part of a tensor's memory a window shows, in elements of it. */
export interface Window {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

let sequence = 0;

/** A value that backward will read, and the version that it must still have. */
interface Saved {
  readonly tensor: Tensor;
  readonly version: number;
}

/** Where an input's gradient goes: to the op that made it, to the leaf itself, or nowhere. */
export type Edge = Node | Tensor | null;

/** One op's record. Holds what its backward reads and nothing else. */
export class Node<A = unknown> {
  readonly op: Op<A>;
  readonly attrs: A;
  /** One per input. */
  readonly edges: readonly Edge[];
  /** Which inputs need a gradient: backward may return null for the others. */
  readonly needs: readonly boolean[];
  /** Shapes of the inputs. */
  readonly shapes: readonly Shape[];
  /** Order of recording: an op comes after everything it depends on. */
  readonly sequence: number = sequence++;
  /** Hooks on the gradient of its output. */
  hooks: Hooks<GradientHook> | null = null;
  /** The output tensor where it keeps its gradient. */
  retaining: Tensor | null = null;
  /** The forward's stack, in anomaly mode. */
  readonly stack: string | undefined;
  /** Which backward pass last met it. */
  pass = 0;

  private inputs: (Saved | null)[] | null;
  private result: Saved | null;
  private extras: readonly Tensor[] | null;
  private freed = false;

  constructor(op: Op<A>, attrs: A, inputs: readonly Tensor[], edges: readonly Edge[], needs: readonly boolean[], output: Tensor, extras: readonly Tensor[] | null) {
    this.op = op;
    this.attrs = attrs;
    this.edges = edges;
    this.needs = needs;
    this.shapes = inputs.map((t) => t.sizes);
    const saves = op.saves?.(needs);
    this.inputs = saves ? inputs.map((t, i) => (saves[i] ? save(t) : null)) : null;
    this.result = op.savesOutput ? save(output) : null;
    this.extras = extras;
    this.stack = isAnomalyEnabled() ? new Error().stack : undefined;
  }

  /** Input i as it was in forward; only what `saves` named is there. */
  input(i: number): Tensor {
    return this.read(this.inputs?.[i], i);
  }

  /** The output as it was made. */
  get output(): Tensor {
    return this.read(this.result);
  }

  /** What forward returned beside its output. */
  extra(i: number): Tensor {
    this.assertNotFreed();
    const tensor = this.extras?.[i] as Tensor;
    assertAlive(tensor, `backward of ${this.op.name}`);
    return tensor;
  }

  /** Throws unless everything that backward may read is there and as it was. */
  verify(): void {
    this.assertNotFreed();
    const { inputs } = this;
    if (inputs) for (let i = 0; i < inputs.length; i++) if (inputs[i]) this.read(inputs[i], i);
    if (this.result) this.read(this.result);
    for (const t of this.extras ?? []) assertAlive(t, `backward of ${this.op.name}`);
  }

  /** Every tensor that it holds for backward. */
  *savedTensors(): Generator<Tensor> {
    for (const s of this.inputs ?? []) if (s) yield s.tensor;
    if (this.result) yield this.result.tensor;
    yield* this.extras ?? [];
  }

  /** Lets go of what was saved: a graph is freed by the backward pass that does not retain it. */
  free(): void {
    if (!this.inputs && !this.result && !this.extras) return;
    this.freed = true;
    this.inputs = null;
    this.result = null;
    this.extras = null;
  }

  /** Throws where an earlier backward freed what this one would read. */
  assertNotFreed(): void {
    if (!this.freed) return;
    throw new GradloomError(
      'GRAPH',
      'backward',
      `trying to go backward through ${this.op.name} a second time, but its saved values were freed. Pass { retainGraph: true } to every backward but the last, or add the losses.`,
    );
  }

  /** A saved value: that of an input, or of the output. Runs for every op of a pass, so that messages are made only where they are thrown. */
  private read(saved: Saved | null | undefined, input?: number): Tensor {
    this.assertNotFreed();
    const { tensor, version } = saved as Saved; // what a rule reads, it named
    assertAlive(tensor, `backward of ${this.op.name}`);
    const { storage } = tensor;
    if (storage.version !== version) {
      throw new GradloomError(
        'VERSION',
        `backward of ${this.op.name}`,
        `its ${input === undefined ? 'output' : `input ${input}`}, ${tensor.describe()}, was modified in place by ${storage.writer}: it is at version ${storage.version}, forward saw version ${version}. ` +
          (/\.step\(\)$/.test(storage.writer)
            ? 'Call step() after the last backward of this graph, or run the forward again after it.'
            : 'Write out of place (add instead of add_), or run the forward again after the write.'),
      );
    }
    return tensor;
  }
}

/** The same record for a rule that is to compute some gradients only, or for inputs of other shapes. A copy: V8 is slow with objects that are prototypes. */
export function seenWith<A>(node: Node<A>, needs: readonly boolean[], shapes = node.shapes): Node<A> {
  return Object.assign(Object.create(Node.prototype), node, { needs, shapes });
}

/** Gives a tensor a new place in the graph. That it keeps its gradient goes with it; hooks stay with the value that they were registered for. */
export function putNode(t: Tensor, node: Node | null): void {
  const meta = metaOf(t);
  const before = meta.node as Node | null;
  if (meta.retains) {
    if (before?.retaining === t) before.retaining = null;
    if (node) node.retaining = t;
  }
  meta.node = node;
}

function save(tensor: Tensor): Saved {
  if (tensor.meta?.inference) {
    throw new GradloomError('GRAPH', 'autograd', `the inference tensor ${tensor.describe()} cannot be saved for backward. Clone it outside inference(() => …).`);
  }
  return { tensor, version: tensor.storage.version };
}

/** Sees ops and their backward rules as they run: for profiles, anomaly detection and traces. `forward` and `backward` must run what it is given, once, and return what that gives. */
export interface Observer {
  forward(name: string, run: () => Tensor, inputs: readonly Tensor[], attrs: unknown): Tensor;
  backward(node: Node, run: () => readonly (Tensor | null)[], dy: Tensor): readonly (Tensor | null)[];
  /** A view was taken. */
  view?(name: string, x: Tensor, attrs: unknown, y: Tensor): void;
  /** A tensor was overwritten in place by a value of its shape. */
  wrote?(t: Tensor, value: Tensor): void;
  /** Gradients are asked for as values. Must run what it is given, once, and return what that gives. */
  grad?(run: () => (Tensor | null)[], outputs: readonly Tensor[], inputs: readonly Tensor[], options: object): (Tensor | null)[];
}

const observers: Observer[] = [];

/** All who watch, as one; null where nobody does. */
export let observer: Observer | null = null;

/** Adds one who watches from now on, inside those before; what it returns ends that. */
export function observe(added: Observer): () => void {
  settle(); // a pass that waits was asked for before
  observers.push(added);
  observer = together();
  return () => {
    settle();
    observers.splice(observers.indexOf(added), 1);
    observer = together();
  };
}

function together(): Observer | null {
  const list = [...observers];
  if (list.length < 2) return list[0] ?? null;
  return {
    forward: (name, run, inputs, attrs) => list.reduceRight((inner, o) => () => o.forward(name, inner, inputs, attrs), run)(),
    backward: (node, run, dy) => list.reduceRight((inner, o) => () => o.backward(node, inner, dy), run)(),
    view(...of) {
      for (const o of list) o.view?.(...of);
    },
    wrote(...of) {
      for (const o of list) o.wrote?.(...of);
    },
    grad: (run, ...of) => list.reduceRight((inner, o) => () => (o.grad ? o.grad(inner, ...of) : inner()), run)(),
  };
}
