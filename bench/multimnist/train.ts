// One method's run: trains from a seed, then tests.
import { capture, DataLoader, manualSeed, multiloss, nn, noGrad, optim, type Tensor } from 'gradloom';
import type { Batch, MultiMnist, Side } from './data.ts';
import { learnt, type MethodRow, type Task, TASKS } from './methods.ts';
import { MultiLeNet } from './model.ts';

export interface Setting {
  readonly epochs: number;
  readonly batchSize: number;
  /** Adam's learning rate at the start; it falls in a straight line to 0. */
  readonly lr: number;
  readonly seed: number;
  readonly side: Side;
  /** Whether the step is recorded once and replayed. */
  readonly capture: boolean;
  /** Whether cosines are measured also where the method does not need them. */
  readonly measure: boolean;
}

export interface Data {
  readonly training: MultiMnist;
  readonly test: MultiMnist;
}

/** What is known after an epoch. */
export interface Epoch {
  readonly epoch: number;
  /** Means over its steps. */
  readonly losses: ReadonlyMap<Task, number>;
  readonly seconds: number;
}

export interface Run {
  readonly method: string;
  /** Share of the test pairs whose digit is named right, 0 … 1. */
  readonly accuracy: Readonly<Record<Task, number>>;
  /** Without the test; of both networks where each task has its own. */
  readonly secondsPerEpoch: number;
  /** Share of the steps in which the tasks' gradients pointed against each other, and their mean cosine; null where not measured. */
  readonly conflict: number | null;
  readonly cosine: number | null;
}

/** The same seed gives every method the same first weights and the same order of pairs. */
export function train(row: MethodRow, data: Data, setting: Setting, onEpoch: (epoch: Epoch) => void): Run {
  const networks = row.single ? TASKS.map((task) => [task]) : [TASKS];
  const runs = networks.map((tasks) => trainNetwork(row, tasks, data, setting, onEpoch));
  const cosines = runs.flatMap((run) => run.cosines);
  const mean = (list: readonly number[]): number | null => (list.length > 0 ? sum(list) / list.length : null);
  return {
    method: row.name,
    accuracy: Object.assign({}, ...runs.map((run) => run.accuracy)) as Record<Task, number>,
    secondsPerEpoch: sum(runs.map((run) => run.seconds)) / setting.epochs,
    conflict: mean(cosines.map((c) => (c < 0 ? 1 : 0))),
    cosine: mean(cosines),
  };
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

interface NetworkRun {
  readonly accuracy: Partial<Record<Task, number>>;
  readonly seconds: number;
  readonly cosines: readonly number[];
}

function trainNetwork(row: MethodRow, tasks: readonly Task[], data: Data, setting: Setting, onEpoch: (epoch: Epoch) => void): NetworkRun {
  manualSeed(setting.seed);
  const model = new MultiLeNet(setting.side);
  const method = row.make?.(model) ?? {};
  const measure = setting.measure && !row.single;
  const optimizer = new optim.Adam([...model.parameters(), ...learnt(method.combine)], { lr: setting.lr });
  // Full batches only: a captured step has one shape.
  const loader = new DataLoader(data.training, { batchSize: Math.min(setting.batchSize, data.training.length), shuffle: true, dropLast: true });

  const plainStep = (...[x, ...classes]: Batch): multiloss.BackwardReport<Task> => {
    optimizer.zeroGrad();
    const outputs = model.forward(x);
    const losses = Object.fromEntries(tasks.map((task) => [task, nn.functional.crossEntropy(outputs[task], classes[TASKS.indexOf(task)] as Tensor)]));
    const report = multiloss.backward(losses as Record<Task, Tensor>, { ...method, ...(row.atFeatures ? { at: outputs.features } : {}), measure });
    optimizer.step();
    return report;
  };
  const step = setting.capture ? capture(plainStep) : plainStep;

  const cosines: number[] = [];
  const steps = setting.epochs * loader.length;
  let [done, trained] = [0, 0];
  for (let epoch = 1; epoch <= setting.epochs; epoch++) {
    const losses = new Map<Task, number>();
    const start = performance.now();
    for (const batch of loader) {
      const report = step(...batch);
      const cosine = report.cosine?.[0]?.[1];
      if (cosine !== undefined) cosines.push(cosine);
      for (const task of tasks) losses.set(task, (losses.get(task) ?? 0) + report.losses[task] / loader.length);
      done++;
      for (const group of optimizer.paramGroups) group.lr = setting.lr * (1 - done / steps);
    }
    const seconds = (performance.now() - start) / 1000;
    trained += seconds;
    onEpoch({ epoch, losses, seconds });
  }
  return { accuracy: test(model, tasks, data.test), seconds: trained, cosines };
}

/** Accuracy on pairs that the network has not seen. */
function test(model: MultiLeNet, tasks: readonly Task[], pairs: MultiMnist): Partial<Record<Task, number>> {
  const hits: Partial<Record<Task, number>> = {};
  noGrad(() => {
    for (const [x, ...classes] of new DataLoader(pairs, { batchSize: 500 })) {
      const outputs = model.forward(x);
      for (const task of tasks) {
        const right = outputs[task]
          .argmax(1)
          .eq(classes[TASKS.indexOf(task)] as Tensor)
          .sum()
          .item();
        hits[task] = (hits[task] ?? 0) + right / pairs.length;
      }
    }
  });
  return hits;
}
