// What a model does with a batch, as a graph: ops in order, the module calls that made them, and where each value comes from. Listens at three places that are there
// for others too: ops and views (`observe`), module hooks, and what recordings are told of (value reads, blocks, modes). Nothing runs when nothing is traced.
import type { GradOptions } from '../autograd/backward.ts';
import { hasHooks } from '../module/hooks.ts';
import { Module } from '../module/module.ts';
import { callingLine } from '../tensor/line.ts';
import { mapTensors } from '../program/result.ts';
import { copy_ } from '../ops/inplace.ts';
import { tensor } from '../ops/create.ts';
import { setTracer, type Tracer } from '../runtime/call.ts';
import { ADDRESSES, type Kernel } from '../runtime/kernel-names.ts';
import { float32View, release } from '../runtime/memory.ts';
import { isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { noGrad } from '../tensor/modes.ts';
import { defaultGenerator } from '../tensor/random.ts';
import { type Recording, refuseWhileRecording, setRecording } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Storage } from '../tensor/storage.ts';
import { observe } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { type Gradient, type Graph, type ModuleCall, type Node, type Origin, settingsOf, Value } from './graph.ts';

/** What a block made in the trace was filled by, outside of ops. */
interface Filling {
  readonly kernels: string[];
  from?: string;
  p?: number;
}

/** Kernels that fill a block by themselves. */
const DRAWS = new Set<string>(['uniform', 'normal', 'permutation', 'dropoutMask']);
/** What recordings refuse and a trace does not: a list of numbers is written into the program as it is. */
const LITERALS = new Set(['tensor']);

/** Hears of everything while the function runs. */
class Listener implements Recording, Tracer {
  readonly nodes: Node[] = [];
  readonly calls: ModuleCall[] = [];
  readonly askedMode = new Set<Module>();
  readonly leaves = new Set<Value>();
  readonly returned: [address: number, bytes: number][] = [];
  readonly #values = new Map<Tensor, Value>();
  /** Tensors that were met, by their memory: where an unknown window belongs to. */
  readonly #onStorage = new Map<Storage, Tensor[]>();
  readonly #fillings = new Map<number, Filling>();
  readonly #blocks = new Map<Storage, Filling>();
  #inside = 0;
  #open: ModuleCall | null = null;
  #computed: string | undefined;
  #count = 0;

  /** Gives a tensor its value. */
  put(t: Tensor, kind: Value['kind'], more?: ConstructorParameters<typeof Value>[3]): Value {
    const value = new Value(this.#count++, t, kind, more);
    if (!this.#values.has(t)) this.#onStorage.set(t.storage, [...(this.#onStorage.get(t.storage) ?? []), t]);
    this.#values.set(t, value);
    return value;
  }

  #push(kind: Node['kind'], op: string, attrs: unknown, inputs: readonly Value[], y: Tensor): void {
    const node: { -readonly [K in keyof Node]: Node[K] } = { kind, op, attrs, inputs, output: undefined as unknown as Value, call: this.#open };
    node.output = this.put(y, 'result', { node });
    this.nodes.push(node);
  }

  /** The value of a tensor: known, a window on one that is known, or a constant. */
  valueOf(t: Tensor): Value {
    const known = this.#values.get(t);
    if (known) return known;
    const over = this.#onStorage.get(t.storage);
    const same = over?.findLast((o) => o.offset === t.offset && o.dtype === t.dtype && sameShape(o.sizes, t.sizes) && sameShape(o.steps, t.steps));
    if (same) this.#push('detach', 'detach', undefined, [this.valueOf(same)], t);
    else return this.put(t, 'constant', { data: silently(this, () => t.data()), origin: over ? { kind: 'opaque', kernels: ['a window on memory'] } : this.#originOf(t.storage) });
    return this.#values.get(t) as Value;
  }

  #originOf(storage: Storage): Origin {
    const filling = this.#blocks.get(storage);
    if (!filling) return { kind: 'outside' };
    const kernels = filling.kernels.filter((k) => k !== 'fill');
    if (kernels.length === 0) return { kind: 'literal' };
    if (kernels.length > 1) return { kind: 'opaque', kernels };
    if (filling.from !== undefined) return { kind: 'computed', from: filling.from };
    return DRAWS.has(kernels[0] as string) ? { kind: 'random', kernel: kernels[0] as Kernel, p: filling.p ?? 0 } : { kind: 'opaque', kernels };
  }

  /** A tree with the values of its tensors. */
  tree(value: unknown): unknown {
    // `mapTensors` leaves what is neither list, map nor plain object as it is.
    return mapTensors(value, (t) => this.valueOf(t) as unknown as Tensor);
  }

  // Ops.
  forward(op: string, run: () => Tensor, inputs: readonly Tensor[], attrs: unknown): Tensor {
    if (this.#inside > 0) return run();
    const from = inputs.map((t) => this.valueOf(t));
    this.#inside++;
    try {
      const y = run();
      this.#push('op', op, attrs, from, y);
      return y;
    } finally {
      this.#inside--;
    }
  }
  backward(run: () => readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    return this.#inside > 0 ? run() : this.refuse('backward', 'gradients are added up in .grad', '');
  }
  grad(run: () => (Tensor | null)[], outputs: readonly Tensor[], inputs: readonly Tensor[], { gradOutputs, ...options }: GradOptions): (Tensor | null)[] {
    if (this.#inside > 0) return run();
    const starts = gradOutputs instanceof Tensor ? [gradOutputs] : (gradOutputs ?? []);
    const [from, first, to] = [outputs, starts.filter((g): g is Tensor => !!g), inputs].map((list) => list.map((t) => this.valueOf(t))) as [Value[], Value[], Value[]];
    const attrs: Gradient = {
      outputs: outputs.length,
      started: outputs.map((_, i) => !!starts[i]),
      flags: Object.fromEntries(Object.entries(options).filter(([, v]) => v)) as Gradient['flags'],
    };
    to.forEach((value, i) => {
      if (value.kind !== 'parameter' && inputs[i]?.isLeaf) this.leaves.add(value);
    });
    this.#inside++;
    try {
      const gradients = run();
      gradients.forEach((g, i) => {
        if (g) this.#push('grad', 'grad', attrs, [...from, to[i] as Value, ...first], g);
      });
      return gradients;
    } finally {
      this.#inside--;
    }
  }
  view(op: string, x: Tensor, attrs: unknown, y: Tensor): void {
    if (this.#inside === 0) this.#push('view', op, attrs, [this.valueOf(x)], y);
  }
  overwrote(t: Tensor, value: Tensor): void {
    if (this.#inside === 0) this.#push('write', 'copy_', undefined, [this.valueOf(t), this.valueOf(value)], t);
  }

  // Modules.
  enter(path: string, module: Module, inputs: readonly unknown[], hooked: boolean): void {
    const { name: className } = module.constructor;
    const call = {
      module,
      path,
      className,
      settings: settingsOf(module),
      inputs: inputs.map((x) => this.tree(x)),
      output: undefined,
      parent: this.#open,
      first: this.nodes.length,
      last: 0,
      hooked,
    };
    this.calls.push(call);
    this.#open = call;
  }
  leave(output: unknown): void {
    const call = this.#open as ModuleCall;
    call.output = this.tree(output);
    call.last = this.nodes.length;
    this.#open = call.parent;
  }

  // The seam: what fills blocks outside of ops.
  call(kernel: Kernel, words: readonly number[]): void {
    if (this.#inside > 0 || kernel === 'alloc' || kernel === 'free') return;
    // A copy reads the first and fills the second.
    words.forEach((word, i) => {
      const filling = (ADDRESSES[kernel] >> i) & 1 && !(kernel === 'copy' && i === 0) ? this.#fillings.get(word) : undefined;
      if (!filling) return;
      filling.kernels.push(kernel);
      if (kernel === 'copy' && this.#computed !== undefined) filling.from = this.#computed;
      if (kernel === 'dropoutMask') filling.p = float32View()[(words[2] as number) / 4] as number;
    });
    this.#computed = undefined;
  }
  host(_: unknown, addresses: readonly number[]): void {
    if (this.#inside === 0) for (const at of addresses) this.#fillings.get(at)?.kernels.push('host work');
  }
  born(storage: Storage): void {
    const filling: Filling = { kernels: [] };
    this.#fillings.set(storage.address, filling);
    this.#blocks.set(storage, filling);
  }
  freed(address: number, bytes: number): void {
    this.returned.push([address, bytes]);
  }
  kept<T>(key: string, make: () => T): T {
    this.#computed = /^(?!float32|int32|bool)[a-z]/i.test(key) ? key : undefined;
    return silently(this, make);
  }
  rely(owner: object): void {
    if (owner instanceof Module) this.askedMode.add(owner);
  }
  refuse(op: string, why: string, _: string): never {
    if (LITERALS.has(op)) return undefined as never;
    throw new GradloomError(
      'CAPTURE',
      op,
      `${why} while a model is traced${callingLine()}: the program would hold what this batch gave. Compute with tensors throughout, or outside of forward and keep the result as a Buffer.`,
    );
  }
  wrote(): void {}
  used(): void {}
  made(): void {}
  asked(): void {}
  leaf(): void {}
  method(): void {}
  groups(): void {}
  steady(): void {}
  early(): void {}
  repeat(): void {}
  check(): void {}
}

/** Ends the watching of ops, while there is any. */
let ended: (() => void) | null = null;

function listenBy(listener: Listener | null): void {
  setTracer(listener);
  setRecording(listener);
  ended?.();
  ended =
    listener &&
    observe({
      forward: (op, run, inputs, attrs) => listener.forward(op, run, inputs, attrs),
      backward: (_, run) => listener.backward(run),
      grad: (run, outputs, inputs, options) => listener.grad(run, outputs, inputs, options),
      view: (op, x, attrs, y) => listener.view(op, x, attrs, y),
      wrote: (t, value) => listener.overwrote(t, value),
    });
}

/** Runs what is not the model's own. */
function silently<T>(listener: Listener, run: () => T): T {
  listenBy(null);
  try {
    return run();
  } finally {
    listenBy(listener);
  }
}

/** Hooks on every module of the model that tell of its calls. */
function follow(model: Module, listener: Listener): () => void {
  const handles = Array.from(model.namedModules(), ([path, m]) => {
    const hooked = hasHooks(m);
    return [m.registerForwardPreHook((_, inputs) => listener.enter(path, m, inputs, hooked)), m.registerForwardHook((_, __, output) => listener.leave(output))];
  });
  return () => {
    for (const h of handles.flat()) h.remove();
  };
}

/** Every parameter and buffer with the names that lead to it. */
function stateOf(model: Module): [t: Tensor, kind: 'parameter' | 'buffer', names: string[]][] {
  const parameters = new Set<Tensor>(model.parameters());
  const own = new Map<Storage, Tensor>([...parameters, ...model.buffers()].map((t) => [t.storage, t]));
  const names = new Map<Tensor, string[]>();
  for (const [name, window] of Object.entries(model.stateDict())) {
    const t = own.get(window.storage) as Tensor;
    names.set(t, [...(names.get(t) ?? []), name]);
  }
  return Array.from(names, ([t, list]) => [t, parameters.has(t) ? 'parameter' : 'buffer', list]);
}

/** @internal Puts buffers and the default random stream back as they were: what runs once to be seen trains nothing. */
export function undoing<T>(model: Module, run: () => T): T {
  const before = model.buffers().map((b) => ({ b, version: b.storage.version, data: b.data() }));
  const stream = defaultGenerator().getState();
  try {
    return run();
  } finally {
    defaultGenerator().setState(stream);
    noGrad(() => {
      for (const { b, version, data } of before) if (b.storage.version !== version) scope(() => void copy_(b, tensor(data, { dtype: b.dtype, shape: b.shape })));
    });
  }
}

/**
 * Runs a function of a model and gives what it did: `trace(model, [x])` the model's forward, `trace(model, batch, fn)` a function that
 * calls it (losses). Modes are as the program set them; buffers and the default random stream are put back.
 *
 * @param inputs the function's arguments: tensors, or lists and objects with tensors in them
 * @throws CAPTURE where a value is read, `.grad` is filled or a tensor is kept on the way: such a program cannot be written down; VALUE; what the function throws
 */
export function trace(model: Module, inputs: readonly unknown[], fn?: (...inputs: never[]) => unknown): Graph {
  if (!(model instanceof Module)) throw valueError('trace', `takes a module first, got ${valueText(model)}.`);
  if (!Array.isArray(inputs)) throw valueError('trace', `inputs are a list of what forward takes, got ${valueText(inputs)}. Write [x].`);
  refuseWhileRecording('trace', 'a model is traced', 'Call it outside of the step.');
  const run = (fn ?? ((...all: never[]) => (model.forward as (...all: never[]) => unknown)(...all))) as (...all: unknown[]) => unknown;
  try {
    return traced(model, inputs, (...all) => noGrad(() => run(...all)));
  } catch (error) {
    // What takes gradients needs a graph. The rest goes without, where writes in place keep nothing.
    if (!(error instanceof GradloomError && error.code === 'GRAPH')) throw error;
    return traced(model, inputs, run);
  }
}

function traced(model: Module, inputs: readonly unknown[], run: (...all: unknown[]) => unknown): Graph {
  const listener = new Listener();
  const state = stateOf(model).map(([t, kind, names]) => listener.put(t, kind, { names }));
  const given = inputs.map((input, i) => placed(input, `${i}`, (t, name) => listener.put(t, 'input', { names: [name] })));
  const unfollow = follow(model, listener);
  let output: unknown;
  try {
    // The graph holds tensors of this scope in its attributes, which is no reason to keep them.
    undoing(model, () =>
      scope(() => {
        listenBy(listener);
        try {
          output = listener.tree(run(...inputs));
        } finally {
          listenBy(null);
          for (const [address, bytes] of listener.returned) release(address, bytes);
        }
      }),
    );
  } finally {
    unfollow();
  }
  const { nodes, calls, askedMode, leaves } = listener;
  return { inputs: given, output, nodes, calls, state, askedMode, leaves };
}

/** A tree with what `put` gives for each tensor in it and its place. */
function placed(value: unknown, place: string, put: (t: Tensor, place: string) => Value): unknown {
  if (value instanceof Tensor) return put(value, place);
  if (Array.isArray(value)) return value.map((v, i) => placed(v, `${place}.${i}`, put));
  if (isPlainObject(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, placed(v, `${place}.${k}`, put)]));
  return value;
}
