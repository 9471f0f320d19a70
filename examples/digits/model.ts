// One trunk, two heads: which digit it is, and the image itself again.
import { nn, type Tensor } from 'gradloom';
import { PIXELS } from './mnist.ts';

export class Digits extends nn.Module {
  trunk = new nn.Sequential(new nn.Linear(PIXELS, 256), new nn.ReLU(), new nn.Linear(256, 128), new nn.ReLU());
  classHead = new nn.Linear(128, 10);
  imageHead = new nn.Linear(128, PIXELS);

  /** x [n, 784] → logits [n, 10], image [n, 784]. */
  forward(x: Tensor): { logits: Tensor; image: Tensor } {
    const h = this.trunk.forward(x);
    return { logits: this.classHead.forward(h), image: this.imageHead.forward(h) };
  }
}
