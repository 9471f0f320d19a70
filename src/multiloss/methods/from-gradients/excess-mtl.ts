import { add, div, mul } from '../../../ops/binary.ts';
import { full } from '../../../ops/create.ts';
import { reshape } from '../../../ops/movement.ts';
import { sum } from '../../../ops/reduce.ts';
import { sqrt, square } from '../../../ops/unary.ts';
import { type Kinds, optionsOf } from '../../../tensor/check.ts';
import { logarithm } from '../../../tensor/elementary.ts';
import { floatsAt } from '../../../tensor/host.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../method.ts';
import { count, POSITIVE } from '../../checks.ts';
import { Memory } from '../memory.ts';
import { softmax } from '../softmax.ts';
import { States } from '../../state.ts';
import { MethodBase } from '../base.ts';
import { combined, RowMemory, fromHost } from './rows.ts';

/** Options of ExcessMTL. */
export interface ExcessMTLOptions {
  /** η: how fast weights follow the excess risks; default 1. */
  eta?: number;
}

const OPTIONS: Kinds<ExcessMTLOptions> = { eta: POSITIVE };

/** Gradients whose lengths lie between these have squares that float32 holds. */
const [SHORT, LONG] = [1e-15, 1e15];

/** No weight is taken for less. */
const LEAST = 1e-300;

/**
 * What there is of each loss: ln of its weight but for a constant, its first estimate, and what its gradients are
 * multiplied by.
 */
type Per = 'logit' | 'first' | 'scale';

/**
 * Weights that grow with each loss's excess risk, estimated as Σ g²/√(Σ over time of g²) and relative to its first
 * value: w ← w·e^(η·e), made to add up to 1 (He et al. 2024, arXiv 2402.02009). Robust against losses that noise keeps
 * high. In the first step the estimate is used as it is.
 */
export class ExcessMTL extends MethodBase implements Aggregator {
  readonly name = 'ExcessMTL';
  readonly needs = 'jacobian';
  private readonly eta: number;
  private readonly numbers = new Memory<'steps', Per>({ steps: 0 }, ['logit', 'first', 'scale'], { steps: count(0), scale: POSITIVE });
  /** Σ over time of g², per element. */
  private readonly squares = new RowMemory('ExcessMTL', true);
  protected override readonly memory = new States({ losses: this.numbers, squares: this.squares });

  constructor(options?: ExcessMTLOptions) {
    super();
    this.eta = optionsOf('ExcessMTL', options, OPTIONS, arguments.length).eta ?? 1;
  }

  directions(rows: readonly Tensor[], stats: Stats): Tensor[] {
    const { names, norms } = stats;
    const m = names.length;
    // An estimate below 0: none yet.
    const remembered = (): Record<Per, number>[] => {
      const fresh = (i: number): Record<Per, number> => {
        const length = norms[i] as number;
        return { logit: -logarithm(m), first: -1, scale: length > LONG || (length > 0 && length < SHORT) ? 1 / length : 1 };
      };
      return this.numbers.of(names, fresh);
    };
    const scale = reshape(
      fromHost(m, [], () => remembered().map((row) => row.scale)),
      [m, 1],
    );
    let excess: Tensor = full([m], 0);
    this.squares.next(rows, stats, (old, r) => {
      const now = square(mul(r, scale));
      const all = add(old, now);
      excess = add(excess, sum(div(now, sqrt(add(all, 1e-7))), { dim: 1 }));
      return all;
    });
    const w = fromHost(m, [excess], ([address]) => {
      const known = remembered();
      const found = floatsAt(address as number, m);
      const start = this.numbers.own.steps++ === 0;
      known.forEach((row, i) => {
        const e = found[i] as number;
        if (row.first < 0) row.first = e;
        row.logit = start ? e * this.eta : row.logit + (this.eta * e) / (row.first + 1e-7);
      });
      const weights = softmax(known.map((row) => row.logit));
      // Less their logarithm's sum, so that they do not grow.
      known.forEach((row, i) => {
        row.logit = logarithm(Math.max(weights[i] as number, LEAST));
      });
      return weights;
    });
    return rows.map((r) => combined(w, r));
  }
}
