// One case of a method that looks at losses: its value and its weights, or a trace of them over steps and epochs.
import { multiloss, type Tensor, tensor } from 'gradloom';
import { call } from './bind.ts';
import { compareNumbers, Mismatch, TOLERANCES } from './compare.ts';
import { Unsupported } from './decode.ts';
import { scalarizers } from './names.ts';

/** A step of a trace. */
interface TraceStep {
  losses: number[];
  out: number;
  /** DWA calls the weights so, FAMO `grad`. */
  weights?: number[];
  grad?: number[];
  epochEnd?: boolean;
  lossesAfter?: number[];
  logitsAfter?: number[];
}

export interface ScalarizerCase {
  scalarizer: string;
  kwargs: Record<string, unknown>;
  losses?: number[];
  out?: number;
  grad?: number[];
  /** The learnt numbers, and their gradients. */
  parameter?: number[];
  parameterGrad?: number[];
  trace?: TraceStep[];
}

export interface ScalarizerFile {
  cases: ScalarizerCase[];
}

type Tolerance = (typeof TOLERANCES)['weights'];

/** Compares lists element by element; returns the largest error in units of the tolerance. */
function compareLists(what: string, actual: ArrayLike<number>, expected: readonly number[], tolerance: Tolerance): number {
  if (actual.length !== expected.length) throw new Mismatch(`${what} has ${actual.length} numbers, expected ${expected.length}`);
  return Math.max(0, ...expected.map((value, i) => compareNumbers(`${what} ${i}`, actual[i] as number, value, tolerance)));
}

const namesOf = (losses: readonly number[]): string[] => losses.map((_, i) => `loss${i}`);

/** Value and gradients of a differentiable one. */
function runCombine(method: multiloss.Scalarizer & multiloss.Stateful, { losses = [], out = Number.NaN, grad = [], parameter, parameterGrad }: ScalarizerCase): number {
  const leaves = losses.map((loss) => tensor(loss, { requiresGrad: true }));
  if (parameter) method.loadStateDict({ s: parameter });
  const total = method.combine(leaves, namesOf(losses));
  total.backward();
  const gradients = (list: readonly Tensor[]): number[] => list.flatMap((t) => [...(t.grad?.data() ?? [Number.NaN])]);
  const errors = [compareNumbers('the value', total.item(), out, TOLERANCES.scalarized), compareLists('gradient', gradients(leaves), grad, TOLERANCES.scalarized)];
  if (parameterGrad) errors.push(compareLists('parameter gradient', gradients(method.parameters()), parameterGrad, TOLERANCES.scalarized));
  return Math.max(...errors);
}

/** Weights over steps and epochs. */
function runTrace(method: multiloss.Weighting, trace: readonly TraceStep[]): number {
  let worst = 0;
  const follow = (error: number): void => {
    worst = Math.max(worst, error);
  };
  for (const [step, { losses, out, weights, grad, epochEnd, lossesAfter, logitsAfter }] of trace.entries()) {
    const m = losses.length;
    const given = method.weights({ names: namesOf(losses), losses: Float64Array.from(losses), norms: new Float64Array(m), gramian: new Float64Array(m * m) });
    follow(compareLists(`at step ${step} weight`, given, (weights ?? grad) as number[], TOLERANCES.weights));
    const value = method instanceof multiloss.FAMO ? method.objective() : given.reduce((s, w, i) => s + w * (losses[i] as number), 0);
    follow(compareNumbers(`the value at step ${step}`, value, out, TOLERANCES.weights));
    if (epochEnd && method instanceof multiloss.DWA) method.epochEnd();
    if (lossesAfter && method instanceof multiloss.FAMO) {
      method.update(lossesAfter);
      follow(compareLists(`after step ${step} logit`, method.stateDict().logits as number[], logitsAfter as number[], TOLERANCES.weights));
    }
  }
  return worst;
}

/** Runs one case; returns its largest error. */
export function runScalarizer(given: ScalarizerCase): number {
  const row = Object.hasOwn(scalarizers, given.scalarizer) ? scalarizers[given.scalarizer] : undefined;
  if (!row) throw new Unsupported('not offered');
  const count = (given.losses ?? given.trace?.[0]?.losses ?? []).length;
  const method = call(row, [count], given.kwargs);
  if (given.trace) {
    if ('combine' in method) throw new Mismatch(`${given.scalarizer} has no weights to follow`);
    return runTrace(method, given.trace);
  }
  const { losses = [], out = Number.NaN, grad = [] } = given;
  return 'combine' in method ? runCombine(method, given) : runTrace(method, [{ losses, out, grad }]);
}
