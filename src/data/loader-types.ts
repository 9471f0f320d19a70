// What a loader takes, gives and remembers.
import type { Generator as RandomStream } from '../tensor/random.ts';
import type { LoopOptions } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Collated } from './collate.ts';
import type { Dataset, ItemDataset } from './dataset.ts';
import type { Sampler } from './sampler.ts';

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
  /** The order of rows, instead of `shuffle`: gone through once a pass. */
  sampler?: Sampler;
  /** Whole batches of indices, instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  batchSampler?: Iterable<readonly number[]> & { readonly length?: number };
  /** In `for await`: batches whose rows are asked for while one is used, default 1. */
  prefetchFactor?: number;
}

/** Options of a loader that puts rows together in its own way. */
export interface CollateOptions<Item, Batch> extends DataLoaderOptions {
  /** Puts rows together as a batch, instead of `defaultCollate`. */
  collate: (rows: Item[]) => Batch;
}

/** @internal */
export type AllOptions = DataLoaderOptions & Partial<CollateOptions<never, unknown>>;

/** Where a loader stands: which batch comes next, and what its order was drawn from. Plain data, and a tensor where a sampler gave the order. */
export interface DataLoaderState {
  /** Batches that this pass has given. */
  position: number;
  /** The random stream as it was before this pass drew its order. */
  generator: readonly number[] | null;
  /** What a sampler gave for this pass: the rows of each batch, one batch after the other. */
  order: { rows: Tensor; sizes: readonly number[] } | null;
  /** What the sampler remembers, where it has `stateDict`. */
  sampler: unknown;
}

/** What a loader takes rows from one by one: in an order of its own where it has a length, else as they come. */
export type Items<Item> = ItemDataset<Item> | readonly Item[] | Iterable<Item> | AsyncIterable<Item>;

/**
 * Iterates over data in batches: `for (const [x, y] of loader) { … }`, or `for await` where rows come later. Each turn opens a scope and the next one
 * (or break, or a throw) ends it, so memory stays flat; take numbers out with `.item()`, tensors with `keep()`. A batch taken by hand
 * (`loader[Symbol.iterator]().next()`) lives as long as it or its iterator can be reached. In `for await` the next batch's rows are asked for while
 * one is used.
 */
export interface BatchLoader<Batch> extends Iterable<Batch>, AsyncIterable<Batch> {
  /** What batches are drawn from. */
  readonly dataset: Dataset<Batch> | Items<unknown>;
  /** Rows per batch. */
  readonly batchSize: number;
  /** Whether each pass draws the rows in a new random order. */
  readonly shuffle: boolean;
  /** Whether a last batch that is not full is left out. */
  readonly dropLast: boolean;
  /** Number of batches in a pass. @throws VALUE where it is not known before */
  readonly length: number;
  /** One pass over the dataset. */
  [Symbol.iterator](): Generator<Batch, void, undefined>;
  /** One pass, where rows come later. */
  [Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined>;
  /**
   * Where the pass stands: taken in a loop's turn, a loader of the same data and options that loads it goes on with the next batch, in the same order.
   * A stream that others draw from too (`manualSeed`'s) is theirs to save.
   */
  stateDict(): DataLoaderState;
  /** Takes up where `stateDict` was called: with the next loop. @throws STATE where it is no state, or of other data or options */
  loadStateDict(state: DataLoaderState): void;
}

/** Makes loaders. */
export interface DataLoaderConstructor {
  /** Of a dataset that gives batches. As in PyTorch, `new DataLoader(dataset, 32, true)` gives batchSize and shuffle by position. */
  new <Batch>(dataset: Dataset<Batch>, options?: DataLoaderOptions): BatchLoader<Batch>;
  /** Of a dataset that gives batches, with batchSize and shuffle by position. */
  new <Batch>(dataset: Dataset<Batch>, batchSize: number, shuffle?: boolean): BatchLoader<Batch>;
  /** Of rows, put together by `collate`. */
  new <Item, Batch>(rows: Items<Item>, options: CollateOptions<Item, Batch>): BatchLoader<Batch>;
  /** Of rows, put together by `defaultCollate`. */
  new <Item>(rows: Items<Item>, options?: DataLoaderOptions): BatchLoader<Collated<Item>>;
  /** Of rows, with batchSize and shuffle by position. */
  new <Item>(rows: Items<Item>, batchSize: number, shuffle?: boolean): BatchLoader<Collated<Item>>;
  readonly prototype: BatchLoader<unknown>;
}
