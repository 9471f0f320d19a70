// Elements or parts that differ, and parts several times. What they give has a shape that depends on data.
import { assertTensor, COUNT, FLAG, type Kinds, optionsBy, optionsOf, valueText, WHOLE, assertWhole } from '../tensor/check.ts';
import { viewOf } from '../tensor/dtype.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { dense, detach } from '../tensor/op.ts';
import { normalizeDim } from '../tensor/shape.ts';
import { empty, Tensor } from '../tensor/tensor.ts';
import { arange, computed, fillWith } from './create.ts';
import { checkIndices, indexSelectAs } from './indexing.ts';
import { clone, flatten, reshape, movedim, unsqueeze } from './movement.ts';
import { refuseDataShape } from './nonzero.ts';
import { expand } from './reduce.ts';

/** Whole numbers of the host as a vector. */
function vector(values: readonly number[]): Tensor {
  const y = empty([values.length], 'int32');
  viewOf('int32').set(values, y.address / 4);
  return y;
}

/** What differs; where in it each element or part of x stands; how often each stands in x. The last two where they were asked for. */
export interface Unique {
  /** The elements, or parts. */
  readonly values: Tensor;
  /** int32, x's shape; along a dimension a vector. */
  readonly inverse?: Tensor;
  /** int32 [k]. */
  readonly counts?: Tensor;
}

/** Options of `uniqueConsecutive`. */
export interface ConsecutiveOptions {
  /** Whether to say where in the result each stands; default false. */
  returnInverse?: boolean;
  /** Whether to count; default false. */
  returnCounts?: boolean;
  /** The dimension whose parts are compared; default the elements of all. */
  dim?: number;
}

/** Options of `unique`. */
export interface UniqueOptions extends ConsecutiveOptions {
  /** Whether the result is in ascending order; it is so in any case. */
  sorted?: boolean;
}

const CONSECUTIVE: Kinds<ConsecutiveOptions> = { returnInverse: FLAG, returnCounts: FLAG, dim: WHOLE };
const UNIQUE: Kinds<UniqueOptions> = { sorted: FLAG, returnInverse: FLAG, returnCounts: FLAG, dim: WHOLE };

/** `sorts`: whether parts are compared with all others, or with the one before. */
function distinct(op: string, x: Tensor, options: ConsecutiveOptions, sorts: boolean): Tensor | Unique {
  refuseDataShape(op, 'Call it outside.');
  const at = options.dim === undefined ? 0 : normalizeDim(op, options.dim, x.rank);
  const line = detach(options.dim === undefined || x.rank === 0 ? flatten(x) : x);
  const n = line.sizes[at] as number;
  const rows = dense(movedim(line, at, 0));
  const width = rows.size / Math.max(1, n);
  const memory = viewOf(x.dtype);
  const start = rows.address / 4;
  /** < 0, 0 or > 0, NaN above all and unlike itself. */
  const compare = (p: number, q: number): number => {
    for (let k = 0; k < width; k++) {
      const [a, b] = [memory[start + p * width + k] as number, memory[start + q * width + k] as number];
      if (a !== b) return a < b || (Number.isNaN(b) && !Number.isNaN(a)) ? -1 : 1;
    }
    return 0;
  };
  const order = Array.from({ length: n }, (_, i) => i);
  if (sorts) order.sort((p, q) => (compare(p, q) < 0 ? -1 : compare(q, p) < 0 ? 1 : p - q));
  const firsts: number[] = [];
  const counts: number[] = [];
  const inverse = new Array<number>(n);
  order.forEach((row, i) => {
    if (i === 0 || compare(order[i - 1] as number, row) !== 0) {
      firsts.push(row);
      counts.push(0);
    }
    inverse[row] = firsts.length - 1;
    (counts[firsts.length - 1] as number)++;
  });
  const values = indexSelectAs(op, line, at, vector(firsts));
  const { returnInverse, returnCounts } = options;
  if (!returnInverse && !returnCounts) return values;
  return {
    values,
    ...(returnInverse && { inverse: options.dim === undefined ? reshape(vector(inverse), x.sizes) : vector(inverse) }),
    ...(returnCounts && { counts: vector(counts) }),
  };
}

/** The elements of x that differ, in ascending order: [k]. With `dim` the parts along it, in the order of their elements. Not inside `capture`. No gradient passes. */
export function unique(x: Tensor, options?: UniqueOptions & { returnInverse?: false | undefined; returnCounts?: false | undefined }): Tensor;
/** The same with where in it each element of x stands, and how often it does. */
export function unique(x: Tensor, options: UniqueOptions): Unique;
export function unique(x: Tensor, options?: UniqueOptions): Tensor | Unique {
  const given = optionsOf('unique', options, UNIQUE, arguments.length, 2);
  assertTensor('unique', x);
  return distinct('unique', x, given, true);
}

/** The elements of x, row-major, without those that are equal to the one before: [k]. With `dim` the parts along it. Not inside `capture`. No gradient passes. */
export function uniqueConsecutive(x: Tensor, options?: ConsecutiveOptions & { returnInverse?: false | undefined; returnCounts?: false | undefined }): Tensor;
/** The same with where in it each element of x stands, and how many it stands for. */
export function uniqueConsecutive(x: Tensor, options: ConsecutiveOptions): Unique;
export function uniqueConsecutive(x: Tensor, options?: ConsecutiveOptions): Tensor | Unique {
  const given = optionsOf('uniqueConsecutive', options, CONSECUTIVE, arguments.length, 2);
  assertTensor('uniqueConsecutive', x);
  return distinct('uniqueConsecutive', x, given, false);
}

/** Options of `repeatInterleave`. */
export interface RepeatOptions {
  /** The dimension along which parts are repeated; default the elements of all. */
  dim?: number;
  /** How long the result is there: checked. */
  outputSize?: number;
}

const REPEAT: Kinds<RepeatOptions> = { dim: WHOLE, outputSize: { ...COUNT, what: 'a whole number ≥ 0', test: (v) => Number.isSafeInteger(v) && (v as number) >= 0 } };

/**
 * Each element several times, one behind the other: repeatInterleave(x, repeats, dim) or repeatInterleave(x, repeats, { dim }). `repeats`: a number, or an int32 tensor or a list
 * with one for each, or one for all; a tensor is refused inside `capture`. Without `repeats`, x has them for 0, 1, 2 ….
 */
export function repeatInterleave(x: Tensor, repeats?: number | readonly number[] | Tensor, ...given: [dim?: number | RepeatOptions, outputSize?: number]): Tensor {
  const op = 'repeatInterleave';
  assertTensor(op, x);
  const { dim, outputSize } = optionsBy(op, given, REPEAT);
  if (repeats === undefined) return repeatInterleave(arange(x.size), x);
  const line = dim === undefined || x.rank === 0 ? flatten(x) : x;
  const at = dim === undefined ? 0 : normalizeDim(op, dim, x.rank);
  const n = line.sizes[at] as number;
  const times = typeof repeats === 'number' ? [repeats] : timesOf(op, repeats);
  for (const t of times) assertWhole(op, 'a number of repeats', t, 0);
  if (times.length !== n && times.length !== 1)
    throw new GradloomError('VALUE', op, `${times.length} numbers of repeats, dimension ${at} of ${valueText(line)} holds ${n}. Give one for each, or one for all.`);
  const total = times.length === 1 ? n * (times[0] as number) : times.reduce((a, b) => a + b, 0);
  if (outputSize !== undefined && outputSize !== total) throw new GradloomError('VALUE', op, `outputSize is ${outputSize}, repeats make ${total}.`);
  if (times.length === 1) {
    const shape = (k: number, one: boolean): number[] => line.sizes.flatMap((m, i) => (i === at ? (one ? [m, k] : [m * k]) : [m]));
    const t = times[0] as number;
    return reshape(clone(expand(unsqueeze(line, at + 1), shape(t, true))), shape(t, false));
  }
  const places = times.flatMap((t, i) => new Array<number>(t).fill(i));
  return indexSelectAs(
    op,
    line,
    at,
    computed(op, times.join(), [total], 'int32', false, (y) => fillWith(y, (i) => places[i] as number)),
  );
}

function timesOf(op: string, repeats: readonly number[] | Tensor): readonly number[] {
  if (!(repeats instanceof Tensor)) {
    if (!Array.isArray(repeats)) throw new GradloomError('VALUE', op, `repeats must be a number, an int32 tensor or a list, got ${valueText(repeats)}.`);
    return repeats;
  }
  refuseDataShape(op, 'Give a number, or call it outside.');
  if (repeats.rank > 1) throw shapeError(op, 'repeats are a vector', [repeats.sizes], 'Flatten them.');
  checkIndices(op, repeats, 2 ** 31 - 1, null, 'number of repeats');
  return Array.from(repeats.data('int32'));
}
