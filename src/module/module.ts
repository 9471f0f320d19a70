// The base of everything with parameters. Modules, parameters and buffers are found by walking the fields: nothing is registered, and
// paths are PyTorch's dotted names.
import type { HookHandle } from '../autograd/hooks.ts';
import { clearGrad, setWantsGrad } from '../autograd/leaf.ts';
import { assertArity, assertTrainable, checkArgument, FLAG, FUNCTION, optionsBy, TEXT, valueText } from '../tensor/check.ts';
import { COPY, GradloomError, THIS_COPY, valueError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { recording } from '../tensor/recording.ts';
import { HELD } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { FIELDS, type Fields, fieldError, fieldsOf } from './fields.ts';
import { addModuleHook, type ModuleHooks } from './hooks.ts';
import { type Buffer, Parameter } from './parameter.ts';
import { printed } from './print.ts';
import { type LoadedKeys, loadInto, type StateDict } from './state.ts';
import { isOptimized } from './unclaimed.ts';

/** Anything with a forward from a tensor to a tensor: what `Sequential` strings together. */
export interface Layer {
  /** Computes the output. */
  forward(x: Tensor): Tensor;
}

const isModule = (value: object): value is Module => value instanceof Module;
const join = (path: string, name: string): string => (path ? `${path}.${name}` : name);
// The modules that `train`, `apply` or a walk over all names is inside of: one that holds what is around it does not go round.
const switching = new Set<Module>();
const applying = new Set<Module>();
const naming = new Set<Module>();

/** Runs it, unless it is inside of the module already. */
function inside(entered: Set<Module>, module: Module, run: () => void): void {
  if (entered.has(module)) return;
  entered.add(module);
  try {
    run();
  } finally {
    entered.delete(module);
  }
}

/** What layers, losses and models are: a `forward`, and parameters in the fields. */
export abstract class Module {
  #training = true;

  /** Whether it is in training mode; `train()` and `eval()` set it throughout. */
  get training(): boolean {
    this.#tellMode();
    return this.#training;
  }

  set training(on: boolean) {
    this.#tellMode();
    this.#training = on;
  }

  /** Tells a recording that the step goes by the mode. */
  #tellMode(): void {
    recording()?.rely(
      this,
      () => this.#training,
      (on: boolean) => {
        this.#training = on;
      },
    );
  }

  constructor(...given: never[]) {
    if (given.length > 0)
      throw valueError(new.target.name, `got arguments that it does not take, first ${valueText(given[0])}. Leave them out, or write a constructor that calls super().`);
  }

  /** Computes the output. Call it directly: hooks wrap the instance's own `forward`. */
  abstract forward(...inputs: never[]): unknown;

  /** @internal What its fields hold; containers put what they contain first. */
  [FIELDS](): Fields<Module> {
    return fieldsOf<Module>(this, isModule);
  }

  /** Direct submodules by name; one of several names is given once. */
  *namedChildren(): Generator<[string, Module]> {
    const seen = new Set<Module>();
    for (const [name, value] of this[FIELDS]().own) {
      if (!(value instanceof Module) || seen.has(value)) continue;
      seen.add(value);
      yield [name, value];
    }
  }

  /** Direct submodules, each once. */
  children(): Module[] {
    return Array.from(this.namedChildren(), ([, m]) => m);
  }

  /** Itself and every module inside, each once. */
  modules(): Module[] {
    return Array.from(this.namedModules(), ([, m]) => m);
  }

  /** Itself and every module inside, by dotted path; a module reached twice is given once. */
  *namedModules(prefix = '', seen = new Set<Module>()): Generator<[string, Module]> {
    assertArity('namedModules', arguments.length, 2);
    checkArgument('namedModules', 'the prefix', prefix, TEXT);
    checkArgument('namedModules', 'the set of modules seen', seen, { what: 'a Set', test: (v) => v instanceof Set });
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(join(prefix, name), seen);
  }

  /** Parameters or buffers by dotted path, each once. */
  *#named(parameters: boolean, count = 0): Generator<[string, Tensor]> {
    assertArity(parameters ? 'namedParameters' : 'namedBuffers', count, 0);
    const reached = new Set<object>();
    const found: [string, Tensor][] = [];
    const hidden: [Module, Fields<Module>['hidden'][number]][] = [];
    for (const [path, module] of this.namedModules()) {
      reached.add(module);
      const fields = module[FIELDS]();
      for (const entry of fields.hidden) hidden.push([module, entry]);
      for (const [name, value] of fields.own) {
        if (value instanceof Module || reached.has(value)) continue;
        reached.add(value);
        const label = join(path, name);
        if (!value.label) value.label = label;
        if (value instanceof Parameter === parameters) found.push([label, value]);
      }
    }
    for (const [module, entry] of hidden) refuseHidden(module, entry, reached);
    yield* found;
  }

  /** Trainable tensors by dotted path. */
  namedParameters(): Generator<[string, Parameter]> {
    return this.#named(true, arguments.length);
  }

  /** Trainable tensors, in order of their fields. */
  parameters(): Parameter[] {
    assertArity('parameters', arguments.length, 0);
    return Array.from(this.namedParameters(), ([, p]) => p);
  }

  /** State that is not trained, by dotted path. */
  namedBuffers(): Generator<[string, Buffer]> {
    return this.#named(false, arguments.length);
  }

  /** State that is not trained, in order of its fields. */
  buffers(): Buffer[] {
    return Array.from(this.namedBuffers(), ([, b]) => b);
  }

  /** Runs `fn` on every module inside, parts before what they are in, and on itself last: for initialisations. Returns itself. */
  apply(fn: (module: Module) => void): this {
    assertArity('apply', arguments.length, 1);
    checkArgument('apply', 'the function', fn, FUNCTION);
    inside(applying, this, () => {
      for (const child of this.children()) child.apply(fn);
      fn(this);
    });
    return this;
  }

  /**
   * The module at a dotted path; itself at ''.
   * @throws STATE where there is none
   */
  getSubmodule(path: string): Module {
    return this.#at('getSubmodule', path, arguments.length, (at) => (at ? this.#moduleAt(at) : this));
  }

  #moduleAt(path: string): Module | undefined {
    for (const [name, value] of this[FIELDS]().own) {
      if (!(value instanceof Module && `${path}.`.startsWith(`${name}.`))) continue;
      const found = path === name ? value : value.#moduleAt(path.slice(name.length + 1));
      if (found) return found;
    }
    return undefined;
  }

  /**
   * The parameter at a dotted path.
   * @throws STATE where there is none
   */
  getParameter(path: string): Parameter {
    return this.#at('getParameter', path, arguments.length, (at) => this.#entries(true).get(at)) as Parameter;
  }

  /**
   * The buffer at a dotted path.
   * @throws STATE where there is none
   */
  getBuffer(path: string): Buffer {
    return this.#at('getBuffer', path, arguments.length, (at) => this.#entries(false).get(at)) as Buffer;
  }

  #at<T>(op: string, path: string, count: number, find: (path: string) => T | undefined): T {
    assertArity(op, count, 1);
    checkArgument(op, 'the path', path, TEXT);
    const found = find(path);
    if (!found) throw new GradloomError('STATE', op, `there is none at '${path}'. Paths are as in stateDict().`);
    return found;
  }

  /** Parameters and buffers under every name that leads to them, shared ones under several, as in PyTorch: parameters first. */
  #entries(...kinds: boolean[]): Map<string, Tensor> {
    const all = new Map<string, Tensor>();
    for (const parameters of kinds) {
      for (const [name, t] of this.#named(parameters)) all.set(name, t);
      for (const [name, t] of this.#everyName('')) {
        if (t instanceof Parameter !== parameters) continue;
        if (all.has(name) && all.get(name) !== t) throw fieldError(this, name, 'stands for two tensors, since a key has a dot in it. Rename it.');
        all.set(name, t);
      }
    }
    return all;
  }

  *#everyName(prefix: string): Generator<[string, Tensor]> {
    if (naming.has(this)) return;
    naming.add(this);
    try {
      for (const [name, value] of this[FIELDS]().own) if (!(value instanceof Module)) yield [join(prefix, name), value];
      for (const [name, child] of this[FIELDS]().own) if (child instanceof Module) yield* child.#everyName(join(prefix, name));
    } finally {
      naming.delete(this);
    }
  }

  /** Parameters and buffers by dotted path in PyTorch's spelling (`norm.running_mean`), as windows on the live memory; what is shared stands under each of its names. */
  stateDict(): StateDict {
    assertArity('stateDict', arguments.length, 0);
    return Object.fromEntries([...this.#entries(true, false)].map(([name, t]) => [name, detach(t)]));
  }

  /**
   * Copies named tensors (or numbers nested as in JSON) into the module's own, in place. Everything is checked before anything is written. The
   * fields' spelling (`runningMean`) counts as PyTorch's (`running_mean`). Returns the names that the state lacked and had beyond.
   * @throws STATE naming missing, unexpected (unless `strict: false`) and unfit entries
   */
  loadStateDict(state: Readonly<Record<string, Tensor>>, ...options: [options?: { strict?: boolean }] | [strict: boolean]): LoadedKeys {
    const { strict = true } = optionsBy<{ strict?: boolean }>('loadStateDict', options, { strict: FLAG });
    return loadInto('loadStateDict', this.#entries(true, false), state, strict);
  }

  /** Sets every parameter's `.grad` to null (or to zeros). */
  zeroGrad(...options: [options?: { setToNull?: boolean }] | [setToNull: boolean]): void {
    const { setToNull = true } = optionsBy<{ setToNull?: boolean }>('zeroGrad', options, { setToNull: FLAG });
    for (const p of this.parameters()) clearGrad(p, setToNull);
  }

  /** Training mode, throughout: calls `train` of each part, as PyTorch does. Returns itself. */
  train(on = true): this {
    assertArity('train', arguments.length, 1);
    checkArgument('train', 'the mode', on, FLAG);
    inside(switching, this, () => {
      this.training = on;
      for (const child of this.children()) child.train(on);
    });
    return this;
  }

  /** Evaluation mode, throughout. Returns itself. */
  eval(): this {
    return this.train(false);
  }

  /** Whether the parameters ask for gradients: false freezes them. Returns itself. */
  requiresGrad_(on = true): this {
    assertArity('requiresGrad_', arguments.length, 1);
    checkArgument('requiresGrad_', 'what to set', on, FLAG);
    const parameters = this.parameters();
    if (on) for (const p of parameters) assertTrainable('requiresGrad_', p);
    for (const p of parameters) setWantsGrad(p, on);
    return this;
  }

  /** Gives the memory of its parameters and buffers back now, and that of their gradients and of what optimizers remember of them. Never required; `using` calls it. */
  dispose(): void {
    for (const t of this[HELD]()) t.dispose();
  }

  /** @internal */
  [HELD](): Tensor[] {
    return [...this.namedParameters(), ...this.namedBuffers()].map(([, t]) => t);
  }

  /** @internal */
  get [COPY](): object {
    return THIS_COPY;
  }

  /** The module and what is inside it, a line each, as PyTorch prints it. */
  toString(): string {
    return printed(this);
  }

  /** @internal For console.log in Node, Deno and Bun. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return printed(this);
  }

  /** As `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Runs `hook` on the way in, after those registered before: what it returns (a list, or one input) replaces the inputs. */
  registerForwardPreHook(hook: ModuleHooks<this>['registerForwardPreHook']): HookHandle {
    return addModuleHook(this, 'registerForwardPreHook', hook, arguments.length);
  }

  /** Runs `hook` on the way out, with the inputs as forward got them: what it returns replaces the output. */
  registerForwardHook(hook: ModuleHooks<this>['registerForwardHook']): HookHandle {
    return addModuleHook(this, 'registerForwardHook', hook, arguments.length);
  }

  /**
   * Runs `hook` in backward with the gradients of the module's tensor inputs and output (null where there is none), once the inputs'
   * are known. For modules from tensors to one tensor.
   */
  registerFullBackwardHook(hook: ModuleHooks<this>['registerFullBackwardHook']): HookHandle {
    return addModuleHook(this, 'registerFullBackwardHook', hook, arguments.length);
  }
}

/** Throws where a trainable parameter lies where no path leads to it, unless an optimizer has it: it would be neither trained nor saved. */
function refuseHidden(module: Module, [field, value, holder]: Fields<Module>['hidden'][number], reached: ReadonlySet<object>): void {
  if (reached.has(value)) return;
  const inside = value instanceof Module ? [...value.namedModules()].flatMap(([, m]) => m[FIELDS]().own.map(([, v]) => v)) : [value];
  const lost = inside.find((p) => p instanceof Parameter && p.meta?.wantsGrad && !reached.has(p) && !isOptimized(p)) as Parameter | undefined;
  if (!lost) return;
  throw fieldError(
    module,
    field,
    `has ${value instanceof Module ? `a module (${value.constructor.name})` : 'a parameter'} ${holder}, where it is not found: neither trained nor saved. Keep it in a field, array, plain object or Map; in a #private field what is only referred to.`,
  );
}
