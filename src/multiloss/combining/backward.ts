// Several losses, one call: a backward pass that carries each loss's gradient, a method that says how they become one,
// and the graph freed once. Which parameters the losses share is found from the graph; norms and weights are reported.
import { backward as sumBackward } from '../../autograd/backward.ts';
import { accumulate } from '../../autograd/leaf.ts';
import { reshape } from '../../ops/movement.ts';
import { hand, recording } from '../../tensor/recording.ts';
import { assertArity, optionsOf } from '../../tensor/check.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Method, Weighting } from '../methods/method.ts';
import { BACKWARD, type MultiBackwardOptions, OP } from './options.ts';
import { type BackwardReport, LiveReport } from './report.ts';
import { Resolution } from './resolution.ts';
import { type Losses, presentOf } from '../strategy.ts';
import { reportWeights, scalarize, weightsFromLosses } from './losses-only.ts';
import { Sum } from '../methods/from-losses/weighted.ts';

/**
 * Gradients of several losses, combined by a method and added to `.grad`. One walk carries every loss's gradient where
 * the method asks for them, else one ordinary pass; the graph is freed once. Parameters that no loss reaches keep a
 * null gradient. Clears nothing, steps nothing.
 *
 * In a captured step the weights are found on the host between two parts of the program (`program.parts`); the report
 * shows the latest replay.
 *
 * @param losses scalars by name; null, undefined or 0 for one that this batch lacks: it is left out of the step and of
 * what the method remembers
 * @throws NONFINITE (of a loss or, where the method looks at gradients, of one), GRAPH or SHAPE naming the loss, before
 * any gradient has changed
 */
export function backward<Name extends string>(losses: Losses<Name>, options?: MultiBackwardOptions<NoInfer<Name>>): BackwardReport<Name> {
  assertArity('backward', arguments.length, 2);
  const { entries, absent } = presentOf(OP, losses);
  const names = entries.map(([name]) => name);
  const tensors = entries.map(([, loss]) => loss);
  const given = optionsOf<MultiBackwardOptions<Name>>(OP, options, BACKWARD);
  const method: Method = given.combine ?? new Sum();
  recording()?.rely(method, () => method.needs);
  recording()?.method(method, names);
  const resolution = new Resolution(method, names, absent, given);
  const report = new LiveReport(method.name, names);
  hand(report);
  const scalarized = scalarize(method, tensors, names);
  if (resolution.plain) {
    const weights = scalarized?.weights ?? weightsFromLosses(method as Weighting, tensors, absent, report);
    if (scalarized) reportWeights(method, report, tensors, weights);
    sumBackward(tensors, { gradient: weights.map((w, i) => reshape(w, (tensors[i] as Tensor).sizes)), retainGraph: given.retainGraph });
  } else resolution.run(tensors, scalarized?.weights ?? null, report);
  for (const [p, g] of scalarized?.learnt ?? []) accumulate(p, g, false, false);
  return report.shown();
}
