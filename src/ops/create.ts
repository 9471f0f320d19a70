// Tensors from numbers. Nothing here has a gradient.
import { call } from '../runtime/call.ts';
import { bitsOf, type DType, viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import { recording, refuseWhileRecording } from '../tensor/recording.ts';
import { defaultGenerator, type Generator } from '../tensor/random.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { copyElements } from '../tensor/op.ts';
import { empty, type NestedArray, Tensor } from '../tensor/tensor.ts';

/** Options of every creation function. */
export interface CreateOptions {
  /** Element type; float32 unless said. */
  dtype?: DType;
  /** Whether backward fills its `.grad`. float32 only. */
  requiresGrad?: boolean;
}

/** Options of the random ones. */
export interface RandomOptions extends CreateOptions {
  /** The stream to draw from; the one that `manualSeed` seeds unless said. */
  generator?: Generator;
}

/** Anything that holds numbers: nested arrays, or a typed array with its shape in the options. */
export type TensorData = NestedArray | ArrayLike<number> | readonly NestedArray[];

function checkShape(op: string, shape: Shape): void {
  if (!Array.isArray(shape) || shape.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new GradloomError('SHAPE', op, `a shape is a list of sizes ≥ 0, got ${JSON.stringify(shape)}. Write [2, 3].`);
  }
}

/** Marks a fresh leaf as wanting a gradient. */
export function leaf(t: Tensor, op: string, requiresGrad: boolean | undefined): Tensor {
  if (!requiresGrad) return t;
  if (t.dtype !== 'float32') throw new GradloomError('DTYPE', op, `only float32 tensors can require gradients, this one is ${t.dtype}. Convert it with .float().`);
  t.wantsGrad = true;
  return t;
}

function shapeOf(data: unknown, shape: number[] = []): number[] {
  if (!Array.isArray(data)) return shape;
  shape.push(data.length);
  return data.length > 0 ? shapeOf(data[0], shape) : shape;
}

function fillFrom(data: unknown, shape: Shape, dim: number, write: (v: number) => void): void {
  const ragged = (): GradloomError =>
    new GradloomError('SHAPE', 'tensor', `the nested arrays are ragged: expected shape ${shapeText(shape)} throughout. Give every row the same length.`);
  if (dim === shape.length) {
    if (typeof data === 'boolean') write(data ? 1 : 0);
    else if (typeof data === 'number') write(data);
    else if (Array.isArray(data)) throw ragged();
    else throw new GradloomError('DTYPE', 'tensor', `elements are numbers or booleans, got ${typeof data}. Convert them first.`);
    return;
  }
  if (!Array.isArray(data) || data.length !== shape[dim]) throw ragged();
  for (const v of data) fillFrom(v, shape, dim + 1, write);
}

/** Nested arrays as one list, checked to be regular before anything is made. */
function flatten(data: unknown, shape: Shape, dtype: DType): ArrayLike<number> {
  const values = dtype === 'float32' ? new Float32Array(sizeOf(shape)) : new Int32Array(sizeOf(shape));
  let at = 0;
  fillFrom(data, shape, 0, (v) => {
    values[at++] = v;
  });
  return values;
}

function firstElement(data: unknown): unknown {
  return Array.isArray(data) ? firstElement(data[0]) : data;
}

/**
 * A tensor of the given numbers: nested arrays, a number, or a typed array (with `shape`, else one-dimensional).
 * The type is float32 unless said, except that Int32Array gives int32 and booleans give bool; class labels need `dtype: 'int32'`.
 */
export function tensor(data: TensorData, options: CreateOptions & { shape?: Shape } = {}): Tensor {
  refuseWhileRecording('tensor', 'a tensor is made from numbers of the host', 'Make it outside, or pass it to the step as an input.');
  const flat = ArrayBuffer.isView(data) ? (data as unknown as ArrayLike<number>) : undefined;
  const inferred: DType = flat instanceof Int32Array ? 'int32' : typeof firstElement(data) === 'boolean' ? 'bool' : 'float32';
  const dtype = options.dtype ?? inferred;
  const given = flat ? [flat.length] : shapeOf(data);
  const shape = options.shape ?? given;
  checkShape('tensor', shape);
  const count = sizeOf(shape);
  if (count !== sizeOf(given)) throw new GradloomError('SHAPE', 'tensor', `${sizeOf(given)} numbers do not fill the shape ${shapeText(shape)}. It needs ${count}.`);
  const values: ArrayLike<number> = flat ?? flatten(data, given, dtype);
  const y = empty(shape, dtype);
  const memory = viewOf(dtype);
  const start = y.address / 4;
  if (dtype === 'bool') for (let i = 0; i < count; i++) memory[start + i] = values[i] ? 1 : 0;
  else memory.set(values, start);
  return leaf(y, 'tensor', options.requiresGrad);
}

/** A tensor filled with one value. */
export function full(shape: Shape, value: number, options: CreateOptions = {}): Tensor {
  checkShape('full', shape);
  const y = empty(shape, options.dtype);
  call('fill', y.address, y.size, bitsOf(value, y.dtype));
  return leaf(y, 'full', options.requiresGrad);
}

/** Zeros. */
export function zeros(shape: Shape, options: CreateOptions = {}): Tensor {
  return full(shape, 0, options);
}

/** Ones. */
export function ones(shape: Shape, options: CreateOptions = {}): Tensor {
  return full(shape, 1, options);
}

/** Zeros of x's shape and type. */
export function zerosLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return full(x.shape, 0, { dtype: x.dtype, ...options });
}

/** Ones of x's shape and type. */
export function onesLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return full(x.shape, 1, { dtype: x.dtype, ...options });
}

/** One value in x's shape and type. */
export function fullLike(x: Tensor, value: number, options: CreateOptions = {}): Tensor {
  return full(x.shape, value, { dtype: x.dtype, ...options });
}

/** start, start + step, … below `end`; int32 where all three are whole, else float32. `arange(n)` counts from 0. */
export function arange(start: number, end?: number, step = 1, options: CreateOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  const count = Math.ceil((to - from) / step);
  if (!Number.isFinite(count) || count < 0) throw valueError('arange', `from ${from} to ${to} by ${step} never arrives. The step must be non-zero and point at the end.`);
  const whole = [from, to, step].every(Number.isInteger);
  const values = (): ArrayLike<number> => Float64Array.from({ length: count }, (_, i) => from + i * step);
  return sequence('arange', [from, step, count], values, { dtype: whole ? 'int32' : 'float32', ...options });
}

/** A tensor of numbers that follow from a few: a captured step makes it once, and copies it at each replay. */
function sequence(op: string, from: readonly number[], values: () => ArrayLike<number>, options: CreateOptions): Tensor {
  const listening = recording();
  if (!listening) return tensor(values(), options);
  const { dtype = 'float32', requiresGrad } = options;
  const kept = listening.kept(`${op} ${dtype} ${from}`, () => tensor(values(), { dtype }));
  const y = empty(kept.shape, dtype);
  copyElements(kept, y);
  return leaf(y, op, requiresGrad);
}

/** `steps` values from start to end, both included, evenly spaced. float32 unless said. */
export function linspace(start: number, end: number, steps: number, options: CreateOptions = {}): Tensor {
  if (!Number.isInteger(steps) || steps < 0) throw valueError('linspace', `steps must be a whole number ≥ 0, got ${steps}.`);
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // From both ends, so that the last value is exactly `end`.
  const at = (i: number): number => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step);
  return sequence('linspace', [start, end, steps], () => Float64Array.from({ length: steps }, (_, i) => at(i)), options);
}

/** The identity matrix [n, m] (m = n unless said). */
export function eye(n: number, m = n, options: CreateOptions = {}): Tensor {
  const y = full([n, m], 0, { dtype: options.dtype ?? 'float32' });
  const diagonal = [Math.min(n, m)];
  copyElements(new Tensor(constant(1, y.dtype).storage, diagonal, y.dtype, [0]), new Tensor(y.storage, diagonal, y.dtype, [m + 1]));
  return leaf(y, 'eye', options.requiresGrad);
}

function random(kernel: 'uniform' | 'normal', op: string, shape: Shape, options: RandomOptions): Tensor {
  checkShape(op, shape);
  const y = empty(shape);
  call(kernel, y.address, y.size, (options.generator ?? defaultGenerator()).address);
  return leaf(y, op, options.requiresGrad);
}

/** Uniform in [0, 1). float32. */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return random('uniform', 'rand', shape, options);
}

/** Normal, mean 0 and variance 1. float32. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return random('normal', 'randn', shape, options);
}

/** A random permutation of 0 … n − 1. int32. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  checkShape('randperm', [n]);
  const y = empty([n], 'int32');
  call('permutation', y.address, n, (options.generator ?? defaultGenerator()).address);
  return y;
}

const constants = new Map<string, Tensor>();
const MOST_CONSTANTS = 1024;

/** The tensor kept under a key, or a new one: kept while there is room, since loops use the same few. */
function kept(key: string, shape: Shape, dtype: DType, fill: (t: Tensor) => void): Tensor {
  let t = constants.get(key);
  if (!t) {
    const room = constants.size < MOST_CONSTANTS || recording() !== null;
    t = room ? empty(shape, dtype, null) : empty(shape, dtype);
    fill(t);
    if (room) constants.set(key, t);
  }
  return t;
}

/** The number that lies at an address as a constant of `constant`, or undefined. For messages. */
export function constantAt(address: number): string | undefined {
  for (const [key, t] of constants) if (t.storage.address === address && t.rank === 0) return key.split(' ')[1];
  return undefined;
}

/** A scalar that stands in for a number in an op; never written to. */
export function constant(value: number, dtype: DType): Tensor {
  return kept(`${dtype} ${Object.is(value, -0) ? '-0' : value}`, [], dtype, (t) => call('fill', t.address, 1, bitsOf(value, dtype)));
}

/** A list of whole numbers in memory, for kernels whose parameters are too many for words; never written to. */
export function constantList(values: readonly number[]): Tensor {
  return kept(values.join(), [values.length], 'int32', (t) => viewOf('int32').set(values, t.address / 4));
}
