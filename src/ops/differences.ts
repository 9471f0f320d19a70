// Differences of neighbours, and areas under points.
import { assertTensor, dimOf, type Kinds, NUMBER, optionsBy, TENSOR, assertArity, assertWhole, WHOLE } from '../tensor/check.ts';
import { promote } from '../tensor/dtype.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, div, eq, maximum, mul, ne, sub, where } from './binary.ts';
import { asFloat, to } from './convert.ts';
import { cat, clone, narrow, reshape } from './movement.ts';
import { sum } from './reduce.ts';
import { cumsum } from './scan.ts';
import { clamp, exp, log } from './unary.ts';

/**
 * ln Σ eˣ of what stands up to each place along a dimension, without overflow. Sums are kept in units of e to the largest element so far, which is exact, so that neither they nor
 * their gradients lose digits where elements are large.
 */
export function logcumsumexp(x: Tensor, dim: number): Tensor {
  const op = 'logcumsumexp';
  assertArity(op, arguments.length, 2);
  const at = dimOf(op, x, dim);
  const input = asFloat(x, op);
  const n = input.sizes[at] ?? 1;
  if (n <= 1) return clone(input);
  let most = clamp(detach(input), { min: -LARGEST, max: LARGEST });
  let total = exp(sub(input, most));
  for (let step = 1; step < n; step *= 2) {
    const [p, q] = [narrow(most, at, step, n - step), narrow(most, at, 0, n - step)];
    const larger = maximum(p, q);
    const joined = add(mul(narrow(total, at, step, n - step), exp(sub(p, larger))), mul(narrow(total, at, 0, n - step), exp(sub(q, larger))));
    total = cat([narrow(total, at, 0, step), joined], at);
    most = cat([narrow(most, at, 0, step), larger], at);
  }
  const nothing = eq(total, 0);
  return where(nothing, input, add(most, log(where(nothing, 1, total))));
}

const LARGEST = 3.4028234663852886e38;

/** Options of `diff`. */
export interface DiffOptions {
  /** How often differences are taken; default 1. */
  n?: number;
  /** The dimension; default the last. */
  dim?: number;
  /** What stands before x along it. */
  prepend?: Tensor;
  /** What stands behind x. */
  append?: Tensor;
}

const DIFF: Kinds<DiffOptions> = { n: WHOLE, dim: WHOLE, prepend: TENSOR, append: TENSOR };

/** x[i + 1] − x[i] along a dimension, n times: diff(x, n, dim) or diff(x, { n, dim, prepend, append }). Of bools whether neighbours differ. */
export function diff(x: Tensor, ...given: [n?: number | DiffOptions, dim?: number | DiffOptions, prepend?: Tensor, append?: Tensor]): Tensor {
  const op = 'diff';
  assertTensor(op, x);
  const { n = 1, dim = -1, prepend, append } = optionsBy<DiffOptions>(op, given, DIFF);
  assertWhole(op, 'n', n, 0);
  if (x.rank === 0) throw shapeError(op, 'takes at least one dimension', [x.sizes], 'Use unsqueeze(0).');
  const at = dimOf(op, x, dim);
  if (n === 0) return clone(x); // what stands around it too is left out, as in PyTorch
  const parts = [prepend, x, append].filter((p) => p !== undefined);
  const dtype = parts.reduce((type, p) => promote(type, p.dtype), x.dtype);
  const whole =
    parts.length > 1
      ? cat(
          parts.map((p) => to(p, dtype)),
          at,
        )
      : x;
  let y = whole;
  for (let i = 0; i < Math.min(n, whole.sizes[at] as number); i++) {
    const length = Math.max(0, (y.sizes[at] as number) - 1);
    const [before, after] = [narrow(y, at, 0, length), narrow(y, at, Math.min(1, y.sizes[at] as number), length)];
    y = y.dtype === 'bool' ? ne(after, before) : sub(after, before);
  }
  return y === x ? clone(x) : y;
}

/** Options of `trapezoid` and `cumulativeTrapezoid`. */
export interface TrapezoidOptions {
  /** Where the points stand: a vector, or of a shape that broadcasts with y's. */
  x?: Tensor;
  /** How far apart they stand otherwise; default 1. */
  dx?: number;
  /** The dimension; default the last. */
  dim?: number;
}

const TRAPEZOID: Kinds<TrapezoidOptions> = { x: TENSOR, dx: NUMBER, dim: WHOLE };

/** The area between neighbours, and the dimension. */
function strips(op: string, y: Tensor, given: readonly unknown[]): { areas: Tensor; at: number } {
  assertTensor(op, y);
  const {
    x,
    dx = 1,
    dim = -1,
  } = optionsBy<TrapezoidOptions>(op, given[0] instanceof Tensor ? given : given.length > 0 && typeof given[0] === 'object' ? given : [undefined, ...given], TRAPEZOID);
  if (x && given.length > 0 && dx !== 1) throw valueError(op, 'x and dx say the same. Leave one out.');
  if (y.rank === 0) throw shapeError(op, 'takes at least one dimension', [y.sizes], 'Use unsqueeze(0).');
  const at = normalizeDim(op, dim, y.rank);
  const points = asFloat(y);
  const length = Math.max(0, (y.sizes[at] as number) - 1);
  const ends = (p: Tensor, d: number, n: number): [Tensor, Tensor] => [narrow(p, d, 0, n), narrow(p, d, Math.min(1, p.sizes[d] as number), n)];
  const [a, b] = ends(points, at, length);
  const heights = add(a, b);
  if (!x) return { areas: mul(heights, dx / 2), at };
  // A vector lies along the dimension; else x's dimensions are counted from the last, as in broadcasting.
  const places = asFloat(x);
  const line =
    x.rank === 1
      ? reshape(
          places,
          y.sizes.map((_, i) => (i === at ? x.size : 1)),
        )
      : places;
  const d = at - y.rank + line.rank;
  if (d < 0 || (line.sizes[d] as number) !== (y.sizes[at] as number)) throw shapeError(op, 'x does not have a place for each point', [x.sizes, y.sizes], 'Give as many.');
  const [p, q] = ends(line, d, length);
  return { areas: div(mul(heights, sub(q, p)), 2), at };
}

/** The area under points along a dimension, by trapezoids: trapezoid(y, x) or trapezoid(y, { x, dx, dim }). */
export function trapezoid(y: Tensor, ...given: [x?: Tensor | TrapezoidOptions, options?: TrapezoidOptions]): Tensor {
  const { areas, at } = strips('trapezoid', y, given);
  return sum(areas, at);
}

/** The area up to each point but the first along a dimension, as `trapezoid`. */
export function cumulativeTrapezoid(y: Tensor, ...given: [x?: Tensor | TrapezoidOptions, options?: TrapezoidOptions]): Tensor {
  const { areas, at } = strips('cumulativeTrapezoid', y, given);
  return cumsum(areas, at);
}
