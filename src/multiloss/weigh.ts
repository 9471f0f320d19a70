// Weights from the losses' values alone, and what every way of weighing checks.
import { grad } from '../autograd/backward.ts';
import { narrow, reshape } from '../ops/movement.ts';
import { float32View } from '../runtime/memory.ts';
import { GradloomError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import { enableGrad } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { isScalarizer, type Method, type Stats, type Weighting } from './method.ts';
import { OP } from './options.ts';
import type { LiveReport } from './report.ts';

/** Throws where a loss is not finite, by name. In a captured step at each replay, before anything is stepped. */
export function assertFinite(names: readonly string[], losses: readonly Tensor[]): void {
  hostStep(losses, (addresses) => {
    const memory = float32View();
    addresses.forEach((address, i) => {
      const value = memory[address / 4] as number;
      if (Number.isFinite(value)) return;
      throw new GradloomError(
        'NONFINITE',
        OP,
        `the loss '${names[i]}' is ${value}, so no gradient was computed. Lower the learning rate, or look for log(0), x/0 or overflow (setDetectAnomaly(true) names the op).`,
      );
    });
  });
}

/** The weights of a scalarizer, d f / d lossᵢ, [m]; and what it learns with its gradients. */
export function scalarize(method: Method, losses: readonly Tensor[], names: readonly string[]): { weights: Tensor[]; learnt: [Tensor, Tensor][] } | null {
  if (!isScalarizer(method)) return null;
  const leaves = losses.map((loss) => {
    const leaf = reshape(detach(loss), []);
    leaf.wantsGrad = true;
    leaf.label = loss.label;
    return leaf;
  });
  const params = method.parameters();
  const value = enableGrad(() => method.combine(leaves, names));
  const gradients = grad(value, [...leaves, ...params], { allowUnused: true, materializeGrads: true });
  return { weights: gradients.slice(0, leaves.length), learnt: params.map((p, i) => [p, gradients[leaves.length + i] as Tensor]) };
}

/** The weights of a method that looks at the losses' values, [m] in memory. */
export function weigh(method: Weighting, losses: readonly Tensor[], report: LiveReport<string>): Tensor[] {
  const m = losses.length;
  const w = empty([m]);
  hostStep([w, ...losses], ([address, ...values]) => {
    const stats: Stats = { names: report.names, losses: readScalars(values), norms: new Float64Array(m), gramian: new Float64Array(m * m) };
    float32View().set(checked(method, method.weights(stats), m), (address as number) / 4);
  });
  return losses.map((_, i) => reshape(narrow(w, 0, i, 1), []));
}

/** The numbers at some addresses. */
export function readScalars(addresses: readonly number[]): Float64Array {
  const memory = float32View();
  return Float64Array.from(addresses, (a) => memory[a / 4] as number);
}

export function checked(method: Method, weights: Float64Array, m: number): Float64Array {
  if (weights.length === m && weights.every(Number.isFinite)) return weights;
  throw new GradloomError('NONFINITE', OP, `${method.name} gave the weights [${[...weights].join(', ')}] for ${m} losses. Check its options against the losses' scale.`);
}

/** Puts the numbers of a step whose weights are known into its report. */
export function tell(report: LiveReport<string>, losses: readonly Tensor[], weights: readonly Tensor[]): void {
  hostStep([...losses, ...weights], (addresses) => {
    const values = readScalars(addresses);
    report.lossValues.set(values.subarray(0, losses.length));
    report.weightValues.set(values.subarray(losses.length));
  });
}
