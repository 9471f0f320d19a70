// Arrays that are known without running anything: constants, shapes, and what a graph computes of them (Shape → Gather → Concat → Reshape).
// Numbers are float64, which holds the 64-bit integers that shapes use; they become tensors only where an operator needs one.
import { Buffer } from '../../module/parameter.ts';
import { tensor } from '../../ops/create.ts';
import type { DType } from '../../tensor/dtype.ts';
import { GradloomError, shapeText, valueText } from '../../tensor/errors.ts';
import { recording } from '../../tensor/recording.ts';
import { broadcastShapes, broadcastStrides, rowMajor, sameShape, sizeOf } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** An array on the host, row-major. */
export class HostArray {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
  readonly dtype: DType;
  /** Whether it is the same in each pass: then its tensor is kept. */
  constant = false;
  /** The tensor of a constant, once one was needed. */
  kept: Tensor | null = null;

  constructor(shape: readonly number[], values: ArrayLike<number>, dtype: DType) {
    this.shape = shape;
    this.values = values;
    this.dtype = dtype;
  }
}

/** The most numbers that an array has: shapes and constants need fewer, and what a damaged file asks for is refused. */
const MOST = 2 ** 24;

/** How many elements it has; throws where the host has no room for them. */
export function countOf(shape: readonly number[]): number {
  const size = sizeOf(shape);
  if (size <= MOST && shape.every((n) => Number.isInteger(n) && n >= 0)) return size;
  throw new GradloomError('MEMORY', 'fromOnnx', `no room for computed numbers of the shape ${shapeText(shape)}: at most 2²⁴.`);
}

/** What flows through a graph. */
export type Value = Tensor | HostArray;

/** A list of whole numbers, as shapes are. */
export const list = (values: readonly number[]): HostArray => new HostArray([values.length], values, 'int32');

/** Its numbers: those of a tensor are read, which ends a recording with an error of its own. */
export function numbersOf(value: Value): number[] {
  return Array.from(value instanceof HostArray ? value.values : (value.data() as ArrayLike<number>));
}

/** Shape of either. */
export const shapeOf = (value: Value): readonly number[] => (value instanceof HostArray ? value.shape : value.sizes);

/** A tensor of either. */
export function asTensor(value: Value): Tensor {
  if (!(value instanceof HostArray)) return value;
  const { constant, dtype, shape, values } = value;
  // What a recorded step holds goes by the sizes, and by those it is recorded anew.
  const listening = recording();
  const make = (): Tensor => (constant ? new Buffer(tensorOf(value)) : tensorOf(value));
  if (!constant) return listening ? listening.kept(`${dtype} [${shape}] ${Array.from(values).join()}`, make) : make();
  if (!value.kept || value.kept.storage.address === 0) value.kept = listening ? listening.kept(`${dtype} of a file, ${made++}`, make) : make();
  return value.kept;
}

/** Constants of files that have become tensors. */
let made = 0;

/** A tensor of the numbers; those that int32 cannot hold are refused. */
export function tensorOf({ shape, values, dtype }: HostArray, where = 'fromOnnx'): Tensor {
  if (dtype === 'int32')
    for (let i = 0; i < values.length; i++) {
      const v = values[i] as number;
      if (v !== (v | 0)) throw new GradloomError('VALUE', where, `the whole number ${v} does not fit into int32, which all integers have here.`);
    }
  return tensor(values as number[], { dtype, shape: [...shape] });
}

/** The array's numbers read in another order: those at `at(place)` for each place of the new shape. */
function picked(x: HostArray, shape: readonly number[], at: (place: readonly number[]) => number): HostArray {
  const [place, values] = [shape.map(() => 0), new Array<number>(countOf(shape))];
  for (let i = 0; i < values.length; i++) {
    values[i] = x.values[at(place)] as number;
    for (let d = shape.length - 1; d >= 0; d--) {
      if (++(place[d] as number) < (shape[d] as number)) break;
      place[d] = 0;
    }
  }
  return new HostArray(shape, values, x.dtype);
}

/** In a shape to which it broadcasts. */
export function spread(x: HostArray, shape: readonly number[]): HostArray {
  const strides = broadcastStrides(x.shape, rowMajor(x.shape), shape);
  return picked(x, shape, (place) => strides.reduce((at, stride, d) => at + stride * (place[d] as number), 0));
}

/** f element by element. */
export function mapped(f: (...v: number[]) => number, inputs: readonly HostArray[], dtype: DType = (inputs[0] as HostArray).dtype): HostArray {
  const shape = inputs.map((x) => x.shape).reduce((a, b) => broadcastShapes('fromOnnx', a, b));
  const wide = inputs.map((x) => (sameShape(x.shape, shape) ? x : spread(x, shape)).values);
  return new HostArray(
    shape,
    Array.from({ length: countOf(shape) }, (_, i) => {
      const y = f(...wide.map((v) => v[i] as number));
      return dtype === 'float32' ? Math.fround(y) : y;
    }),
    dtype,
  );
}

/** The same numbers in another shape. */
export const reshaped = (x: HostArray, shape: readonly number[]): HostArray => new HostArray(shape, x.values, x.dtype);

/** Arrays behind one another along a dimension. */
export function joined(arrays: readonly HostArray[], dim: number): HostArray {
  const [first] = arrays as [HostArray];
  const outer = sizeOf(first.shape.slice(0, dim));
  const values: number[] = [];
  for (let o = 0; o < outer; o++)
    for (const { shape, values: from } of arrays) {
      const run = sizeOf(shape.slice(dim));
      for (let i = 0; i < run; i++) values.push(from[o * run + i] as number);
    }
  return new HostArray(
    first.shape.map((n, d) => (d === dim ? arrays.reduce((sum, x) => sum + (x.shape[d] as number), 0) : n)),
    values,
    first.dtype,
  );
}

/** Slices at the given positions of a dimension; an index of rank r puts its shape there. */
export function taken(x: HostArray, dim: number, index: HostArray): HostArray {
  const strides = rowMajor(x.shape);
  const [size, rank] = [x.shape[dim] as number, index.shape.length];
  const own = rowMajor(index.shape);
  return picked(x, [...x.shape.slice(0, dim), ...index.shape, ...x.shape.slice(dim + 1)], (place) => {
    let i = index.values[own.reduce((at, stride, d) => at + stride * (place[dim + d] as number), 0)] as number;
    if (i < -size || i >= size) throw new GradloomError('INDEX', 'fromOnnx', `the index ${i} is outside of a dimension of ${size} in ${shapeText(x.shape)}.`);
    if (i < 0) i += size;
    return strides.reduce((at, stride, d) => at + stride * (d < dim ? (place[d] as number) : d === dim ? i : (place[d + rank - 1] as number)), 0);
  });
}

/** Dimensions in another order. */
export function permuted(x: HostArray, perm: readonly number[]): HostArray {
  const strides = rowMajor(x.shape);
  return picked(
    x,
    perm.map((d) => x.shape[d] as number),
    (place) => perm.reduce((at, d, i) => at + (strides[d] as number) * (place[i] as number), 0),
  );
}

/** Where a slice begins, how many it takes: as in numpy. */
export function rangeOf(size: number, start: number, end: number, step: number): { first: number; count: number } {
  if (step === 0) throw new GradloomError('VALUE', 'fromOnnx', 'the step of a Slice is 0.');
  const inside = (n: number): number => {
    const at = n < 0 ? n + size : n;
    return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, -1), size - 1);
  };
  const [first, last] = [inside(start), inside(end)];
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

/** Numbers as positions of `rank` dimensions. */
export function dimsOf(values: readonly number[], rank: number): number[] {
  return values.map((d) => {
    if (!Number.isInteger(d) || d < -rank || d >= rank) throw new GradloomError('DIM', 'fromOnnx', `there is no axis ${valueText(d)} among ${rank}.`);
    return d < 0 ? d + rank : d;
  });
}
