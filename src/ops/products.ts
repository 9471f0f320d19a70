// Products with names of their own: sums of a tensor and a product, vectors, Kronecker's, contractions, chains and powers of matrices.
import { assertArity, assertTensor, assertTensors, assertWhole, checkArgument, either, isListOf, type Kind, type Kinds, NUMBER, optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { normalizeDim, sameShape, broadcastShapes, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { roll } from './arrange.ts';
import { mul, sub, where } from './binary.ts';
import { assertFloat } from './convert.ts';
import { constant, eye } from './create.ts';
import { outer } from './formulas.ts';
import { type AddmmOptions, bmm, dot, matmul, mm, plus } from './matmul.ts';
import { permute, reshape, unsqueeze } from './movement.ts';
import { sum } from './reduce.ts';

const SCALES: Kinds<AddmmOptions> = { beta: NUMBER, alpha: NUMBER };

/** β·input + α·product, of the product's shape. */
function plusProduct(op: string, input: Tensor, options: AddmmOptions | undefined, product: () => Tensor): Tensor {
  const { beta = 1, alpha = 1 } = optionsOf(op, options, SCALES);
  assertTensor(op, input);
  const right = product();
  if (!sameShape(broadcastShapes(op, input.sizes, right.sizes), right.sizes))
    throw shapeError(op, 'the input does not broadcast to the product', [input.sizes, right.sizes], 'Give it a shape that does.');
  return plus(beta, input, alpha, right);
}

/** β·input + α·Σ aᵢ·bᵢ over a batch of products: a [b, n, k], b [b, k, m] → [n, m]. */
export function addbmm(input: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor {
  assertArity('addbmm', arguments.length, 4);
  return plusProduct('addbmm', input, options, () => sum(bmm(a, b), 0));
}

/** β·input + α·(aᵢ·bᵢ) for a batch of products: a [b, n, k], b [b, k, m] → [b, n, m]. */
export function baddbmm(input: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor {
  assertArity('baddbmm', arguments.length, 4);
  return plusProduct('baddbmm', input, options, () => bmm(a, b));
}

/** β·input + α·(a · v): a [n, m], v [m] → [n]. */
export function addmv(input: Tensor, a: Tensor, v: Tensor, options?: AddmmOptions): Tensor {
  assertArity('addmv', arguments.length, 4);
  return plusProduct('addmv', input, options, () => mv(a, v));
}

/** β·input + α·(u vᵀ): u [n], v [m] → [n, m]. */
export function addr(input: Tensor, u: Tensor, v: Tensor, options?: AddmmOptions): Tensor {
  assertArity('addr', arguments.length, 4);
  return plusProduct('addr', input, options, () => outer(u, v));
}

/** Matrix · vector: [n, m] · [m] → [n]. */
export function mv(a: Tensor, v: Tensor): Tensor {
  assertArity('mv', arguments.length, 2);
  assertTensor('mv', a);
  assertTensor('mv', v, 'the vector');
  if (a.rank !== 2 || v.rank !== 1 || a.sizes[1] !== v.size) throw shapeError('mv', 'takes a matrix and a vector as long as its rows', [a.sizes, v.sizes], 'Use matmul.');
  return matmul(a, v);
}

/** Σ aᵢ·bᵢ of two vectors: `dot`. */
export function vdot(a: Tensor, b: Tensor): Tensor {
  assertArity('vdot', arguments.length, 2);
  return dot(a, b);
}

/** Sums over the last dimension of both: a [..., k], b [..., k] → [...a, ...b]. A scalar multiplies. */
export function inner(a: Tensor, b: Tensor): Tensor {
  assertArity('inner', arguments.length, 2);
  assertTensor('inner', a);
  assertTensor('inner', b, 'the second');
  if (a.rank === 0 || b.rank === 0) return mul(a, b);
  if (a.sizes.at(-1) !== b.sizes.at(-1)) throw shapeError('inner', 'last sizes differ', [a.sizes, b.sizes], 'Transpose one side.');
  return contract('inner', a, b, [a.rank - 1], [b.rank - 1]);
}

/** Kronecker's product: every element of a times b, side by side. [...n] and [...m] → [...nᵢ·mᵢ]. */
export function kron(a: Tensor, b: Tensor): Tensor {
  assertArity('kron', arguments.length, 2);
  assertTensor('kron', a);
  assertTensor('kron', b, 'the second');
  const rank = Math.max(a.rank, b.rank);
  const full = (x: Tensor): number[] => [...Array<number>(rank - x.rank).fill(1), ...x.sizes];
  const [n, m] = [full(a), full(b)];
  const apart = mul(
    reshape(
      a,
      n.flatMap((size) => [size, 1]),
    ),
    reshape(
      b,
      m.flatMap((size) => [1, size]),
    ),
  );
  return reshape(
    apart,
    n.map((size, i) => size * (m[i] as number)),
  );
}

/** @internal The cross product along a dimension of size 3. */
export function crossAlong(op: string, a: Tensor, b: Tensor, dim: number): Tensor {
  assertTensor(op, b, 'the second');
  const shape = broadcastShapes(op, a.sizes, b.sizes);
  const at = normalizeDim(op, dim, shape.length) - shape.length;
  if (a.rank !== b.rank || a.sizes.at(at) !== 3 || b.sizes.at(at) !== 3)
    throw shapeError(op, `takes two tensors of as many dimensions, dimension ${dim} of size 3`, [a.sizes, b.sizes], 'Name another dimension.');
  const turned = (x: Tensor, by: number): Tensor => roll(x, -by, at);
  return sub(mul(turned(a, 1), turned(b, 2)), mul(turned(a, 2), turned(b, 1)));
}

/** a × b along a dimension of size 3, by default the first one. Shapes broadcast. */
export function cross(a: Tensor, b: Tensor, dim?: number): Tensor {
  assertArity('cross', arguments.length, 3);
  assertTensor('cross', a);
  const first = a.sizes.indexOf(3);
  if (dim === undefined && first < 0) throw shapeError('cross', 'no dimension has size 3', [a.sizes], 'A cross product needs one.');
  return crossAlong('cross', a, b, dim ?? first);
}

/** Sums over pairs of dimensions; the rest of a, then the rest of b, remain. */
function contract(op: string, a: Tensor, b: Tensor, over: readonly number[], with_: readonly number[]): Tensor {
  assertFloat(op, a);
  assertFloat(op, b, 'the second');
  const rest = (x: Tensor, dims: readonly number[]): number[] => [...x.sizes.keys()].filter((i) => !dims.includes(i));
  const [left, right] = [rest(a, over), rest(b, with_)];
  const size = (x: Tensor, dims: readonly number[]): number => sizeOf(dims.map((d) => x.sizes[d] as number));
  const x = reshape(permute(a, [...left, ...over]), [size(a, left), size(a, over)]);
  const y = reshape(permute(b, [...with_, ...right]), [size(b, with_), size(b, right)]);
  return reshape(mm(x, y), [...left.map((d) => a.sizes[d] as number), ...right.map((d) => b.sizes[d] as number)]);
}

const isDims = (v: unknown): boolean => isListOf(v, Number.isInteger);
const OVER: Kind = /* @__PURE__ */ either(
  { what: 'a whole number', test: (v) => Number.isSafeInteger(v) },
  { what: 'two lists of dimensions', test: (v) => isListOf(v, isDims, 2) },
);

/** Sums over dimensions of both: the last `dims` of a with the first of b (2 by default), or two lists, one for each. */
export function tensordot(a: Tensor, b: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2): Tensor {
  const op = 'tensordot';
  assertArity(op, arguments.length, 3);
  assertTensor(op, a);
  assertTensor(op, b, 'the second');
  checkArgument(op, 'dims', dims, OVER);
  if (typeof dims === 'number' && (dims < 0 || dims > Math.min(a.rank, b.rank)))
    throw new GradloomError('DIM', op, `dims ${dims} must be from 0 to ${Math.min(a.rank, b.rank)}, the fewest dimensions of both.`);
  const count = typeof dims === 'number' ? Array.from({ length: dims }, (_, i) => i) : [];
  const [over, other] =
    typeof dims === 'number' ? [count.map((i) => a.rank - dims + i), count] : [dims[0].map((d) => normalizeDim(op, d, a.rank)), dims[1].map((d) => normalizeDim(op, d, b.rank))];
  const fits =
    over.length === other.length &&
    new Set(over).size === over.length &&
    new Set(other).size === other.length &&
    over.every((d, i) => paired(a.sizes[d], b.sizes[other[i] as number]));
  if (!fits) throw shapeError(op, `dimensions ${valueText(over)} and ${valueText(other)} are no pairs of one size`, [a.sizes, b.sizes], 'Name as many of both, each once.');
  // A dimension of size 1 stands for as many equal ones: the other is summed first.
  const short = (x: Tensor, dims: readonly number[], y: Tensor, beside: readonly number[]): Tensor => {
    const long = dims.filter((d, i) => x.sizes[d] !== 1 && y.sizes[beside[i] as number] === 1);
    return long.length === 0 ? x : sum(x, { dim: long, keepdim: true });
  };
  return contract(op, short(a, over, b, other), short(b, other, a, over), over, other);
}

const paired = (n: number | undefined, m: number | undefined): boolean => n === m || n === 1 || m === 1;

/** The product of a chain of matrices, in the order that takes fewest multiplications; the first and last may be vectors. */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  const op = 'multiDot';
  assertArity(op, arguments.length, 1);
  assertTensors(op, tensors, 'tensors', 1);
  if (tensors.length < 2) throw new GradloomError('VALUE', op, 'needs at least two tensors, got one. Use it as it is.');
  tensors.forEach((x, i) => {
    assertFloat(op, x, `tensors[${i}]`);
    const end = i === 0 || i === tensors.length - 1;
    if (x.rank !== 2 && !(end && x.rank === 1)) throw shapeError(op, `tensors[${i}] is no matrix`, [x.sizes], 'Only the first and the last may be vectors.');
  });
  const [first, last] = [tensors[0] as Tensor, tensors.at(-1) as Tensor];
  const chain = tensors.map((x, i) => (x.rank === 2 ? x : unsqueeze(x, i === 0 ? 0 : 1)));
  chain.slice(1).forEach((x, i) => {
    const before = chain[i] as Tensor;
    if (before.sizes[1] !== x.sizes[0]) throw shapeError(op, `inner sizes of tensors[${i}] and tensors[${i + 1}] differ`, [before.sizes, x.sizes], 'Transpose one of them.');
  });
  const y = product(chain, order(chain.map((x) => x.sizes[0] as number).concat(chain.at(-1)?.sizes[1] as number)), 0, chain.length - 1);
  return reshape(y, [...(first.rank === 1 ? [] : [y.sizes[0] as number]), ...(last.rank === 1 ? [] : [y.sizes[1] as number])]);
}

/** Where to split each part of the chain (Cormen et al., 15.2). */
function order(sizes: readonly number[]): number[][] {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const split = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let length = 1; length < n; length++) {
    for (let i = 0; i + length < n; i++) {
      const j = i + length;
      let least = Number.POSITIVE_INFINITY;
      for (let k = i; k < j; k++) {
        const total = (cost[i]?.[k] as number) + (cost[k + 1]?.[j] as number) + (sizes[i] as number) * (sizes[k + 1] as number) * (sizes[j + 1] as number);
        if (total >= least) continue;
        least = total;
        (split[i] as number[])[j] = k;
      }
      (cost[i] as number[])[j] = least;
    }
  }
  return split;
}

function product(chain: readonly Tensor[], split: readonly number[][], i: number, j: number): Tensor {
  if (i === j) return chain[i] as Tensor;
  const k = split[i]?.[j] as number;
  return mm(product(chain, split, i, k), product(chain, split, k + 1, j));
}

/** The product of a chain of matrices: `multiDot`, the matrices one by one. */
export function chainMatmul(...matrices: readonly Tensor[]): Tensor {
  return matrices.length === 1 ? (matrices[0] as Tensor) : multiDot(matrices);
}

/** @internal A whole power ≥ 0 of square matrices, by squaring. */
export function wholeMatrixPower(op: string, a: Tensor, n: number): Tensor {
  assertWhole(op, 'n', n, 0);
  if (n === 0) return where(constant(0, 'bool'), a, eye(a.sizes.at(-1) as number));
  let result: Tensor | null = null;
  for (let [rest, square] = [n, a]; ; square = matmul(square, square)) {
    if (rest % 2 === 1) result = result ? matmul(result, square) : square;
    rest = Math.floor(rest / 2);
    if (rest === 0) return result as Tensor;
  }
}
