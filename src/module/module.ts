// The base of everything with parameters. Fields that are modules, parameters or buffers (also in arrays) are found by walking the
// object: nothing is registered, and paths are PyTorch's dotted names.
import { addHook, type HookHandle } from '../autograd/hooks.ts';
import { clearGrad, setWantsGrad } from '../autograd/leaf.ts';
import { copy_ } from '../ops/inplace.ts';
import { permute } from '../ops/movement.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { detach, requiresGrad } from '../tensor/op.ts';
import { noteHooks, recording } from '../tensor/recording.ts';
import { sameShape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { Buffer, Parameter } from './parameter.ts';

/** Named tensors: what a module or optimizer is, as data. */
export type StateDict = Record<string, Tensor>;

/** Anything with a forward from a tensor to a tensor: what `Sequential` strings together. */
export interface Layer {
  forward(x: Tensor): Tensor;
}

export abstract class Module {
  private inTraining = true;

  /** Whether it is in training mode; `train()` and `eval()` set it throughout. */
  get training(): boolean {
    this.tellMode();
    return this.inTraining;
  }

  set training(on: boolean) {
    this.tellMode();
    this.inTraining = on;
  }

  private tellMode(): void {
    recording()?.rely(
      this,
      () => this.inTraining,
      (on: boolean) => {
        this.inTraining = on;
      },
    );
  }

  /** Computes the output. Call it directly: hooks wrap the instance's own `forward`. */
  abstract forward(...inputs: never[]): unknown;

  /** Fields that hold state, with their names; arrays are numbered. */
  private *fields(): Generator<[name: string, value: Module | Parameter | Buffer]> {
    for (const [name, value] of Object.entries(this)) {
      const entries = Array.isArray(value) ? value.map((v, i) => [`${name}.${i}`, v] as const) : [[name, value] as const];
      for (const [key, v] of entries) if (v instanceof Module || v instanceof Parameter || v instanceof Buffer) yield [key, v];
    }
  }

  /** Direct submodules by name. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [name, value] of this.fields()) if (value instanceof Module) yield [name, value];
  }

  /** Itself and every module inside, by dotted path; a module reached twice is given once. */
  *namedModules(prefix = '', seen = new Set<Module>()): Generator<[string, Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(prefix ? `${prefix}.${name}` : name, seen);
  }

  /** Parameters or buffers by dotted path, each once. */
  private *named<T extends Tensor>(kind: abstract new (...args: never[]) => T): Generator<[string, T]> {
    const seen = new Set<Tensor>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, value] of module.fields()) {
        if (!(value instanceof kind) || seen.has(value)) continue;
        seen.add(value);
        const label = path ? `${path}.${name}` : name;
        if (!value.label) value.label = label;
        yield [label, value];
      }
    }
  }

  /** Trainable tensors by dotted path. */
  namedParameters(): Generator<[string, Parameter]> {
    return this.named(Parameter);
  }

  /** Trainable tensors, in order of their fields. */
  parameters(): Parameter[] {
    return Array.from(this.namedParameters(), ([, p]) => p);
  }

  /** State that is not trained, by dotted path. */
  namedBuffers(): Generator<[string, Buffer]> {
    return this.named(Buffer);
  }

  /** Parameters and buffers by dotted path, as windows on the live memory. */
  stateDict(): StateDict {
    return Object.fromEntries([...this.namedParameters(), ...this.namedBuffers()].map(([name, t]) => [name, detach(t)]));
  }

  /**
   * Copies named tensors into the module's own. Everything is checked before anything is written.
   * @throws STATE naming missing, unexpected (unless `strict: false`) and misshapen entries
   */
  loadStateDict(state: Readonly<Record<string, Tensor>>, options: { strict?: boolean } = {}): void {
    const own = new Map<string, Tensor>([...this.namedParameters(), ...this.namedBuffers()]);
    const missing = [...own.keys()].filter((k) => !(k in state));
    const unexpected = Object.keys(state).filter((k) => !own.has(k));
    const misshapen = [...own].flatMap(([k, t]) => {
      const s = state[k];
      return s && !sameShape(s.shape, t.shape) ? [`${k} is ${shapeText(t.shape)} here, ${shapeText(s.shape)} there`] : [];
    });
    const strict = options.strict ?? true;
    const problems = [
      ...(strict && missing.length > 0 ? [`missing ${missing.join(', ')}`] : []),
      ...(strict && unexpected.length > 0 ? [`unexpected ${unexpected.join(', ')}`] : []),
      ...misshapen,
    ];
    if (problems.length > 0)
      throw new GradloomError(
        'STATE',
        'loadStateDict',
        `the state does not fit: ${problems.join('; ')}. Build the same module, or pass { strict: false } to skip missing and unexpected names.`,
      );
    noGrad(() => {
      for (const [k, t] of own) if (state[k]) copy_(t, state[k]);
    });
  }

  /** Sets every parameter's `.grad` to null (or to zeros). */
  zeroGrad(options: { setToNull?: boolean } = {}): void {
    for (const p of this.parameters()) clearGrad(p, options.setToNull ?? true);
  }

  /** Training mode, throughout. Returns itself. */
  train(on = true): this {
    for (const [, m] of this.namedModules()) m.training = on;
    return this;
  }

  /** Evaluation mode, throughout. Returns itself. */
  eval(): this {
    return this.train(false);
  }

  /** Gives the memory of its parameters and buffers back now, and that of their gradients. Never required; `using` calls it. */
  dispose(): void {
    for (const [, t] of [...this.namedParameters(), ...this.namedBuffers()]) t.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Whether the parameters ask for gradients: false freezes them. Returns itself. */
  requiresGrad_(on = true): this {
    for (const p of this.parameters()) setWantsGrad(p, on);
    return this;
  }

  /** Runs `hook` on the way in: what it returns (a list) replaces the inputs. */
  registerForwardPreHook(hook: (module: this, inputs: readonly unknown[]) => readonly unknown[] | undefined | void): HookHandle {
    return this.wrap(
      (forward) =>
        (...inputs) =>
          forward(...(hook(this, inputs) ?? inputs)),
    );
  }

  /** Runs `hook` on the way out: what it returns replaces the output. */
  registerForwardHook(hook: (module: this, inputs: readonly unknown[], output: unknown) => unknown): HookHandle {
    return this.wrap((forward) => (...inputs) => {
      const output = forward(...inputs);
      return hook(this, inputs, output) ?? output;
    });
  }

  /**
   * Runs `hook` in backward with the gradients of the module's tensor inputs and output (null where there is none), once the inputs'
   * are known. For modules from tensors to one tensor.
   */
  registerFullBackwardHook(hook: (module: this, gradInput: readonly (Tensor | null)[], gradOutput: readonly (Tensor | null)[]) => void): HookHandle {
    return this.wrap((forward) => (...given) => {
      // Windows of their own: only what flows back through this module counts, not other uses of its inputs.
      const inputs = given.map((x) =>
        x instanceof Tensor && requiresGrad(x)
          ? permute(
              x,
              x.shape.map((_, d) => d),
            )
          : x,
      );
      const output = forward(...inputs);
      if (!(output instanceof Tensor) || !requiresGrad(output)) return output;
      const sources = inputs.filter((x): x is Tensor => x instanceof Tensor);
      const gradInput = sources.map((): Tensor | null => null);
      let gradOutput: Tensor | null = null;
      let waiting = sources.filter(requiresGrad).length;
      const report = (): void => {
        if (waiting === 0) hook(this, gradInput, [gradOutput]);
      };
      addHook(output, (g) => {
        gradOutput = g;
        report();
      });
      for (const [i, x] of sources.entries()) {
        if (!requiresGrad(x)) continue;
        addHook(x, (g) => {
          gradInput[i] = g;
          waiting--;
          report();
        });
      }
      return output;
    });
  }

  /** Puts a layer around the instance's own forward; removing it leaves the other layers. */
  private wrap(around: (forward: (...inputs: unknown[]) => unknown) => (...inputs: unknown[]) => unknown): HookHandle {
    noteHooks();
    const inner = this.forward.bind(this) as (...inputs: unknown[]) => unknown;
    const outer = around(inner);
    let on = true;
    Object.defineProperty(this, 'forward', { value: (...inputs: unknown[]) => (on ? outer : inner)(...inputs), configurable: true, writable: true });
    return {
      remove: () => {
        on = false;
        noteHooks();
      },
    };
  }
}
