// Staged and mixed training, declared: which losses train when, how they are combined, what is frozen, and until when.
import { assertArity, checkArgument, FLAG, FUNCTION, isListOf, type Kinds, oneOf, optionsOf, orNull, TEXT } from '../../tensor/check.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type MultiBackwardOptions, WITHOUT_COMBINE } from '../combining/options.ts';
import { advance, begin, CONDITION, type Condition, fits, lossesIn, type Progress } from './conditions.ts';
import { count, range } from '../checks.ts';
import { METHOD, type Method } from '../methods/method.ts';
import type { BackwardReport } from '../combining/report.ts';
import { NAMES, OBJECT, type States, stateOf } from '../state.ts';
import type { Losses } from '../strategy.ts';
import { leavesIn, OPTIMIZER, type Steppable, statesOf, type Trainable, runStep } from './training-step.ts';

/** What one phase is. */
export interface PhaseOptions<Name extends string = string> {
  /** The losses that train; the others' heads keep null gradients, so that an optimizer leaves them alone. */
  losses: readonly Name[];
  /** How they become one step; default their sum. */
  combine?: Method;
  /** When the next phase begins, looked at after each step. Of the last phase: when the plan is done. */
  until?: Condition<Name>;
  /** An earlier phase, and when to go back to it. Goes before `until` where both hold. */
  backTo?: readonly [phase: string, when: Condition<Name>];
  /**
   * Parameters, or modules, that ask for no gradient during the phase's steps. Running statistics still follow: use
   * `eval()` for those.
   */
  freeze?: Trainable;
  /** Times every group's learning rate, so that schedulers and groups keep their say; default 1. */
  lrFactor?: number;
  /** 'reset' forgets the optimizer's moments at the phase's first step. Default 'keep'. */
  optimizerState?: 'keep' | 'reset';
  /** Further options of `multiloss.backward` (`shared`, `heads`, `measure`, …). */
  backward?: Omit<MultiBackwardOptions, 'combine'>;
}

/** Options of `phases`. */
export interface PlanOptions<Name extends string> {
  /** Names of all losses, also of those that conditions only watch. Then each is checked where it is written. */
  losses?: readonly Name[];
}

/** Options of a step. */
export interface PlanStepOptions {
  /** Runs when gradients are whole, before the optimizer's step: clipping. */
  beforeStep?: () => void;
}

/** What a step of a plan did. */
export interface PlanStep<Name extends string = string> {
  /** The phase that trained. */
  readonly phase: string;
  /** The phase of the next step. */
  readonly next: string;
  /** Whether those differ. */
  readonly switched: boolean;
  /** Whether the last phase's `until` has held. Training may go on in it. */
  readonly done: boolean;
  /** Values of all losses that the step gave, also of those that rested. */
  readonly losses: Readonly<Record<Name, number>>;
  /** What the backward pass did. */
  readonly report: BackwardReport<Name>;
}

/** What a plan remembers: JSON. */
export interface PlanState {
  /** The phases' names, in their order. */
  phases: string[];
  /** The phase of the next step. */
  phase: string;
  /** Steps done in this phase. */
  steps: number;
  /** Whether the last phase's `until` has held. */
  done: boolean;
  /** What the phase's `until` remembers. */
  until: Progress | null;
  /** What its `backTo` remembers. */
  backTo: Progress | null;
  /** The methods' states, by phase. */
  methods: Record<string, Record<string, unknown>>;
}

const LOSSES = { what: "a list of the losses' names", test: NAMES.test };
const PHASE: Kinds<PhaseOptions> = {
  losses: { what: LOSSES.what, test: (v) => isListOf(v, TEXT.test) },
  combine: METHOD,
  until: CONDITION,
  backTo: { what: 'a list [phase, condition]', test: (v) => Array.isArray(v) && v.length === 2 && TEXT.test(v[0]) && CONDITION.test(v[1]) },
  freeze: { what: 'a list of parameters and modules', test: (v) => typeof v === 'object' && v !== null },
  lrFactor: range(0),
  optimizerState: oneOf('keep', 'reset'),
  backward: OBJECT,
};
const PLAN: Kinds<PlanOptions<string>> = { losses: LOSSES };
const STEP: Kinds<PlanStepOptions> = { beforeStep: FUNCTION };

interface Phase {
  readonly name: string;
  readonly options: PhaseOptions;
  readonly frozen: readonly Tensor[];
  readonly watched: readonly string[];
}

interface Resettable extends Steppable {
  stateDict(): { state: object };
  loadStateDict(state: never): void;
}

/** A plan of phases, built by `.phase(…)` and gone through by `.step(…)`. */
export class Plan<Name extends string = string> {
  private readonly list: Phase[] = [];
  private readonly names: readonly string[] | undefined;
  private at = 0;
  private steps = 0;
  private finished = false;
  private until: Progress | null = null;
  private backTo: Progress | null = null;
  private checked = false;

  constructor(options?: PlanOptions<Name>) {
    this.names = optionsOf<PlanOptions<string>>('phases', options, PLAN, arguments.length).losses;
  }

  /**
   * Adds a phase. The first one added begins. Throws where it does not fit what is known of the plan. Returns the plan.
   */
  phase(name: string, options: PhaseOptions<Name>): this {
    checkArgument('phases.phase', 'name', name, TEXT);
    const op = `phases, phase '${name}'`;
    const { losses, until, backTo, backward } = optionsOf<PhaseOptions>(op, options, PHASE, arguments.length, 2) as PhaseOptions<Name>;
    checkArgument(op, 'losses', losses, PHASE.losses);
    optionsOf(op, backward, WITHOUT_COMBINE);
    if (this.steps > 0 || this.at > 0) throw valueError(op, 'the plan has begun. Add all phases before its first step.');
    if (this.list.some((p) => p.name === name)) throw valueError(op, 'there is already a phase of this name. Choose another.');
    if (losses.length === 0) throw valueError(op, 'it has no losses. Name at least one.');
    const twice = losses.find((l, i) => losses.indexOf(l) < i);
    if (twice !== undefined) throw valueError(op, `the loss '${twice}' is named twice. Name it once.`);
    if (backTo && !this.list.some((p) => p.name === backTo[0])) {
      throw valueError(op, `backTo names '${backTo[0]}', which is no earlier phase (${this.list.map((p) => p.name).join(', ') || 'there is none'}). Name one of those.`);
    }
    const watched = [...(until ? lossesIn(until) : []), ...(backTo ? lossesIn(backTo[1]) : [])];
    if (this.names) for (const loss of [...losses, ...watched]) this.assertKnown(op, loss, this.names);
    this.list.push({ name, options: { ...options }, frozen: leavesIn(op, options.freeze ?? []), watched });
    this.checked = false;
    if (this.list.length === 1) this.enter(0);
    return this;
  }

  private assertKnown(op: string, loss: string, names: readonly string[]): void {
    if (!names.includes(loss)) throw valueError(op, `there is no loss '${loss}' among ${names.join(', ')}. Name it as elsewhere, or add it: phases({ losses: [...] }).`);
  }

  /**
   * Checks what can be known only of the whole: that there is a phase, and that conditions watch losses of some phase.
   * The first step does this too. Returns the plan.
   */
  check(): this {
    if (this.checked) return this;
    if (this.list.length === 0) throw valueError('phases', 'the plan is empty. Add .phase(name, { losses }).');
    const names = this.names ?? [...new Set(this.list.flatMap((p) => p.options.losses))];
    for (const { name, watched } of this.list) for (const loss of watched) this.assertKnown(`phases, phase '${name}'`, loss, names);
    this.checked = true;
    return this;
  }

  private get present(): Phase {
    return this.check().list[this.at] as Phase;
  }

  /** The phase of the next step. */
  get current(): string {
    return this.present.name;
  }

  /** The losses that the next step trains: others need not be computed, unless a condition watches them. */
  get active(): readonly Name[] {
    return this.present.options.losses as readonly Name[];
  }

  /** Whether the last phase's `until` has held. */
  get done(): boolean {
    return this.finished;
  }

  /**
   * One step: forward by `losses`, gradients cleared, backward of the losses that are active, the optimizer's step;
   * then the conditions are looked at. The forward pass must run inside `losses`, for that is where frozen parameters
   * ask for no gradient.
   *
   * @throws VALUE, SHAPE, GRAPH, NONFINITE naming a loss that is missing, not a scalar, detached, not finite. No
   * parameter, gradient or state of the plan has changed then: the error may be caught and the next batch taken.
   */
  step<L extends Losses<Name>>(losses: () => L, optimizer: Steppable, options?: PlanStepOptions): PlanStep<keyof L & string> {
    const { name: phase, options: p, frozen, watched } = this.present;
    checkArgument('phases.step', 'losses', losses, FUNCTION);
    checkArgument('phases.step', 'optimizer', optimizer, OPTIMIZER);
    const { beforeStep } = optionsOf('phases.step', options, STEP, arguments.length, 3);
    const before = (): void => {
      beforeStep?.();
      if (p.optimizerState === 'reset' && this.steps === 0) forget(phase, optimizer);
    };
    const step = { op: `phases, phase '${phase}'`, active: p.losses, watched, frozen, combine: p.combine, options: p.backward, lrFactor: p.lrFactor ?? 1, optimizer };
    const taken = runStep({ ...step, beforeStep: before }, losses);
    this.steps++;
    this.move(taken.losses);
    return { phase, next: this.current, switched: this.current !== phase, done: this.finished, losses: taken.losses, report: taken.report } as PlanStep<keyof L & string>;
  }

  /** Looks at the conditions of the phase. */
  private move(losses: Readonly<Record<string, number>>): void {
    const { until, backTo } = this.present.options;
    // Both see every step, whichever holds.
    const over = until !== undefined && advance(until, this.until as Progress, losses);
    const back = backTo !== undefined && advance(backTo[1], this.backTo as Progress, losses);
    if (back) this.enter(this.list.findIndex((p) => p.name === backTo[0]));
    else if (over && this.at + 1 < this.list.length) this.enter(this.at + 1);
    else if (over) this.finished = true;
  }

  private enter(at: number): void {
    const { until, backTo } = (this.list[at] as Phase).options;
    this.at = at;
    this.steps = 0;
    this.until = until ? begin(until) : null;
    this.backTo = backTo ? begin(backTo[1]) : null;
  }

  /** What the phases' methods remember. */
  private get methods(): States {
    return statesOf(this.list.map(({ name, options }) => [name, options.combine]));
  }

  /** The plan's state, as JSON: conditions' running means and counts, and the methods' states. */
  stateDict(): PlanState {
    const { name: phase } = this.present;
    const state = { phases: this.list.map((p) => p.name), phase, steps: this.steps, done: this.finished, until: this.until, backTo: this.backTo };
    return JSON.parse(JSON.stringify({ ...state, methods: this.methods.save() })) as PlanState;
  }

  /**
   * Takes up what `stateDict` gave: the next step is the one that would have come.
   * @throws STATE where the phases or conditions are others; nothing has changed then
   */
  loadStateDict(state: Readonly<PlanState>): void {
    assertArity('phases.loadStateDict', arguments.length, 1);
    const mine = this.check().list.map((p) => p.name);
    const misfit = (what: string): GradloomError => new GradloomError('STATE', 'phases.loadStateDict', `${what}. Build the same plan.`);
    const progress = orNull(OBJECT);
    stateOf('phases', state, { phases: NAMES, phase: TEXT, steps: count(0), done: FLAG, until: progress, backTo: progress, methods: OBJECT });
    if (JSON.stringify(mine) !== JSON.stringify(state.phases)) throw misfit(`the state is of the phases ${state.phases.join(', ')}, this plan has ${mine.join(', ')}`);
    const at = mine.indexOf(state.phase);
    if (at < 0) throw misfit(`there is no phase '${state.phase}' among ${mine.join(', ')}`);
    const { until, backTo } = (this.list[at] as Phase).options;
    for (const [key, condition] of [['until', until] as const, ['backTo', backTo?.[1]] as const]) {
      if (condition ? !fits(condition, state[key]) : state[key] !== null) throw misfit(`'${key}' of the phase '${state.phase}' is another condition`);
    }
    this.methods.load('phases', state.methods);
    const copy = JSON.parse(JSON.stringify(state)) as PlanState;
    this.at = at;
    this.steps = copy.steps;
    this.finished = copy.done;
    this.until = copy.until;
    this.backTo = copy.backTo;
  }

  /** The plan as plain data, for logs and reports: what is frozen as names, methods by theirs. */
  toJSON(): unknown {
    return this.list.map(({ name, options: { losses, combine, until, backTo, lrFactor, optimizerState }, frozen }) => {
      return { name, losses, combine: combine?.name, until, backTo, freeze: frozen.map((t) => t.label || t.describe()), lrFactor, optimizerState };
    });
  }
}

/** The optimizer's moments begin anew; its options stay. */
function forget(phase: string, optimizer: Steppable): void {
  const o = optimizer as Resettable;
  if (typeof o.stateDict !== 'function' || typeof o.loadStateDict !== 'function')
    throw valueError(`phases, phase '${phase}'`, "optimizerState: 'reset' needs an optimizer with stateDict and loadStateDict, as those of optim.");
  o.loadStateDict({ ...o.stateDict(), state: {} } as never);
}

/**
 * A plan of training in phases.
 *
 * ```ts
 * const plan = multiloss.phases()
 *   .phase('digits', { losses: ['digit'], until: multiloss.below('digit', 0.3, { ema: 0.9, for: 20 }) })
 *   .phase('both', { losses: ['digit', 'image'], backTo: ['digits', multiloss.above('digit', 0.5)] });
 * for (const [x, y] of loader) { const { phase, losses } = plan.step(() => lossesOf(x, y), optimizer); }
 * ```
 */
export function phases<Name extends string = string>(options?: PlanOptions<Name>): Plan<Name> {
  assertArity('phases', arguments.length, 1);
  return new Plan(options);
}
