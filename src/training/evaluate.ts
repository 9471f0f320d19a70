// A model measured over data: in evaluation mode, without gradients, and then everything as it was.
import { withModes } from '../module/modes.ts';
import type { Module } from '../module/module.ts';
import { Module as ModuleClass } from '../module/module.ts';
import { assertArity, checkArgument, FUNCTION, isPlainObject, valueText } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { callNow } from '../tensor/sync.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';

/** What is measured of a batch: a number (or a tensor of one element), several by name, or nothing where `fn` updates metrics. */
export type Measured = number | Tensor | Readonly<Record<string, number | Tensor>> | undefined | void;
/** The means over all rows, in the form in which the batches gave them. */
export type Means<R> = R extends number | Tensor ? number : R extends Readonly<Record<string, unknown>> ? { [K in keyof R]: number } : undefined;

/** Rows of a batch: the first size of the first tensor in it; 1 where there is none. */
function rowsOf(batch: unknown): number {
  const parts: unknown[] = batch instanceof Tensor ? [batch] : Array.isArray(batch) ? batch : isPlainObject(batch) ? Object.values(batch) : [];
  const first = parts.find((p) => p instanceof Tensor) as Tensor | undefined;
  return first?.sizes[0] ?? 1;
}

const told = (names: readonly string[]): string => names.map((name) => name || 'a number').join(', ') || 'nothing';

const numberOf = (name: string, value: unknown): number => {
  if (typeof value === 'number') return value;
  if (value instanceof Tensor && value.size === 1) return value.item();
  throw valueError('evaluate', `${name} must be a number or a tensor of one element, got ${valueText(value)}. Take its mean().`);
};

/**
 * Runs `fn` on every batch with the model in evaluation mode and without gradients; then each module's mode is as it was, also after an error. Nothing
 * that a batch made is kept. What `fn` returns is averaged over rows (the first size of a batch's first tensor), so that a smaller last batch counts
 * for less: for a loss of `reduction: 'mean'` it is the loss over all rows.
 *
 * @param model one module, or several
 * @param batches a DataLoader, or any iterable or async iterable
 * @param fn synchronous; may update metrics instead of returning
 * @example
 * const accuracy = new metrics.Accuracy();
 * const { loss } = await evaluate(model, loader, ([x, y]) => {
 *   const logits = model.forward(x);
 *   accuracy.update(logits, y);
 *   return { loss: crossEntropy(logits, y) };
 * });
 * @throws VALUE where there is no batch, or batches give different names; SCOPE where `fn` is async
 */
export async function evaluate<Batch, R extends Measured>(
  model: Module | readonly Module[],
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  fn: (batch: Batch, index: number) => R,
): Promise<Means<R>> {
  assertArity('evaluate', arguments.length, 3);
  const models: readonly Module[] = Array.isArray(model) ? model : [model];
  for (const m of models) if (!(m instanceof ModuleClass)) throw valueError('evaluate', `takes a module or a list of them, got ${valueText(m)}.`);
  checkArgument('evaluate', 'fn', fn, FUNCTION);
  const source = batches as Partial<Iterable<Batch> & AsyncIterable<Batch>> | null | undefined;
  if (typeof batches === 'string' || (!source?.[Symbol.iterator] && !source?.[Symbol.asyncIterator]))
    throw valueError('evaluate', `takes batches in an iterable, got ${valueText(batches)}. Use a DataLoader.`);
  const sums = new Map<string, number>();
  let [index, rows] = [0, 0];
  let single = false;
  // By batch, so that code which runs between two batches of an async loader meets the modes that it knows.
  const measure = (batch: Batch): void =>
    withModes(models, () => {
      for (const m of models) m.eval();
      scope(() => {
        const result = noGrad(() => callNow('evaluate', () => fn(batch, index), 'a batch')) as unknown;
        single ||= result !== undefined && !isPlainObject(result);
        const values = result === undefined ? {} : single ? { '': result } : (result as Record<string, unknown>);
        const names = Object.keys(values);
        if (index > 0 && (names.length !== sums.size || names.some((n) => !sums.has(n))))
          throw valueError('evaluate', `batch ${index} gave ${told(names)}, those before ${told([...sums.keys()])}. Give the same for each.`);
        for (const name of names) sums.set(name, (sums.get(name) ?? 0) + numberOf(name || 'the result', values[name]) * rowsOf(batch));
      });
      rows += rowsOf(batch);
      index++;
    });
  if (source[Symbol.iterator] && !isAsync(batches)) for (const batch of batches as Iterable<Batch>) measure(batch);
  else for await (const batch of batches as AsyncIterable<Batch>) measure(batch);
  if (index === 0) throw valueError('evaluate', 'there was no batch. A generator is used up after one pass: give a DataLoader, or make it anew.');
  if (sums.size === 0) return undefined as Means<R>;
  const means = Object.fromEntries([...sums].map(([name, sum]) => [name, sum / rows]));
  return (single ? means[''] : means) as Means<R>;
}

/** Whether only an async loop will do: a loader has both iterators, and tells by its rows. */
function isAsync(batches: unknown): boolean {
  const { dataset } = batches as { dataset?: object };
  return dataset === undefined ? (batches as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] !== undefined : !('batch' in dataset && dataset.batch);
}
