// Grids, Cartesian products, and powers in rows.
import { assertTensor, checkArgument, FLAG, isPlainObject, type Kinds, oneOf, optionsBy, optionsOf, WHOLE, assertWhole } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { to } from './convert.ts';
import { full } from './create.ts';
import { cat, clone, flatten, reshape, stack, unsqueeze } from './movement.ts';
import { expand } from './reduce.ts';
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
