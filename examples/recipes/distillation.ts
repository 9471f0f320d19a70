// Distillation (Hinton et al. 2015, arXiv 1503.02531): a small network learns from a few labels and from what a large one says of unlabelled pictures.
// npx tsx examples/recipes/distillation.ts
import { capture, lrScheduler, manualSeed, multiloss, nn, optim, randint, steps, type Tensor } from 'gradloom';
import { boxes, kindsOf, masks, measured, pictures } from './drawings.ts';
import { compare, stepsOf } from './runs.ts';

const { crossEntropy, klDiv, logSoftmax, softmax } = nn.functional;
const [KINDS, BATCH, LABELLED, UNLABELLED, TEMPERATURE] = [8, 32, 40, 1000, 3];

const draw = (n: number): { x: Tensor; kind: Tensor } => {
  const kind = kindsOf([n], KINDS);
  return { x: pictures(masks(kind, boxes(n, 4, 8)), 0.3), kind };
};
const network = (width: number): nn.Sequential =>
  new nn.Sequential(
    new nn.Conv2d(1, width, 3, { stride: 2, padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(width, 2 * width, 3, { stride: 2, padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(18 * width, KINDS),
  );

/** Trains with losses of a batch that is drawn anew in each step. */
function fit<Batch extends Tensor[]>(model: nn.Module, count: number, batch: () => Batch, lossesOf: (...batch: Batch) => Record<string, Tensor>, combine: multiloss.Method): void {
  const optimizer = new optim.Adam(model.parameters(), { lr: 5e-3 });
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: count });
  const step = capture((...given: Batch) => {
    optimizer.zeroGrad();
    multiloss.backward(lossesOf(...given), { combine });
    optimizer.step();
  });
  for (const _ of steps(count)) {
    step(...batch());
    schedule.step();
  }
}

manualSeed(100);
const teacher = network(16);
fit(
  teacher,
  stepsOf(500),
  (): [Tensor, Tensor] => {
    const { x, kind } = draw(BATCH);
    return [x, kind];
  },
  (x, kind) => ({ labels: crossEntropy(teacher.forward(x), kind) }),
  new multiloss.Sum(),
);
const test = draw(1000);
const accuracy = (model: nn.Sequential): number => measured(() => model.forward(test.x).argmax(1).eq(test.kind).float().mean().item());

function train(combine: multiloss.Method, seed: number): { accuracy: number; agrees: number } {
  manualSeed(seed);
  const [labelled, unlabelled] = [draw(LABELLED), draw(UNLABELLED).x];
  const says = measured(() => teacher.forward(unlabelled));
  const student = network(4);
  const batch = (): [Tensor, Tensor, Tensor, Tensor] => {
    const [a, b] = [randint(0, LABELLED, [BATCH]), randint(0, UNLABELLED, [BATCH])];
    return [labelled.x.indexSelect(0, a), labelled.kind.indexSelect(0, a), unlabelled.indexSelect(0, b), says.indexSelect(0, b)];
  };
  const lossesOf = (x: Tensor, kind: Tensor, other: Tensor, said: Tensor) => ({
    labels: crossEntropy(student.forward(x), kind),
    // The temperature makes small probabilities count; its square keeps gradients at their size.
    soft: klDiv(logSoftmax(student.forward(other).div(TEMPERATURE), 1), softmax(said.div(TEMPERATURE), 1), { reduction: 'batchmean' }).mul(TEMPERATURE ** 2),
  });
  fit(student, stepsOf(300), batch, lossesOf, combine);
  const agrees = measured(() => student.forward(test.x).argmax(1).eq(teacher.forward(test.x).argmax(1)).float().mean().item());
  return { accuracy: accuracy(student), agrees };
}

const weighted = (labels: number, soft: number) => () => multiloss.weighted({ labels, soft });
const ways: Record<string, () => multiloss.Method> = {
  'labels alone': weighted(1, 0),
  'soft targets alone': weighted(0, 1),
  'equal weights': () => new multiloss.Sum(),
  'labels × 0.1': weighted(0.1, 1),
  UPGrad: () => new multiloss.UPGrad(),
};
await compare(ways, (way, seed) => train(way(), seed), { accuracy: ['right, %', 1, 100], agrees: ['as the teacher, %', 1, 100] });
console.log(`\nThe teacher, with nearly eight times the student's weights: ${(100 * accuracy(teacher)).toFixed(1)} % right
What the teacher says of unlabelled pictures nearly doubles what forty labels teach. Beside it the labels add nothing:
a small weight on them does no harm, equal weights and UPGrad are three points lower, about the spread of seeds.`);
