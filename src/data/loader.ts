// Batches in a loop that needs no bookkeeping: each turn's tensors end with the turn.
import { arange, randperm } from '../ops/create.ts';
import { narrow } from '../ops/movement.ts';
import { valueError } from '../tensor/errors.ts';
import { Generator, defaultGenerator } from '../tensor/random.ts';
import { checkSignal, keep, type LoopOptions, turn } from '../tensor/scope.ts';
import type { Dataset } from './dataset.ts';

/** Options of a loader, with PyTorch's defaults. */
export interface DataLoaderOptions extends LoopOptions {
  /** Rows per batch; 1 unless said. */
  batchSize?: number;
  /** Whether each pass draws the rows in a new random order. */
  shuffle?: boolean;
  /** Whether to leave out a last batch that is not full. */
  dropLast?: boolean;
  /** Seed of this loader's own order; else it follows `manualSeed`. */
  seed?: number;
  /** The stream to draw the order from, instead of `seed`. */
  generator?: Generator;
}

/**
 * Iterates over a dataset in batches: `for (const [x, y] of loader) { … }`. Each turn opens a scope and the next one (or break, or a
 * throw) ends it, so memory stays flat; take numbers out with `.item()`, tensors with `keep()`.
 */
export class DataLoader<Batch> implements Iterable<Batch> {
  readonly dataset: Dataset<Batch>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  private readonly generator: Generator | undefined;
  private readonly signal: AbortSignal | undefined;

  constructor(dataset: Dataset<Batch>, options: DataLoaderOptions = {}) {
    const { batchSize = 1, shuffle = false, dropLast = false, seed, generator, signal } = options;
    if (!Number.isInteger(batchSize) || batchSize < 1) throw valueError('DataLoader', `batchSize must be a whole number ≥ 1, got ${batchSize}.`);
    checkSignal('DataLoader', signal);
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.generator = generator ?? (seed === undefined ? undefined : new Generator(seed));
    this.signal = signal;
  }

  /** Number of batches in a pass. */
  get length(): number {
    const full = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(full) : Math.ceil(full);
  }

  *[Symbol.iterator](): Iterator<Batch, void, undefined> {
    const rows = this.dataset.length;
    const order = keep(this.shuffle ? randperm(rows, { generator: this.generator ?? defaultGenerator() }) : arange(rows));
    try {
      const batches = this.length;
      for (let i = 0; i < batches; i++) {
        this.signal?.throwIfAborted();
        const start = i * this.batchSize;
        const size = Math.min(this.batchSize, rows - start);
        yield* turn(`turn ${i} of the DataLoader loop`, () => this.dataset.batch(narrow(order, 0, start, size)));
      }
    } finally {
      order.storage.free('its DataLoader loop');
    }
  }
}
