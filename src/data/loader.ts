// Batches in a loop that needs no bookkeeping: each turn's tensors end with the turn.
import { tensor } from '../ops/create.ts';
import { narrow } from '../ops/movement.ts';
import { assertArity, COUNT, FLAG, FUNCTION, instanceOf, type Kind, type Kinds, optionsOf, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { defaultGenerator, drawPermutations, Generator as RandomStream } from '../tensor/random.ts';
import { keep, loop, SIGNAL, turn } from '../tensor/scope.ts';
import type { Opened } from '../tensor/storage.ts';
import { Tensor } from '../tensor/tensor.ts';
import { defaultCollate } from './collate.ts';
import { assertRow, type Dataset, hasBatches, hasItems, rowsOf } from './dataset.ts';
import type { AllOptions, BatchLoader, DataLoaderConstructor, DataLoaderState, Items } from './loader-types.ts';

const iterable: Kind = { what: 'an iterable of indices', test: (v) => typeof (v as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === 'function' };
const OPTIONS: Kinds<AllOptions> = {
  signal: SIGNAL,
  batchSize: COUNT,
  shuffle: FLAG,
  dropLast: FLAG,
  seed: WHOLE,
  generator: instanceOf(RandomStream, 'a Generator'),
  sampler: iterable,
  batchSampler: iterable,
  collate: FUNCTION,
  prefetchFactor: { what: 'a whole number ≥ 0', test: (v) => Number.isSafeInteger(v) && (v as number) >= 0 },
};

const isStream = (source: unknown): boolean => !Array.isArray(source) && !hasItems(source) && !hasBatches(source);
const isPromise = (value: unknown): value is PromiseLike<unknown> => typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** What remembers: a sampler with a random stream of its own. */
interface Resumable {
  stateDict(): unknown;
  loadStateDict(state: unknown): void;
}

/** Where a pass stands. */
interface Standing {
  position: number;
  readonly generator: readonly number[] | null;
  /** What a sampler gave. */
  readonly order: { readonly rows: Int32Array; readonly sizes: readonly number[] } | null;
}

/** One pass: its batches by indices. */
interface Pass {
  readonly state: Standing;
  readonly rows: Int32Array;
  /** Where batch i starts; one more at the end. */
  readonly starts: readonly number[];
}

class Loader<Batch> implements Iterable<Batch>, AsyncIterable<Batch> {
  readonly dataset: Dataset<Batch> | Items<unknown>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly #options: AllOptions;
  readonly #generator: RandomStream | undefined;
  /** Where the last pass that was begun stands, and where the next one begins. */
  #state: Standing | null = null;
  #resume: Standing | null = null;

  constructor(dataset: Dataset<Batch> | Items<unknown>, ...given: [(AllOptions | number)?, boolean?]) {
    const byPosition = typeof given[0] === 'number';
    assertArity('DataLoader', 1 + given.length, byPosition ? 3 : 2);
    const written = byPosition ? ({ batchSize: given[0], shuffle: given[1] } as AllOptions) : (given[0] as AllOptions | undefined);
    const options = optionsOf('DataLoader', written, OPTIONS);
    const { batchSize = 1, shuffle = false, dropLast = false, seed, generator, sampler, batchSampler } = options;
    const source = dataset as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
    const stream = isStream(dataset);
    if (stream && (typeof dataset === 'string' || !(source?.[Symbol.iterator] || source?.[Symbol.asyncIterator]))) {
      throw valueError(
        'DataLoader',
        `the dataset must have a length and batch(indices) or get(i), or be iterable, got ${valueText(dataset)}. Tensors make one: new TensorDataset(x, y).`,
      );
    }
    if (!stream) rowsOf('DataLoader', dataset as { length: number });
    if (seed !== undefined && generator) throw valueError('DataLoader', 'takes seed or generator, not both. Leave one out.');
    const ordered = { shuffle: shuffle || undefined, sampler, batchSampler };
    const orders = Object.entries(ordered).filter(([, v]) => v !== undefined);
    if (orders.length > 1) throw valueError('DataLoader', `takes one of shuffle, sampler and batchSampler, got ${orders.map(([k]) => k).join(' and ')}.`);
    if (batchSampler && (options.batchSize !== undefined || dropLast)) throw valueError('DataLoader', 'a batchSampler gives whole batches. Leave batchSize and dropLast out.');
    if (stream && orders.length > 0)
      throw valueError('DataLoader', `an iterable gives rows as they come, without ${orders[0]?.[0]}. Give a dataset with length and get(i), or a list.`);
    if (options.collate && hasBatches(dataset) && !hasItems(dataset)) throw valueError('DataLoader', 'collate is for rows, the dataset gives whole batches. Give it get(i).');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.#options = options;
    this.#generator = generator ?? (seed === undefined ? undefined : new RandomStream(seed));
  }

  get length(): number {
    const { sampler, batchSampler } = this.#options;
    const order = batchSampler ?? sampler;
    if (isStream(this.dataset) || (order && order.length === undefined))
      throw valueError('DataLoader', `the length of ${order ? 'the sampler' : 'an iterable'} is not known before. Count in the loop, or give it a length.`);
    if (batchSampler) return batchSampler.length as number;
    const full = (order ? (order.length as number) : rowsOf('DataLoader', this.dataset as { length: number })) / this.batchSize;
    return this.dropLast ? Math.floor(full) : Math.ceil(full);
  }

  [Symbol.iterator](): Generator<Batch, void, undefined> {
    return loop((opened) => (isStream(this.dataset) ? this.#streamed(opened) : this.#batches(opened)));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const opened: Opened = { scope: null };
    const ahead = 1 + (this.#options.prefetchFactor ?? 1);
    const source = isStream(this.dataset) ? this.#pulled() : this.#requested();
    const waiting: Promise<IteratorResult<() => Batch>>[] = [];
    let state: Standing | null = null;
    const ask = (): void => {
      const next = source.next();
      next.catch(() => {}); // thrown where it is waited for
      waiting.push(next);
    };
    try {
      for (let i = this.#resume?.position ?? 0; ; i++) {
        while (waiting.length < ahead) ask();
        const got = await (waiting.shift() as Promise<IteratorResult<() => Batch>>);
        state ??= this.#state;
        if (got.done) return this.#end(state);
        this.#options.signal?.throwIfAborted();
        if (state) state.position = i + 1;
        yield* turn(`turn ${i} of the DataLoader loop`, opened, got.value);
      }
    } finally {
      void source.return?.(undefined);
    }
  }

  stateDict(): DataLoaderState {
    assertArity('DataLoader.stateDict', arguments.length, 0);
    const { position, generator, order } = this.#state ?? this.#resume ?? { position: 0, generator: (this.shuffle && this.#generator?.getState()) || null, order: null };
    return { position, generator, order: order && { rows: keep(tensor(order.rows)), sizes: [...order.sizes] }, sampler: this.#sampler?.stateDict?.() ?? null };
  }

  loadStateDict(state: DataLoaderState): void {
    const op = 'DataLoader.loadStateDict';
    assertArity(op, arguments.length, 1);
    const { position, generator, order, sampler } = (state ?? {}) as Partial<DataLoaderState>;
    const words = generator === null || (Array.isArray(generator) && generator.length === 4 && [...generator].every((w) => w === w >>> 0));
    const listed =
      order === null ||
      (Array.isArray(order?.sizes) && [...order.sizes].every((n) => Number.isSafeInteger(n) && n >= 0) && order.rows instanceof Tensor && order.rows.dtype === 'int32');
    if (!Number.isSafeInteger(position) || (position as number) < 0 || !words || !listed)
      throw new GradloomError('STATE', op, `takes what stateDict() gave, got ${valueText(state)}.`);
    const misfit = this.#misfit(state);
    if (misfit) throw new GradloomError('STATE', op, `${misfit}. Load it into a loader of the same data and options.`);
    if (sampler) this.#sampler?.loadStateDict?.(sampler);
    this.#resume = {
      position: position as number,
      generator: generator ?? null,
      order: order ? { rows: order.rows.data() as Int32Array, sizes: [...order.sizes] } : null,
    };
    this.#state = null;
  }

  /** Why a state, well formed, is that of another loader. */
  #misfit({ position, generator, order, sampler }: DataLoaderState): string | null {
    const own = this.#sampler;
    if (generator && !this.shuffle) return 'the state is of a shuffled loader';
    if (order && !own) return 'the state is of a loader with a sampler';
    if ((sampler ?? null) !== null && !own?.loadStateDict) return 'the state is of a sampler that remembers';
    if (isStream(this.dataset)) return null;
    if (position > 0 && !(generator ?? order) && (this.shuffle || own)) return `the state is at batch ${position} of an order that it does not tell`;
    const count = rowsOf('DataLoader', this.dataset as { length: number });
    const rows = order?.rows.data();
    if (rows?.some((row) => row < 0 || row >= count)) return `the state has rows that the dataset of ${count} has not`;
    if (order && order.sizes.reduce((a, b) => a + b, 0) > (rows?.length ?? 0)) return 'the state has batches of more rows than it tells';
    const batches = order ? order.sizes.length : own ? Number.POSITIVE_INFINITY : this.length;
    return position > batches ? `the state is at batch ${position}, the dataset has ${batches}` : null;
  }

  get #sampler(): Partial<Resumable> | undefined {
    return (this.#options.batchSampler ?? this.#options.sampler) as Partial<Resumable> | undefined;
  }

  /** Begins a pass, or goes on with the one that was loaded. */
  #begin(): Pass {
    const resume = this.#resume;
    this.#resume = null;
    const { sampler, batchSampler } = this.#options;
    const count = rowsOf('DataLoader', this.dataset as { length: number });
    const own = this.#generator;
    const stream = this.shuffle ? (own ?? defaultGenerator()) : null;
    const before = resume?.generator ?? stream?.getState() ?? null;
    let rows: Int32Array;
    let sizes: number[] | null = null;
    if (resume?.order) {
      rows = resume.order.rows;
      sizes = [...resume.order.sizes];
    } else if (batchSampler) {
      const batches = Array.from(batchSampler, (b) => Array.from(b));
      sizes = batches.map((b) => b.length);
      rows = Int32Array.from(batches.flat());
      for (const row of batches.flat()) assertRow('DataLoader', row, count);
    } else if (sampler) {
      const list = Array.from(sampler);
      for (const row of list) assertRow('DataLoader', row, count);
      rows = Int32Array.from(list);
    } else if (stream) {
      // A stream of the loader's own goes on from where it was; the default one is others' too, and theirs to set.
      const from = own || !before || !resume ? stream : new RandomStream();
      if (resume && before) from.setState(before);
      rows = drawPermutations(1, count, from);
    } else rows = Int32Array.from({ length: count }, (_, i) => i);
    if (!sizes) {
      const full = Math.floor(rows.length / this.batchSize);
      sizes = new Array<number>(full).fill(this.batchSize);
      const rest = rows.length - full * this.batchSize;
      if (rest > 0 && !this.dropLast) sizes.push(rest);
    }
    if (sizes.reduce((a, b) => a + b, 0) > rows.length || (resume && resume.position > sizes.length))
      throw new GradloomError(
        'STATE',
        'DataLoader',
        `the state is at batch ${resume?.position}, the dataset has ${sizes.length}. Load it into a loader of the same data and options.`,
      );
    const starts = [0];
    for (const n of sizes) starts.push((starts.at(-1) as number) + n);
    const order = sampler || batchSampler ? { rows, sizes } : null;
    const state: Standing = { position: resume?.position ?? 0, generator: before, order };
    this.#state = state;
    return { state, rows, starts };
  }

  /** Ends a pass: the next one starts anew. */
  #end(state: Standing | null): void {
    if (this.#state === state) this.#state = null;
  }

  /** The rows of batch i, one by one. */
  #items(pass: Pass, i: number): unknown[] {
    const { dataset } = this;
    const rows = pass.rows.subarray(pass.starts[i], pass.starts[i + 1]);
    return Array.from(rows, (row) => (hasItems(dataset) ? dataset.get(row) : (dataset as readonly unknown[])[row]));
  }

  #collate(rows: unknown[]): Batch {
    const { collate = defaultCollate } = this.#options;
    return collate(rows as never[]) as Batch;
  }

  /** Whether batches come whole. */
  get #whole(): boolean {
    return hasBatches(this.dataset) && !this.#options.collate;
  }

  *#batches(opened: Opened): Generator<Batch, void, undefined> {
    const pass = this.#begin();
    const order = this.#whole ? keep(tensor(pass.rows)) : null;
    try {
      for (let i = pass.state.position; i < pass.starts.length - 1; i++) {
        this.#options.signal?.throwIfAborted();
        const start = pass.starts[i] as number;
        const size = (pass.starts[i + 1] as number) - start;
        pass.state.position = i + 1;
        yield* turn(`turn ${i} of the DataLoader loop`, opened, () => {
          if (order) return (this.dataset as Dataset<Batch>).batch(narrow(order, 0, start, size));
          const rows = this.#items(pass, i);
          if (rows.some(isPromise)) throw valueError('DataLoader', 'get(i) of the dataset gives promises. Loop with for await (const batch of loader).');
          return this.#collate(rows);
        });
      }
      this.#end(pass.state);
    } finally {
      order?.storage.free('its DataLoader loop');
    }
  }

  /** Batches of a dataset with a length: rows are asked for at once, and put together in the turn. */
  async *#requested(): AsyncGenerator<() => Batch, void, undefined> {
    const pass = this.#begin();
    for (let i = pass.state.position; i < pass.starts.length - 1; i++) {
      if (this.#whole) {
        const rows = pass.rows.slice(pass.starts[i], pass.starts[i + 1]);
        yield () => (this.dataset as Dataset<Batch>).batch(tensor(rows));
      } else {
        const rows = await Promise.all(this.#items(pass, i));
        yield () => this.#collate(rows);
      }
    }
  }

  /** Batches of an async iterable, or of an iterable. */
  async *#pulled(): AsyncGenerator<() => Batch, void, undefined> {
    let skip = this.#skip();
    let rows: unknown[] = [];
    for await (const row of this.dataset as AsyncIterable<unknown>) {
      rows.push(row);
      if (rows.length < this.batchSize) continue;
      const full = rows;
      rows = [];
      if (skip-- <= 0) yield () => this.#collate(full);
    }
    if (rows.length > 0 && !this.dropLast && skip <= 0) yield () => this.#collate(rows);
  }

  /** How many batches of a stream a resumed pass passes over. */
  #skip(): number {
    const position = this.#resume?.position ?? 0;
    this.#resume = null;
    this.#state = { position, generator: null, order: null };
    return position;
  }

  *#streamed(opened: Opened): Generator<Batch, void, undefined> {
    if (!(Symbol.iterator in (this.dataset as object)))
      throw valueError('DataLoader', 'the dataset gives rows one after the other in time. Loop with for await (const batch of loader).');
    const skip = this.#skip();
    const iterator = (this.dataset as Iterable<unknown>)[Symbol.iterator]();
    let done = false;
    try {
      for (let i = 0; !done; i++) {
        this.#options.signal?.throwIfAborted();
        const rows: unknown[] = [];
        while (rows.length < this.batchSize) {
          const next = iterator.next();
          done = next.done === true;
          if (done) break;
          rows.push(next.value);
        }
        if (rows.length === 0 || (this.dropLast && rows.length < this.batchSize)) break;
        if (i < skip) continue;
        if (this.#state) this.#state.position = i + 1;
        yield* turn(`turn ${i} of the DataLoader loop`, opened, () => this.#collate(rows));
      }
      this.#state = null;
    } finally {
      if (!done) iterator.return?.();
    }
  }
}

/**
 * Batches of a dataset; the interface says how to loop.
 *
 * @example
 * const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 32, shuffle: true, seed: 1 });
 * for (const [xb, yb] of loader) step(xb, yb);
 * @throws VALUE for options that do not exist or have other types, and for a dataset without rows to draw
 */
export const DataLoader: DataLoaderConstructor = /* @__PURE__ */ Object.defineProperty(Loader, 'name', { value: 'DataLoader' }) as unknown as DataLoaderConstructor;
/** A loader's type: `DataLoader<[Tensor, Tensor]>`. */
export type DataLoader<Batch> = BatchLoader<Batch>;
