import { add, div, mul } from '../../ops/binary.ts';
import { full, tensor } from '../../ops/create.ts';
import { add_, copy_ } from '../../ops/inplace.ts';
import { sum } from '../../ops/reduce.ts';
import { logSoftmax } from '../../ops/softmax.ts';
import { exp, sqrt, square } from '../../ops/unary.ts';
import { recording } from '../../tensor/recording.ts';
import { keep, outlive } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../method.ts';
import { checkNumber } from '../checks.ts';
import { combined, Memory } from './rows.ts';

/** Options of ExcessMTL. */
export interface ExcessMTLOptions {
  /** η: how fast weights follow the excess risks; 1 unless said. */
  eta?: number;
}

/**
 * Weights that grow with each loss's excess risk, estimated as Σ g²/√(Σ over time of g²) and relative to its first value: w ← w·e^(η·e),
 * made to add up to 1 (He et al. 2024, arXiv 2402.02009). Robust against losses that noise keeps high. In the first step the
 * estimate stands for itself.
 */
export class ExcessMTL implements Aggregator {
  readonly name = 'ExcessMTL';
  readonly needs = 'jacobian';
  private readonly eta: number;
  /** Σ over time of g², per element. */
  private readonly squares = new Memory('ExcessMTL');
  /** ln w, [m], and the first estimates, [m]. */
  private logits: Tensor | null = null;
  private first: Tensor | null = null;

  constructor(options: ExcessMTLOptions = {}) {
    this.eta = options.eta ?? 1;
    checkNumber(this.name, 'eta', this.eta, 0, Number.POSITIVE_INFINITY, true);
  }

  directions(rows: readonly Tensor[], { names }: Stats): Tensor[] {
    const m = names.length;
    const squares = this.squares.of(rows);
    let excess: Tensor = full([m], 0);
    rows.forEach((r, p) => {
      const now = square(r);
      const all = add_(squares[p] as Tensor, now);
      excess = add(excess, sum(div(now, sqrt(add(all, 1e-7))), { dim: 1 }));
    });
    if (this.logits === null || this.first === null) {
      recording()?.early();
      this.first = outlive(add(excess, 0));
      this.logits = outlive(logSoftmax(mul(excess, this.eta), 0));
    } else {
      copy_(this.logits, logSoftmax(add(this.logits, mul(div(excess, add(this.first, 1e-7)), this.eta)), 0));
    }
    const w = exp(this.logits);
    return rows.map((r) => combined(w, r));
  }

  stateDict(): Record<string, unknown> {
    return { squares: this.squares.toJSON(), logits: this.logits && [...this.logits.data()], first: this.first && [...this.first.data()] };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    this.squares.load(state.squares);
    const kept = (values: unknown): Tensor | null => (values ? keep(tensor(Float32Array.from(values as number[]))) : null);
    this.logits = kept(state.logits);
    this.first = kept(state.first);
  }

  reset(): void {
    this.loadStateDict({});
  }
}
