// What every optimizer is: options, groups of parameters, and named state. The rule of each is one kernel.
import { clearGrad } from '../autograd/leaf.ts';
import { full } from '../ops/create.ts';
import { optimizerSteps, parametersOptimized } from '../module/unclaimed.ts';
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { float64View, int32View } from '../runtime/memory.ts';
import {
  assertArity,
  checkArgument,
  filled,
  FLAG,
  FUNCTION,
  isPlainObject,
  type Kind,
  type Kinds,
  nearest,
  NUMBER,
  optionsBy,
  optionsOf,
  unknownOption,
  valueText,
} from '../tensor/check.ts';
import { GradloomError, valueError, warnOnce } from '../tensor/errors.ts';
import { copyElements, dense, detach } from '../tensor/op.ts';
import { recording, refuseWhileRecording } from '../tensor/recording.ts';
import { outlive, scope } from '../tensor/scope.ts';
import { dispose, newStorage, type Storage } from '../tensor/storage.ts';
import { callNow } from '../tensor/sync.ts';
import { enableGrad, noGrad } from '../tensor/modes.ts';
import { assertAlive, type Tensor } from '../tensor/tensor.ts';
import { isAsSeen, itemsOf, parametersOf, sameItems, trainable, type Trainable } from './parameters.ts';
import { type Moment, type ParamState, readState, tensorsOf } from './state.ts';

/** Words of a record in the tables of `sgdAll` and `adamAll` (assembly/kernels/update.ts): those of one call, zeros behind. */
const RECORD = 10;

/** Options that every optimizer has. */
export interface OptimizerOptions {
  /** Learning rate. */
  lr?: number;
  /** λ: how strongly parameters are pulled to 0. */
  weightDecay?: number;
  /** Whether to climb instead of descend. */
  maximize?: boolean;
}

/** Parameters with options of their own; what is left out comes from the optimizer's. Names that are no option are kept as labels. */
export type GroupInput<O> = { params: Trainable } & Partial<O>;

/** A group as the optimizer keeps it: every option given, and free to be changed between steps (`group.lr = …`). */
export type ParamGroup<O> = {
  /** What it trains; parameters added here are trained from the next step on. */
  params: Tensor[];
  /** The rate before the first scheduler on it. */
  initialLr?: number;
} & { [K in keyof O]-?: Exclude<O[K], undefined> };

/** Options by name, or the learning rate first, as PyTorch takes it. */
export type GivenOptions<O> = [options?: O] | [lr: number, options?: O];

/** An optimizer as data: state by position of the parameter, groups with their options. */
export interface OptimizerState {
  /** What is remembered of each parameter, by its position. */
  state: Record<number, ParamState>;
  /** Each group's options, with the positions of its parameters. */
  paramGroups: Record<string, unknown>[];
}

/** What an optimizer's class says of it. */
export interface Rule<O> {
  /** The class's name, for messages. */
  readonly name: string;
  /** What each option must be, in the order in which PyTorch takes them by position. */
  readonly kinds: Kinds<O>;
  readonly defaults: Required<O>;
  /** What it remembers of each parameter. */
  readonly moments: Readonly<Record<string, Moment>>;
  /** Whether weight decay acts on the parameter instead of the gradient, where the class says so. */
  readonly decoupled?: boolean;
}

/** Of a group: where its hyper-parameters lie, a table with a record of words for each parameter; and the parameters that were checked. */
interface Place {
  hyper: Storage;
  table: Storage;
  params: readonly Tensor[];
}

/** Groups of parameters with options, and a state of each. Built from parameters, a module, named parameters or groups; and options by name, or by position as in PyTorch. */
export abstract class Optimizer<O extends OptimizerOptions> {
  /** The groups, in order. Options may be changed between steps. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** @internal What its class says of it. */
  protected readonly rule: Rule<O>;
  readonly #defaults: Required<O>;
  #states = new Map<Tensor, ParamState>();
  readonly #places = new WeakMap<ParamGroup<O>, Place>();
  /** Options of each group, lists laid open, as they were checked last. */
  readonly #seen = new WeakMap<object, readonly unknown[]>();
  /** Names in groups that are no options. */
  readonly #labels = new Set(['params', 'initialLr']);
  /** Grows where the addresses of state do, or the parameters of a group. */
  #version = 0;
  #disposed = false;

  // No text here: an editor would show it in the place of the subclass's.
  constructor(params: Trainable | Iterable<GroupInput<O>>, ...options: GivenOptions<O>) {
    if (!this.getRule) throw valueError('Optimizer', 'is not made by new. Use SGD, Adam …');
    this.rule = this.getRule();
    const { name, kinds, defaults } = this.rule;
    this.#defaults = filled<Required<O>>(defaults, optionsBy(name, options, kinds as Kinds<Required<O>>));
    this.check(this.#defaults);
    const list = itemsOf(name, params);
    if (list.length === 0) throw valueError(name, 'got an empty parameter list. Pass model.parameters().');
    const isGroup = isPlainObject(list[0]) && typeof list[0].parameters !== 'function';
    for (const g of isGroup ? list : [{ params: list }]) this.addParamGroup(g as GroupInput<O>);
  }

  /** @internal What `rule` is: of the class, since the constructor reads it. */
  protected abstract getRule(): Rule<O>;
  /** @internal Throws where an option is outside its range. */
  protected abstract check(options: Required<O>): void;

  /** @internal The numbers that the kernel reads, in its order. */
  protected abstract hyperParameters(group: ParamGroup<O>): readonly number[];

  /** @internal The kernel that moves one parameter; null where `move` is written in ops. */
  protected abstract readonly kernel: Kernel | null;

  /** @internal The kernel that moves those of a table, where there is one. */
  protected readonly tableKernel: Kernel | null = null;

  /** @internal That kernel's words, at most RECORD, for a parameter and its gradient, both row-major float32. Makes its state where there is none. */
  protected abstract words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, group: ParamGroup<O>): readonly number[];

  /** @internal Moves one parameter by its gradient, both row-major float32. */
  protected move(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, group: ParamGroup<O>): void {
    call(this.kernel as Kernel, ...this.words(p, gradient, state, hyper, group));
  }

  /** Adds parameters with options of their own. */
  addParamGroup(group: GroupInput<O>): void {
    const { name } = this.rule;
    refuseWhileRecording(name, 'a group is added', 'Add it outside, between two calls.');
    assertGroup(name, group);
    const list = parametersOf(name, group.params);
    if (list.length === 0) throw valueError(name, 'got an empty parameter list in a group. Leave the group out.');
    const complete = {} as ParamGroup<O>;
    // Lists of its own: what is written into one reaches no other group.
    for (const [key, value] of Object.entries(filled<object>(this.#defaults, group))) Object.assign(complete, { [key]: Array.isArray(value) ? [...value] : value });
    complete.params = [...new Set(list)];
    this.#checkOptions(complete);
    const place = this.#placeFor(complete, [...this.paramGroups, complete]);
    if (complete.params.length < list.length) warnOnce(`duplicates in ${name}`, `${name}: a parameter appears twice in one group. It is stepped once.`);
    this.paramGroups.push(complete);
    parametersOptimized(complete.params);
    this.#places.set(complete, place);
    this.#version++;
  }

  /** Throws unless every option is of its kind and in its range, and no other name is nearly one. */
  #checkOptions(group: ParamGroup<O>): void {
    const { name, kinds } = this.rule;
    const seen = this.#seen.get(group);
    if (seen && isAsSeen(group, seen)) return; // as at the last step
    assertGroup(name, group);
    for (const key in kinds) checkArgument(name, key, group[key as keyof ParamGroup<O>], kinds[key] as Kind);
    for (const key in group) {
      if (key in kinds || this.#labels.has(key)) continue;
      const known = [...Object.keys(kinds), ...this.#labels];
      if (nearest(key, known) || /^learning/.test(key)) throw unknownOption(name, key, known, 'Names unlike any option are kept as labels.');
      this.#labels.add(key);
    }
    if (group.initialLr !== undefined) checkArgument(name, 'initialLr', group.initialLr, NUMBER);
    this.check(group);
    this.#seen.set(
      group,
      Object.entries(group).flatMap(([key, value]): unknown[] => (key === 'params' ? [] : [value].flat())),
    );
  }

  /** The group's place, new where its parameters are not those that were checked. */
  #placeFor(group: ParamGroup<O>, groups: readonly ParamGroup<O>[]): Place {
    const params = group?.params;
    const place = this.#places.get(group);
    if (place?.hyper.address && sameItems(place.params, params)) return place;
    const { name } = this.rule;
    if (!Array.isArray(params)) throw valueError(name, `params of a group is a list of tensors, got ${valueText(params)}. Use addParamGroup.`);
    for (const p of params) trainable(name, p);
    if (new Set(params).size < params.length) throw valueError(name, 'a parameter appears twice in one group. Name it once.');
    const others = new Set(groups.filter((g) => g !== group).flatMap((g) => g?.params));
    const shared = params.find((p) => others.has(p));
    if (shared) throw valueError(name, `the parameter ${shared.describe()} appears in more than one group. Name it once.`);
    const hyper = place?.hyper.address ? place.hyper : newStorage(64, name, null);
    const table = newStorage(params.length * RECORD * 4, name, null);
    for (const s of [hyper, table]) params[0]?.storage.lead(s); // they end with the parameters, as the state does
    return { hyper, table, params: [...params] };
  }

  /** @internal Throws where its memory was given back. */
  protected assertUndisposed(): void {
    if (this.#disposed) throw new GradloomError('SCOPE', `${this.rule.name}.step`, "the optimizer's state was given back by dispose(). Make a new one.");
  }

  /** @internal Where each group's numbers lie, after checks of all that a step relies on. Parameters added to a group's list are taken in. */
  protected prepare(): void {
    const { paramGroups } = this;
    for (const group of paramGroups) {
      this.#checkOptions(group);
      const place = this.#placeFor(group, paramGroups);
      if (place !== this.#places.get(group)) {
        this.#places.set(group, place);
        this.#version++;
      }
      for (const p of place.params) {
        if (!p.gathered) continue;
        assertAlive(p, `${this.rule.name}.step`);
        assertAlive(p.gathered, `${this.rule.name}.step`);
      }
    }
  }

  /** Its groups' options, as PyTorch prints them. */
  toString(): string {
    const lines = this.paramGroups.map((group, i) => {
      const options = Object.keys(this.rule.kinds).map((key) => `    ${key}: ${JSON.stringify(group[key as keyof ParamGroup<O>])}`);
      return [`Parameter Group ${i}`, ...options.sort(), `    params: ${group.params.length}`].join('\n');
    });
    return `${this.rule.name} (\n${lines.join('\n\n')}\n)`;
  }

  /** @internal For console.log in Node, Deno and Bun. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** Gives the memory of its state back now; its parameters stay, but it steps no more. Never required; `using` calls it. */
  dispose(): void {
    for (const group of this.paramGroups) {
      const place = this.#places.get(group);
      if (place) for (const s of [place.hyper, place.table]) dispose(s);
    }
    this.#disposed = true;
    this.#version++;
    for (const state of this.#states.values()) for (const t of Object.values(state)) t.dispose();
    this.#states.clear();
  }

  /** As `dispose`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Sets every parameter's `.grad` to null, so that a step skips it, or with `setToNull: false` to zeros, which a step still applies. */
  zeroGrad(options: { setToNull?: boolean } = {}): void {
    const { setToNull = true } = optionsOf(`${this.rule.name}.zeroGrad`, options, { setToNull: FLAG }, arguments.length);
    this.#tell();
    for (const group of this.paramGroups) for (const p of this.#placeFor(group, this.paramGroups).params) clearGrad(p, setToNull);
  }

  /**
   * Moves every parameter whose `.grad` is not null. This makes graphs that were recorded before it stale: call step after the last backward.
   * @throws VALUE, before anything moves, where an option that was changed by hand is none
   */
  step(): void;
  /** The same with a closure, which runs first (with gradients on) and whose loss is returned. */
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    assertArity(`${this.rule.name}.step`, arguments.length, 1);
    if (closure !== undefined) checkArgument(`${this.rule.name}.step`, 'the closure', closure, FUNCTION);
    this.assertUndisposed();
    // Nothing may have changed where the closure is async: its gradients come too late.
    const loss = closure && enableGrad(() => callNow(`${this.rule.name}.step`, closure, 'the step'));
    optimizerSteps();
    noGrad(() => {
      this.prepare();
      this.#tell();
      for (const group of this.paramGroups) {
        const place = this.#places.get(group) as Place;
        const { hyper, table } = place;
        const { address } = hyper;
        recording()?.used(hyper);
        recording()?.repeat(() => {
          this.#checkOptions(group);
          this.#write(group, address);
        });
        this.#write(group, address);
        this.#move(group, address, table.address);
      }
    });
    return loss;
  }

  #write(group: ParamGroup<O>, address: number): void {
    const view = float64View();
    this.hyperParameters(group).forEach((x, at) => {
      view[address / 8 + at] = x;
    });
  }

  /** Moves a group: all parameters by one call, which reads their words from the table. */
  #move(group: ParamGroup<O>, hyper: number, table: number): void {
    const writer = `${this.rule.name}.step()`;
    let records = 0;
    for (const p of group.params) {
      recording()?.leaf(p, 'read');
      const gradient = p.gathered;
      if (!gradient) continue;
      let state = this.#states.get(p);
      if (!state) {
        state = {};
        this.#states.set(p, state);
      }
      const version = this.#version;
      if (!p.isContiguous() || !gradient.isContiguous()) this.#moveStrided(p, gradient, state, hyper, group);
      else {
        // A recording gives buffers other addresses, so it must see each; its calls cost less.
        if (recording() || !this.tableKernel) this.move(p, gradient, state, hyper, group);
        else {
          const words = this.words(p, gradient, state, hyper, group);
          const view = int32View();
          for (let i = 0, at = table / 4 + RECORD * records++; i < words.length; i++) view[at + i] = words[i] as number;
        }
      }
      // What is remembered of a parameter ends with it.
      if (this.#version !== version) for (const t of Object.values(state)) p.storage.lead(t.storage);
      p.storage.touch(writer);
    }
    if (this.tableKernel && records > 0) call(this.tableKernel, table, records);
  }

  #moveStrided(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, group: ParamGroup<O>): void {
    scope(() => {
      const whole = dense(p);
      this.move(whole, dense(gradient), state, hyper, group);
      if (whole !== p) copyElements(whole, p);
    });
  }

  /** @internal A state tensor of this name, zeros (or `value`) in the given shape when new; it outlives scopes. */
  protected zeros(state: ParamState, name: string, shape: readonly number[], value = 0): Tensor {
    let t = state[name];
    if (!t) {
      recording()?.early();
      t = outlive(full(shape, value));
      state[name] = t;
      this.#version++;
    }
    return t;
  }

  /** Tells a recording what the step goes by. Numbers are read from memory. */
  #tell(): void {
    recording()?.groups(
      this,
      () => this.#version,
      this.paramGroups,
      (group: ParamGroup<O>) => this.hyperParameters(group),
    );
  }

  /** State and options as data; tensors are windows on the live memory. */
  stateDict(): OptimizerState {
    for (const group of this.paramGroups) this.#placeFor(group, this.paramGroups);
    const state: Record<number, ParamState> = {};
    this.paramGroups
      .flatMap((g) => g.params)
      .forEach((p, i) => {
        const s = this.#states.get(p);
        if (s) state[i] = Object.fromEntries(Object.entries(s).map(([k, t]) => [k, detach(t)]));
      });
    let next = 0;
    const paramGroups = this.paramGroups.map(({ params, ...options }) => ({ ...options, params: params.map(() => next++) }));
    return { state, paramGroups };
  }

  /**
   * Takes over state and options of an optimizer with the same groups, as `stateDict` gave them, also through JSON, or in PyTorch's names
   * (`exp_avg`, `param_groups`). Everything is checked before anything changes; moments are fresh tensors.
   * @throws STATE where groups, names, shapes or types differ, naming which
   */
  loadStateDict(saved: OptimizerState | Readonly<Record<string, unknown>>): void {
    const op = `${this.rule.name}.loadStateDict`;
    assertArity(op, arguments.length, 1);
    refuseWhileRecording(op, 'state is replaced', 'Load it outside, before the next call.');
    for (const group of this.paramGroups) this.#placeFor(group, this.paramGroups);
    const { options, moments } = readState(op, saved, this.paramGroups, this.rule, (merged) => this.#checkOptions(merged as ParamGroup<O>));
    this.#states = tensorsOf(moments);
    this.paramGroups.forEach((group, i) => {
      Object.assign(group, options[i]);
    });
    this.#version++;
  }
}

function assertGroup(op: string, group: unknown): void {
  if (!isPlainObject(group)) throw valueError(op, `a group is an object { params, … }, got ${valueText(group)}. Put parameters into its params.`);
}
