// Methods made of methods. Each passes on what the inner one needs and remembers, so they nest: ema(every(10, normalize(new MGDA())), 0.9).
import { mul } from '../ops/binary.ts';
import { reshape } from '../ops/movement.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { vector } from './aggregators/rows.ts';
import { type Aggregator, isAggregator, type Method, type Stats, type Weighting } from './method.ts';
import { checkCount, checkNumber, checkSameLosses } from './checks.ts';
import { Weighted } from './weighted.ts';

type State = Record<string, unknown>;

/** A weighting that may be told the losses after the step (FAMO). */
interface Updated extends Weighting {
  update?(lossesAfter: Float64Array): void;
}

function needWeights(wrapper: string, method: Method): Updated {
  if (method instanceof Weighted) return asWeighting(method);
  if ('weights' in method) return method as Updated;
  throw valueError(wrapper, `${method.name} gives no weights, but ${isAggregator(method) ? 'a direction' : 'a function of the losses'}. Wrap a method that weighs losses.`);
}

/** A method that gives weights, or `Weighted`, which says them. */
export type Weigher = Weighting | Weighted<string>;

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
abstract class Wrapper implements Weighting {
  readonly name: string;
  protected readonly inner: Updated;
  /** There only where the inner method has it. */
  declare update?: (lossesAfter: Float64Array) => void;

  constructor(wrapper: string, method: Method, name = `${wrapper}(${method.name})`) {
    this.inner = needWeights(wrapper, method);
    this.name = name;
    if (this.inner.update) this.update = (after) => this.inner.update?.(after);
  }

  get needs(): Weighting['needs'] {
    return this.inner.needs;
  }

  abstract weights(stats: Stats): Float64Array;

  /** What the wrapper itself remembers. */
  protected own(): State {
    return {};
  }

  /** Takes up what `own` gave; with {} it forgets. */
  protected setOwn(_state: Readonly<State>): void {}

  stateDict(): State {
    return { ...this.own(), inner: this.inner.stateDict() };
  }

  loadStateDict(state: Readonly<State>): void {
    this.setOwn(state);
    this.inner.loadStateDict(state.inner as State);
  }

  reset(): void {
    this.setOwn({});
    this.inner.reset();
  }
}

const numbers = (value: unknown): Float64Array => Float64Array.from((value as number[] | undefined) ?? []);

class Ema extends Wrapper {
  private readonly decay: number;
  private mean: Float64Array = new Float64Array(0);

  constructor(method: Method, decay: number) {
    super('ema', method);
    checkNumber('ema', 'decay', decay, 0, 1);
    this.decay = decay;
  }

  weights(stats: Stats): Float64Array {
    const now = this.inner.weights(stats);
    if (this.mean.length === 0) this.mean = now.slice();
    else {
      checkSameLosses(this.name, this.mean.length, now.length);
      this.mean = this.mean.map((v, i) => this.decay * v + (1 - this.decay) * (now[i] as number));
    }
    return this.mean.slice();
  }

  protected override own(): State {
    return { mean: [...this.mean] };
  }

  protected override setOwn({ mean }: Readonly<State>): void {
    this.mean = numbers(mean);
  }
}

/** Weights as a running mean with the given decay, the first step's as they are: CR-MOGM (Zhou et al., NeurIPS 2022), which keeps noisy gradients from making noisy weights. */
export function ema(method: Weigher, decay = 0.9): Weighting {
  return new Ema(method, decay);
}

class Every extends Wrapper {
  private readonly n: number;
  private step = 0;
  private latest: Float64Array = new Float64Array(0);

  constructor(n: number, method: Method) {
    super('every', method);
    checkCount('every', 'n', n, 1);
    this.n = n;
  }

  /** In the steps between, nothing: they cost one backward pass. */
  override get needs(): Weighting['needs'] {
    return this.step % this.n === 0 ? this.inner.needs : 'losses';
  }

  weights(stats: Stats): Float64Array {
    if (this.step % this.n === 0) this.latest = this.inner.weights(stats);
    checkSameLosses(this.name, this.latest.length, stats.names.length);
    this.step++;
    return this.latest.slice();
  }

  protected override own(): State {
    return { step: this.step, latest: [...this.latest] };
  }

  protected override setOwn({ step, latest }: Readonly<State>): void {
    this.step = (step as number | undefined) ?? 0;
    this.latest = numbers(latest);
  }
}

/** Weights computed anew every n steps and kept in between, where `needs` is 'losses': gradients of each loss are not asked for then (PSMGD, Xiao et al. 2024, arXiv 2412.10961). */
export function every(n: number, method: Weigher): Weighting {
  return new Every(n, method);
}

/** Bounds of `clipWeights`. */
export interface ClipWeightsOptions {
  /** 0 unless said. */
  min?: number;
  /** No bound unless said. */
  max?: number;
}

class Clip extends Wrapper {
  private readonly min: number;
  private readonly max: number;

  constructor(method: Method, { min = 0, max = Number.POSITIVE_INFINITY }: ClipWeightsOptions) {
    super('clipWeights', method);
    if (Number.isNaN(min) || Number.isNaN(max) || min > max) throw valueError('clipWeights', `min must not be above max, got ${min} and ${max}.`);
    this.min = min;
    this.max = max;
  }

  weights(stats: Stats): Float64Array {
    return this.inner.weights(stats).map((w) => Math.min(Math.max(w, this.min), this.max));
  }
}

/** Weights kept between `min` and `max`: against a weight that collapses or explodes. What the method promises of its direction no longer holds where a weight is clipped. */
export function clipWeights(method: Weigher, options: ClipWeightsOptions): Weighting {
  return new Clip(method, options);
}

/** 1/‖gᵢ‖; 0 for a zero gradient. */
const inverses = (norms: Float64Array): Float64Array => norms.map((v) => (v > 0 ? 1 / v : 0));

/** What is known of the same step with gradients of length 1. */
function unitStats({ names, losses, norms, gramian, elements }: Stats): Stats {
  const m = names.length;
  const s = inverses(norms);
  const cosines = gramian.map((v, at) => v * (s[Math.floor(at / m)] as number) * (s[at % m] as number));
  // A length times its inverse is 1 but for rounding.
  for (let i = 0; i < m; i++) if ((s[i] as number) > 0 && (gramian[i * m + i] as number) > 0) cosines[i * m + i] = 1;
  const unit = { names, losses, norms: norms.map((v) => (v > 0 ? 1 : 0)), gramian: cosines };
  if (!elements) return unit;
  const shortened = (values: Float64Array): Float64Array => values.map((v, i) => v * (s[i] as number));
  return { ...unit, elements: { largest: shortened(elements.largest), mean: shortened(elements.mean) } };
}

class Normalized extends Wrapper {
  constructor(method: Method) {
    super('normalize', method);
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

class NormalizedRows implements Aggregator {
  readonly name: string;
  readonly needs = 'jacobian';
  readonly measures = true;
  private readonly inner: Aggregator;

  constructor(method: Aggregator) {
    this.inner = method;
    this.name = `normalize(${method.name})`;
  }

  directions(rows: readonly Tensor[], stats: Stats): Tensor[] {
    const s = reshape(vector(inverses(stats.norms)), [stats.names.length, 1]);
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
 * balances, then resolves. A zero gradient stays zero.
 */
export function normalize(method: Weigher): Weighting;
export function normalize(method: Aggregator): Aggregator;
export function normalize(method: Weigher | Aggregator): Weighting | Aggregator {
  return isAggregator(method) ? new NormalizedRows(method) : new Normalized(method);
}

class WarmUp extends Wrapper {
  private readonly first: Updated;
  private readonly steps: number;
  private step = 0;

  constructor(first: Method, then: Method, steps: number) {
    super('warmup', then, `warmup(${first.name}, ${then.name})`);
    this.first = needWeights('warmup', first);
    checkCount('warmup', 'steps', steps, 0);
    this.steps = steps;
    if (this.first.update || this.inner.update) this.update = (after) => this.latest.update?.(after);
  }

  /** The method of the step to come. */
  private get current(): Updated {
    return this.step < this.steps ? this.first : this.inner;
  }

  /** The method of the step that was. */
  private get latest(): Updated {
    return this.step <= this.steps && this.steps > 0 ? this.first : this.inner;
  }

  override get needs(): Weighting['needs'] {
    return this.current.needs;
  }

  weights(stats: Stats): Float64Array {
    const w = this.current.weights(stats);
    this.step++;
    return w;
  }

  protected override own(): State {
    return { step: this.step, first: this.first.stateDict() };
  }

  protected override setOwn({ step, first }: Readonly<State>): void {
    this.step = (step as number | undefined) ?? 0;
    if (first) this.first.loadStateDict(first as State);
    else this.first.reset();
  }
}

/** The first method for so many steps, then the other one: `warmup(new Mean(), new PCGrad(), 500)`. Each step costs what its own method needs. */
export function warmup(first: Weigher, then: Weigher, steps: number): Weighting {
  return new WarmUp(first, then, steps);
}
