// One run: trains a network under one strategy, then tests it.
import { DataLoader, manualSeed, nn, noGrad } from 'gradloom';
import type { DigitSet } from './mnist.ts';
import { Digits } from './model.ts';
import type { Options } from './options.ts';
import { OPTIMIZERS, type StrategyRow } from './strategies.ts';

export interface Step {
  readonly step: number;
  readonly steps: number;
  /** The batch's losses before the step. */
  readonly digit: number;
  readonly image: number;
}

export interface Run {
  readonly strategy: string;
  readonly description: string;
  readonly optimizer: string;
  /** Learning rate at the start. */
  readonly lr: number;
  /** Mean over the test images: cross-entropy and mean squared error per pixel. */
  readonly loss1: number;
  readonly loss2: number;
  /** Share of the test images whose digit is named right, 0 … 1. */
  readonly accuracy: number;
  /** Training time without the test. */
  readonly seconds: number;
  readonly stepsPerSecond: number;
  /** Each step's losses. */
  readonly curves: { readonly digit: readonly number[]; readonly image: readonly number[] };
  /** Whether the strategy takes different ways, and how many steps each of them took. */
  readonly switches: boolean;
  readonly branches: Readonly<Record<string, number>>;
}

const crossEntropy = new nn.CrossEntropyLoss();
const mse = new nn.MSELoss();

/** Calls `onStep` after each step. The same seed gives the same numbers; every strategy starts from the same weights. */
export function train(row: StrategyRow, data: { training: DigitSet; test: DigitSet }, options: Options, onStep: (step: Step) => void): Run {
  manualSeed(options.seed);
  const model = new Digits();
  const lr = options.lr ?? OPTIMIZERS[row.optimizer].lr;
  const optimizer = OPTIMIZERS[row.optimizer].make(model.parameters(), lr);
  const strategy = row.make(options);
  const loader = new DataLoader(data.training, { batchSize: options.batchSize, shuffle: true });

  const steps = options.epochs * loader.length;
  const curves = { digit: [] as number[], image: [] as number[] };
  const branches: Record<string, number> = {};
  const start = performance.now();
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      const { logits, image } = model.forward(x);
      const loss1 = crossEntropy.forward(logits, y);
      const loss2 = mse.forward(image, x);
      const { branch } = strategy.backward({ digit: loss1, image: loss2 });
      optimizer.step();

      branches[branch] = (branches[branch] ?? 0) + 1;
      const step = curves.digit.push(loss1.item());
      curves.image.push(loss2.item());
      // The learning rate falls in a straight line to 0: else the last few batches would decide how the run ends.
      for (const group of optimizer.paramGroups) group.lr = lr * (1 - step / steps);
      onStep({ step, steps, digit: loss1.item(), image: loss2.item() });
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const setting = { strategy: row.name, description: row.description, switches: row.switches ?? false, optimizer: row.optimizer, lr };
  return { ...setting, ...test(model, data.test), seconds, stepsPerSecond: steps / seconds, curves, branches };
}

/** Losses and accuracy on images that the network has not seen. */
function test(model: Digits, images: DigitSet): Pick<Run, 'loss1' | 'loss2' | 'accuracy'> {
  let [loss1, loss2, right] = [0, 0, 0];
  noGrad(() => {
    for (const [x, y] of new DataLoader(images, { batchSize: 1000 })) {
      const { logits, image } = model.forward(x);
      loss1 += crossEntropy.forward(logits, y).item() * y.size;
      loss2 += mse.forward(image, x).item() * y.size;
      right += logits.argmax(1).eq(y).sum().item();
    }
  });
  return { loss1: loss1 / images.length, loss2: loss2 / images.length, accuracy: right / images.length };
}
