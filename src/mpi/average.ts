// Tensors' elements, averaged over ranks: gradients of one loss, statistics.
import type { Kind } from '../tensor/check.ts';
import { copyElements, dense } from '../tensor/op.ts';
import { hostStep } from '../tensor/recording.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Exchange, Reduction } from './exchange.ts';

/** How many samples a rank has. */
export const SAMPLES: Kind = { what: 'a number of samples > 0', test: (v) => Number.isFinite(v) && (v as number) > 0 };

/** This rank's part of the whole batch, of what ranks gathered as their first number: how many samples each has; 0 where all have the same. */
export function shareOf({ mpi }: Exchange, gathered: readonly Float64Array[]): number {
  const total = gathered.reduce((n, row) => n + (row[0] as number), 0);
  return total === 0 ? 1 / mpi.size : ((gathered[mpi.rank] as Float64Array)[0] as number) / total;
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
  reduceInPlace(exchange, op, 'the parameters, or which of them have gradients,', present, words, samples, (gathered) => shareOf(exchange, gathered));
}
