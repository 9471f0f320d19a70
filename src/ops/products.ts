// Products of several dimensions, grids and Cartesian products, powers.
import { assertArity, assertTensor, checkArgument, FLAG, isPlainObject, type Kinds, oneOf, optionsBy, optionsOf, valueText, WHOLE, assertWhole } from '../tensor/check.ts';
import { promote } from '../tensor/dtype.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { broadcastShapes, normalizeDim, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul, sub } from './binary.ts';
import { to } from './convert.ts';
import { constantList, full } from './create.ts';
import { indexSelectAs } from './indexing.ts';
import { matmul } from './matmul.ts';
import { cat, clone, flatten, permute, reshape, stack, unsqueeze } from './movement.ts';
import { expand, sum } from './reduce.ts';
import { cumprod } from './scan.ts';
import { listOf, type TensorList } from './stacks.ts';
import { flip } from './arrange.ts';

/** Options of `meshgrid`. */
export interface MeshgridOptions {
  /** 'ij', the default: the first tensor lies along the first dimension; 'xy': along the second. */
  indexing?: 'ij' | 'xy';
}

const MESHGRID: Kinds<MeshgridOptions> = { indexing: /* @__PURE__ */ oneOf('ij', 'xy') };

/** A grid of each vector's elements along a dimension of its own: meshgrid([x, y], { indexing }) or meshgrid(x, y, { … }). Views. */
export function meshgrid(...given: readonly (Tensor | readonly Tensor[] | MeshgridOptions | undefined)[]): Tensor[] {
  const op = 'meshgrid';
  const last = given[given.length - 1];
  const named = isPlainObject(last) || (last === undefined && given.length > 0);
  const { indexing = 'ij' } = optionsOf(op, named ? (last as MeshgridOptions | undefined) : undefined, MESHGRID);
  const list = listOf(op, (named ? given.slice(0, -1) : given) as TensorList, 1);
  for (const x of list) if (x.rank > 1) throw shapeError(op, 'takes vectors', [x.sizes], 'Flatten them.');
  const order = list.map((_, i) => (indexing === 'xy' && list.length > 1 && i < 2 ? 1 - i : i));
  const shape = order.map((i) => (list[i] as Tensor).size);
  return list.map((x, i) =>
    expand(
      reshape(
        x,
        shape.map((_, d) => (order[d] === i ? x.size : 1)),
      ),
      shape,
    ),
  );
}

/** Each choice of one element of each vector, one in each row: [count, vectors]; of a single vector itself. A list, or one by one. */
export function cartesianProd(...tensors: TensorList): Tensor {
  const op = 'cartesianProd';
  const list = listOf(op, tensors, 1);
  for (const x of list) if (x.rank !== 1) throw shapeError(op, 'takes vectors', [x.sizes], 'Flatten them.');
  if (list.length === 1) return clone(list[0] as Tensor);
  return stack(
    meshgrid(list).map((x) => flatten(x)),
    1,
  );
}

/** The widest type of both. */
function alike(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const dtype = promote(a.dtype, b.dtype);
  return [to(a, dtype), to(b, dtype)];
}

/** The Kronecker product: each element of a times all of b. */
export function kron(a: Tensor, b: Tensor): Tensor {
  const op = 'kron';
  assertArity(op, arguments.length, 2);
  assertTensor(op, a);
  assertTensor(op, b, 'other');
  const rank = Math.max(a.rank, b.rank);
  const lead = (s: Shape): number[] => [...new Array<number>(rank - s.length).fill(1), ...s];
  const [p, q] = [lead(a.sizes), lead(b.sizes)];
  const [x, y] = alike(a, b);
  return reshape(
    mul(
      reshape(
        x,
        p.flatMap((n) => [n, 1]),
      ),
      reshape(
        y,
        q.flatMap((n) => [1, n]),
      ),
    ),
    p.map((n, i) => n * (q[i] as number)),
  );
}

/** a × b of vectors of three along a dimension (default the last): cross(a, b, dim) or cross(a, b, { dim }). Shapes broadcast. */
export function cross(a: Tensor, b: Tensor, ...given: [dim?: number | { dim?: number }]): Tensor {
  const op = 'cross';
  assertTensor(op, a);
  assertTensor(op, b, 'other');
  const { dim = -1 } = optionsBy<{ dim?: number }>(op, given, { dim: WHOLE });
  const shape = broadcastShapes(op, a.sizes, b.sizes);
  const at = normalizeDim(op, dim, shape.length);
  if (a.rank !== b.rank || a.sizes[at] !== 3 || b.sizes[at] !== 3) throw shapeError(op, `dimension ${dim} must hold 3 elements`, [a.sizes, b.sizes], 'Choose another.');
  const [x, y] = alike(a, b);
  const [next, last] = [constantList([1, 2, 0]), constantList([2, 0, 1])];
  const turned = (t: Tensor, order: Tensor): Tensor => indexSelectAs(op, t, at, order);
  return sub(mul(turned(x, next), turned(y, last)), mul(turned(x, last), turned(y, next)));
}

/** Products summed over dimensions of a and b: `dims` says how many of a's last and b's first, or which of each; default 2. */
export function tensordot(a: Tensor, b: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2): Tensor {
  const op = 'tensordot';
  assertArity(op, arguments.length, 3);
  assertTensor(op, a);
  assertTensor(op, b, 'other');
  if (typeof dims === 'number') assertWhole(op, 'dims', dims, 0);
  const counted = (n: number, from: number): number[] => Array.from({ length: n }, (_, i) => from + i);
  if (typeof dims === 'number' && (dims > a.rank || dims > b.rank)) throw shapeError(op, `there are not ${dims} dimensions`, [a.sizes, b.sizes], 'Sum over fewer.');
  const told = typeof dims === 'number' ? [counted(dims, a.rank - dims), counted(dims, 0)] : dims;
  if (!Array.isArray(told) || told.length !== 2 || !told.every(Array.isArray) || told[0]?.length !== told[1]?.length)
    throw new GradloomError('VALUE', op, `dims is a number, or two lists of as many dimensions, got ${valueText(dims)}.`);
  const [p, q] = [(told[0] as number[]).map((d) => normalizeDim(op, d, a.rank)), (told[1] as number[]).map((d) => normalizeDim(op, d, b.rank))];
  if (new Set(p).size !== p.length || new Set(q).size !== q.length) throw new GradloomError('DIM', op, `a dimension stands twice in ${valueText(dims)}. Name each once.`);
  const fits = (m: number, n: number): boolean => m === n || m === 1 || n === 1;
  if (!p.every((d, i) => fits(a.sizes[d] as number, b.sizes[q[i] as number] as number)))
    throw shapeError(op, `dimensions ${valueText(p)} and ${valueText(q)} differ in size`, [a.sizes, b.sizes], 'They must match.');
  const rest = (x: Tensor, taken: number[]): number[] => [...x.sizes.keys()].filter((d) => !taken.includes(d));
  const sizes = (x: Tensor, list: number[]): number[] => list.map((d) => x.sizes[d] as number);
  const [left, right] = [rest(a, p), rest(b, q)];
  // What stretches over the other's dimension meets its sum.
  const summed = (t: Tensor, taken: number[], other: Tensor, theirs: number[]): Tensor => {
    const dim = taken.filter((d, i) => other.sizes[theirs[i] as number] === 1 && t.sizes[d] !== 1);
    return dim.length > 0 ? sum(t, { dim, keepdim: true }) : t;
  };
  const [x, y] = alike(summed(a, p, b, q), summed(b, q, a, p));
  const k = sizeOf(sizes(x, p));
  const u = reshape(permute(x, [...left, ...p]), [sizeOf(sizes(a, left)), k]);
  const v = reshape(permute(y, [...q, ...right]), [k, sizeOf(sizes(b, right))]);
  return reshape(matmul(u, v), [...sizes(a, left), ...sizes(b, right)]);
}

/** Options of `vander`. */
export interface VanderOptions {
  /** How many powers; default as many as elements. */
  n?: number;
  /** Whether powers rise from left to right; default false. */
  increasing?: boolean;
}

const VANDER: Kinds<VanderOptions> = { n: WHOLE, increasing: FLAG };

/** Powers of the elements of a vector [..., m] in rows [..., m, n]: vander(x, n, increasing) or vander(x, { n, increasing }). */
export function vander(x: Tensor, ...given: [n?: number | VanderOptions, increasing?: boolean]): Tensor {
  const op = 'vander';
  assertTensor(op, x);
  const line = x.rank === 0 ? reshape(x, [1]) : x;
  const { n = line.sizes[line.rank - 1] as number, increasing = false } = optionsBy(op, given, VANDER);
  checkArgument(op, 'n', n, WHOLE);
  assertWhole(op, 'n', n, 0);
  const dtype = x.dtype === 'bool' ? 'int32' : x.dtype;
  const ones = full([...line.sizes, Math.min(n, 1)], 1, { dtype });
  const powers = n < 2 ? ones : cumprod(cat([ones, expand(unsqueeze(to(line, dtype), -1), [...line.sizes, n - 1])], -1), -1);
  return increasing ? powers : flip(powers, -1);
}
