// Measures against scikit-learn's recorded answers, whole and batch by batch.
import { readFileSync } from 'node:fs';
import { metrics, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

interface Case {
  scores: number[][];
  target: number[];
  answers: Record<string, number | number[] | number[][]>;
}
const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as {
  classes: Case[];
  numbers: { predictions: number[]; targets: number[]; answers: { mae: number; mse: number; r2: number } }[];
};

/** Sums in float64 differ in their order alone. */
const CLOSE = 1e-12;
function near(actual: unknown, expected: unknown, what: string, bound = CLOSE): void {
  if (Array.isArray(expected)) {
    assert.is((actual as unknown[]).length, expected.length, what);
    expected.forEach((e, i) => {
      near((actual as unknown[])[i], e, `${what}[${i}]`, bound);
    });
  } else assert.ok(Math.abs((actual as number) - (expected as number)) <= bound, `${what}: ${actual}, scikit-learn ${expected}`);
}

/** A measure over all rows, given at once and in batches of three. */
function measured<R>(metric: metrics.Metric<readonly [predictions: import('gradloom').Tensor, targets: import('gradloom').Tensor], R>, scores: unknown[], target: number[]): R {
  metric.update(tensor(scores as number[]), tensor(target, { dtype: 'int32' }));
  const whole = metric.compute();
  metric.reset();
  for (let i = 0; i < target.length; i += 3) metric.update(tensor(scores.slice(i, i + 3) as number[]), tensor(target.slice(i, i + 3), { dtype: 'int32' }));
  const parts = metric.compute();
  near(parts, whole, `${metric.constructor.name} in batches`);
  return whole;
}

test('measures of classes are those of scikit-learn', () => {
  for (const { scores, target, answers } of recorded.classes) {
    near(measured(new metrics.Accuracy(), scores, target), answers['accuracy'], 'accuracy');
    near(measured(new metrics.ConfusionMatrix(), scores, target), answers['confusion'], 'confusion');
    for (const average of ['macro', 'micro', 'weighted', 'binary', 'none'] as const) {
      for (const name of ['Precision', 'Recall', 'F1Score', 'JaccardIndex'] as const) {
        const answer = answers[`${name}.${average}`];
        if (answer !== undefined) near(measured(new metrics[name]({ average }), scores, target), answer, `${name} ${average} of ${target.length}`);
      }
      if (answers[`F1Score.${average}`] !== undefined) near(measured(new metrics.Dice({ average }), scores, target), answers[`F1Score.${average}`], `Dice ${average}`);
    }
    const distinct = scores.map((row) => row.map((v, c) => v + c * 1e-3));
    for (let k = 2; k < (scores[0] as number[]).length; k++) near(measured(new metrics.Accuracy({ topK: k }), distinct, target), answers[`top${k}`], `top ${k}`);
    const binary = (scores[0] as number[]).length === 2;
    if (answers['auroc'] === undefined) continue;
    if (binary) {
      const column = scores.map((row) => row[1] as number);
      near(measured(new metrics.AUROC(), column, target), answers['auroc'], 'auroc');
    } else {
      near(measured(new metrics.AUROC(), scores, target), answers['auroc'], 'auroc of several classes');
      near(measured(new metrics.AUROC({ average: 'weighted' }), scores, target), answers['auroc.weighted'], 'auroc weighted');
    }
  }
});

test('measures of numbers are those of scikit-learn', () => {
  for (const { predictions, targets, answers } of recorded.numbers) {
    const p = tensor(predictions);
    const t = tensor(targets);
    for (const [metric, answer] of [
      [new metrics.MeanAbsoluteError(), answers.mae],
      [new metrics.MeanSquaredError(), answers.mse],
      [new metrics.R2Score(), answers.r2],
    ] as const) {
      for (let i = 0; i < targets.length; i += 2) metric.update(p.slice(0, i, i + 2), t.slice(0, i, i + 2));
      near(metric.compute() / answer, 1, metric.constructor.name);
    }
  }
});

test('rows that are marked as without a label do not count', () => {
  const int = (v: number[] | number[][]): import('gradloom').Tensor => tensor(v, { dtype: 'int32' });
  const [scores, target] = [
    [
      [2, 1],
      [0, 1],
      [3, 0],
      [0, 2],
    ],
    [0, 255, 1, -100],
  ];
  const whole = new metrics.Accuracy({ ignoreIndex: 255 });
  throwsCode('VALUE', /the target -100 is no class.*ignoreIndex/, () => whole.update(tensor(scores), int(target)));
  const kept = target.map((t) => (t === 255 ? -100 : t));
  for (const [metric, answer] of [
    [new metrics.Accuracy({ ignoreIndex: -100 }), 0.5],
    [
      new metrics.ConfusionMatrix({ ignoreIndex: -100 }),
      [
        [1, 0],
        [1, 0],
      ],
    ],
    [new metrics.JaccardIndex({ ignoreIndex: -100 }), 0.25],
  ] as const) {
    metric.update(tensor(scores), int(kept));
    assert.equal(metric.compute(), answer);
  }
  const mask = new metrics.Dice({ ignoreIndex: 255, numClasses: 2 });
  mask.update(
    int([
      [0, 1],
      [1, 7],
    ]),
    int([
      [0, 1],
      [0, 255],
    ]),
  ); // what stands in place of a label is not looked at
  assert.ok(Math.abs(mask.compute() - 2 / 3) < 1e-12);
  const none = new metrics.Accuracy({ ignoreIndex: 0 });
  none.update(tensor(scores), int([0, 0, 0, 0]));
  throwsCode('VALUE', /no row was given/, () => none.compute());
});

test("'binary' of labels that are all 0 is 0, as scikit-learn's", () => {
  const f1 = new metrics.F1Score({ average: 'binary' });
  f1.update(tensor([0, 0], { dtype: 'int32' }), tensor([0, 0], { dtype: 'int32' }));
  assert.is(f1.compute(), 0);
});

test('pictures: scores [N, C, H, W] with masks, and masks with masks', () => {
  const scores = tensor([[[[0.1, 0.9]], [[0.9, 0.1]]]]); // [1, 2, 1, 2]: classes 1 and 0
  const mask = tensor([[[1, 1]]], { dtype: 'int32' });
  const iou = new metrics.JaccardIndex({ average: 'none' });
  iou.update(scores, mask);
  assert.equal(iou.compute(), [0, 0.5]);
  const dice = new metrics.Dice({ average: 'binary', numClasses: 2 });
  dice.update(tensor([[[1, 0]]], { dtype: 'int32' }), mask);
  assert.is(dice.compute(), 2 / 3);
});

test('one score a row: the threshold', () => {
  const accuracy = new metrics.Accuracy({ threshold: 0 });
  accuracy.update(tensor([-0.2, 0.3, 2]), tensor([0, 1, 0], { dtype: 'int32' }));
  assert.is(accuracy.compute(), 2 / 3);
});

test('of equal scores the lower class goes first', () => {
  const top = new metrics.Accuracy({ topK: 2 });
  top.update(tensor([[1, 1, 1]]), tensor([2], { dtype: 'int32' }));
  assert.is(top.compute(), 0);
});

test('a running mean, weighted', () => {
  const mean = new metrics.MeanMetric();
  mean.update(2, 3);
  mean.update(tensor(6));
  assert.is(mean.compute(), 3);
});

test('R² of targets that are all alike', () => {
  const r2 = new metrics.R2Score();
  r2.update(tensor([1, 1]), tensor([1, 1]));
  assert.is(r2.compute(), 1);
  r2.update(tensor([0]), tensor([1]));
  assert.is(r2.compute(), 0);
});

test('by head', () => {
  const measures = new metrics.MetricCollection({ digit: new metrics.Accuracy(), size: new metrics.MeanAbsoluteError() });
  measures.update({ digit: [tensor([[0, 1]]), tensor([1], { dtype: 'int32' })], size: [tensor([1, 2]), tensor([2, 2])] });
  measures.update({ digit: [tensor([[0, 1]]), tensor([0], { dtype: 'int32' })] });
  assert.equal(measures.compute(), { digit: 0.5, size: 0.5 });
  measures.reset();
  throwsCode('VALUE', /Accuracy\.compute: no row/, () => measures.compute());
  throwsCode('VALUE', /there is no metric 'other'/, () => measures.update({ other: [] } as never));
});

test('what is wrong is said before anything is counted', () => {
  const accuracy = new metrics.Accuracy();
  const labels = tensor([0, 1], { dtype: 'int32' });
  throwsCode('SHAPE', /\[1, 2\]/, () => accuracy.update(tensor([[0, 1]]), labels));
  const scores = tensor([0, 1, 1, 0], { shape: [2, 2] });
  throwsCode('VALUE', /NaN/, () => accuracy.update(tensor([0, 1, Number.NaN, 0], { shape: [2, 2] }), labels));
  throwsCode('VALUE', /the target 2 is no class/, () => accuracy.update(scores, tensor([0, 2], { dtype: 'int32' })));
  throwsCode('DTYPE', /targets must be labels/, () => accuracy.update(scores, tensor([0, 1])));
  throwsCode('VALUE', /no row/, () => accuracy.compute());
  throwsCode('VALUE', /Did you mean 'topK'\?/, () => new metrics.Accuracy({ topk: 2 } as never));
  for (const name of ['MeanAbsoluteError', 'MeanSquaredError', 'R2Score', 'MeanMetric'] as const)
    throwsCode('VALUE', new RegExp(`${name}: takes at most 0`), () => Reflect.construct(metrics[name], [{ topK: 1 }]));
  for (const name of ['Precision', 'Recall', 'F1Score', 'Dice', 'JaccardIndex'] as const)
    throwsCode('VALUE', new RegExp(`${name}: `), () => Reflect.construct(metrics[name], [undefined, { average: 'micro', numclasses: 2 }]));
  throwsCode('VALUE', /MeanMetric\.update: takes at most 2/, () => Reflect.apply(metrics.MeanMetric.prototype.update, new metrics.MeanMetric(), [1, 1, 1]));
  throwsCode('DTYPE', /scores/, () => new metrics.AUROC().update(labels, labels));
  const one = new metrics.AUROC();
  one.update(tensor([0.1, 0.2]), tensor([1, 1], { dtype: 'int32' }));
  throwsCode('VALUE', /class 1 has 2 of 2 rows/, () => one.compute());
});

test.run();
