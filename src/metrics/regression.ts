// Measures of numbers, and running means.
import { assertArity, checkArgument, NUMBER, TENSOR, valueText } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { assertSeen, Metric, pairOf } from './metric.ts';

/** A mean of a term of each element. */
abstract class MeanOf extends Metric {
  private sum = 0;
  private count = 0;

  /** An element's term. */
  protected abstract term(prediction: number, target: number): number;

  update(...batch: readonly [predictions: Tensor, targets: Tensor]): void {
    const [p, t] = pairOf(`${this.constructor.name}.update`, batch);
    for (let i = 0; i < p.length; i++) this.sum += this.term(p[i] as number, t[i] as number);
    this.count += p.length;
  }

  compute(): number {
    assertSeen(`${this.constructor.name}.compute`, this.count);
    return this.sum / this.count;
  }

  reset(): void {
    this.sum = 0;
    this.count = 0;
  }
}

/**
 * Mean of |prediction − target| over all elements; both of one shape.
 *
 * @example
 * new metrics.MeanAbsoluteError().update(predictions, targets);
 */
export class MeanAbsoluteError extends MeanOf {
  protected term(prediction: number, target: number): number {
    return Math.abs(prediction - target);
  }
}

/**
 * Mean of (prediction − target)² over all elements; both of one shape.
 *
 * @example
 * new metrics.MeanSquaredError().update(predictions, targets);
 */
export class MeanSquaredError extends MeanOf {
  protected term(prediction: number, target: number): number {
    return (prediction - target) ** 2;
  }
}

/**
 * The coefficient of determination, 1 − Σ(t − p)² ÷ Σ(t − mean of t)², over all elements; both of one shape. Where all targets are alike it is 1 for
 * exact predictions and 0 else, as scikit-learn's.
 *
 * @example
 * new metrics.R2Score().update(predictions, targets);
 */
export class R2Score extends Metric {
  private count = 0;
  private residual = 0;
  private mean = 0;
  /** Σ(t − mean)², by Welford's update. */
  private spread = 0;

  update(...batch: readonly [predictions: Tensor, targets: Tensor]): void {
    const [p, t] = pairOf('R2Score.update', batch);
    for (let i = 0; i < p.length; i++) {
      const target = t[i] as number;
      this.residual += (target - (p[i] as number)) ** 2;
      const before = target - this.mean;
      this.mean += before / ++this.count;
      this.spread += before * (target - this.mean);
    }
  }

  /** @throws VALUE below two elements: there is no spread to explain */
  compute(): number {
    assertSeen('R2Score.compute', this.count);
    if (this.count < 2) throw valueError('R2Score.compute', 'needs two elements or more, got 1. Give more rows.');
    if (this.spread === 0) return this.residual === 0 ? 1 : 0;
    return 1 - this.residual / this.spread;
  }

  reset(): void {
    this.count = 0;
    this.residual = 0;
    this.mean = 0;
    this.spread = 0;
  }
}

/**
 * The mean of numbers: a loss over an epoch. Takes numbers, or tensors of which each element counts; `weight` (default 1) is that of each, such as a batch's rows.
 *
 * @example
 * const running = new metrics.MeanMetric();
 * for (const [x, y] of loader) running.update(loss(model.forward(x), y), x.shape[0]);
 * running.compute();
 */
export class MeanMetric extends Metric<readonly [value: number | Tensor, weight?: number]> {
  private sum = 0;
  private weight = 0;

  update(value: number | Tensor, weight = 1): void {
    assertArity('MeanMetric.update', arguments.length, 2);
    if (typeof value !== 'number') checkArgument('MeanMetric.update', 'the value', value, { ...TENSOR, what: 'a number or a tensor' });
    checkArgument('MeanMetric.update', 'the weight', weight, NUMBER);
    if (!(weight >= 0)) throw valueError('MeanMetric.update', `the weight must be ≥ 0, got ${valueText(weight)}.`);
    for (const v of value instanceof Tensor ? value.data() : [value]) {
      this.sum += v * weight;
      this.weight += weight;
    }
  }

  compute(): number {
    assertSeen('MeanMetric.compute', this.weight);
    return this.sum / this.weight;
  }

  reset(): void {
    this.sum = 0;
    this.weight = 0;
  }
}
