// Tensors' elements, averaged over ranks: gradients of one loss, statistics.
import type { Kind } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { copyElements, dense } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Exchange, Reduction } from './exchange.ts';

/** How many samples a rank has. */
export const SAMPLES: Kind = { what: 'a number of samples > 0', test: (v) => Number.isFinite(v) && (v as number) > 0 };

/**
 * Every rank's part of the whole batch, of what ranks gathered as their first number: how many samples each has, or 0 from all, which then have the same.
 * @throws STATE, on every rank, where only some say how many
 */
export function sharesOf(op: string, gathered: readonly Float64Array[]): number[] {
  const samples = gathered.map((row) => row[0] as number);
  const total = samples.reduce((n, m) => n + m, 0);
  if (total === 0) return samples.map(() => 1 / samples.length);
  const silent = samples.indexOf(0);
  if (silent < 0) return samples.map((n) => n / total);
  const giving = samples.findIndex((n) => n > 0);
  throw new GradloomError(
    'STATE',
    op,
    `rank ${giving} gave samples, ${samples[giving]}, and rank ${silent} gave none, so nothing was changed. Give them on every rank or on none.`,
  );
}

/** Reduces tensors over ranks, in place. `share`: this rank's factor, of what ranks gathered. @param words what must be the same on every rank */
export function reduceInPlace(
  exchange: Exchange,
  op: string,
  what: string,
  tensors: readonly Tensor[],
  words: readonly number[],
  samples: number,
  share: (gathered: readonly Float64Array[]) => number,
  reduction?: Reduction,
): void {
  const blocks = tensors.map(dense);
  hostStep(blocks, (addresses) => {
    const gathered = exchange.gather(op, what, words, [samples]);
    exchange.reduce(
      blocks.map((b) => b.size),
      addresses,
      addresses,
      share(gathered),
      reduction,
    );
  });
  tensors.forEach((t, i) => {
    if (blocks[i] !== t) copyElements(blocks[i] as Tensor, t);
    t.storage.touch(op);
  });
}

/** Averages the gradients that parameters have, in place. */
export function averageGradients(exchange: Exchange, op: string, params: readonly Tensor[], samples: number): void {
  const gradients = params.map((p) => p.gradient);
  const words = params.flatMap((p, i) => [p.size, gradients[i] ? 1 : 0]);
  const present = gradients.filter((g) => g !== null);
  reduceInPlace(exchange, op, 'the parameters, or which of them have gradients,', present, words, samples, (gathered) => sharesOf(op, gathered)[exchange.mpi.rank] as number);
}
