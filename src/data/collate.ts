// Rows of a batch put together: what PyTorch's `default_collate` does.
import { tensor } from '../ops/create.ts';
import { stack } from '../ops/movement.ts';
import { assertArity, isPlainObject, valueText } from '../tensor/check.ts';
import { shapeText, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** Numbers however deep. */
type Numbers = readonly (number | boolean | Numbers)[];
/** A part of a row as it is in a batch. */
type Column<T> = T extends Tensor | number | boolean | Numbers | ArrayBufferView ? Tensor : T extends string ? string[] : Collated<T>;
/** A row's type as that of a batch: tuples and objects part by part, numbers, tensors and lists of numbers as one tensor with a first dimension more, text as a list. */
export type Collated<Item> = Item extends Tensor | number | boolean | ArrayBufferView
  ? Tensor
  : Item extends string
    ? string[]
    : Item extends readonly unknown[]
      ? { -readonly [K in keyof Item]: Column<Item[K]> }
      : Item extends object
        ? { [K in keyof Item]: Column<Item[K]> }
        : Item[];

const isNumbers = (v: unknown): boolean => Array.isArray(v) && v.every((e) => typeof e === 'number' || typeof e === 'boolean' || isNumbers(e));
const wrong = (row: number, path: string, what: string, remedy = 'Rows of one batch must have one form; or pass collate.'): never => {
  throw valueError('collate', `row ${row}${path} of the batch ${what}. ${remedy}`);
};
const PAD = 'Pad them in a collate of your own: nn.utils.padSequence(rows.map(…)).';
const lengthOf = (v: unknown): number | undefined => (v as { length?: number } | null | undefined)?.length;

/**
 * Rows as one batch (`torch.utils.data.default_collate`): tensors of one shape are stacked, numbers and booleans become [n], lists of numbers and typed arrays
 * inside a row [n, …], tuples and objects are put together part by part, text becomes a list. Types are `tensor`'s: class labels are int32 where a row
 * gives an Int32Array or a tensor of int32.
 *
 * @throws VALUE where rows differ in form or shape
 */
export function defaultCollate<Item>(rows: readonly Item[]): Collated<Item> {
  assertArity('collate', arguments.length, 1);
  if (!Array.isArray(rows) || rows.length === 0) throw valueError('collate', `takes a list of rows, got ${valueText(rows)}.`);
  return join(rows, '', true) as Collated<Item>;
}

/** `whole`: whether these are whole rows, where a list is a tuple; inside of one a list of numbers is a vector. */
function join(rows: readonly unknown[], path: string, whole = false): unknown {
  const first = rows[0];
  if (first instanceof Tensor) {
    rows.forEach((r, i) => {
      if (!(r instanceof Tensor)) wrong(i, path, `is ${valueText(r)}, row 0 is a tensor`);
      else if (!sameShape(r.sizes, first.sizes) || r.dtype !== first.dtype) {
        const sequences = r.dtype === first.dtype && r.rank === first.rank && sameShape(r.sizes.slice(1), first.sizes.slice(1));
        wrong(i, path, `is ${r.dtype} ${shapeText(r.sizes)}, row 0 ${first.dtype} ${shapeText(first.sizes)}`, sequences ? PAD : undefined);
      }
    });
    return stack(rows as Tensor[]);
  }
  if (typeof first === 'number' || typeof first === 'boolean' || ArrayBuffer.isView(first) || (!whole && isNumbers(first))) {
    const kind = typeof first;
    rows.forEach((r, i) => {
      if (typeof r !== kind || (lengthOf(r) === undefined) !== (lengthOf(first) === undefined)) wrong(i, path, `is ${valueText(r)}, row 0 ${valueText(first)}`);
      if (lengthOf(r) !== lengthOf(first)) wrong(i, path, `has ${lengthOf(r)} numbers, row 0 ${lengthOf(first)}`, PAD);
    });
    return tensor(rows as number[]);
  }
  if (typeof first === 'string') return [...rows];
  if (Array.isArray(first)) {
    rows.forEach((r, i) => {
      if (!Array.isArray(r) || r.length !== first.length) wrong(i, path, `is ${valueText(r)}, row 0 a list of ${first.length}`);
    });
    return first.map((_, k) =>
      join(
        rows.map((r) => (r as unknown[])[k]),
        `[${k}]`,
      ),
    );
  }
  if (isPlainObject(first)) {
    const keys = Object.keys(first);
    rows.forEach((r, i) => {
      if (!isPlainObject(r) || keys.some((k) => !Object.hasOwn(r, k))) wrong(i, path, `is ${valueText(r)}, row 0 has ${keys.join(', ')}`);
    });
    return Object.fromEntries(
      keys.map((k) => [
        k,
        join(
          rows.map((r) => (r as Record<string, unknown>)[k]),
          `.${k}`,
        ),
      ]),
    );
  }
  return [...rows];
}
