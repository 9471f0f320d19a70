// Pairs and combinations: of vectors in sets, of elements, of tensors.
import { assertTensor, FLAG, type Kinds, NUMBER, optionsBy, WHOLE, assertWhole } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { broadcastShapes } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { sub } from './binary.ts';
import { assertFloat } from './convert.ts';
import { computed } from './create.ts';
import { viewOf } from '../tensor/dtype.ts';
import { indexSelectAs } from './indexing.ts';
import { norm } from './moments.ts';
import { narrow, reshape, select, t, unsqueeze } from './movement.ts';
import { sum } from './reduce.ts';
import { abs, sign } from './unary.ts';

/** Options of `cdist` and `pdist`. */
export interface DistanceOptions {
  /** The norm's exponent, ≥ 0; default 2. */
  p?: number;
}

const DISTANCE: Kinds<DistanceOptions> = { p: NUMBER };

function exponent(op: string, given: readonly unknown[]): number {
  const { p = 2 } = optionsBy<DistanceOptions>(op, given, DISTANCE);
  if (!(p >= 0)) throw valueError(op, `p must be ≥ 0, got ${p}.`);
  return p;
}

/** ‖d‖ₚ over the last dimension. For p = 0 the gradient is 0, not none. */
function lengths(d: Tensor, p: number): Tensor {
  return p === 0 ? sum(abs(sign(d)), -1) : norm(d, { p, dim: -1 });
}

/** ‖a − b‖ₚ of each vector of the first with each of the second: [..., n, d] and [..., m, d] give [..., n, m]. What stands before broadcasts: cdist(a, b, p) or cdist(a, b, { p }). */
export function cdist(a: Tensor, b: Tensor, ...given: [p?: number | DistanceOptions]): Tensor {
  const op = 'cdist';
  assertFloat(op, a, 'the first');
  assertFloat(op, b, 'the second');
  const p = exponent(op, given);
  if (a.rank < 2 || b.rank < 2 || a.sizes.at(-1) !== b.sizes.at(-1)) throw shapeError(op, 'takes rows of one length', [a.sizes, b.sizes], 'Give [..., n, d] and [..., m, d].');
  broadcastShapes(op, a.sizes.slice(0, -2), b.sizes.slice(0, -2));
  return lengths(sub(unsqueeze(a, -2), unsqueeze(b, -3)), p);
}

/** ‖xᵢ − xⱼ‖ₚ of each pair i < j of rows: [n, d] gives [n·(n − 1)/2]: pdist(x, p) or pdist(x, { p }). */
export function pdist(x: Tensor, ...given: [p?: number | DistanceOptions]): Tensor {
  const op = 'pdist';
  assertFloat(op, x);
  const p = exponent(op, given);
  if (x.rank !== 2) throw shapeError(op, 'takes a matrix', [x.sizes], 'Rows are vectors.');
  const both = chosen(x.sizes[0] as number, 2, false);
  const side = (i: number): Tensor => indexSelectAs(op, x, 0, select(both, 0, i));
  return lengths(sub(side(0), side(1)), p);
}

/** Each choice of r places among n in order, one below the other in r rows: int32 [r, count]. */
function chosen(n: number, r: number, again: boolean): Tensor {
  const rows: number[][] = Array.from({ length: r }, () => []);
  const walk = (picked: number[]): void => {
    if (picked.length === r) {
      for (const [i, v] of picked.entries()) (rows[i] as number[]).push(v);
      return;
    }
    const last = picked[picked.length - 1];
    for (let i = last === undefined ? 0 : again ? last : last + 1; i < n; i++) walk([...picked, i]);
  };
  walk([]);
  const count = r === 0 ? 0 : (rows[0] as number[]).length;
  return computed('combinations', `${n} ${r} ${again}`, [r, count], 'int32', false, (y) => {
    for (const [i, row] of rows.entries()) viewOf('int32').set(row, y.address / 4 + i * count);
  });
}

/** Options of `combinations`. */
export interface CombinationsOptions {
  /** How many elements each has; default 2. */
  r?: number;
  /** Whether an element may stand in it again; default false. */
  withReplacement?: boolean;
}

const COMBINATIONS: Kinds<CombinationsOptions> = { r: WHOLE, withReplacement: FLAG };
const MOST = 2 ** 24;

/** Each choice of r elements of a vector in their order, one in each row: [count, r]. combinations(x, r, withReplacement) or combinations(x, { r, withReplacement }). */
export function combinations(x: Tensor, ...given: [r?: number | CombinationsOptions, withReplacement?: boolean]): Tensor {
  const op = 'combinations';
  assertTensor(op, x);
  const { r = 2, withReplacement = false } = optionsBy(op, given, COMBINATIONS);
  assertWhole(op, 'r', r, 0);
  if (x.rank !== 1) throw shapeError(op, 'takes a vector', [x.sizes], 'Flatten it.');
  const [n, from] = [x.size, withReplacement ? x.size + r - 1 : x.size];
  let count = r > from ? 0 : 1;
  for (let i = 0; i < r && count > 0 && count <= MOST; i++) count = (count * (from - i)) / (i + 1);
  if (count * Math.max(1, r) > MOST) throw new GradloomError('MEMORY', op, `there are more than 2²⁴ places in combinations of ${r} among ${n}. Take fewer.`);
  if (r === 0) return narrow(x, 0, 0, 0);
  const all = chosen(n, r, withReplacement);
  const picked = indexSelectAs(op, x, 0, reshape(all, [all.size]));
  return t(reshape(picked, [r, all.sizes[1] as number]));
}
