// Weights that are learnt by gradient descent beside the model: one parameter per loss, in an optimizer of the user's.
import { Parameter } from '../../module/parameter.ts';
import { add, mul, sub } from '../../ops/binary.ts';
import { full } from '../../ops/create.ts';
import { sum } from '../../ops/reduce.ts';
import { exp, neg, softplus } from '../../ops/unary.ts';
import { float32View } from '../../runtime/memory.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { settle } from '../../tensor/pending.ts';
import { refuseWhileRecording } from '../../tensor/recording.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';
import { vectorOf } from './per-loss.ts';

/** How many losses there are, or their names in order: with names, others are refused. */
export type LossCount = number | readonly string[];

/** A scalarizer with one learnt number sᵢ per loss. */
abstract class Learned implements Scalarizer {
  abstract readonly name: string;
  readonly needs = 'losses';
  /** s, [m]. */
  readonly parameter: Parameter;
  private readonly names: readonly string[] | null;
  private readonly start: number;

  constructor(op: string, losses: LossCount, start: number) {
    const count = typeof losses === 'number' ? losses : losses.length;
    if (!Number.isInteger(count) || count < 1) throw valueError(op, `the number of losses must be a whole number ≥ 1, got ${count}.`);
    if (!Number.isFinite(start)) throw valueError(op, `init must be finite, got ${start}.`);
    this.names = typeof losses === 'number' ? null : [...losses];
    this.start = start;
    this.parameter = new Parameter(full([count], start));
    this.parameter.label = `${op}'s parameter`;
  }

  /** The scalar from the losses [m] and s [m]. */
  protected abstract formula(losses: Tensor, s: Tensor): Tensor;

  combine(losses: readonly Tensor[], names: readonly string[]): Tensor {
    const { size } = this.parameter;
    if (losses.length !== size || this.names?.some((name, i) => name !== names[i])) {
      throw valueError(this.name, `made for ${this.names?.join(', ') ?? `${size} losses`}, got ${names.join(', ')}. Pass the same losses in the same order.`);
    }
    return sum(this.formula(vectorOf(losses), this.parameter));
  }

  parameters(): Tensor[] {
    return [this.parameter];
  }

  stateDict(): Record<string, unknown> {
    return { s: [...this.parameter.data()] };
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { s } = state;
    if (!Array.isArray(s) || s.length !== this.parameter.size || !s.every(Number.isFinite)) {
      throw new GradloomError('STATE', `${this.name}.loadStateDict`, `expected ${this.parameter.size} finite numbers s, got ${JSON.stringify(s)}. Make it for the same losses.`);
    }
    this.write(s);
  }

  /** The first values again. The optimizer keeps what it remembers of them. */
  reset(): void {
    this.write(new Array(this.parameter.size).fill(this.start));
  }

  private write(values: readonly number[]): void {
    refuseWhileRecording(this.name, 'parameters are written', 'Do it before.');
    settle();
    float32View().set(values, this.parameter.address / 4);
    this.parameter.storage.touch(this.name);
  }
}

/** Options of `UncertaintyWeighting`. */
export interface UncertaintyOptions {
  /** What keeps σ from growing: 'log' (½ ln σ²) unless said, or 'log1p' (ln(1 + σ²)), which is never negative. */
  regularizer?: 'log' | 'log1p';
  /** sᵢ = ln σᵢ² at the start; 0 unless said. */
  init?: number;
}

/**
 * Σ ½·e^(−sᵢ)·Lᵢ + ½·sᵢ with learnt sᵢ = ln σᵢ²: noisy losses count less (Kendall, Gal & Cipolla, CVPR 2018, arXiv 1705.07115). Losses may be
 * negative; at rest a positive one counts 1/(2·Lᵢ). `regularizer: 'log1p'` gives Σ Lᵢ/(2σᵢ²) + ln(1 + σᵢ²) (Liebel & Körner 2018, arXiv
 * 1805.06334). Give `parameters()` to an optimizer.
 */
export class UncertaintyWeighting extends Learned {
  readonly name = 'UncertaintyWeighting';
  private readonly regularizer: 'log' | 'log1p';

  constructor(losses: LossCount, options: UncertaintyOptions = {}) {
    const { regularizer = 'log', init = 0 } = options;
    if (regularizer !== 'log' && regularizer !== 'log1p') throw valueError('UncertaintyWeighting', `regularizer must be 'log' or 'log1p', got '${regularizer}'.`);
    super('UncertaintyWeighting', losses, init);
    this.regularizer = regularizer;
  }

  protected formula(losses: Tensor, s: Tensor): Tensor {
    const regular = this.regularizer === 'log' ? mul(s, 0.5) : softplus(s);
    return add(mul(mul(exp(neg(s)), 0.5), losses), regular);
  }
}

/**
 * Σ e^(sᵢ)·Lᵢ − sᵢ with learnt sᵢ, 0 at the start: at rest every e^(sᵢ)·Lᵢ is 1 (IMTL-L, Liu et al., ICLR 2021, openreview IMPnRXEWpvr).
 * Losses must be positive for that. Twice `UncertaintyWeighting` at −s. Give `parameters()` to an optimizer.
 */
export class IMTLL extends Learned {
  readonly name = 'IMTLL';

  constructor(losses: LossCount, options: { init?: number } = {}) {
    super('IMTLL', losses, options.init ?? 0);
  }

  protected formula(losses: Tensor, s: Tensor): Tensor {
    return sub(mul(exp(s), losses), s);
  }
}
