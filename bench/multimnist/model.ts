// The paper's LeNet (Sener & Koltun 2018): convolutions and a layer of 50 are shared, two layers belong to each task. Its program also
// drops channels in training; that is left out here.
import { nn, type Tensor } from 'gradloom';
import type { Side } from './data.ts';

const FEATURES = 50;
const CLASSES = 10;

/** A task's own layers: [n, 50] → logits [n, 10]. */
const head = (): nn.Sequential => new nn.Sequential(new nn.Linear(FEATURES, FEATURES), new nn.ReLU(), new nn.Linear(FEATURES, CLASSES));

export class MultiLeNet extends nn.Module {
  readonly convolutions = new nn.Sequential(
    new nn.Conv2d(1, 10, 5),
    new nn.MaxPool2d(2),
    new nn.ReLU(),
    new nn.Conv2d(10, 20, 5),
    new nn.MaxPool2d(2),
    new nn.ReLU(),
    new nn.Flatten(),
  );
  /** The last layer that both tasks share. */
  readonly last: nn.Linear;
  readonly left = head();
  readonly right = head();

  constructor(side: Side) {
    super();
    const pooled = ((side - 4) / 2 - 4) / 2;
    this.last = new nn.Linear(20 * pooled * pooled, FEATURES);
  }

  /** x [n, 1, side, side] → features [n, 50] that the tasks share, and logits [n, 10] of each. */
  forward(x: Tensor): { features: Tensor; left: Tensor; right: Tensor } {
    const features = this.last.forward(this.convolutions.forward(x)).relu();
    return { features, left: this.left.forward(features), right: this.right.forward(features) };
  }
}
