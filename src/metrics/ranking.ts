// Measures of order: how well scores put rows of a class before others.
import { type Kinds, oneOf, optionsBy } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { labelOf, scoresOf } from './classes.ts';
import { assertSeen, Metric } from './metric.ts';

/** Options of `AUROC`. */
export interface AUROCOptions {
  /** Over classes, each against the rest: 'macro' (default), or 'weighted' by how often each is there. */
  average?: 'macro' | 'weighted';
}

const OPTIONS: Kinds<AUROCOptions> = { average: oneOf('macro', 'weighted') };

/** The chance that a row of the class has a higher score than one that is not, equals counted half: Mann–Whitney's U by ranks. */
function areaOf(scores: readonly number[], isOfClass: (row: number) => boolean): number {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let [ranks, inside] = [0, 0];
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && scores[order[end] as number] === scores[order[start] as number]) end++;
    const rank = (start + end + 1) / 2; // the mean of ranks start + 1 … end
    for (const row of order.slice(start, end)) {
      if (!isOfClass(row)) continue;
      inside++;
      ranks += rank;
    }
  }
  return (ranks - (inside * (inside + 1)) / 2) / (inside * (order.length - inside));
}

/**
 * Area under the ROC curve, exact, ties counted half, as scikit-learn's `roc_auc_score`. Predictions: one float32 score a row with targets 0 and 1 of the
 * same shape, or scores [N, C, …] with targets [N, …], each class against the rest. Keeps every score until `reset`.
 *
 * @example
 * const auroc = new metrics.AUROC();
 * auroc.update(model.forward(x).squeeze(1), y);
 * auroc.compute();
 */
export class AUROC extends Metric {
  private columns: number[][] = [];
  private targets: number[] = [];
  private readonly average: 'macro' | 'weighted';

  constructor(...given: [options?: AUROCOptions]) {
    super();
    this.average = optionsBy<AUROCOptions>('AUROC', given, OPTIONS).average ?? 'macro';
  }

  update(...batch: readonly [predictions: Tensor, targets: Tensor]): void {
    const { count, classes, score, target } = scoresOf('AUROC.update', batch);
    if (classes === 0) throw new GradloomError('DTYPE', 'AUROC.update', 'takes float32 scores, labels have no order. Give probabilities or logits.');
    if (this.targets.length > 0 && this.columns.length !== classes)
      throw new GradloomError('SHAPE', 'AUROC.update', `the scores have ${classes} classes, those before had ${this.columns.length}. Call reset() between models.`);
    const labels = Array.from({ length: count }, (_, row) => labelOf('AUROC.update', 'the target', target(row), Math.max(classes, 2)));
    if (this.targets.length === 0) this.columns = Array.from({ length: classes }, () => []);
    for (let row = 0; row < count; row++) {
      this.targets.push(labels[row] as number);
      for (let c = 0; c < classes; c++) (this.columns[c] as number[]).push(score(row, c));
    }
  }

  /** @throws VALUE where a class, or the rest beside it, has no row: the curve is not defined */
  compute(): number {
    assertSeen('AUROC.compute', this.targets.length);
    const { columns, targets } = this;
    const areas = columns.map((scores, c) => {
      const label = columns.length === 1 ? 1 : c;
      const count = targets.filter((t) => t === label).length;
      if (count === 0 || count === targets.length)
        throw valueError('AUROC.compute', `class ${label} has ${count} of ${targets.length} rows: the area needs rows of it and of others. Give more rows.`);
      return [areaOf(scores, (row) => targets[row] === label), this.average === 'weighted' ? count : 1] as const;
    });
    return areas.reduce((sum, [area, w]) => sum + area * w, 0) / areas.reduce((sum, [, w]) => sum + w, 0);
  }

  reset(): void {
    this.columns = [];
    this.targets = [];
  }
}
