// Clouds of points in the plane, and how well a generator imitates them.
import { cdist, indexSelect, nn, randint, randn, scope, type Tensor, tensor } from 'gradloom';

/** Normal clouds of one spread around centres [K, 2], equally often. */
export class Clouds {
  readonly centres: Tensor;
  readonly spread: number;

  constructor(centres: readonly (readonly number[])[], spread: number) {
    this.centres = tensor(centres);
    this.spread = spread;
  }

  /** [n, 2]. */
  draw(n: number): Tensor {
    const which = randint(0, this.centres.shape[0] as number, [n]);
    return indexSelect(this.centres, 0, which).add(randn([n, 2]).mul(this.spread));
  }

  /** How many centres have drawn points near them (a fifth of their share at least), and which share of all points is near one. Near is within 3 spreads. */
  covered(points: Tensor): { modes: number; near: number } {
    return scope(() => {
      const close = cdist(points, this.centres)
        .le(3 * this.spread)
        .float();
      const [n, modes] = close.shape as [number, number];
      return {
        modes: close
          .mean(0)
          .ge(0.2 / modes)
          .float()
          .sum()
          .item(),
        near: close.sum().item() / n,
      };
    });
  }
}

/** 2·E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖, which is 0 for one distribution only (Székely & Rizzo 2013). */
export const energyDistance = (x: Tensor, y: Tensor): number => scope(() => cdist(x, y).mean().mul(2).sub(cdist(x, x).mean()).sub(cdist(y, y).mean()).item());

/** A network of two hidden layers. */
export const network = (inputs: number, hidden: number, outputs: number): nn.Sequential =>
  new nn.Sequential(new nn.Linear(inputs, hidden), new nn.ReLU(), new nn.Linear(hidden, hidden), new nn.ReLU(), new nn.Linear(hidden, outputs));
