// What measures share: they gather over batches, on the host in float64, and hold no tensor.
import { assertArity, assertTensor, isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A measure over batches: `update` with each batch, `compute` what they give together, `reset` before the next pass. */
export abstract class Metric<Inputs extends readonly unknown[] = readonly [predictions: Tensor, targets: Tensor], Result = number> {
  constructor() {
    // A metric with options hands none on; one without has no constructor of its own.
    assertArity(new.target.name, arguments.length, 0);
  }

  /** Takes a batch in. Everything is checked before anything is counted. */
  abstract update(...batch: Inputs): void;
  /** The measure over all batches since the last `reset`. */
  abstract compute(): Result;
  /** Forgets every batch. */
  abstract reset(): void;
}

/** Whatever a metric takes and gives. */
// biome-ignore lint/suspicious/noExplicitAny: of any inputs
export type AnyMetric = Metric<any, unknown>;

/** Throws where there is nothing to measure. */
export function assertSeen(op: string, count: number): void {
  if (count === 0) throw valueError(op, 'no row was given since the start or the last reset(). Call update(predictions, targets) with a batch first.');
}

/** The numbers of two tensors of one shape. */
export function pairOf(op: string, given: readonly unknown[]): [ArrayLike<number>, ArrayLike<number>] {
  assertArity(op, given.length, 2);
  const [predictions, targets] = given;
  assertTensor(op, predictions, 'predictions');
  assertTensor(op, targets, 'targets');
  if (!sameShape(predictions.sizes, targets.sizes)) {
    throw new GradloomError('SHAPE', op, `predictions ${shapeText(predictions.sizes)} and targets ${shapeText(targets.sizes)} must have one shape. Use reshape or squeeze.`);
  }
  return [predictions.data(), targets.data()];
}

type Inputs<M> = { [K in keyof M]: M[K] extends Metric<infer I, unknown> ? I : never };
type Results<M> = { [K in keyof M]: M[K] extends { compute(): infer R } ? R : never };

/**
 * Several metrics by name, one for each head or loss: updated, computed and reset together. What a batch lacks is not updated.
 *
 * @example
 * const measures = new metrics.MetricCollection({ digit: new metrics.Accuracy(), size: new metrics.MeanAbsoluteError() });
 * measures.update({ digit: [logits, labels], size: [sizes, wanted] });
 * measures.compute(); // { digit: 0.97, size: 0.12 }
 */
export class MetricCollection<M extends Readonly<Record<string, AnyMetric>>> extends Metric<[batch: Partial<Inputs<M>>], Results<M>> {
  /** The metrics by name. */
  readonly metrics: M;

  constructor(metrics: M) {
    super();
    assertArity('MetricCollection', arguments.length, 1);
    if (!isPlainObject(metrics)) throw valueError('MetricCollection', `takes metrics by name, got ${valueText(metrics)}. Write { name: new Accuracy() }.`);
    for (const [name, m] of Object.entries(metrics)) {
      if (!(m instanceof Metric)) throw valueError('MetricCollection', `'${name}' must be a metric, got ${valueText(m)}.`);
    }
    this.metrics = { ...metrics };
  }

  update(batch: Partial<Inputs<M>>): void {
    assertArity('MetricCollection.update', arguments.length, 1);
    if (!isPlainObject(batch)) throw valueError('MetricCollection.update', `takes batches by name, got ${valueText(batch)}. Write { name: [predictions, targets] }.`);
    const entries = Object.entries(batch).map(([name, inputs]) => {
      if (!Object.hasOwn(this.metrics, name))
        throw valueError('MetricCollection.update', `there is no metric '${name}'. There is ${Object.keys(this.metrics).join(', ') || 'none'}.`);
      if (!Array.isArray(inputs)) throw valueError('MetricCollection.update', `'${name}' must be a list of what its update takes, got ${valueText(inputs)}.`);
      return [this.metrics[name] as AnyMetric, inputs] as const;
    });
    for (const [metric, inputs] of entries) metric.update(...inputs);
  }

  compute(): Results<M> {
    return Object.fromEntries(Object.entries(this.metrics).map(([name, m]) => [name, m.compute()])) as Results<M>;
  }

  reset(): void {
    for (const m of Object.values(this.metrics)) m.reset();
  }
}
