// What the decompositions share: batches of matrices [..., rows, columns], each taken to float64, worked on, and rounded once.
import { float32View } from '../../runtime/memory.ts';
import { checkArgument, type Kind } from '../../tensor/check.ts';
import { GradloomError, shapeError } from '../../tensor/errors.ts';
import { hostStep } from '../../tensor/recording.ts';
import { broadcastShapes, sizeOf } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { assertFloat } from '../convert.ts';
import { transpose } from '../movement.ts';
import { expand } from '../reduce.ts';

/** @internal Rows and columns of a tensor's matrices. */
export const sidesOf = (x: Tensor): [rows: number, columns: number] => x.sizes.slice(-2) as [number, number];

/** @internal What stands before the matrix. */
export const batchOf = (x: Tensor): readonly number[] => x.sizes.slice(0, -2);

/** @internal Transposed matrices. A view. */
export const mT = (x: Tensor): Tensor => transpose(x, -2, -1);

/** @internal Throws unless it holds matrices of float32. */
export function assertMatrices(op: string, x: Tensor, name = 'input'): void {
  assertFloat(op, x, name);
  if (x.rank < 2) throw shapeError(op, `${name} must hold matrices [..., rows, columns]`, [x.sizes], 'Reshape it.');
}

/** @internal Throws unless it holds square matrices of float32. */
export function assertSquare(op: string, x: Tensor, name = 'input'): void {
  assertMatrices(op, x, name);
  if (x.sizes.at(-1) !== x.sizes.at(-2)) throw shapeError(op, `${name} must hold square matrices`, [x.sizes], 'Use pinv or lstsq for others.');
}

/** @internal Both with the batch that they broadcast to. */
export function together(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(op, batchOf(a), batchOf(b));
  return [expand(a, [...batch, ...sidesOf(a)]), expand(b, [...batch, ...sidesOf(b)])];
}

/** @internal Throws unless an argument is of its kind, where it is given. */
export function checkGiven(op: string, name: string, value: unknown, kind: Kind): void {
  if (value !== undefined) checkArgument(op, name, value, kind);
}

/**
 * @internal Fills y item by item: `work` gets the items of the (row-major) inputs as float64 and an output of zeros. `sizes`: how many elements an item of
 * each input has, and of the output last. What `work` throws ends the op.
 */
export function eachItem(y: Tensor, inputs: readonly Tensor[], sizes: readonly number[], work: (items: readonly Float64Array[], out: Float64Array, at: number) => void): void {
  const length = sizes.at(-1) as number;
  const count = length === 0 ? 0 : y.size / length;
  hostStep([...inputs, y], (addresses) => {
    for (let i = 0; i < count; i++) {
      const memory = float32View();
      const items = inputs.map((_, k) => {
        const from = (addresses[k] as number) / 4 + i * (sizes[k] as number);
        return Float64Array.from(memory.subarray(from, from + (sizes[k] as number)));
      });
      const out = new Float64Array(length);
      work(items, out, i);
      memory.set(out, (addresses.at(-1) as number) / 4 + i * length);
    }
  });
}

/** @internal Which of a batch, for messages. */
export const which = (y: Tensor, outer: number, at: number): string => (sizeOf(y.sizes.slice(0, y.rank - outer)) > 1 ? `matrix ${at} of the batch` : 'the matrix');

/** @internal A matrix that has no inverse (PyTorch's LinAlgError). */
export function singular(op: string, matrix: string, remedy = 'Use pinv or lstsq, or add a little to its diagonal.'): GradloomError {
  return new GradloomError('VALUE', op, `${matrix} is singular. ${remedy}`);
}

/** @internal Throws unless every element is finite: iterations would not end. */
export function assertFinite(op: string, a: Float64Array, matrix: string): void {
  const bad = a.find((v) => !Number.isFinite(v));
  if (bad !== undefined) throw new GradloomError('NONFINITE', op, `${matrix} holds ${bad}. Keep NaN and infinities out.`);
}

/** @internal C [m · n] = A [m · k] · B [k · n]. */
export function times(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const v = a[i * k + l] as number;
      if (v !== 0) for (let j = 0; j < n; j++) c[i * n + j] = (c[i * n + j] as number) + v * (b[l * n + j] as number);
    }
  }
  return c;
}

/** @internal Aᵀ [n · m] of A [m · n]. */
export function turned(a: Float64Array, m: number, n: number): Float64Array {
  const t = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) t[j * m + i] = a[i * n + j] as number;
  return t;
}
