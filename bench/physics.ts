// Physics-informed networks: derivatives of the network are in its losses.
import { autograd, nn, type Tensor } from 'gradloom';
import { type Losses, WithLosses } from './pictures.ts';
import type { Input } from './works.ts';

const points = (name: string, count: number, columns: number): Input => ({ name, shape: [count, columns], fill: { from: -1, to: 1 } });
/** Weights and bias of a layer as PyTorch starts them. */
const layer = (name: string, inputs: number, outputs: number): Input[] => {
  const fill = { from: -1 / Math.sqrt(inputs), to: 1 / Math.sqrt(inputs) };
  return [
    { name: `trunk.${name}.weight`, shape: [outputs, inputs], fill },
    { name: `trunk.${name}.bias`, shape: [outputs], fill },
  ];
};
const network = (inputs: number): Input[] => [...layer('0', inputs, 32), ...layer('2', 32, 32), ...layer('4', 32, 1)];

/** Inputs by name: points inside, points where the solution is 0, and points with the solution's value in the last column. */
export const PHYSICS: Readonly<Record<string, readonly Input[]>> = {
  pinn: [points('x', 256, 2), points('labels', 64, 2), points('values', 64, 3), ...network(2)],
  'pinn-50': [points('x', 50, 1), points('labels', 1, 1), points('values', 1, 2), ...network(1)],
};

/** ∂(Σ y)/∂x that can be differentiated again: the derivative at each point. */
const derivative = (y: Tensor, x: Tensor): Tensor => autograd.grad(y.sum(), [x], { createGraph: true })[0];
const square = (x: Tensor): Tensor => x.mul(x).mean();

abstract class Informed extends WithLosses {
  readonly trunk: nn.Sequential;

  constructor(inputs: number) {
    super();
    this.trunk = new nn.Sequential(new nn.Linear(inputs, 32), new nn.Tanh(), new nn.Linear(32, 32), new nn.Tanh(), new nn.Linear(32, 1));
  }

  forward(x: Tensor): Tensor {
    return this.trunk.forward(x);
  }

  /** What the equation leaves at points inside. */
  abstract residual(x: Tensor): Tensor;

  losses(x: Tensor, edge: Tensor, start: Tensor): Losses {
    const columns = start.sizes[1] as number;
    const wanted = start.narrow(1, columns - 1, 1);
    const known = this.forward(start.narrow(1, 0, columns - 1));
    return { equation: square(this.residual(x.detach().requiresGrad_())), boundary: square(this.forward(edge)), start: square(known.sub(wanted)) };
  }
}

/** Burgers' equation u_t + u·u_x = 0.01·u_xx. */
class Burgers extends Informed {
  residual(x: Tensor): Tensor {
    const u = this.forward(x);
    const [ux, ut] = derivative(u, x).unbind(1) as [Tensor, Tensor];
    const uxx = derivative(ux, x).select(1, 0);
    return ut.add(u.select(1, 0).mul(ux)).sub(uxx.mul(0.01));
  }
}

/** An oscillation u'' + 4·u = 0. */
class Oscillation extends Informed {
  residual(x: Tensor): Tensor {
    const u = this.forward(x);
    return derivative(derivative(u, x), x).add(u.mul(4));
  }
}

/** The model of a work on equations, or undefined. */
export function informedOf(operation: string): Informed | undefined {
  return operation === 'pinn' ? new Burgers(2) : operation === 'pinn-50' ? new Oscillation(1) : undefined;
}
