// Matrix products. Transposed operands are views that the kernel reads in place, so backward's products cost no copy either.
import { call } from '../runtime/call.ts';
import { assertArity, assertTensor, type Kinds, NUMBER, optionsOf } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText } from '../tensor/errors.ts';
import { apply, dense, type Op, otherInputs } from '../tensor/op.ts';
import { broadcastShapes, type Shape, sizeOf } from '../tensor/shape.ts';
import { empty, Tensor } from '../tensor/tensor.ts';
import { add, mul, where } from './binary.ts';
import { asFloat, assertFloat } from './convert.ts';
import { constant } from './create.ts';
import { inShape, squeeze, transpose, unsqueeze } from './movement.ts';
import { expand, sum, sumOver } from './reduce.ts';

/** A matrix whose rows or columns the kernel can walk: any strides but 0 (an expanded one is copied). */
function walkable(x: Tensor): Tensor {
  const [rows, columns] = x.steps.slice(-2) as [number, number];
  return rows === 0 || columns === 0 ? dense(x) : x;
}

/** C [m, n] at `c` = A · B for the matrices at the given addresses with the strides of a and b. */
function product(a: Tensor, aAddress: number, b: Tensor, bAddress: number, c: number, m: number, n: number, k: number): void {
  const [ar, ac] = a.steps.slice(-2) as [number, number];
  const [br, bc] = b.steps.slice(-2) as [number, number];
  call('matmul', m, n, k, aAddress, ar, ac, bAddress, br, bc, c, n);
}

const mmOp: Op<void> = {
  name: 'matmul',
  shape: ([a, b]) => {
    const [x, y] = [a as Tensor, b as Tensor];
    if (x.sizes[1] !== y.sizes[0]) throw shapeError('matmul', 'inner sizes differ', [x.sizes, y.sizes], 'Transpose one side, or check inFeatures.');
    return [x.sizes[0] as number, y.sizes[1] as number];
  },
  strided: true,
  forward: (y, [a, b]) => {
    const [x, z] = [walkable(a as Tensor), walkable(b as Tensor)];
    product(x, x.address, z, z.address, y.address, y.sizes[0] as number, y.sizes[1] as number, x.sizes[1] as number);
  },
  saves: otherInputs,
  backward: (dy, node) => [node.needs[0] ? mm(dy, transpose(node.input(1), 0, 1)) : null, node.needs[1] ? mm(transpose(node.input(0), 0, 1), dy) : null],
  batched: (dy, node, wants) => {
    const [k, rows, columns] = dy.sizes as [number, number, number];
    const da = wants[0] ? inShape(mm(inShape(dy, [k * rows, columns]), transpose(node.input(1), 0, 1)), [k, ...(node.shapes[0] as Shape)]) : null;
    return [da, wants[1] ? perCotangent(transpose(node.input(0), 0, 1), dy) : null];
  },
};

/** a · bᵢ for one matrix and k of them, [k, …]. */
function perCotangent(a: Tensor, b: Tensor): Tensor {
  return bmm(expand(unsqueeze(a, 0), [b.sizes[0] as number, ...a.sizes]), b);
}

/** [n, k] · [k, m] → [n, m]. */
export function mm(a: Tensor, b: Tensor): Tensor {
  assertArity('mm', arguments.length, 2);
  matrices('mm', a, b, 2);
  return apply(mmOp, [a, b], undefined);
}

function matrices(op: string, a: Tensor, b: Tensor, rank: number): void {
  assertFloat(op, a);
  assertFloat(op, b, 'the second');
  if (a.rank !== rank || b.rank !== rank) {
    throw new GradloomError('SHAPE', op, `takes two tensors of ${rank} dimensions, got ${shapeText(a.sizes)} and ${shapeText(b.sizes)}. Use matmul.`);
  }
}

const bmmOp: Op<void> = {
  name: 'bmm',
  shape: ([a, b]) => {
    const [x, y] = [(a as Tensor).sizes, (b as Tensor).sizes];
    if (x[0] !== y[0] || x[2] !== y[1]) throw shapeError('bmm', 'batch or inner sizes differ', [x, y], 'Expected [b, n, k] × [b, k, m].');
    return [x[0] as number, x[1] as number, y[2] as number];
  },
  strided: true,
  forward: (y, [a, b]) => products(y, a as Tensor, b as Tensor),
  saves: otherInputs,
  backward: (dy, node) => [node.needs[0] ? bmm(dy, transpose(node.input(1), 1, 2)) : null, node.needs[1] ? bmm(transpose(node.input(0), 1, 2), dy) : null],
  batched: (dy, node, wants) => {
    const [k, batch, n, m] = dy.sizes as [number, number, number, number];
    const g = inShape(dy, [k * batch, n, m]);
    const towards = (i: 0 | 1, fill: (y: Tensor) => void): Tensor | null => {
      if (!wants[i]) return null;
      const [, rows, columns] = node.shapes[i] as [number, number, number];
      const y = empty([k * batch, rows, columns]);
      fill(y);
      return inShape(y, [k, batch, rows, columns]);
    };
    return [towards(0, (y) => products(y, g, transpose(node.input(1), 1, 2))), towards(1, (y) => products(y, transpose(node.input(0), 1, 2), g))];
  },
};

/** y[i] = a[i] · b[i], matrix by matrix; where an operand has fewer of them than y, they come round again. */
function products(y: Tensor, a: Tensor, b: Tensor): void {
  const [x, z] = [walkable(a), walkable(b)];
  const [count, m, n] = y.sizes as [number, number, number];
  const address = (t: Tensor, i: number): number => t.address + (i % (t.sizes[0] as number)) * (t.steps[0] as number) * 4;
  for (let i = 0; i < count; i++) product(x, address(x, i), z, address(z, i), y.address + i * m * n * 4, m, n, x.sizes[2] as number);
}

/** [b, n, k] · [b, k, m] → [b, n, m]. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  assertArity('bmm', arguments.length, 2);
  matrices('bmm', a, b, 3);
  return apply(bmmOp, [a, b], undefined);
}

/** Matrix product with PyTorch's rules: vectors are promoted, leading dimensions broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  assertArity('matmul', arguments.length, 2);
  assertFloat('matmul', a);
  assertFloat('matmul', b, 'the second');
  if (a.rank === 0 || b.rank === 0) throw shapeError('matmul', 'a scalar has no matrix product', [a.sizes, b.sizes], 'Use mul.');
  if (a.rank === 1) return squeeze(matmul(unsqueeze(a, 0), b), b.rank === 1 ? 0 : -2);
  if (b.rank === 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  if (a.sizes[a.rank - 1] !== b.sizes[b.rank - 2]) throw shapeError('matmul', 'inner sizes differ', [a.sizes, b.sizes], 'Transpose one side, or check inFeatures.');
  if (a.rank === 2 && b.rank === 2) return mm(a, b);
  const [n, k] = a.sizes.slice(-2) as [number, number];
  const m = b.sizes[b.rank - 1] as number;
  if (b.rank === 2) return inShape(mm(inShape(a, [sizeOf(a.sizes.slice(0, -1)), k]), b), [...a.sizes.slice(0, -1), m]);
  const lead = broadcastShapes('matmul', a.sizes.slice(0, -2), b.sizes.slice(0, -2));
  const batch = sizeOf(lead);
  const x = inShape(expand(a, [...lead, n, k]), [batch, n, k]);
  const y = inShape(expand(b, [...lead, k, m]), [batch, k, m]);
  return inShape(bmm(x, y), [...lead, n, m]);
}

/** Σ aᵢ·bᵢ of two vectors. */
export function dot(a: Tensor, b: Tensor): Tensor {
  assertArity('dot', arguments.length, 2);
  assertTensor('dot', a);
  assertTensor('dot', b, 'the second');
  if (a.rank !== 1 || b.rank !== 1 || a.size !== b.size) throw shapeError('dot', 'takes two vectors of one length', [a.sizes, b.sizes], 'Flatten them, or use matmul.');
  return sum(mul(a, b));
}

const linearOp: Op<void> = {
  name: 'linear',
  shape: ([x, w, b]) => {
    const [input, weight, bias] = [(x as Tensor).sizes, (w as Tensor).sizes, b?.sizes];
    if (weight.length !== 2) throw shapeError('linear', 'the weight must be [outFeatures, inFeatures]', [weight], 'Reshape it.');
    if (input.length === 0 || input[input.length - 1] !== weight[1]) {
      throw shapeError(
        'linear',
        `the input's last size is not the inFeatures of ${w?.label ? `'${w.label}'` : 'the weight'}`,
        [input, weight],
        `Reshape the input to [..., ${weight[1]}], or check inFeatures.`,
      );
    }
    if (bias && (bias.length !== 1 || bias[0] !== weight[0])) throw shapeError('linear', 'the bias is not [outFeatures]', [bias, weight], 'Give it one number per output.');
    return [...input.slice(0, -1), weight[0] as number];
  },
  strided: true,
  forward: (y, inputs) => {
    const [x, w] = [dense(inputs[0] as Tensor), walkable(inputs[1] as Tensor)];
    const [n, k] = w.sizes as [number, number];
    const rows = sizeOf(x.sizes.slice(0, -1));
    const bias = inputs[2];
    const [wr, wc] = w.steps as [number, number];
    call('matmul', rows, n, k, x.address, k, 1, w.address, wc, wr, y.address, n, 0, bias ? dense(bias).address : 0);
  },
  saves: ([x, w]) => [w as boolean, x as boolean, false],
  backward: (dy, node) => {
    const [shape, weight] = node.shapes as [Shape, Shape];
    const rows = sizeOf(shape.slice(0, -1));
    const g = inShape(dy, [rows, weight[0] as number]);
    const dx = node.needs[0] ? inShape(mm(g, node.input(1)), shape) : null;
    const dw = node.needs[1] ? mm(transpose(g, 0, 1), inShape(node.input(0), [rows, weight[1] as number])) : null;
    return [dx, dw, node.needs[2] ? sumOver(g, [0]) : null].slice(0, node.shapes.length);
  },
  batched: (dy, node, wants) => {
    const [shape, [width, inner]] = node.shapes as [Shape, [number, number]];
    const [k, rows, g] = [dy.sizes[0] as number, sizeOf(shape.slice(0, -1)), dense(dy)];
    const dx = wants[0] ? empty([k, ...shape]) : null;
    if (dx) {
      const w = walkable(node.input(1));
      call('matmul', k * rows, inner, width, g.address, width, 1, w.address, w.steps[0], w.steps[1], dx.address, inner);
    }
    const dw = wants[1] ? empty([k, width, inner]) : null;
    if (dw) {
      // One product for all cotangents: each of their columns a row, which the kernel reads faster and packs x for but once.
      const turned = dense(new Tensor(g.storage, [k, width, rows], 'float32', [rows * width, 1, width], g.offset));
      call('matmul', k * width, inner, rows, turned.address, rows, 1, dense(node.input(0)).address, inner, 1, dw.address, inner);
    }
    return [dx, dw, wants[2] ? sumOver(inShape(g, [k, rows, width]), [1]) : null].slice(0, node.shapes.length);
  },
  outer: {
    input: 1,
    cost: ({ shapes }) => {
      const [shape, [width, inner]] = shapes as [Shape, [number, number]];
      const rows = sizeOf(shape.slice(0, -1));
      return { rows, width, gradient: rows * width * inner, gram: rows * rows * inner };
    },
    gram: (node) => {
      const [shape, weight] = node.shapes as [Shape, Shape];
      const x = inShape(node.input(0), [sizeOf(shape.slice(0, -1)), weight[1] as number]);
      return mm(x, transpose(x, 0, 1));
    },
    rowsOf: (dy, { shapes }) => inShape(dy, [dy.sizes[0] as number, sizeOf((shapes[0] as Shape).slice(0, -1)), (shapes[1] as Shape)[0] as number]),
  },
};

/** x · weightᵀ + bias. x [..., inFeatures], weight [outFeatures, inFeatures], bias [outFeatures] → [..., outFeatures]. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  assertArity('linear', arguments.length, 3);
  const input = asFloat(x, 'linear');
  assertFloat('linear', weight, 'weight');
  if (bias) assertFloat('linear', bias, 'bias');
  return apply(linearOp, bias ? [input, weight, bias] : [input, weight], undefined);
}

/** Options of `addmm`. */
export interface AddmmOptions {
  /** β, which multiplies the input; default 1. At 0 the input does not count, even where it is NaN. */
  beta?: number;
  /** α, which multiplies the product; default 1. */
  alpha?: number;
}

const ADDMM: Kinds<AddmmOptions> = { beta: NUMBER, alpha: NUMBER };

/** β·input + α·(a · b). */
export function addmm(input: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor {
  assertArity('addmm', arguments.length, 4);
  const { alpha = 1, beta = 1 } = optionsOf('addmm', options, ADDMM);
  assertFloat('addmm', input);
  matrices('addmm', a, b, 2);
  return plus(beta, input, alpha, mm(a, b));
}

/** @internal β·input + α·product. At β = 0 the input does not count, and its gradient is 0. */
export function plus(beta: number, input: Tensor, alpha: number, product: Tensor): Tensor {
  const scaled = alpha === 1 ? product : mul(product, alpha);
  return beta === 0 ? where(constant(0, 'bool'), input, scaled) : add(beta === 1 ? input : mul(input, beta), scaled);
}
