// A method that sees every gradient with length 1.
import { mul } from '../../ops/binary.ts';
import { reshape } from '../../ops/movement.ts';
import { assertArity, checkArgument } from '../../tensor/check.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type State, stateIn } from '../state.ts';
import { MethodBase } from './base.ts';
import { fromHost } from './from-gradients/rows.ts';
import type { Weighted } from './from-losses/weighted.ts';
import { type Aggregator, isAggregator, METHOD, type Method, type Stateful, type Stats, type Weighting, type Wrapped } from './method.ts';
import { Wrapper } from './wrappers.ts';

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

class NormalizedRows extends MethodBase implements Aggregator {
  readonly name: string;
  readonly needs = 'jacobian';
  private readonly inner: Aggregator;
  protected override readonly memory: State;

  constructor(method: Aggregator) {
    super();
    this.inner = method;
    this.memory = stateIn(method);
    this.name = `normalize(${method.name})`;
  }

  directions(rows: readonly Tensor[], stats: Stats): Tensor[] {
    const m = stats.names.length;
    const s = reshape(
      fromHost(m, [], () => inverses(stats.norms)),
      [m, 1],
    );
    return this.inner.directions(
      rows.map((r) => mul(r, s)),
      unitStats(stats),
    );
  }
}

/**
 * The method sees every gradient with length 1, so a loss's scale does not count, only where it pulls: `normalize(new
 * PCGrad())` first balances, then resolves. A gradient no longer than 1e-12 stays as it is; parameters of single losses
 * get these losses' own gradients.
 */
export function normalize<Name extends string>(method: Weighting<Name> | Weighted<Name>): Wrapped<Name>;
/** The same of a method that gives directions. */
export function normalize<Name extends string>(method: Aggregator<Name>): Aggregator<Name> & Stateful;
export function normalize(method: Weighting | Weighted<string> | Aggregator): Wrapped | (Aggregator & Stateful) {
  assertArity('normalize', arguments.length, 1);
  checkArgument('normalize', 'method', method, METHOD);
  return isAggregator(method) ? new NormalizedRows(method) : new Normalized(method);
}
