// The tape: what an op leaves behind so that gradients can flow back through it.
import { assertArity, checkArgument, FLAG } from './check.ts';
import { callNow } from './sync.ts';
import { GradloomError } from './errors.ts';
import type { Op } from './op.ts';
import type { Shape } from './shape.ts';
import { assertAlive, type GradientHook, type Hooks, type Tensor } from './tensor.ts';

let gradMode = true;
let inferenceMode = false;
let anomalyMode = false;
let sequence = 0;

/** Whether ops record for backward now. */
export function isGradEnabled(): boolean {
  assertArity('isGradEnabled', arguments.length, 0);
  return gradMode;
}

/** Whether ops make inference tensors now. */
export function isInferenceMode(): boolean {
  assertArity('isInferenceMode', arguments.length, 0);
  return inferenceMode;
}

/** Whether backward looks for NaN behind every op now. */
export function isAnomalyEnabled(): boolean {
  return anomalyMode;
}

function withMode<T>(grad: boolean, inference: boolean, fn: () => T): T {
  const before = [gradMode, inferenceMode] as const;
  gradMode = grad;
  inferenceMode = inference;
  try {
    return callNow(grad ? 'enableGrad' : inference ? 'inference' : 'noGrad', fn, 'the mode');
  } finally {
    [gradMode, inferenceMode] = before;
  }
}

/** Runs `fn` without recording: its results need no gradient (`torch.no_grad`). Synchronous (an async function is refused: SCOPE); nests. */
export function noGrad<T>(fn: () => T): T {
  assertArity('noGrad', arguments.length, 1);
  return withMode(false, inferenceMode, fn);
}

/** Runs `fn` with recording on, also inside `noGrad` (`torch.enable_grad`). Inside `inference` nothing records. Synchronous. */
export function enableGrad<T>(fn: () => T): T {
  assertArity('enableGrad', arguments.length, 1);
  return withMode(!inferenceMode, inferenceMode, fn);
}

/** Runs `fn` as if no mode were set, and without recording. */
export function withoutModes<T>(fn: () => T): T {
  return withMode(false, false, fn);
}

/** Turns recording on or off from here on (`torch.set_grad_enabled`). Inside `inference` nothing records. */
export function setGradEnabled(on: boolean): void {
  assertArity('setGradEnabled', arguments.length, 1);
  checkArgument('setGradEnabled', 'mode', on, FLAG);
  gradMode = on && !inferenceMode;
}

/** Runs `fn` so that what it makes can never take part in a graph (`torch.inference_mode`). */
export function inference<T>(fn: () => T): T {
  assertArity('inference', arguments.length, 1);
  return withMode(false, true, fn);
}

/** Backward names the op whose gradient turned NaN, and where its forward ran (`torch.autograd.set_detect_anomaly`). Slow. */
export function setDetectAnomaly(on: boolean): void {
  assertArity('setDetectAnomaly', arguments.length, 1);
  checkArgument('setDetectAnomaly', 'mode', on, FLAG);
  anomalyMode = on;
}

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
  /** The gradient of its output as it builds up during a backward pass. */
  cotangent: Tensor | null = null;
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
    this.stack = anomalyMode ? new Error().stack : undefined;
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

  /** Whether a second backward would find something missing. */
  get savedSomething(): boolean {
    return this.freed || this.inputs !== null || this.result !== null || this.extras !== null;
  }

  /** Throws unless everything that backward may read is there and as it was. */
  verify(): void {
    this.assertNotFreed();
    this.inputs?.forEach((s, i) => {
      if (s) this.read(s, i);
    });
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
    if (!this.savedSomething) return;
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
    const which = (): string => (input === undefined ? 'output' : `input ${input}`);
    const { tensor, version } = saved as Saved; // what a rule reads, it named
    assertAlive(tensor, `backward of ${this.op.name}`);
    const { storage } = tensor;
    if (storage.version !== version) {
      throw new GradloomError(
        'VERSION',
        `backward of ${this.op.name}`,
        `its ${which()}, ${tensor.describe()}, was modified in place by ${storage.writer}: it is at version ${storage.version}, forward saw version ${version}. ` +
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
  if (t.retains) {
    if (t.node?.retaining === t) t.node.retaining = null;
    if (node) node.retaining = t;
  }
  t.node = node;
}

function save(tensor: Tensor): Saved {
  if (tensor.inference) {
    throw new GradloomError('GRAPH', 'autograd', `the inference tensor ${tensor.describe()} cannot be saved for backward. Clone it outside inference(() => …).`);
  }
  return { tensor, version: tensor.storage.version };
}
