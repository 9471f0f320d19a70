// Arithmetic of sizes and strides: pure functions, no memory. Strides are in elements.
import { GradloomError, shapeError, shapeText, valueText } from './errors.ts';

/** Sizes of the dimensions; `[]` is a scalar. */
export type Shape = readonly number[];

/** The largest size of a dimension: kernels count in int32. */
export const MOST_SIZE = 0x7fffffff;
/** The most elements of a tensor or view: 4 GB of them. */
export const MOST_ELEMENTS = 2 ** 30;

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
}

/** Strides of a row-major block. */
export function rowMajor(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let i = shape.length - 1, step = 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i] as number;
  }
  return strides;
}

/** Whether elements lie in row-major order without gaps (strides of dimensions of size 1 do not matter). */
export function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  for (let i = shape.length - 1, step = 1; i >= 0; i--) {
    const n = shape[i] as number;
    if (n === 0) return true;
    if (n !== 1) {
      if (strides[i] !== step) return shape.includes(0);
      step *= n;
    }
  }
  return true;
}

/** Whether two shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The shape that both broadcast to, by PyTorch's rule (align at the right, 1 stretches). */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const m = a[a.length - i] ?? 1;
    const n = b[b.length - i] ?? 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw shapeError(op, 'shapes do not broadcast', [a, b], 'Sizes must match or be 1, from the last dimension on.');
    }
    out[rank - i] = m === 1 ? n : m;
  }
  return out;
}

/** Strides that walk a tensor as if it had the larger shape: 0 along what is stretched. */
export function broadcastStrides(shape: Shape, strides: readonly number[], to: Shape): number[] {
  const lead = to.length - shape.length;
  return to.map((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? 0 : (strides[i - lead] as number)));
}

/** A dimension counted from either end as 0 … rank − 1. A scalar counts as having one dimension. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const n = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -n || dim >= n) {
    throw new GradloomError('DIM', op, `dimension ${valueText(dim)} is out of range [${-n}, ${n - 1}].`);
  }
  return dim < 0 ? dim + n : dim;
}

/** Dimensions as a sorted list without repeats; undefined or an empty list means all of them. */
export function normalizeDims(op: string, dim: number | readonly number[] | undefined, rank: number): number[] {
  if (dim === undefined || (Array.isArray(dim) && dim.length === 0)) return Array.from({ length: rank }, (_, i) => i);
  const dims = (Array.isArray(dim) ? Array.from(dim) : [dim]).map((d) => normalizeDim(op, d, rank));
  if (new Set(dims).size !== dims.length) throw new GradloomError('DIM', op, `a dimension appears twice in ${valueText(dim)}. Name each once.`);
  return dims.filter((d) => d < rank).sort((a, b) => a - b);
}

/** A shape with at most one −1, resolved so that it holds `size` elements. */
export function resolveShape(op: string, shape: Shape, size: number): number[] {
  const hole = shape.indexOf(-1);
  const out = [...shape];
  if (hole >= 0) {
    out[hole] = 1;
    out[hole] = size / sizeOf(out);
  }
  if (!out.every((d) => Number.isInteger(d) && d >= 0 && d <= MOST_SIZE) || sizeOf(out) !== size) {
    throw new GradloomError('SHAPE', op, `${size} elements do not fit the shape ${shapeText(shape)}. Its sizes must multiply to ${size}; one may be −1.`);
  }
  return out;
}

/** Strides that show elements of one shape in another, in the same order; null where no strides do (ATen's `computeStride`). */
export function viewStrides(shape: Shape, strides: readonly number[], to: Shape): number[] | null {
  if (sizeOf(shape) === 0) return rowMajor(to);
  const out = new Array<number>(to.length).fill(1);
  let j = to.length - 1;
  let step = strides[strides.length - 1] ?? 1;
  let [run, filled] = [1, 1];
  // From the end, run by run: dimensions whose elements lie evenly spaced.
  for (let i = shape.length - 1; i >= 0; i--) {
    run *= shape[i] as number;
    if (i > 0 && (shape[i - 1] === 1 || strides[i - 1] === run * step)) continue;
    for (; j >= 0 && (filled < run || to[j] === 1); j--) {
      out[j] = filled * step;
      filled *= to[j] as number;
    }
    if (filled !== run) return null;
    step = strides[i - 1] ?? 1;
    run = filled = 1;
  }
  return out;
}

/**
 * Merges neighbouring dimensions that every operand walks as one, and drops those of size 1.
 * Returns the shorter shape and, per operand, its strides; at least one dimension remains.
 */
export function collapse(shape: Shape, operands: readonly (readonly number[])[]): { shape: number[]; strides: number[][] } {
  const out: number[] = [];
  const strides: number[][] = operands.map(() => []);
  for (let i = 0; i < shape.length; i++) {
    const n = shape[i] as number;
    if (n === 1) continue;
    const last = out.length - 1;
    const merges = last >= 0 && operands.every((s, o) => (strides[o] as number[])[last] === (s[i] as number) * n);
    const at = merges ? last : last + 1;
    out[at] = merges ? (out[last] as number) * n : n;
    operands.forEach((s, o) => {
      (strides[o] as number[])[at] = s[i] as number;
    });
  }
  return out.length > 0 ? { shape: out, strides } : { shape: [1], strides: strides.map(() => [1]) };
}
