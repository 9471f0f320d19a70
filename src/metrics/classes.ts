// Classes from predictions: what every measure of classification starts from.
import { assertArity, assertTensor } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A batch's scores, [rows, classes] each row after the other, and its targets. */
export interface Scores {
  /** Rows. */
  readonly count: number;
  /** Classes; 0 where predictions are labels already, 1 where there is one score a row. */
  readonly classes: number;
  /** The score of a row for a class. */
  score(row: number, classIndex: number): number;
  /** The row's right class. */
  target(row: number): number;
}

/** Predictions [N, C, …] with targets [N, …] (class scores), or both of one shape (labels as int32 or bool; one score a row as float32). Rows whose target is `ignored` are left out. */
export function scoresOf(op: string, given: readonly unknown[], ignored?: number): Scores {
  const all = allScores(op, given);
  if (ignored === undefined) return all;
  const kept = Array.from({ length: all.count }, (_, row) => row).filter((row) => all.target(row) !== ignored);
  return { count: kept.length, classes: all.classes, score: (row, c) => all.score(kept[row] as number, c), target: (row) => all.target(kept[row] as number) };
}

function allScores(op: string, given: readonly unknown[]): Scores {
  assertArity(op, given.length, 2);
  const [predictions, targets] = given as [Tensor, Tensor];
  assertTensor(op, predictions, 'predictions');
  assertTensor(op, targets, 'targets');
  if (targets.dtype === 'float32') throw new GradloomError('DTYPE', op, 'targets must be labels (int32 or bool), got float32. Convert them with .int().');
  const [p, t] = [predictions.sizes, targets.sizes];
  const y = targets.data();
  const x = predictions.data();
  const target = (row: number): number => y[row] as number;
  if (sameShape(p, t)) {
    const classes = predictions.dtype === 'float32' ? 1 : 0;
    refuseNaN(op, x);
    return { count: y.length, classes, score: (row) => x[row] as number, target };
  }
  const rest = [...p.slice(0, 1), ...p.slice(2)];
  if (p.length < 2 || !sameShape(rest, t) || predictions.dtype !== 'float32') {
    throw new GradloomError(
      'SHAPE',
      op,
      `predictions ${predictions.dtype} ${shapeText(p)} do not fit targets ${shapeText(t)}. Give float32 scores [N, classes, …] or labels, with targets [N, …].`,
    );
  }
  refuseNaN(op, x);
  const classes = p[1] as number;
  const inner = p.slice(2).reduce((a, b) => a * b, 1);
  const at = (row: number): number => Math.floor(row / inner) * classes * inner + (row % inner);
  return { count: y.length, classes, score: (row, c) => x[at(row) + c * inner] as number, target };
}

function refuseNaN(op: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) throw valueError(op, `element ${i} of the predictions is NaN: it is of no class. Look at the model.`);
}

/** The class with the highest score, the first of equals; one score a row is class 1 above the threshold. */
export function predictedClass({ classes, score }: Scores, row: number, threshold: number): number {
  if (classes === 0) return score(row, 0);
  if (classes === 1) return score(row, 0) > threshold ? 1 : 0;
  let best = 0;
  for (let c = 1; c < classes; c++) if (score(row, c) > score(row, best)) best = c;
  return best;
}

/** A label, checked: a whole number from 0, below `classes` where that is known. */
export function labelOf(op: string, what: string, label: number, classes: number): number {
  if (label >= 0 && (classes === 0 || label < classes)) return label;
  throw valueError(op, `${what} ${label} is no class: they go from 0${classes ? ` to ${classes - 1}` : ''}. Pass { ignoreIndex } where it marks rows without a label.`);
}
