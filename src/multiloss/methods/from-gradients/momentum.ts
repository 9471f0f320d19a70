// DB-MTL and MoCo: methods on running means of every loss's gradient. They hold m copies of the parameters.
import { add, mul, sub } from '../../../ops/binary.ts';
import { narrow, reshape } from '../../../ops/movement.ts';
import { type Kind, type Kinds, withDefaults } from '../../../tensor/check.ts';
import { power } from '../../../tensor/elementary.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../method.ts';
import { assertLosses, count, range } from '../../checks.ts';
import { Memory, reshare } from '../memory.ts';
import { softmax } from '../softmax.ts';
import { times } from '../../solve/matrix.ts';
import { type State, States } from '../../state.ts';
import { MethodBase } from '../base.ts';
import { combined, gramianAt, productsOf, RowMemory, fromHost } from './rows.ts';

/** What is added to losses and lengths before dividing by them. */
const EPSILON = 1e-8;

/** a + s·(b − a), a number s per row. */
function lerp(a: Tensor, b: Tensor, s: Tensor): Tensor {
  return add(a, mul(sub(b, a), s));
}

const KINDS = { steps: count(0) };

/** A method on the rows' running means. `Per`: what there is of each loss, its count of steps among it. */
abstract class Momentum<Per extends string> extends MethodBase implements Aggregator {
  readonly needs = 'jacobian';
  /** @internal What it remembers of losses. */
  protected readonly numbers: Memory<never, Per | 'steps'>;
  /** @internal The rows' running means. */
  protected readonly means: RowMemory;
  protected override readonly memory: State;

  constructor(name: string, per: Per[]) {
    super();
    this.numbers = new Memory<never, Per | 'steps'>({}, ['steps', ...per], KINDS as Partial<Record<Per | 'steps', Kind>>);
    this.means = new RowMemory(name);
    this.memory = new States({ losses: this.numbers, means: this.means });
  }

  abstract directions(rows: readonly Tensor[], stats: Stats): Tensor[];

  /** @internal Two numbers per loss, found by the host from the step's own, as columns [m, 1]. */
  protected columns({ names }: Stats, numbers: () => [Float64Array, Float64Array]): [Tensor, Tensor] {
    const m = names.length;
    const both = fromHost(2 * m, [], () => numbers().flatMap((list) => [...list]));
    return [reshape(narrow(both, 0, 0, m), [m, 1]), reshape(narrow(both, 0, m, m), [m, 1])];
  }
}

/** Options of DBMTL. */
export interface DBMTLOptions {
  /** β: decay of the running mean of the gradients; default 0.9. */
  beta?: number;
  /** σ: β is divided by step^σ; default 0. */
  sigma?: number;
}

const DBMTL_OPTIONS: Kinds<DBMTLOptions> = { beta: range(0, 1), sigma: range(0) };

/**
 * Gradients of ln loss, averaged over time, all stretched to the longest one's length, then added (Lin et al. 2023,
 * arXiv 2308.12029). A negative loss is refused.
 */
export class DBMTL extends Momentum<never> {
  readonly name = 'DBMTL';
  private readonly options: Required<DBMTLOptions>;

  constructor(options?: DBMTLOptions) {
    super('DBMTL', []);
    this.options = withDefaults<Required<DBMTLOptions>>('DBMTL', options, DBMTL_OPTIONS, { beta: 0.9, sigma: 0 }, arguments.length);
  }

  directions(rows: readonly Tensor[], stats: Stats): Tensor[] {
    const { beta, sigma } = this.options;
    const { names, losses } = stats;
    const m = names.length;
    const [ofLogarithm, stays] = this.columns(stats, () => {
      assertLosses(this.name, losses, names, 'it takes logarithms of losses');
      const steps = Float64Array.from(
        this.numbers.of(names, () => ({ steps: 0 })),
        (row) => ++row.steps,
      );
      return [losses.map((v) => 1 / (v + EPSILON)), steps.map((step) => beta / power(step, sigma))];
    });
    const means = this.means.next(rows, stats, (mean, r) => lerp(mul(r, ofLogarithm), mean, stays));
    const stretch = fromHost(m, productsOf(means), (addresses) => {
      const gramian = gramianAt(addresses, m);
      const sizes = Float64Array.from(names, (_, i) => Math.sqrt(gramian[i * (m + 1)] as number));
      const longest = sizes.reduce((a, b) => Math.max(a, b), 0);
      return sizes.map((v) => longest / (v + EPSILON * Math.min(longest, 1) || 1));
    });
    return means.map((mean) => combined(stretch, mean));
  }
}

/** Options of MoCo. */
export interface MoCoOptions {
  /** Step size of the gradients' running means, divided by √step; default 0.5. */
  beta?: number;
  /** Step size of the weights, divided by √step; default 0.1. */
  gamma?: number;
  /** Added to the Gramian's diagonal; default 0. */
  rho?: number;
}

const MOCO_OPTIONS: Kinds<MoCoOptions> = { beta: range(0, 1), gamma: range(0), rho: range(0) };

/**
 * MGDA against noise: each gradient's direction, times its loss, is followed by a running mean yᵢ, and the weights λ
 * walk down λᵀ(Y·Yᵀ)λ by softmax steps (Fernando et al. 2023, arXiv 2210.12624; the factor is LibMTL's). A negative
 * loss is refused.
 */
export class MoCo extends Momentum<'lambda'> {
  readonly name = 'MoCo';
  private readonly options: Required<MoCoOptions>;

  constructor(options?: MoCoOptions) {
    super('MoCo', ['lambda']);
    this.options = withDefaults<Required<MoCoOptions>>('MoCo', options, MOCO_OPTIONS, { beta: 0.5, gamma: 0.1, rho: 0 }, arguments.length);
  }

  directions(rows: readonly Tensor[], stats: Stats): Tensor[] {
    const { beta, gamma, rho } = this.options;
    const { names, losses, norms } = stats;
    const m = names.length;
    const remembered = (): Record<'steps' | 'lambda', number>[] => this.numbers.of(names, () => ({ steps: 0, lambda: 1 / m }));
    const [unit, moves] = this.columns(stats, () => {
      assertLosses(this.name, losses, names, 'it multiplies gradients by losses, so it would climb a negative one');
      const steps = Float64Array.from(remembered(), (row) => ++row.steps);
      return [norms.map((v, i) => (losses[i] as number) / (v + EPSILON)), steps.map((step) => beta / Math.sqrt(step))];
    });
    const means = this.means.next(rows, stats, (mean, r) => lerp(mean, mul(r, unit), moves));
    const w = fromHost(m, productsOf(means), (addresses) => {
      const known = remembered();
      reshare(known, 'lambda', 1);
      const lambda = Float64Array.from(known, (row) => row.lambda);
      const slope = times(gramianAt(addresses, m), lambda, m);
      const next = softmax(lambda.map((v, i) => v - (gamma / Math.sqrt((known[i] as { steps: number }).steps)) * ((slope[i] as number) + rho * v)));
      known.forEach((row, i) => {
        row.lambda = next[i] as number;
      });
      return next;
    });
    return means.map((mean) => combined(w, mean));
  }
}
