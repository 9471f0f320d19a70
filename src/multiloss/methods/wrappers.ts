// Methods made of methods. Each passes on what the inner one needs and remembers, so they nest: ema(every(10, normalize(new MGDA())), 0.9).
import { mul } from '../../ops/binary.ts';
import { reshape } from '../../ops/movement.ts';
import { assertArity, checkArgument, type Kinds, NUMBER, withDefaults } from '../../tensor/check.ts';
import { valueError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { told } from './from-gradients/rows.ts';
import { count, range } from '../checks.ts';
import { Memory } from './memory.ts';
import { type Aggregator, type AnyLoss, headsOf, isAggregator, METHOD, type Method, type Stats, type Weighting } from './method.ts';
import { loadAll, OBJECT, type Restorable, stateOf } from '../state.ts';
import { CheckedMethod } from './checked.ts';
import { Weighted } from './from-losses/weighted.ts';

type State = Record<string, unknown>;

/** A weighting that may be told the losses after the step (FAMO). */
interface Updated extends Weighting {
  update?(lossesAfter: Float64Array): void;
}

function needWeights(wrapper: string, method: Method): Updated {
  checkArgument(wrapper, 'method', method, METHOD);
  if (method instanceof Weighted) return asWeighting(method);
  if ('weights' in method) return method as Updated;
  throw valueError(wrapper, `${method.name} gives no weights, but ${isAggregator(method) ? 'a direction' : 'a function of the losses'}. Wrap a method that weighs losses.`);
}

/** A method that gives weights, or `Weighted`, which says them. */
export type Weigher<Name extends string = AnyLoss> = Weighting<Name> | Weighted<Name>;

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
abstract class Wrapper extends CheckedMethod implements Weighting {
  readonly name: string;
  protected readonly inner: Updated;
  /** There only where the inner method has it. */
  declare update?: (lossesAfter: Float64Array) => void;
  /** What the wrapper itself remembers. */
  protected readonly memory: Memory<string, string> = new Memory({}, []);

  constructor(wrapper: string, method: Method) {
    super();
    this.inner = needWeights(wrapper, method);
    this.name = `${wrapper}(${method.name})`;
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

  /** Every method inside, by its name in states. */
  protected parts(): Record<string, Weighting> {
    return { inner: this.inner };
  }

  stateDict(): State {
    return { own: this.memory.stateDict(), ...Object.fromEntries(Object.entries(this.parts()).map(([key, part]) => [key, part.stateDict()])) };
  }

  loadStateDict(state: Readonly<State>): void {
    const parts = this.parts();
    const given = stateOf(this.name, state, { own: OBJECT, ...Object.fromEntries(Object.keys(parts).map((key) => [key, OBJECT])) });
    const own: Restorable = { stateDict: () => this.memory.stateDict(), loadStateDict: (of) => this.memory.load(this.name, of) };
    loadAll([[own, given.own], ...Object.entries(parts).map(([key, part]) => [part, given[key]] as const)]);
  }

  reset(): void {
    this.memory.reset();
    for (const part of Object.values(this.parts())) part.reset();
  }
}

class Ema extends Wrapper {
  protected override readonly memory = new Memory<never, 'mean'>({}, ['mean']);
  private readonly decay: number;

  constructor(method: Method, decay: number) {
    super('ema', method);
    checkArgument('ema', 'decay', decay, range(0, 1));
    this.decay = decay;
  }

  weights(stats: Stats): Float64Array {
    const now = this.inner.weights(stats);
    const known = this.memory.names;
    const rows = this.memory.of(stats.names, (i) => ({ mean: now[i] as number }));
    return now.map((w, i) => {
      const row = rows[i] as { mean: number };
      if (known.includes(stats.names[i] as string)) row.mean = this.decay * row.mean + (1 - this.decay) * w;
      return row.mean;
    });
  }
}

/**
 * Weights as a running mean with the given decay, a loss's first as they are: CR-MOGM (Zhou et al., NeurIPS 2022), which keeps noisy gradients
 * from making noisy weights.
 */
export function ema<Name extends string>(method: Weigher<Name>, decay = 0.9): Weighting<Name> {
  assertArity('ema', arguments.length, 2);
  return new Ema(method, decay);
}

class Every extends Wrapper {
  protected override readonly memory = new Memory<'step', 'latest'>({ step: 0 }, ['latest']);
  private readonly n: number;

  constructor(n: number, method: Method) {
    super('every', method);
    checkArgument('every', 'n', n, count(1));
    this.n = n;
  }

  private get due(): boolean {
    return this.memory.own.step % this.n === 0;
  }

  override get needs(): Weighting['needs'] {
    return this.due ? this.inner.needs : 'losses';
  }

  weights(stats: Stats): Float64Array {
    const { memory } = this;
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
 * Weights computed anew every n steps and kept in between (PSMGD, Xiao et al. 2024, arXiv 2412.10961): gradients are not measured then.
 * Heads get what they get in the other steps; where that is their own gradient, `heads: 'weighted'` makes the steps in between cost no more
 * than a sum's.
 */
export function every<Name extends string>(n: number, method: Weigher<Name>): Weighting<Name> {
  assertArity('every', arguments.length, 2);
  return new Every(n, method);
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

/** Weights kept between `min` and `max`: against a weight that collapses or explodes. What the method promises of its direction no longer holds where a weight is clipped. */
export function clipWeights<Name extends string>(method: Weigher<Name>, options: ClipWeightsOptions): Weighting<Name> {
  assertArity('clipWeights', arguments.length, 2);
  return new Clip(method, options);
}

/** A gradient no longer than this is none, as in PyTorch's normalize: it is not stretched. */
const NONE = 1e-12;

/** 1/‖gᵢ‖; 1 for a gradient that is none. */
const inverses = (norms: Float64Array): Float64Array => norms.map((v) => (v > NONE ? 1 / v : 1));

/** What is known of the same step with gradients of length 1, or 0 where one is none. */
function unitStats(stats: Stats): Stats {
  const { names, norms, gramian, elements } = stats;
  const m = names.length;
  const s = norms.map((v) => (v > NONE ? 1 / v : 0));
  const cosines = gramian.map((v, at) => v * (s[Math.floor(at / m)] as number) * (s[at % m] as number));
  // A length times its inverse is 1 but for rounding.
  for (let i = 0; i < m; i++) if ((s[i] as number) > 0 && (gramian[i * m + i] as number) > 0) cosines[i * m + i] = 1;
  const unit = { ...stats, norms: norms.map((v) => (v > NONE ? 1 : 0)), gramian: cosines };
  if (!elements) return unit;
  const shortened = (values: Float64Array): Float64Array => values.map((v, i) => v * (s[i] as number));
  return { ...unit, elements: { largest: shortened(elements.largest), mean: shortened(elements.mean) } };
}

class Normalized extends Wrapper {
  constructor(method: Method) {
    super('normalize', method);
  }

  override get heads(): 'unweighted' {
    return 'unweighted';
  }

  /** The lengths at least, which its weights are divided by. */
  override get needs(): Weighting['needs'] {
    return this.inner.needs === 'losses' ? 'norms' : this.inner.needs;
  }

  weights(stats: Stats): Float64Array {
    const s = inverses(stats.norms);
    return this.inner.weights(unitStats(stats)).map((w, i) => w * (s[i] as number));
  }
}

class NormalizedRows extends CheckedMethod implements Aggregator {
  readonly name: string;
  readonly needs = 'jacobian';
  private readonly inner: Aggregator;

  constructor(method: Aggregator) {
    super();
    this.inner = method;
    this.name = `normalize(${method.name})`;
  }

  directions(rows: readonly Tensor[], stats: Stats): Tensor[] {
    const m = stats.names.length;
    const s = reshape(
      told(m, [], () => inverses(stats.norms)),
      [m, 1],
    );
    return this.inner.directions(
      rows.map((r) => mul(r, s)),
      unitStats(stats),
    );
  }

  stateDict(): State {
    return this.inner.stateDict();
  }

  loadStateDict(state: Readonly<State>): void {
    this.inner.loadStateDict(state);
  }

  reset(): void {
    this.inner.reset();
  }
}

/**
 * The method sees every gradient with length 1, so a loss's scale does not count, only where it pulls: `normalize(new PCGrad())` first
 * balances, then resolves. A gradient no longer than 1e-12 stays as it is; parameters of single losses get these losses' own gradients.
 */
export function normalize<Name extends string>(method: Weigher<Name>): Weighting<Name>;
/** The same of a method that gives directions. */
export function normalize<Name extends string>(method: Aggregator<Name>): Aggregator<Name>;
export function normalize(method: Weigher | Aggregator): Weighting | Aggregator {
  assertArity('normalize', arguments.length, 1);
  checkArgument('normalize', 'method', method, METHOD);
  return isAggregator(method) ? new NormalizedRows(method) : new Normalized(method);
}

class WarmUp extends Wrapper {
  override readonly name: string;
  protected override readonly memory = new Memory<'step', never>({ step: 0 }, []);
  private readonly first: Updated;
  private readonly steps: number;

  constructor(first: Method, then: Method, steps: number) {
    super('warmup', then);
    this.first = needWeights('warmup', first);
    this.name = `warmup(${first.name}, ${then.name})`;
    checkArgument('warmup', 'steps', steps, count(0));
    this.steps = steps;
    if (this.first.update || this.inner.update) this.update = (after) => this.latest.update?.(after);
  }

  /** The method of the step to come. */
  private get current(): Updated {
    return this.memory.own.step < this.steps ? this.first : this.inner;
  }

  /** The method of the step that was. */
  private get latest(): Updated {
    return this.memory.own.step <= this.steps && this.steps > 0 ? this.first : this.inner;
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
    this.memory.own.step++;
    return w;
  }

  protected override parts(): Record<string, Weighting> {
    return { inner: this.inner, first: this.first };
  }
}

/** The first method for so many steps, then the other one: `warmup(new Mean(), new PCGrad(), 500)`. Each step costs what its own method needs. */
export function warmup<First extends string, Then extends string>(first: Weigher<First>, then: Weigher<Then>, steps: number): Weighting<First & Then> {
  assertArity('warmup', arguments.length, 3);
  return new WarmUp(first, then, steps);
}
