// One case of an optimizer: recorded gradients go in, every parameter is compared after every step.
import { nn, type optim, type Tensor } from 'gradloom';
import { call, type Row } from './bind.ts';
import { compareTensors, TOLERANCES } from './compare.ts';
import { decodeRecord, decodeTensor, type EncodedTensor } from './decode.ts';

export interface OptimizerCase {
  kwargs: Record<string, unknown>;
  init: EncodedTensor[];
  /** Per step, one gradient per parameter; null where it has none. */
  gradients: (EncodedTensor | null)[][];
  /** The parameters after each step. */
  params: EncodedTensor[][];
}

/** What the runner needs of an optimizer. */
type Stepper = Pick<optim.SGD, 'step'>;

export function runOptimizer(row: Row<Stepper>, { kwargs, init, gradients, params }: OptimizerCase): number {
  const parameters: Tensor[] = init.map((p) => new nn.Parameter(decodeTensor(p)));
  const optimizer = call(row, [parameters], decodeRecord(kwargs, []));
  let worst = 0;
  for (const [step, list] of gradients.entries()) {
    parameters.forEach((p, i) => {
      const g = list[i];
      p.grad = g ? decodeTensor(g) : null;
    });
    optimizer.step();
    params[step]?.forEach((expected, i) => {
      worst = Math.max(worst, compareTensors(`parameter ${i} after step ${step + 1}`, parameters[i] as Tensor, expected, TOLERANCES.stepped));
    });
  }
  return worst;
}
