// Methods made of methods. Each passes on what the inner one needs and remembers, so they nest: ema(every(normalize(new
// MGDA()), 10), 0.9).
import { assertArity, checkArgument, type Kinds, NUMBER, withDefaults } from '../../tensor/check.ts';
import { valueError } from '../../tensor/errors.ts';
import { count, range } from '../checks.ts';
import { STATELESS, type State, States, stateIn } from '../state.ts';
import { MethodBase } from './base.ts';
import { Weighted } from './from-losses/weighted.ts';
import { Memory } from './memory.ts';
import { headsOf, isAggregator, isScalarizer, METHOD, type Method, type Stats, type Weighting, type Wrapped } from './method.ts';

const WHOLE = count(0);

/** A weighting that may be given the losses after the step (FAMO). */
interface Updated extends Weighting {
  update?(lossesAfter: Float64Array): void;
}

function needWeights(wrapper: string, method: Method): Updated {
  checkArgument(wrapper, 'method', method, METHOD);
  if (method instanceof Weighted) return asWeighting(method);
  if (!isScalarizer(method) && !isAggregator(method)) return method;
  throw valueError(wrapper, `${method.name} gives no weights, but ${isAggregator(method) ? 'a direction' : 'a function of the losses'}. Wrap a method that weighs losses.`);
}

/** Weights by name as a method that gives weights. */
function asWeighting(method: Weighted<string>): Weighting {
  return {
    name: method.name,
    needs: 'losses',
    weights: ({ names }) => method.nextWeights(names),
    stateDict: () => method.stateDict(),
    loadStateDict: (state) => method.loadStateDict(state),
    reset: () => method.reset(),
  };
}

/** What every wrapper of one weighting shares. */
export abstract class Wrapper extends MethodBase implements Weighting {
  readonly name: string;
  protected readonly inner: Updated;
  protected override readonly memory: State;
  /** There only where the inner method has it. */
  declare update?: (lossesAfter: Float64Array) => void;

  /** @param own what the wrapper itself remembers. @param others further methods inside, by their names in states */
  constructor(wrapper: string, method: Method, own: State = STATELESS, others: Readonly<Record<string, State>> = {}) {
    super();
    this.inner = needWeights(wrapper, method);
    this.name = `${wrapper}(${method.name})`;
    this.memory = new States({ own, inner: stateIn(this.inner), ...others });
    if (this.inner.update) this.update = (after) => this.inner.update?.(after);
  }

  get needs(): Weighting['needs'] {
    return this.inner.needs;
  }

  /** One rule for all steps, whatever each of them needs. */
  get heads(): 'weighted' | 'unweighted' {
    return headsOf(this.inner);
  }

  get eps(): number | undefined {
    return this.inner.eps;
  }

  abstract weights(stats: Stats): Float64Array;
}

class Ema extends Wrapper {
  private readonly means: Memory<never, 'mean'>;
  private readonly decay: number;

  constructor(method: Method, decay: number) {
    const means = new Memory<never, 'mean'>({}, ['mean']);
    super('ema', method, means);
    this.means = means;
    checkArgument('ema', 'decay', decay, range(0, 1));
    this.decay = decay;
  }

  weights(stats: Stats): Float64Array {
    const now = this.inner.weights(stats);
    const known = this.means.names;
    const rows = this.means.of(stats.names, (i) => ({ mean: now[i] as number }));
    return now.map((w, i) => {
      const row = rows[i] as { mean: number };
      if (known.includes(stats.names[i] as string)) row.mean = this.decay * row.mean + (1 - this.decay) * w;
      return row.mean;
    });
  }
}

/**
 * Weights as a running mean with the given decay, a loss's first as they are: CR-MOGM (Zhou et al., NeurIPS 2022),
 * which keeps noisy gradients from making noisy weights.
 */
export function ema<Name extends string>(method: Weighting<Name> | Weighted<Name>, decay = 0.9): Wrapped<Name> {
  assertArity('ema', arguments.length, 2);
  return new Ema(method, decay);
}

class Every extends Wrapper {
  private readonly latest: Memory<'step', 'latest'>;
  private readonly n: number;

  constructor(method: Method, n: number) {
    const latest = new Memory<'step', 'latest'>({ step: 0 }, ['latest'], { step: WHOLE });
    super('every', method, latest);
    this.latest = latest;
    checkArgument('every', 'n', n, count(1));
    this.n = n;
  }

  private get due(): boolean {
    return this.latest.own.step % this.n === 0;
  }

  override get needs(): Weighting['needs'] {
    return this.due ? this.inner.needs : 'losses';
  }

  weights(stats: Stats): Float64Array {
    const { latest: memory } = this;
    const { names } = stats;
    if (this.due) {
      const w = this.inner.weights(stats);
      memory
        .of(names, () => ({ latest: 0 }))
        .forEach((row, i) => {
          row.latest = w[i] as number;
        });
    }
    memory.own.step++;
    // One that was never weighed counts as the others do on average.
    const all = [...memory.all];
    const usual = all.reduce((s, row) => s + row.latest, 0) / all.length;
    return Float64Array.from(names, (name) => memory.get(name)?.latest ?? usual);
  }
}

/**
 * Weights computed anew every n steps and kept in between (PSMGD, Xiao et al. 2024, arXiv 2412.10961): gradients are
 * not measured then. Heads get what they get in the other steps; where that is their own gradient, `heads: 'weighted'`
 * makes the steps in between cost no more than a sum's.
 */
export function every<Name extends string>(method: Weighting<Name> | Weighted<Name>, n: number): Wrapped<Name>;
/** The same, the number first. */
export function every<Name extends string>(n: number, method: Weighting<Name> | Weighted<Name>): Wrapped<Name>;
export function every(...given: unknown[]): Wrapped {
  assertArity('every', given.length, 2);
  const [method, n] = typeof given[0] === 'number' ? [given[1], given[0]] : given;
  return new Every(method as Method, n as number);
}

/** Bounds of `clipWeights`. */
export interface ClipWeightsOptions {
  /** Default 0. */
  min?: number;
  /** Default no bound. */
  max?: number;
}

const CLIP: Kinds<ClipWeightsOptions> = { min: NUMBER, max: NUMBER };

class Clip extends Wrapper {
  private readonly min: number;
  private readonly max: number;

  constructor(method: Method, options: ClipWeightsOptions) {
    super('clipWeights', method);
    const { min, max } = withDefaults<Required<ClipWeightsOptions>>('clipWeights', options, CLIP, { min: 0, max: Number.POSITIVE_INFINITY });
    if (Number.isNaN(min) || Number.isNaN(max) || min > max) throw valueError('clipWeights', `min must not be above max, got ${min} and ${max}.`);
    this.min = min;
    this.max = max;
  }

  weights(stats: Stats): Float64Array {
    return this.inner.weights(stats).map((w) => Math.min(Math.max(w, this.min), this.max));
  }
}

/**
 * Weights kept between `min` and `max`: against a weight that collapses or explodes. What the method promises of its
 * direction no longer holds where a weight is clipped.
 */
export function clipWeights<Name extends string>(method: Weighting<Name> | Weighted<Name>, options: ClipWeightsOptions): Wrapped<Name> {
  assertArity('clipWeights', arguments.length, 2);
  return new Clip(method, options);
}

class WarmUp extends Wrapper {
  override readonly name: string;
  private readonly count: Memory<'step', never>;
  private readonly first: Updated;
  private readonly steps: number;

  constructor(first: Method, then: Method, steps: number) {
    const [begin, count] = [needWeights('warmup', first), new Memory<'step', never>({ step: 0 }, [], { step: WHOLE })];
    super('warmup', then, count, { first: stateIn(begin) });
    [this.first, this.count] = [begin, count];
    this.name = `warmup(${first.name}, ${then.name})`;
    checkArgument('warmup', 'steps', steps, WHOLE);
    this.steps = steps;
    if (this.first.update || this.inner.update) this.update = (after) => this.latest.update?.(after);
  }

  /** The method of the step to come. */
  private get current(): Updated {
    return this.count.own.step < this.steps ? this.first : this.inner;
  }

  /** The method of the step that was. */
  private get latest(): Updated {
    return this.count.own.step <= this.steps && this.steps > 0 ? this.first : this.inner;
  }

  override get needs(): Weighting['needs'] {
    return this.current.needs;
  }

  override get heads(): 'weighted' | 'unweighted' {
    return headsOf(this.current);
  }

  override get eps(): number | undefined {
    return this.current.eps;
  }

  weights(stats: Stats): Float64Array {
    const w = this.current.weights(stats);
    this.count.own.step++;
    return w;
  }
}

/**
 * The first method for so many steps, then the other one: `warmup(new Mean(), new PCGrad(), 500)`. Each step costs what
 * its own method needs.
 */
export function warmup<First extends string, Then extends string>(
  first: Weighting<First> | Weighted<First>,
  then: Weighting<Then> | Weighted<Then>,
  steps: number,
): Wrapped<First & Then> {
  assertArity('warmup', arguments.length, 3);
  return new WarmUp(first, then, steps);
}
