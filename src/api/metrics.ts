/** Measures over batches, by scikit-learn's meaning and torchmetrics' names. @module */
export {
  Accuracy,
  type AccuracyOptions,
  type Average,
  type AverageOptions,
  ConfusionMatrix,
  type ConfusionOptions,
  Dice,
  F1Score,
  JaccardIndex,
  Precision,
  Recall,
} from '../metrics/classification.ts';
export { type AnyMetric, Metric, MetricCollection } from '../metrics/metric.ts';
export { AUROC, type AUROCOptions } from '../metrics/ranking.ts';
export { MeanAbsoluteError, MeanMetric, MeanSquaredError, R2Score } from '../metrics/regression.ts';
