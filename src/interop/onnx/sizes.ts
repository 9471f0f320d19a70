// Sizes that go with the batch: a model is traced with two batches, and what differs between both must be a multiple of the batch.
import { GradloomError } from '../../tensor/errors.ts';
import { Tensor } from '../../tensor/tensor.ts';

/** So many for each sample. */
export class PerBatch {
  readonly per: number;

  constructor(per: number) {
    this.per = per;
  }
}

/** A size: a number, or one that goes with the batch. */
export type Size = number | PerBatch;

/** A tree of both traces in one, numbers that differ as `PerBatch`. `what`: whose they are. */
export function merged(a: unknown, b: unknown, batches: readonly [number, number], what: string): unknown {
  if (typeof a === 'number' && typeof b === 'number') {
    if (Object.is(a, b)) return a;
    const per = a / batches[0];
    if (Number.isInteger(per) && per === b / batches[1]) return new PerBatch(per);
    throw notByBatch(what, `${a} with a batch of ${batches[0]} and ${b} with ${batches[1]}`);
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) throw notByBatch(what, `lists of ${a.length} and ${b.length}`);
    return a.map((v, i) => merged(v, b[i], batches, what));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || a instanceof Tensor) return a;
  return Object.fromEntries(Object.entries(a).map(([k, v]) => [k, merged(v, (b as Record<string, unknown>)[k], batches, what)]));
}

/** The model does something else with another batch. */
export function notByBatch(what: string, how: string): GradloomError {
  return new GradloomError('VALUE', 'toOnnx', `${what} goes with the batch in a way that no graph says: ${how}. Leave batchAxis out, for a file with the example's sizes.`);
}
