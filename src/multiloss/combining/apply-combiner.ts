// A method on a Jacobian that is at hand: for tests, for gradients that come from elsewhere, and to see what a method
// does.
import { tensor } from '../../ops/create.ts';
import { assertArity, checkArgument, isListOf, type Kinds, NUMBERS, optionsOf, valueText } from '../../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../../tensor/errors.ts';
import { scope } from '../../tensor/scope.ts';
import { noGrad } from '../../tensor/modes.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { type Aggregator, isAggregator, isScalarizer, METHOD, type Method, type Stats, type Weighting } from '../methods/method.ts';
import { atRank, roundedElements } from '../solve/rank.ts';
import { NAMES } from '../state.ts';

/** Options of `applyCombiner`. */
export interface CombinerOptions {
  /** The losses' values, [m]; default 0 each. Methods that need them cannot do without. */
  losses?: readonly number[];
  /** The losses' names, [m]; default 'loss1', 'loss2', …. */
  names?: readonly string[];
}

const OPTIONS: Kinds<CombinerOptions> = { losses: NUMBERS, names: NAMES };

/** What a method made of a Jacobian. */
export interface Combined {
  /** The weight of each loss, [m]; null where the method makes a direction of its own. */
  readonly weights: number[] | null;
  /** The combined gradient, [n]. */
  readonly direction: number[];
}

function rowsOf(jacobian: readonly (readonly number[])[] | Tensor): readonly ArrayLike<number>[] {
  if (!(jacobian instanceof Tensor)) {
    const isRow = (row: unknown): boolean => (Array.isArray(row) || ArrayBuffer.isView(row)) && Array.from(row as number[]).every((v) => typeof v === 'number');
    if (!isListOf(jacobian, isRow)) {
      throw new GradloomError('SHAPE', 'applyCombiner', `a Jacobian is a tensor [m, n] or a list of m rows of numbers, got ${valueText(jacobian)}.`);
    }
    const n = jacobian[0]?.length ?? 0;
    const ragged = jacobian.findIndex((r) => r.length !== n);
    if (ragged >= 0) throw new GradloomError('SHAPE', 'applyCombiner', `row ${ragged} has ${jacobian[ragged]?.length} numbers, row 0 has ${n}. Give rows of one length.`);
    return jacobian;
  }
  if (jacobian.rank !== 2) throw new GradloomError('SHAPE', 'applyCombiner', `a Jacobian is [m, n], got ${shapeText(jacobian.sizes)}. Reshape it.`);
  const [m, n] = jacobian.sizes as [number, number];
  const data = jacobian.data();
  return Array.from({ length: m }, (_, i) => data.subarray(i * n, (i + 1) * n));
}

/** Losses, lengths and products of gradients given as rows, in float64. */
function statsOf(method: Method, rows: readonly ArrayLike<number>[], { losses, names = rows.map((_, i) => `loss${i + 1}`) }: CombinerOptions): Stats {
  const m = rows.length;
  for (const [what, list] of Object.entries({ losses, names })) {
    if (list !== undefined && list.length !== m) throw valueError('applyCombiner', `${what} has ${list.length} entries for a Jacobian of ${m} rows. Give one per row.`);
  }
  const gramian = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      const [a, b] = [rows[i] as ArrayLike<number>, rows[j] as ArrayLike<number>];
      let sum = 0;
      for (let k = 0; k < a.length; k++) sum += (a[k] as number) * (b[k] as number);
      gramian[i * m + j] = sum;
      gramian[j * m + i] = sum;
    }
  }
  for (let i = 0; i < m; i++) {
    if (Number.isFinite(gramian[i * (m + 1)])) continue;
    throw new GradloomError('NONFINITE', 'applyCombiner', `the gradient of '${names[i]}' is not finite, or so long that its square is not. Leave that loss out.`);
  }
  const exact = method.needs === 'gramian' && (method as Weighting).eps === undefined ? atRank(gramian, m, roundedElements(m)) : { gramian };
  const sizes = rows.map((row) => Float64Array.from(row, Math.abs));
  return {
    names,
    losses: losses ? Float64Array.from(losses) : new Float64Array(m),
    norms: Float64Array.from(rows, (_, i) => Math.sqrt(gramian[i * m + i] as number)),
    ...exact,
    elements: {
      largest: Float64Array.from(sizes, (row) => row.reduce((a, b) => Math.max(a, b), 0)),
      mean: Float64Array.from(sizes, (row) => row.reduce((a, b) => a + b, 0) / Math.max(row.length, 1)),
    },
  };
}

/**
 * The gradient that a method makes of several: row i of the Jacobian [m, n] is that of loss i. Weightings compute in
 * float64 on the host; an Aggregator gets the Jacobian as one float32 tensor. The method remembers the step as any
 * other. Rows count as float32 numbers: singular values of the unit rows below m·2⁻²³ of the largest are 0 for a method
 * whose `eps` does not ask for more.
 */
export function applyCombiner(method: Method, jacobian: readonly (readonly number[])[] | Tensor, options?: CombinerOptions): Combined {
  assertArity('applyCombiner', arguments.length, 3);
  checkArgument('applyCombiner', 'method', method, METHOD);
  const given = optionsOf('applyCombiner', options, OPTIONS);
  if (isScalarizer(method)) {
    throw valueError('applyCombiner', `${method.name} is a function of the losses themselves. Call its combine(losses, names) and backward().`);
  }
  const rows = rowsOf(jacobian);
  if (rows.length === 0) throw new GradloomError('SHAPE', 'applyCombiner', 'the Jacobian has no rows. Give one per loss.');
  const stats = statsOf(method, rows, given);
  return isAggregator(method) ? aggregated(method, rows, stats) : weighted(method, rows, stats);
}

function weighted(method: Weighting, rows: readonly ArrayLike<number>[], stats: Stats): Combined {
  const weights = [...method.weights(stats)];
  const direction = new Array<number>(rows[0]?.length ?? 0).fill(0);
  rows.forEach((row, i) => {
    const w = weights[i] as number;
    // A gradient without a weight does not count, whatever it holds.
    if (w !== 0) for (let k = 0; k < row.length; k++) direction[k] = (direction[k] as number) + w * (row[k] as number);
  });
  return { weights, direction };
}

function aggregated(method: Aggregator, rows: readonly ArrayLike<number>[], stats: Stats): Combined {
  const n = rows[0]?.length ?? 0;
  const flat = new Float32Array(rows.length * n);
  rows.forEach((row, i) => {
    flat.set(row, i * n);
  });
  return scope(() => {
    const [direction] = noGrad(() => method.directions([tensor(flat, { shape: [rows.length, n] })], stats));
    return { weights: null, direction: [...(direction as Tensor).data()] };
  });
}
