// Directions straight from the gradients, of a method that gives no weights.
import { accumulate } from '../../autograd/leaf.ts';
import { everyRow, rowsAt } from '../../autograd/jacobian.ts';
import type { Place } from '../../autograd/pass.ts';
import type { Found } from '../../autograd/walk.ts';
import { reshape } from '../../ops/movement.ts';
import { valueText } from '../../tensor/check.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { hostStep } from '../../tensor/recording.ts';
import { currentScope } from '../../tensor/storage.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../methods/method.ts';
import type { Measured } from './measured.ts';
import { type LiveReport, normsOf } from './report.ts';
import { readLosses } from './losses-only.ts';

/** Throws unless a method of the user's gave a direction for each parameter. */
function assertDirections(method: string, directions: unknown, leaves: readonly Tensor[]): void {
  const fits = (d: unknown, i: number): boolean => d instanceof Tensor && d.dtype === 'float32' && d.size === leaves[i]?.size;
  if (Array.isArray(directions) && directions.length === leaves.length && [...directions].every(fits)) return;
  throw new GradloomError(
    'SHAPE',
    `${method}.directions`,
    `must return one float32 tensor for each of the ${leaves.length} parameters, as long as it, got ${valueText(directions)}.`,
  );
}

/** Whether a tensor is the whole of a block that this pass made. */
export function isWhole(t: Tensor): boolean {
  return t.storage.owner === currentScope() && t.isContiguous() && t.size * 4 === t.storage.bytes;
}

/** Adds the method's direction to the `.grad` of each shared parameter. */
export function addDirections(
  method: Aggregator,
  losses: readonly Tensor[],
  absent: readonly string[],
  measured: Measured,
  layers: ReadonlyMap<string, Place[]>,
  places: readonly Place[],
  found: Found,
  report: LiveReport<string>,
): void {
  const { names } = report;
  const m = names.length;
  report.weightValues.fill(Number.NaN);
  const [gramian, norms] = [report.total as Float64Array, new Float64Array(m)];
  hostStep([...losses, ...measured.all.map((p) => p.block)], (addresses) => {
    const [values, blocks] = [readLosses(names, addresses.slice(0, m)), addresses.slice(m)];
    measured.assertFinite(names, blocks);
    report.lossValues.set(values);
    measured.fillReport(report, layers, blocks);
    norms.set(normsOf(gramian, m));
  });
  const leaves = places.filter((p): p is Tensor => p instanceof Tensor);
  const rows = leaves.map((leaf) => reshape(everyRow(rowsAt(found, leaf), m, leaf.sizes), [m, -1]));
  const stats: Stats = { names, absent, losses: report.lossValues, norms, gramian, parameters: leaves };
  const directions = method.directions(rows, stats);
  assertDirections(method.name, directions, leaves);
  directions.forEach((direction, i) => {
    const leaf = leaves[i] as Tensor;
    // A block that the method made now and nothing else knows may become the gradient as it is.
    const fresh = isWhole(direction) && !rows.some((r) => r.storage === direction.storage);
    accumulate(leaf, reshape(direction, leaf.sizes), fresh, false);
  });
}
