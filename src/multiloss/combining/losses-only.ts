// Weights from the losses' values alone, and what every way of weighing checks.
import { grad } from '../../autograd/backward.ts';
import { narrow, reshape } from '../../ops/movement.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { floatsAt, writeFloats } from '../../tensor/host.ts';
import { detach } from '../../tensor/op.ts';
import { hostStep, recording } from '../../tensor/recording.ts';
import { enableGrad } from '../../tensor/modes.ts';
import { empty, metaOf, type Tensor } from '../../tensor/tensor.ts';
import { isScalarizer, type Method, type Scalarizer, type Stats, type Weighting } from '../methods/method.ts';
import { OP } from './options.ts';
import type { LiveReport } from './report.ts';

/** The numbers at some addresses. */
export function readScalars(addresses: readonly number[]): Float64Array {
  return Float64Array.from(addresses, (address) => floatsAt(address, 1)[0] as number);
}

/**
 * The losses' values. Throws where one is not finite, by name: in a captured step at each replay, before anything is
 * stepped. `method`: the one whose step it is, if it has begun.
 */
export function readLosses(names: readonly string[], addresses: readonly number[], method?: { refused?(): void }): Float64Array {
  const values = readScalars(addresses);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return values;
  method?.refused?.();
  throw new GradloomError(
    'NONFINITE',
    OP,
    `the loss '${names[bad]}' is ${values[bad]}, so nothing was changed. Lower the learning rate, or look for log(0), x/0 or overflow: setDetectAnomaly(true) names the op.`,
  );
}

/** The weights of a scalarizer, d f / d lossᵢ, [m]; and what it learns with its gradients. */
export function scalarize(method: Method, losses: readonly Tensor[], names: readonly string[]): { weights: Tensor[]; learnt: [Tensor, Tensor][] } | null {
  if (!isScalarizer(method)) return null;
  // Before it can remember a batch that is refused. A captured step looks when all is computed.
  if (!recording())
    readLosses(
      names,
      losses.map((loss) => loss.address),
    );
  const leaves = losses.map((loss) => {
    const leaf = reshape(detach(loss), []);
    metaOf(leaf).wantsGrad = true;
    leaf.label = loss.label;
    return leaf;
  });
  // What is frozen is used as it is.
  const params = method.parameters().filter((p) => p.meta?.wantsGrad);
  const value = enableGrad(() => method.combine(leaves, names));
  const gradients = grad(value, [...leaves, ...params], { allowUnused: true, materializeGrads: true });
  return { weights: gradients.slice(0, leaves.length), learnt: params.map((p, i) => [p, gradients[leaves.length + i] as Tensor]) };
}

/** The weights of a method that looks at the losses' values: scalars in memory. */
export function weightsFromLosses(method: Weighting, losses: readonly Tensor[], absent: readonly string[], report: LiveReport<string>): Tensor[] {
  const m = losses.length;
  const w = empty([m]);
  const { needs } = method;
  hostStep([w, ...losses], ([address, ...places]) => {
    assertNeeds(method, needs);
    const values = readLosses(report.names, places);
    const stats: Stats = { names: report.names, absent, losses: values, norms: new Float64Array(m), gramian: new Float64Array(m * m) };
    report.lossValues.set(values);
    report.weightValues.set(checkedWeights(method, method.weights(stats), m));
    writeFloats(address as number, report.weightValues);
  });
  return losses.map((_, i) => reshape(narrow(w, 0, i, 1), []));
}

/** Puts losses and weights that lie in memory into the report. Refuses those that the method cannot take, or gave. */
export function reportWeights(method: Method, report: LiveReport<string>, losses: readonly Tensor[], weights: readonly Tensor[]): void {
  hostStep([...losses, ...weights], (addresses) => {
    const values = readLosses(report.names, addresses.slice(0, losses.length), method as Partial<Scalarizer>);
    (method as Partial<Scalarizer>).assert?.(values, report.names);
    report.lossValues.set(values);
    report.weightValues.set(checkedWeights(method, readScalars(addresses.slice(losses.length)), losses.length));
  });
}

/**
 * Throws where a captured method needs something else than when the step was recorded (a warm-up that ended): the
 * recorded step does not compute it.
 */
export function assertNeeds(method: Method, recorded: Method['needs']): void {
  if (method.needs === recorded) return;
  throw new GradloomError('CAPTURE', OP, `${method.name} needs ${method.needs} from this step on, the captured step was recorded with ${recorded}. Call its release().`);
}

/** The weights, if they are numbers and one for each loss. */
export function checkedWeights(method: Method, weights: Float64Array, m: number): Float64Array {
  // They are kept as float32.
  if (weights?.length === m && weights.every((w) => Number.isFinite(Math.fround(w)))) return weights;
  throw new GradloomError(
    'NONFINITE',
    OP,
    `${method.name} gave the weights [${Array.from(weights ?? []).join(', ')}] for ${m} losses. Check its options against the losses' scale.`,
  );
}
