// Averages of weights over training (Izmailov et al. 2018, arXiv 1803.05407): a module that holds them, and the schedule that goes with them.
import { type Layer, Module } from '../module/module.ts';
import { Buffer } from '../module/parameter.ts';
import { add, div, eq, mul, sub, where } from '../ops/binary.ts';
import { zeros } from '../ops/create.ts';
import { lerp } from '../ops/formulas.ts';
import { add_, copy_ } from '../ops/inplace.ts';
import { assertArity, assertTensor, assertTensors, checkArgument, FLAG, FUNCTION, instanceOf, type Kinds, NUMBER, oneOf, optionsOf, orNull } from '../tensor/check.ts';
import { cosPi } from '../tensor/elementary.ts';
import { GradloomError, valueError, valueText } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { scope } from '../tensor/scope.ts';
import { sameShape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { given, whole } from './options.ts';
import { groupsOf, LRScheduler, PER_GROUP, type PerGroup, type Schedulable, valueFor } from './scheduler.ts';

/** The next average from the last one, a model's value, and how many models are in the average. */
export type AvgFn = (averaged: Tensor, current: Tensor, numAveraged: Tensor) => Tensor;
/** The same for all values at once, in place. */
export type MultiAvgFn = (averaged: readonly Tensor[], current: readonly Tensor[], numAveraged: Tensor) => void;

function assertDecay(op: string, decay: number, count: number): void {
  assertArity(op, count, 1);
  checkArgument(op, 'decay', decay, NUMBER);
  if (!(decay >= 0 && decay <= 1)) throw valueError(op, `decay must lie in [0, 1], got ${decay}.`);
}

/** A rule for one value that looks at what it gets. */
function ruleFor(op: string, rule: AvgFn): AvgFn {
  return function (averaged, current, numAveraged) {
    assertArity(op, arguments.length, 3);
    for (const [name, t] of Object.entries({ averaged, current, numAveraged })) assertTensor(op, t, name);
    return rule(averaged, current, numAveraged);
  };
}

/** The same for all values at once. */
function together(op: string, rule: AvgFn): MultiAvgFn {
  return function (averaged, current, numAveraged) {
    assertArity(op, arguments.length, 3);
    assertTensors(op, averaged, 'averaged');
    assertTensors(op, current, 'current');
    assertTensor(op, numAveraged, 'numAveraged');
    if (averaged.length !== current.length) throw valueError(op, `got ${averaged.length} averages of ${current.length} values. Give as many.`);
    noGrad(() => {
      for (const [i, a] of averaged.entries()) copy_(a, rule(a, current[i] as Tensor, numAveraged));
    });
  };
}

const decayed =
  (decay: number): AvgFn =>
  (averaged, current) =>
    add(mul(averaged, decay), mul(current, 1 - decay));
const meaned: AvgFn = (averaged, current, numAveraged) => add(averaged, div(sub(current, averaged), add(numAveraged, 1)));

/** decay · average + (1 − decay) · value. */
export function getEmaAvgFn(decay = 0.999): AvgFn {
  assertDecay('getEmaAvgFn', decay, arguments.length);
  return ruleFor('getEmaAvgFn', decayed(decay));
}

/** As `getEmaAvgFn`, for all values at once. */
export function getEmaMultiAvgFn(decay = 0.999): MultiAvgFn {
  assertDecay('getEmaMultiAvgFn', decay, arguments.length);
  const one = decayed(decay);
  return together('getEmaMultiAvgFn', (a, b, n) => (a.dtype === 'float32' ? lerp(a, b, 1 - decay) : one(a, b, n)));
}

/** The mean of all values, each alike. */
export function getSwaAvgFn(): AvgFn {
  assertArity('getSwaAvgFn', arguments.length, 0);
  return ruleFor('getSwaAvgFn', meaned);
}

/** As `getSwaAvgFn`, for all values at once. */
export function getSwaMultiAvgFn(): MultiAvgFn {
  assertArity('getSwaMultiAvgFn', arguments.length, 0);
  return together('getSwaMultiAvgFn', meaned);
}

/** Options of `AveragedModel`. One of the functions may be given; without them all models count alike. */
export interface AveragedModelOptions {
  /** How one value is averaged. */
  avgFn?: AvgFn | null;
  /** How all are, in place. */
  multiAvgFn?: MultiAvgFn | null;
  /** Whether buffers are averaged too, instead of copied; default false. */
  useBuffers?: boolean;
}
const AVERAGED: Kinds<AveragedModelOptions> = { avgFn: /* @__PURE__ */ orNull(FUNCTION), multiAvgFn: /* @__PURE__ */ orNull(FUNCTION), useBuffers: FLAG };
const MODULE = /* @__PURE__ */ instanceOf(Module, 'a module');

/**
 * A running average of a model's weights. It averages into a second model of the same structure, `copy`, which starts with the first one's state. Works in captured steps.
 *
 *     const averaged = new AveragedModel(model, new Net(), { multiAvgFn: getEmaMultiAvgFn(0.99) });
 *     for (const [x, y] of loader) {
 *       …                                // train the model
 *       averaged.updateParameters(model);
 *     }
 *     averaged.forward(x);
 */
export class AveragedModel<M extends Module & Partial<Layer> = Module & Layer> extends Module {
  /** The model that holds the averages. */
  readonly module: M;
  /** How many models are in the average, int32. */
  readonly nAveraged: Buffer;
  readonly #options: AveragedModelOptions;

  constructor(model: M, copy: M, options?: AveragedModelOptions) {
    super();
    const op = 'AveragedModel';
    assertArity(op, arguments.length, 3);
    checkArgument(op, 'the model', model, MODULE);
    if (!((copy as unknown) instanceof Module))
      throw valueError(op, `the copy must be a second module of the same structure, got ${valueText(copy)}. Modules are not copied: pass new Net().`);
    const checked = optionsOf(op, options, AVERAGED);
    if (checked.avgFn && checked.multiAvgFn) throw valueError(op, 'got avgFn and multiAvgFn. Leave one out.');
    if ((copy as Module) === model) throw valueError(op, 'the copy is the model itself. Make a second one.');
    copy.loadStateDict(model.stateDict());
    this.#options = checked;
    this.module = copy;
    this.nAveraged = scope(() => new Buffer(zeros([], { dtype: 'int32' })));
  }

  forward(...inputs: Parameters<M['forward']>): ReturnType<M['forward']> {
    return (this.module.forward as (...inputs: unknown[]) => unknown)(...inputs) as ReturnType<M['forward']>;
  }

  /**
   * Takes the model's weights into the average; the first time they are the average.
   * @throws STATE where the model has other weights than the average; nothing has changed then
   */
  updateParameters(model: Module): void {
    const op = 'AveragedModel.updateParameters';
    assertArity(op, arguments.length, 1);
    checkArgument(op, 'the model', model, MODULE);
    const { avgFn, multiAvgFn, useBuffers = false } = this.#options;
    const pairs = (mine: readonly Tensor[], theirs: readonly Tensor[]): [Tensor, Tensor][] => {
      const fit = mine.length === theirs.length && mine.every((t, i) => sameShape(t.sizes, theirs[i]?.sizes ?? []) && t.dtype === theirs[i]?.dtype);
      if (!fit) throw new GradloomError('STATE', op, "the model's weights are not those that are averaged. Pass a model of the same structure.");
      return mine.map((t, i) => [detach(t), detach(theirs[i] as Tensor)]);
    };
    const parameters = pairs(this.module.parameters(), model.parameters());
    const buffers = pairs(this.module.buffers(), model.buffers());
    const averaged = useBuffers ? [...parameters, ...buffers] : parameters;
    const n = this.nAveraged;
    scope(() =>
      noGrad(() => {
        const first = eq(n, 0);
        if (multiAvgFn) {
          multiAvgFn(
            averaged.map(([a]) => a),
            averaged.map(([, b]) => b),
            detach(n),
          );
          for (const [a, b] of averaged) copy_(a, where(first, b, a));
        } else for (const [a, b] of averaged) copy_(a, where(first, b, (avgFn ?? meaned)(a, b, detach(n))));
        if (!useBuffers) for (const [a, b] of buffers) copy_(a, b);
        add_(n, 1);
      }),
    );
  }
}

/** Options of `SWALR`, with PyTorch's defaults. */
export interface SWALROptions {
  /** The rate to go to, for all groups or one each. */
  swaLr: PerGroup;
  /** Steps until it is reached; default 10. */
  annealEpochs?: number;
  /** Along a cosine or a line; default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
}
const SWALR_OPTIONS: Kinds<SWALROptions> = { swaLr: PER_GROUP, annealEpochs: NUMBER, annealStrategy: /* @__PURE__ */ oneOf('cos', 'linear') };

/** From the rate that is there to `swaLr` in `annealEpochs` steps, where it stays. */
export class SWALR extends LRScheduler {
  readonly #options: Required<SWALROptions>;

  constructor(
    optimizer: Schedulable,
    ...options: [SWALROptions] | [swaLr: PerGroup, annealEpochs?: number, annealStrategy?: 'cos' | 'linear'] | [swaLr: PerGroup, Partial<SWALROptions>]
  ) {
    super('SWALR', optimizer);
    this.#options = given<Required<SWALROptions>>('SWALR', options, SWALR_OPTIONS, { annealEpochs: 10, annealStrategy: 'cos' });
    whole('SWALR', 'annealEpochs', this.#options.annealEpochs, 0);
    const groups = groupsOf('SWALR', optimizer).length;
    for (let i = 0; i < groups; i++) valueFor('SWALR', 'swaLr', this.#options.swaLr, i, groups);
    this.begin();
  }

  /** How far it is at a step. */
  #share(step: number): number {
    const t = Math.max(0, Math.min(1, step / Math.max(1, this.#options.annealEpochs)));
    return this.#options.annealStrategy === 'linear' ? t : (1 - cosPi(t)) / 2;
  }

  protected override first(rate: number, base: number, group: number): number {
    return this.next(rate, 0, base, group);
  }

  protected next(rate: number, count: number, _base: number, group: number): number {
    const goal = valueFor<number>('SWALR', 'swaLr', this.#options.swaLr, group, this.optimizer.paramGroups.length);
    const step = this.#options.annealEpochs === 0 ? Math.max(1, count) : count;
    const [before, now] = [this.#share(step - 1), this.#share(step)];
    const start = before === 1 ? goal : (rate - before * goal) / (1 - before);
    return goal * now + start * (1 - now);
  }
}
