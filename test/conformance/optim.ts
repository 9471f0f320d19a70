// One case of an optimizer: recorded gradients go in, every parameter is compared after every step. LBFGS goes by a closure over a recorded objective.
import { nn, type optim, type Tensor } from 'gradloom';
import { call, type Row } from './bind.ts';
import { compareNumbers, compareTensors, TOLERANCES } from './compare.ts';
import { decodeRecord, decodeTensor, type EncodedTensor } from './decode.ts';

interface SteppedCase {
  kwargs: Record<string, unknown>;
  init: EncodedTensor[];
  /** The parameters after each step. */
  params: EncodedTensor[][];
}

export interface GradientsCase extends SteppedCase {
  /** Per step, one gradient per parameter; null where it has none. */
  gradients: (EncodedTensor | null)[][];
}

export interface ClosureCase extends SteppedCase {
  /** t in the objective Σ (p − t)² + 0.1·Σ (p − t)⁴. */
  targets: EncodedTensor[];
  /** What the closure gave first, in each step. */
  losses: number[];
}

export type OptimizerCase = GradientsCase | ClosureCase;

/** What the runner needs of an optimizer. */
type Stepper = Pick<optim.SGD, 'step' | 'zeroGrad'>;

export function runOptimizer(row: Row<Stepper>, given: OptimizerCase): number {
  const parameters: Tensor[] = given.init.map((p) => new nn.Parameter(decodeTensor(p)));
  const optimizer = call(row, [parameters], decodeRecord(given.kwargs, []));
  const step = 'targets' in given ? byClosure(optimizer, parameters, given) : byGradients(optimizer, parameters, given);
  let worst = 0;
  for (const [at, list] of given.params.entries()) {
    worst = Math.max(worst, step(at));
    for (const [i, expected] of list.entries())
      worst = Math.max(worst, compareTensors(`parameter ${i} after step ${at + 1}`, parameters[i] as Tensor, expected, TOLERANCES.stepped));
  }
  return worst;
}

/** What makes a step, and returns its largest error so far. */
type Step = (at: number) => number;

function byGradients(optimizer: Stepper, parameters: readonly Tensor[], { gradients }: GradientsCase): Step {
  return (at) => {
    parameters.forEach((p, i) => {
      const g = gradients[at]?.[i];
      p.grad = g ? decodeTensor(g) : null;
    });
    optimizer.step();
    return 0;
  };
}

function byClosure(optimizer: Stepper, parameters: readonly Tensor[], { targets, losses }: ClosureCase): Step {
  const apart = targets.map(decodeTensor).map((t, i) => () => (parameters[i] as Tensor).sub(t).square());
  const closure = (): Tensor => {
    optimizer.zeroGrad();
    const loss = apart.map((squares) => squares().add(squares().square().mul(0.1)).sum()).reduce((a, b) => a.add(b));
    loss.backward();
    return loss;
  };
  return (at) => compareNumbers(`the loss of step ${at + 1}`, optimizer.step(closure).item(), losses[at] as number, TOLERANCES.stepped);
}
