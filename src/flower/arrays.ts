// Between models and what goes over the wire.
import { Module } from '../module/module.ts';
import type { StateDict } from '../module/state.ts';
import { tensor } from '../ops/create.ts';
import { isPlainObject } from '../tensor/check.ts';
import type { DType } from '../tensor/dtype.ts';
import { GradloomError, valueText } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { assertNdArray, type NdArray, type NdData } from './npy.ts';
import type { Arrays } from './records.ts';

/** What a tensor shows of itself. */
export interface TensorLike {
  /** float32, int32 or bool. */
  readonly dtype: string;
  /** Sizes. */
  readonly shape: readonly number[];
  /** The elements, row-major. */
  data(): ArrayLike<number>;
}

/** A module, as far as arrays are made of it. */
export interface ModelLike {
  /** Parameters and buffers by name. */
  stateDict(): Readonly<Record<string, TensorLike>>;
  /** Takes such in; says which names it lacked, and which were beyond the module's. */
  loadStateDict(state: Readonly<Record<string, TensorLike>>, options?: { strict?: boolean }): { missingKeys: string[]; unexpectedKeys: string[] };
}

/**
 * A model's parameters and buffers, or named tensors, as arrays: float32, int32 and bool as NumPy calls them.
 *
 * @example
 * return { arrays: arraysOf(model), metrics: { 'num-examples': 96 } };
 */
export function arraysOf(model: ModelLike | Readonly<Record<string, TensorLike>>): Arrays {
  const state = model instanceof Module ? model.stateDict() : model;
  if (!isPlainObject(state)) throw new GradloomError('VALUE', 'arraysOf', `takes a module or named tensors, got ${valueText(model)}.`);
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      if (!(value instanceof Tensor)) throw new GradloomError('VALUE', 'arraysOf', `'${name}' must be a tensor, got ${valueText(value)}.`);
      const data = value.data();
      return [name, { dtype: value.dtype, shape: [...value.shape], data: value.dtype === 'bool' ? Uint8Array.from(data as ArrayLike<number>) : (data as NdData) }];
    }),
  );
}

/** Elements as those of a tensor's type. Averaging makes floats of integers: they are rounded. */
function narrowed(name: string, { data }: NdArray, dtype: DType): ArrayLike<number> {
  if (dtype === 'float32') return Float32Array.from(data as ArrayLike<number>, Number);
  const values = Int32Array.from(data as ArrayLike<number>, (v) => Math.round(Number(v)));
  const lost = values.findIndex((v, i) => !(Math.abs(v - Number(data[i])) <= 0.5));
  if (lost >= 0) throw new GradloomError('FORMAT', 'loadArrays', `'${name}' has ${data[lost]} at ${lost}, outside of int32.`);
  return dtype === 'bool' ? Uint8Array.from(values, (v) => (v === 0 ? 0 : 1)) : values;
}

/**
 * Copies a round's arrays into a model, everything checked before anything is written. Numbers are rounded to the model's own type.
 * Options as in `loadStateDict`.
 *
 * @example
 * loadArrays(model, task.arrays);
 */
export function loadArrays(model: ModelLike, arrays: Arrays, options: { strict?: boolean } = {}): ReturnType<ModelLike['loadStateDict']> {
  if (!(model instanceof Module)) throw new GradloomError('VALUE', 'loadArrays', `takes a module, got ${valueText(model)}.`);
  if (!isPlainObject(arrays)) throw new GradloomError('VALUE', 'loadArrays', `takes arrays by name, got ${valueText(arrays)}. Pass task.arrays.`);
  return scope(() => {
    const own = model.stateDict();
    const state: StateDict = {};
    for (const [name, array] of Object.entries(arrays)) {
      assertNdArray('loadArrays', name, array);
      const dtype = own[name]?.dtype ?? 'float32';
      state[name] = tensor(narrowed(name, array, dtype) as Float32Array, { dtype, shape: array.shape });
    }
    return model.loadStateDict(state, options);
  });
}

/**
 * Rows, one for each loss, stacked name by name: each array gains a first dimension of the losses, as the strategy `FedJD` wants them.
 *
 * @example
 * return { arrays: stackRows([arraysOf(gradientsOfDigit), arraysOf(gradientsOfImage)]), metrics: { 'num-examples': 96 } };
 */
export function stackRows(rows: readonly Arrays[]): Arrays {
  const first = (Array.isArray(rows) ? rows[0] : undefined) as Arrays | undefined;
  if (!first) throw new GradloomError('VALUE', 'stackRows', `takes a list of rows, one for each loss, got ${valueText(rows)}.`);
  return Object.fromEntries(
    Object.entries(first).map(([name, { dtype, shape }]) => {
      const size = sizeOf(shape);
      const Type = first[name]?.data.constructor as new (size: number) => Float32Array;
      const data = new Type(size * rows.length);
      rows.forEach((row, i) => {
        const array = row[name] as NdArray;
        assertNdArray('stackRows', name, array);
        if (array.dtype !== dtype || array.shape.join() !== shape.join() || Object.keys(row).length !== Object.keys(first).length) {
          throw new GradloomError('SHAPE', 'stackRows', `row ${i} is not like row 0 at '${name}'. Give every loss a row with all names, zeros where it has no gradient.`);
        }
        data.set(array.data as Float32Array, i * size);
      });
      return [name, { dtype, shape: [rows.length, ...shape], data }];
    }),
  );
}
