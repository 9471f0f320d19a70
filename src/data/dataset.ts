// Data by rows.
import { tensor } from '../ops/create.ts';
import { indexSelectAs } from '../ops/indexing.ts';
import { select } from '../ops/movement.ts';
import { assertArity, assertTensor, assertTensors, FINITE, instanceOf, isPlainObject, type Kinds, optionsOf, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { drawPermutations, Generator } from '../tensor/random.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What a loader can draw whole batches from. */
export interface Dataset<Batch> {
  /** Number of rows. */
  readonly length: number;
  /** The rows at the given indices (int32 [n]), as one batch of fresh tensors. */
  batch(indices: Tensor): Batch;
}

/** What gives rows one by one, at once or later: pictures from a disk, answers of a server. A loader puts them together (`collate`). */
export interface ItemDataset<Item> {
  /** Number of rows. */
  readonly length: number;
  /** The row at an index from 0. */
  get(index: number): Item | PromiseLike<Item>;
}

/** Tensors of equally many rows; a batch is a tuple with the same rows of each. Keeps its tensors alive. */
export class TensorDataset<Tensors extends readonly Tensor[]> implements Dataset<Tensors>, ItemDataset<Tensors> {
  /** The tensors that rows are taken from. */
  readonly tensors: Tensors;
  readonly length: number;

  constructor(...tensors: Tensors) {
    assertTensors('TensorDataset', tensors);
    const rows = tensors.map((t) => t.sizes[0]);
    if (rows.length === 0 || rows[0] === undefined || rows.some((n) => n !== rows[0])) {
      throw new GradloomError(
        'SHAPE',
        'TensorDataset',
        `takes tensors of equally many rows, got ${tensors.map((t) => shapeText(t.sizes)).join(', ') || 'none'}. Their first sizes must match.`,
      );
    }
    this.tensors = tensors;
    this.length = rows[0];
    for (const t of tensors) keep(t);
  }

  batch(indices: Tensor): Tensors {
    assertArity('TensorDataset.batch', arguments.length, 1);
    return this.tensors.map((t) => indexSelectAs('TensorDataset.batch', t, 0, indices)) as unknown as Tensors;
  }

  /** One row of each tensor, as views. */
  get(index: number): Tensors {
    assertArity('TensorDataset.get', arguments.length, 1);
    assertRow('TensorDataset.get', index, this.length);
    return this.tensors.map((t) => select(t, 0, index)) as unknown as Tensors;
  }
}

/** Throws where an index is none of the rows. */
export function assertRow(op: string, index: unknown, rows: number): void {
  if (Number.isSafeInteger(index) && (index as number) >= 0 && (index as number) < rows) return;
  throw valueError(op, `the index must be a whole number from 0 to ${rows - 1}, got ${valueText(index)}.`);
}

/** A dataset's number of rows; it may change between passes. */
export function rowsOf(op: string, dataset: { readonly length: number }): number {
  const rows: unknown = dataset.length;
  if (Number.isSafeInteger(rows) && (rows as number) >= 0) return rows as number;
  throw valueError(op, `the dataset's length must be its number of rows, a whole number ≥ 0, got ${valueText(rows)}.`);
}

/** Whether it gives rows one by one. */
export const hasItems = (value: unknown): value is ItemDataset<unknown> => typeof (value as Partial<ItemDataset<unknown>> | null | undefined)?.get === 'function';
/** Whether it gives batches. */
export const hasBatches = (value: unknown): value is Dataset<unknown> => typeof (value as Partial<Dataset<unknown>> | null | undefined)?.batch === 'function';

/** A dataset of either kind, or a list of rows. */
export type Rows = Dataset<unknown> | ItemDataset<unknown> | readonly unknown[];
/** The rows of a dataset or a list. */
export type ItemOf<D> = D extends ItemDataset<infer I> ? I : D extends readonly (infer I)[] ? I : never;
type BatchGetter<D> = D extends Dataset<infer B> ? (indices: Tensor) => B : undefined;

function assertRows(op: string, dataset: unknown): asserts dataset is Rows {
  if (Array.isArray(dataset) || hasItems(dataset) || hasBatches(dataset)) return;
  throw valueError(op, `takes a dataset with length and get(i) or batch(indices), or a list of rows, got ${valueText(dataset)}.`);
}

function itemOf(op: string, dataset: Rows, index: number): unknown {
  if (Array.isArray(dataset)) return dataset[index];
  if (hasItems(dataset)) return dataset.get(index);
  throw valueError(op, 'the dataset gives batches only. Give it get(i) for rows one by one.');
}

/**
 * Some rows of a dataset, in the order of their indices (`torch.utils.data.Subset`). Gives batches where the dataset does.
 *
 * @example
 * const firstHundred = new Subset(dataset, Array.from({ length: 100 }, (_, i) => i));
 */
export class Subset<D extends Rows> implements ItemDataset<ItemOf<D>> {
  /** What rows are taken from. */
  readonly dataset: D;
  /** Its rows, as those of the dataset. */
  readonly indices: readonly number[];
  /** Batches of the dataset, where it gives such. */
  readonly batch: BatchGetter<D>;

  constructor(dataset: D, indices: ArrayLike<number>) {
    assertArity('Subset', arguments.length, 2);
    assertRows('Subset', dataset);
    if (!Array.isArray(indices) && !ArrayBuffer.isView(indices)) throw valueError('Subset', `the indices must be a list of whole numbers, got ${valueText(indices)}.`);
    const rows = rowsOf('Subset', dataset);
    this.dataset = dataset;
    this.indices = Array.from(indices);
    for (const i of this.indices) assertRow('Subset', i, rows);
    const batch = (at: Tensor): unknown => {
      assertTensor('Subset.batch', at, 'indices');
      const places = Array.from(at.data(), (i) => {
        assertRow('Subset.batch', i, this.length);
        return this.indices[i] as number;
      });
      return (dataset as Dataset<unknown>).batch(tensor(Int32Array.from(places)));
    };
    this.batch = (hasBatches(dataset) ? batch : undefined) as BatchGetter<D>;
  }

  /** Number of rows. */
  get length(): number {
    return this.indices.length;
  }

  /** The row at an index from 0. */
  get(index: number): ItemOf<D> {
    assertArity('Subset.get', arguments.length, 1);
    assertRow('Subset.get', index, this.length);
    return itemOf('Subset.get', this.dataset, this.indices[index] as number) as ItemOf<D>;
  }
}

/**
 * Datasets one after the other (`torch.utils.data.ConcatDataset`): rows one by one.
 *
 * @example
 * const both = new ConcatDataset([mine, yours]);
 */
export class ConcatDataset<Item> implements ItemDataset<Item> {
  /** The datasets, in their order. */
  readonly datasets: readonly (ItemDataset<Item> | readonly Item[])[];

  constructor(datasets: readonly (ItemDataset<Item> | readonly Item[])[]) {
    assertArity('ConcatDataset', arguments.length, 1);
    if (!Array.isArray(datasets) || datasets.length === 0) throw valueError('ConcatDataset', `takes a list of datasets, got ${valueText(datasets)}. Write [a, b].`);
    for (const d of datasets as readonly unknown[]) {
      if (!Array.isArray(d) && !hasItems(d)) throw valueError('ConcatDataset', `takes datasets with length and get(i), or lists of rows, got ${valueText(d)}.`);
    }
    this.datasets = [...datasets];
  }

  /** Number of rows. */
  get length(): number {
    return this.datasets.reduce((sum, d) => sum + rowsOf('ConcatDataset', d), 0);
  }

  /** The row at an index from 0. */
  get(index: number): Item | PromiseLike<Item> {
    assertArity('ConcatDataset.get', arguments.length, 1);
    assertRow('ConcatDataset.get', index, this.length);
    let at = index;
    const dataset = this.datasets.find((d) => {
      if (at < d.length) return true;
      at -= d.length;
      return false;
    });
    return itemOf('ConcatDataset.get', dataset as Rows, at) as Item;
  }
}

/** Options of `randomSplit`. */
export interface SplitOptions {
  /** Seed of the order; else it follows `manualSeed`. */
  seed?: number;
  /** The stream to draw the order from, instead of `seed`. */
  generator?: Generator;
}

const SPLIT: Kinds<SplitOptions> = { seed: WHOLE, generator: instanceOf(Generator, 'a Generator') };

/**
 * Parts of a dataset that have no row in common, drawn at random (`torch.utils.data.random_split`). Lengths are counts that sum to the rows, or
 * shares that sum to 1: what is left by rounding down goes one by one to the first parts.
 *
 * @example
 * const [train, test] = randomSplit(dataset, [0.8, 0.2], { seed: 1 });
 * @throws VALUE where the lengths do not sum to the rows or to 1
 */
export function randomSplit<D extends Rows, const L extends readonly number[]>(dataset: D, lengths: L, options?: SplitOptions): { -readonly [K in keyof L]: Subset<D> } {
  assertArity('randomSplit', arguments.length, 3);
  assertRows('randomSplit', dataset);
  const { seed, generator } = optionsOf('randomSplit', options, SPLIT);
  if (seed !== undefined && generator) throw valueError('randomSplit', 'takes seed or generator, not both. Leave one out.');
  if (!Array.isArray(lengths) || isPlainObject(lengths) || !lengths.every((n) => FINITE.test(n) && n >= 0))
    throw valueError('randomSplit', `the lengths must be a list of numbers ≥ 0, got ${valueText(lengths)}. Write [0.8, 0.2].`);
  const rows = rowsOf('randomSplit', dataset);
  const counts = countsOf(lengths as readonly number[], rows);
  const order = drawPermutations(1, rows, seed === undefined ? generator : new Generator(seed));
  let start = 0;
  return counts.map((n) => {
    start += n;
    return new Subset(dataset, Array.from(order.subarray(start - n, start)));
  }) as { -readonly [K in keyof L]: Subset<D> };
}

function countsOf(lengths: readonly number[], rows: number): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0);
  if (Math.abs(sum - 1) < 1e-9 && !(rows === 1 && lengths.every(Number.isInteger))) {
    const counts = lengths.map((share) => Math.floor(rows * share));
    const left = rows - counts.reduce((a, b) => a + b, 0);
    for (let i = 0; i < left; i++) counts[i % counts.length] = (counts[i % counts.length] as number) + 1;
    return counts;
  }
  if (sum === rows && lengths.every(Number.isInteger)) return [...lengths];
  throw valueError('randomSplit', `the lengths sum to ${sum}, the dataset has ${rows} rows. Give counts that sum to the rows, or shares that sum to 1.`);
}
