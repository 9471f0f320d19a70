// Measures of classes: accuracy, and what a confusion matrix gives.
import { COUNT, type Kinds, NUMBER, oneOf, optionsBy, WHOLE } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { labelOf, predictedClass, scoresOf } from './classes.ts';
import { assertSeen, Metric } from './metric.ts';

/** Options of `Accuracy`. */
export interface AccuracyOptions {
  /** A row counts where its class is among so many highest scores, default 1. Of equal scores the lower class goes first. */
  topK?: number;
  /** Where there is one score a row: above it a row is class 1. Default 0.5; 0 for logits. */
  threshold?: number;
  /** A target that marks rows without a label, such as −100 or 255 in a mask: they do not count. Default none. */
  ignoreIndex?: number;
}

const ACCURACY: Kinds<AccuracyOptions> = { topK: COUNT, threshold: NUMBER, ignoreIndex: WHOLE };

/**
 * Share of rows whose class is right. Predictions: scores [N, C, …] (any monotonic ones: logits, probabilities), labels [N, …], or one score a row;
 * targets: labels [N, …].
 *
 * @example
 * const accuracy = new metrics.Accuracy({ topK: 5 });
 * for (const [x, y] of loader) accuracy.update(model.forward(x), y);
 * accuracy.compute();
 */
export class Accuracy extends Metric {
  private right = 0;
  private count = 0;
  private readonly topK: number;
  private readonly threshold: number;
  private readonly ignoreIndex: number | undefined;

  constructor(...given: [options?: AccuracyOptions] | [topK: number, threshold?: number]) {
    super();
    const { topK = 1, threshold = 0.5, ignoreIndex } = optionsBy<AccuracyOptions>('Accuracy', given, ACCURACY);
    this.topK = topK;
    this.threshold = threshold;
    this.ignoreIndex = ignoreIndex;
  }

  update(...batch: readonly [predictions: Tensor, targets: Tensor]): void {
    const scores = scoresOf('Accuracy.update', batch, this.ignoreIndex);
    const { count, classes, score, target } = scores;
    if (this.topK > 1 && (classes < 2 || this.topK > classes))
      throw valueError('Accuracy.update', `topK is ${this.topK}, the predictions have ${classes < 2 ? 'no scores by class' : `${classes} classes`}. Use topK ≤ the classes.`);
    const known = classes === 1 ? 2 : classes;
    let right = 0;
    for (let row = 0; row < count; row++) {
      const wanted = labelOf('Accuracy.update', 'the target', target(row), known);
      if (this.topK === 1) right += predictedClass(scores, row, this.threshold) === wanted ? 1 : 0;
      else {
        const own = score(row, wanted);
        let ahead = 0;
        for (let c = 0; c < classes; c++) if (score(row, c) > own || (score(row, c) === own && c < wanted)) ahead++;
        right += ahead < this.topK ? 1 : 0;
      }
    }
    this.right += right;
    this.count += count;
  }

  compute(): number {
    assertSeen('Accuracy.compute', this.count);
    return this.right / this.count;
  }

  reset(): void {
    this.right = 0;
    this.count = 0;
  }
}

/** Options of a confusion matrix. */
export interface ConfusionOptions {
  /** Classes; default what the scores have, or the highest label and its predecessors. */
  numClasses?: number;
  /** Where there is one score a row: above it a row is class 1. Default 0.5; 0 for logits. */
  threshold?: number;
  /** A target that marks rows without a label, such as −100 or 255 in a mask: they do not count. Default none. */
  ignoreIndex?: number;
}

const CONFUSION: Kinds<ConfusionOptions> = { numClasses: COUNT, threshold: NUMBER, ignoreIndex: WHOLE };

/** Counts by target (row) and prediction (column). Predictions and targets as for `Accuracy`. */
abstract class Confusion<Result> extends Metric<readonly [predictions: Tensor, targets: Tensor], Result> {
  /** Counts by target, then prediction. */
  protected counts: number[][] = [];
  protected readonly numClasses: number | undefined;
  private readonly threshold: number;
  private readonly ignoreIndex: number | undefined;

  constructor({ numClasses, threshold = 0.5, ignoreIndex }: ConfusionOptions) {
    super();
    this.numClasses = numClasses;
    this.threshold = threshold;
    this.ignoreIndex = ignoreIndex;
    this.reset();
  }

  update(...batch: readonly [predictions: Tensor, targets: Tensor]): void {
    const op = `${this.constructor.name}.update`;
    const scores = scoresOf(op, batch, this.ignoreIndex);
    const known = scores.classes === 1 ? 2 : scores.classes;
    const limit = this.numClasses ?? known;
    const pairs = Array.from({ length: scores.count }, (_, row) => [
      labelOf(op, 'the target', scores.target(row), limit),
      labelOf(op, 'the prediction', predictedClass(scores, row, this.threshold), limit),
    ]) as [number, number][];
    this.grow(pairs.reduce((most, [t, p]) => Math.max(most, t + 1, p + 1), known));
    for (const [t, p] of pairs) (this.counts[t] as number[])[p] = (this.counts[t]?.[p] as number) + 1;
  }

  private grow(classes: number): void {
    if (classes > 65536) throw valueError(`${this.constructor.name}.update`, `${classes} classes are more than 65536. Are the labels classes?`);
    if (classes <= this.counts.length) return;
    for (const row of this.counts) while (row.length < classes) row.push(0);
    while (this.counts.length < classes) this.counts.push(new Array<number>(classes).fill(0));
  }

  reset(): void {
    this.counts = [];
    this.grow(this.numClasses ?? 0);
  }

  /** By class: how often right, predicted, and there. */
  protected tallies(): { right: number; predicted: number; actual: number }[] {
    assertSeen(`${this.constructor.name}.compute`, sumOf(this.counts.map(sumOf)));
    return this.counts.map((row, c) => ({ right: row[c] as number, predicted: sumOf(this.counts.map((r) => r[c] as number)), actual: sumOf(row) }));
  }
}

const sumOf = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/**
 * How often each class was taken for each: `matrix[target][prediction]`, as scikit-learn's. Predictions and targets as for `Accuracy`.
 *
 * @example
 * const confusion = new metrics.ConfusionMatrix({ numClasses: 10 });
 * confusion.update(logits, labels);
 * confusion.compute()[3][5]; // how often a 3 was taken for a 5
 */
export class ConfusionMatrix extends Confusion<number[][]> {
  constructor(...given: [options?: ConfusionOptions] | [numClasses: number, threshold?: number]) {
    super(optionsBy<ConfusionOptions>('ConfusionMatrix', given, CONFUSION));
  }

  compute(): number[][] {
    this.tallies();
    return this.counts.map((row) => [...row]);
  }
}

/** How classes are put together: 'macro' (mean over classes that occur), 'micro' (all rows at once), 'weighted' (by how often a class is there), 'binary' (class 1), 'none' (one number a class). */
export type Average = 'macro' | 'micro' | 'weighted' | 'binary' | 'none';

/** Options of a measure by class. */
export interface AverageOptions extends ConfusionOptions {
  /** Default 'macro'. */
  average?: Average;
}

const AVERAGE: Kinds<AverageOptions> = { average: oneOf('macro', 'micro', 'weighted', 'binary', 'none'), ...CONFUSION };

/** A measure that is a ratio of counts by class; 0 where it would be 0 ÷ 0, as scikit-learn's. */
abstract class ByClass<Result = number> extends Confusion<Result> {
  private readonly average: Average;

  constructor(name: string, given: readonly unknown[]) {
    const { average = 'macro', ...options } = optionsBy<AverageOptions>(name, given, AVERAGE);
    super(options);
    this.average = average;
  }

  /** The ratio of a class, or of all at once. */
  protected abstract ratio(right: number, predicted: number, actual: number): [number, number];

  compute(): Result {
    const tallies = this.tallies();
    const of = ({ right, predicted, actual }: (typeof tallies)[number]): number => {
      const [a, b] = this.ratio(right, predicted, actual);
      return b === 0 ? 0 : a / b;
    };
    return this.put(tallies, of) as Result;
  }

  private put(tallies: { right: number; predicted: number; actual: number }[], of: (tally: (typeof tallies)[number]) => number): number | number[] {
    const sum = (key: 'right' | 'predicted' | 'actual'): number => sumOf(tallies.map((t) => t[key]));
    switch (this.average) {
      case 'none':
        return tallies.map(of);
      case 'micro':
        return of({ right: sum('right'), predicted: sum('predicted'), actual: sum('actual') });
      case 'weighted':
        return sumOf(tallies.map((t) => of(t) * t.actual)) / sum('actual');
      case 'binary':
        if (tallies.length > 2) throw valueError(`${this.constructor.name}.compute`, `average 'binary' is for two classes, there are ${tallies.length}. Use 'macro' or 'micro'.`);
        return of(tallies[1] ?? { right: 0, predicted: 0, actual: 0 }); // labels that were all 0
      default: {
        const there = tallies.filter((t) => t.predicted + t.actual > 0);
        return sumOf(there.map(of)) / there.length;
      }
    }
  }
}

type Of<O> = O extends { readonly average: 'none' } ? number[] : number;

/**
 * Of the rows taken for a class, the share that is of it: right ÷ predicted. Predictions and targets as for `Accuracy`.
 *
 * @example
 * new metrics.Precision({ average: 'micro' });
 */
export class Precision<const O extends AverageOptions = AverageOptions> extends ByClass<Of<O>> {
  constructor(...given: [options?: O]) {
    super('Precision', given);
  }

  protected ratio(right: number, predicted: number): [number, number] {
    return [right, predicted];
  }
}

/**
 * Of the rows of a class, the share that was found: right ÷ actual. Predictions and targets as for `Accuracy`.
 *
 * @example
 * new metrics.Recall({ average: 'binary' });
 */
export class Recall<const O extends AverageOptions = AverageOptions> extends ByClass<Of<O>> {
  constructor(...given: [options?: O]) {
    super('Recall', given);
  }

  protected ratio(right: number, _predicted: number, actual: number): [number, number] {
    return [right, actual];
  }
}

/**
 * The harmonic mean of precision and recall: 2·right ÷ (predicted + actual); over pictures' masks it is the Dice coefficient. Predictions and targets as for `Accuracy`.
 *
 * @example
 * new metrics.F1Score({ average: 'none' }); // compute() gives one number a class
 */
export class F1Score<const O extends AverageOptions = AverageOptions> extends ByClass<Of<O>> {
  constructor(...given: [options?: O]) {
    super('F1Score', given);
  }

  protected ratio(right: number, predicted: number, actual: number): [number, number] {
    return [2 * right, predicted + actual];
  }
}

/** The Dice coefficient (Dice, 1945): `F1Score` under the name that it has for masks. */
export class Dice<const O extends AverageOptions = AverageOptions> extends ByClass<Of<O>> {
  constructor(...given: [options?: O]) {
    super('Dice', given);
  }

  protected ratio(right: number, predicted: number, actual: number): [number, number] {
    return [2 * right, predicted + actual];
  }
}

/**
 * Intersection over union of each class (Jaccard, 1901): right ÷ (predicted + actual − right). Predictions [N, C, H, W] or masks [N, H, W], targets masks.
 *
 * @example
 * new metrics.JaccardIndex({ numClasses: 21 }); // mean IoU
 */
export class JaccardIndex<const O extends AverageOptions = AverageOptions> extends ByClass<Of<O>> {
  constructor(...given: [options?: O]) {
    super('JaccardIndex', given);
  }

  protected ratio(right: number, predicted: number, actual: number): [number, number] {
    return [right, predicted + actual - right];
  }
}
