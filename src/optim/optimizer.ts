// What every optimizer is: options, groups of parameters, and named state. The rule of each is one kernel.
import { clearGrad } from '../autograd/leaf.ts';
import { full } from '../ops/create.ts';
import { copy_ } from '../ops/inplace.ts';
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { float64View, int32View } from '../runtime/memory.ts';
import { GradloomError, shapeText, valueError, warnOnce } from '../tensor/errors.ts';
import { copyElements, dense, detach, nodeOf } from '../tensor/op.ts';
import { recording, refuseWhileRecording } from '../tensor/recording.ts';
import { outlive, scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { newStorage, type Storage } from '../tensor/storage.ts';
import { enableGrad, noGrad } from '../tensor/tape.ts';
import { empty, Tensor } from '../tensor/tensor.ts';

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

/** Parameters with options of their own; what is left out comes from the optimizer's. */
export type GroupInput<O> = { params: Iterable<Tensor> } & Partial<O>;

/** A group as the optimizer keeps it: every option given, and free to be changed between steps (`group.lr = …`). */
export type ParamGroup<O> = { params: Tensor[] } & Required<O>;

/** Named tensors of one parameter. */
export type ParamState = Record<string, Tensor>;

/** An optimizer as data: state by position of the parameter, groups with their options. */
export interface OptimizerState {
  state: Record<number, ParamState>;
  paramGroups: Record<string, unknown>[];
}

export abstract class Optimizer<O extends OptimizerOptions> {
  /** The groups, in order. Options may be changed between steps. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** The class's name, for messages. */
  protected readonly name: string;
  private readonly defaults: Required<O>;
  private readonly states = new Map<Tensor, ParamState>();
  /** Of each group: its hyper-parameters, and a table with a record of words for each parameter. */
  private readonly hyper: Storage[] = [];
  private readonly tables: Storage[] = [];
  /** How often groups or state were replaced: a captured step goes by this. */
  private changes = 0;

  constructor(name: string, params: Iterable<Tensor> | Iterable<GroupInput<O>>, defaults: Required<O>) {
    this.name = name;
    this.defaults = defaults;
    this.check(defaults);
    const list = [...params];
    if (list.length === 0) throw valueError(name, 'got an empty parameter list. Pass model.parameters(); a module finds parameters in its own fields and arrays of modules.');
    const groups = list[0] instanceof Tensor ? [{ params: list } as unknown as GroupInput<O>] : (list as GroupInput<O>[]);
    for (const g of groups) this.addParamGroup(g);
  }

  /** Throws where an option is outside its range. */
  protected abstract check(options: Required<O>): void;

  /** The numbers that the kernel reads, in its order. */
  protected abstract hyperParameters(group: ParamGroup<O>): readonly number[];

  /** The kernel that moves one parameter. */
  protected abstract readonly kernel: Kernel;

  /** The kernel that moves those of a table, where there is one. */
  protected readonly tableKernel: Kernel | null = null;

  /** That kernel's words, at most RECORD, for a parameter and its gradient, both row-major float32. Makes its state where there is none. */
  protected abstract words(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, group: ParamGroup<O>): readonly number[];

  /** Adds parameters with options of their own. */
  addParamGroup(group: GroupInput<O>): void {
    const { params, ...options } = group;
    const list = [...params];
    const complete = { ...this.defaults, ...options, params: [...new Set(list)] } as ParamGroup<O>;
    this.check(complete);
    if (list.length === 0) throw valueError(this.name, 'got an empty parameter list in a group. Leave the group out, or give it parameters.');
    if (complete.params.length < list.length) warnOnce(`duplicates in ${this.name}`, `${this.name}: a parameter appears twice in one group; it is stepped once.`);
    for (const p of list) {
      if (!(p instanceof Tensor)) throw new GradloomError('DTYPE', this.name, `parameters are tensors, got ${typeof p}. Pass model.parameters().`);
      if (nodeOf(p))
        throw new GradloomError('GRAPH', this.name, `cannot optimize a non-leaf, ${p.describe()} from ${nodeOf(p)?.op.name}. Pass the leaf that it was computed from.`);
      if (this.paramGroups.some((g) => g.params.includes(p))) throw valueError(this.name, `the parameter ${p.describe()} appears in more than one group. Name it once.`);
    }
    refuseWhileRecording(this.name, 'a group is added', 'Add it before the step.');
    this.changes++;
    this.paramGroups.push(complete);
    this.hyper.push(newStorage(64, this.name, null));
    this.tables.push(newStorage(complete.params.length * RECORD * 4, this.name, null));
  }

  /** Sets every parameter's `.grad` to null, so that a step skips it, or with `setToNull: false` to zeros, which a step still applies. */
  zeroGrad(options: { setToNull?: boolean } = {}): void {
    this.tell();
    for (const { params } of this.paramGroups) for (const p of params) clearGrad(p, options.setToNull ?? true);
  }

  /**
   * Moves every parameter whose `.grad` is not null. A closure, where given, runs first (with gradients on) and its loss is returned.
   * A parameter's change in place makes graphs that were recorded before it stale: call step after the last backward.
   */
  step(): void;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    const loss = closure && enableGrad(closure);
    this.tell();
    noGrad(() => {
      this.paramGroups.forEach((group, i) => {
        const hyper = this.hyper[i] as Storage;
        const { address } = hyper;
        recording()?.used(hyper);
        const write = (): void => {
          this.check(group);
          const view = float64View();
          this.hyperParameters(group).forEach((x, at) => {
            view[address / 8 + at] = x;
          });
        };
        write();
        recording()?.repeat(write);
        this.move(group, address, (this.tables[i] as Storage).address);
      });
    });
    return loss;
  }

  /** Tells a recording what the step goes by: groups, their parameters and flags, and whether their state is still the same. */
  private tell(): void {
    const listening = recording();
    if (!listening) return;
    listening.rely(this, () => this.changes);
    for (const group of this.paramGroups) {
      const { params } = group;
      const list = [...params];
      // What the kernels' words hang on. Numbers are read from memory.
      const flags = Object.entries(group).flatMap(([key, value]) => (typeof value === 'boolean' || key === 'momentum' ? [key as keyof typeof group] : []));
      listening.rely(group, () => flags.reduce((bits, key) => 2 * bits + (group[key] ? 1 : 0), 0));
      listening.rely(params, () => group.params === params && params.length === list.length && list.every((p, i) => params[i] === p));
      listening.steady(() => this.hyperParameters(group).join());
    }
  }

  /** Moves a group: all parameters by one call, which reads their words from the table. */
  private move(group: ParamGroup<O>, hyper: number, table: number): void {
    const writer = `${this.name}.step()`;
    let records = 0;
    for (const p of group.params) {
      const { gradient } = p;
      if (!gradient) continue;
      let state = this.states.get(p);
      if (!state) {
        state = {};
        this.states.set(p, state);
      }
      if (!p.isContiguous() || !gradient.isContiguous()) this.moveStrided(p, gradient, state, hyper, group);
      else {
        const words = this.words(p, gradient, state, hyper, group);
        // A recording gives buffers other addresses, so it must see each; its calls cost less.
        if (recording() || !this.tableKernel) call(this.kernel, ...words);
        else {
          const view = int32View();
          for (let i = 0, at = table / 4 + RECORD * records++; i < words.length; i++) view[at + i] = words[i] as number;
        }
      }
      p.storage.touch(writer);
    }
    if (this.tableKernel && records > 0) call(this.tableKernel, table, records);
  }

  private moveStrided(p: Tensor, gradient: Tensor, state: ParamState, hyper: number, group: ParamGroup<O>): void {
    scope(() => {
      const whole = dense(p);
      call(this.kernel, ...this.words(whole, dense(gradient), state, hyper, group));
      if (whole !== p) copyElements(whole, p);
    });
  }

  /** A state tensor of this name, zeros (or `value`) in the given shape when new; it outlives scopes. */
  protected zeros(state: ParamState, name: string, shape: readonly number[], value = 0): Tensor {
    let t = state[name];
    if (!t) {
      recording()?.early();
      t = outlive(full(shape, value));
      state[name] = t;
    }
    return t;
  }

  /** State and options as data; tensors are windows on the live memory. */
  stateDict(): OptimizerState {
    const all = this.paramGroups.flatMap((g) => g.params);
    const state: Record<number, ParamState> = {};
    all.forEach((p, i) => {
      const s = this.states.get(p);
      if (s) state[i] = Object.fromEntries(Object.entries(s).map(([k, t]) => [k, detach(t)]));
    });
    let next = 0;
    const paramGroups = this.paramGroups.map(({ params, ...options }) => ({ ...options, params: params.map(() => next++) }));
    return { state, paramGroups };
  }

  /**
   * Takes over state and options of an optimizer with the same groups. Everything is checked before anything is written.
   * @throws STATE where groups or shapes differ
   */
  loadStateDict(saved: OptimizerState): void {
    const mine = this.paramGroups.map((g) => g.params.length);
    const theirs = saved.paramGroups.map((g) => (g.params as unknown[]).length);
    if (mine.join() !== theirs.join()) {
      throw new GradloomError(
        'STATE',
        `${this.name}.loadStateDict`,
        `groups of [${theirs}] parameters do not fit groups of [${mine}]. Build the optimizer over the same parameters.`,
      );
    }
    const all = this.paramGroups.flatMap((g) => g.params);
    for (const [i, s] of Object.entries(saved.state)) {
      const p = all[Number(i)];
      for (const [name, t] of Object.entries(s)) {
        if (p && t.rank > 0 && !sameShape(t.shape, p.shape)) {
          throw new GradloomError(
            'STATE',
            `${this.name}.loadStateDict`,
            `${name} of parameter ${i} is ${shapeText(t.shape)}, the parameter ${shapeText(p.shape)}. Build the same model.`,
          );
        }
      }
    }
    refuseWhileRecording(`${this.name}.loadStateDict`, 'a state is loaded', 'Load it before the step.');
    this.changes++;
    this.states.clear();
    for (const [i, s] of Object.entries(saved.state)) {
      const copies = Object.entries(s).map(([name, t]) => {
        const y = empty(t.shape, t.dtype, null);
        noGrad(() => copy_(y, t));
        return [name, y] as const;
      });
      this.states.set(all[Number(i)] as Tensor, Object.fromEntries(copies));
    }
    this.paramGroups.forEach((group, i) => {
      const { params: _, ...options } = saved.paramGroups[i] as Record<string, unknown>;
      Object.assign(group, options);
    });
  }
}

/** @internal Throws unless the number lies in [low, high). */
export function checkRange(op: string, name: string, value: number, low: number, high = Number.POSITIVE_INFINITY): void {
  if (value >= low && value < high) return;
  throw valueError(op, `${name} must lie in [${low}, ${high === Number.POSITIVE_INFINITY ? '∞' : high}), got ${value}.`);
}
