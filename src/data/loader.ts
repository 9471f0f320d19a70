// Batches in a loop that needs no bookkeeping: each turn's tensors end with the turn.
import { arange, randperm } from '../ops/create.ts';
import { narrow } from '../ops/movement.ts';
import { assertArity, FLAG, instanceOf, type Kind, type Kinds, optionsOf, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { Generator as RandomStream, defaultGenerator } from '../tensor/random.ts';
import { keep, type LoopOptions, loop, SIGNAL, turn } from '../tensor/scope.ts';
import type { Opened } from '../tensor/storage.ts';
import type { Dataset } from './dataset.ts';

/** Options of a loader, with PyTorch's defaults. */
export interface DataLoaderOptions extends LoopOptions {
  /** Rows per batch, default 1. */
  batchSize?: number;
  /** Whether each pass draws the rows in a new random order. */
  shuffle?: boolean;
  /** Whether to leave out a last batch that is not full. */
  dropLast?: boolean;
  /** Seed of this loader's own order; else it follows `manualSeed`. */
  seed?: number;
  /** The stream to draw the order from, instead of `seed`. */
  generator?: RandomStream;
}

const COUNT: Kind = { what: 'a whole number ≥ 1', test: (v) => Number.isSafeInteger(v) && (v as number) >= 1 };
const OPTIONS: Kinds<DataLoaderOptions> = {
  signal: SIGNAL,
  batchSize: COUNT,
  shuffle: FLAG,
  dropLast: FLAG,
  seed: WHOLE,
  generator: instanceOf(RandomStream, 'a Generator'),
};

/** A dataset's number of rows; it may change between passes. */
function rowsOf(dataset: Dataset<unknown>): number {
  const rows: unknown = dataset.length;
  if (Number.isSafeInteger(rows) && (rows as number) >= 0) return rows as number;
  throw valueError('DataLoader', `the dataset's length must be its number of rows, a whole number ≥ 0, got ${valueText(rows)}.`);
}

/**
 * Iterates over a dataset in batches: `for (const [x, y] of loader) { … }`. Each turn opens a scope and the next one (or break, or a
 * throw) ends it, so memory stays flat; take numbers out with `.item()`, tensors with `keep()`. A batch taken by hand
 * (`loader[Symbol.iterator]().next()`) lives as long as it or its iterator can be reached. As in PyTorch, `new DataLoader(dataset, 32, true)`
 * gives batchSize and shuffle by position.
 *
 * @throws VALUE for options that do not exist or have other types, and for a dataset without rows to draw
 */
export class DataLoader<Batch> implements Iterable<Batch> {
  /** What batches are drawn from. */
  readonly dataset: Dataset<Batch>;
  /** Rows per batch. */
  readonly batchSize: number;
  /** Whether each pass draws the rows in a new random order. */
  readonly shuffle: boolean;
  /** Whether a last batch that is not full is left out. */
  readonly dropLast: boolean;
  private readonly generator: RandomStream | undefined;
  private readonly signal: AbortSignal | undefined;

  constructor(dataset: Dataset<Batch>, options?: DataLoaderOptions);
  constructor(dataset: Dataset<Batch>, batchSize: number, shuffle?: boolean);
  constructor(dataset: Dataset<Batch>, ...given: [(DataLoaderOptions | number)?, boolean?]) {
    const byPosition = typeof given[0] === 'number';
    assertArity('DataLoader', 1 + given.length, byPosition ? 3 : 2);
    const written = byPosition ? ({ batchSize: given[0], shuffle: given[1] } as DataLoaderOptions) : (given[0] as DataLoaderOptions | undefined);
    const { batchSize = 1, shuffle = false, dropLast = false, seed, generator, signal } = optionsOf('DataLoader', written, OPTIONS);
    if (typeof (dataset as Partial<typeof dataset> | null | undefined)?.batch !== 'function') {
      throw new GradloomError('VALUE', 'DataLoader', `the dataset must have a length and batch(indices), got ${valueText(dataset)}. Tensors make one: new TensorDataset(x, y).`);
    }
    rowsOf(dataset);
    if (seed !== undefined && generator) throw valueError('DataLoader', 'takes seed or generator, not both. Leave one out.');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.generator = generator ?? (seed === undefined ? undefined : new RandomStream(seed));
    this.signal = signal;
  }

  /** Number of batches in a pass. */
  get length(): number {
    const full = rowsOf(this.dataset) / this.batchSize;
    return this.dropLast ? Math.floor(full) : Math.ceil(full);
  }

  /** One pass over the dataset. */
  [Symbol.iterator](): Generator<Batch, void, undefined> {
    return loop((opened) => this.batches(opened));
  }

  private *batches(opened: Opened): Generator<Batch, void, undefined> {
    const rows = rowsOf(this.dataset);
    const order = keep(this.shuffle ? randperm(rows, { generator: this.generator ?? defaultGenerator() }) : arange(rows));
    try {
      const batches = this.length;
      for (let i = 0; i < batches; i++) {
        this.signal?.throwIfAborted();
        const start = i * this.batchSize;
        const size = Math.min(this.batchSize, rows - start);
        yield* turn(`turn ${i} of the DataLoader loop`, opened, () => this.dataset.batch(narrow(order, 0, start, size)));
      }
    } finally {
      order.storage.free('its DataLoader loop');
    }
  }
}
