// Aggregators: what a method makes of a Jacobian, in both recorded forms.
import { GradloomError, manualSeed, multiloss } from 'gradloom';
import { compareNumbers, Mismatch, TOLERANCES } from './compare.ts';
import { Unsupported } from './decode.ts';
import { type AggregatorRow, aggregators, aggregatorsByLabel } from './names.ts';

export interface AggregatorCase {
  aggregator: string;
  kwargs: Readonly<Record<string, unknown>>;
  matrix: string;
  out: number[];
}

/** aggregators.json. */
export interface AggregatorFile {
  matrices: Readonly<Record<string, number[][]>>;
  cases: AggregatorCase[];
}

/** What TorchJD answered, or the error it died of. */
interface Answer {
  g?: (number | { float: string })[];
  w?: number[] | null;
  error?: string;
}

/** aggregators_f64.json: per matrix, J and one answer per label. */
export type LabelledFile = Readonly<Record<string, { J: number[][]; agg: Readonly<Record<string, Answer>> }>>;

/** One labelled answer with its matrix. */
export interface LabelledCase {
  label: string;
  matrix: string;
  jacobian: number[][];
  answer: Answer;
}

const inner = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, k) => sum + v * (b[k] as number), 0);
const longest = (jacobian: readonly number[][]): number => Math.max(...jacobian.map((row) => Math.sqrt(inner(row, row))));

/** Compares a direction, relative to its own largest element and, far less, to the longest gradient that it was made of. */
function compare(what: string, actual: readonly number[], expected: readonly number[], jacobian: readonly number[][]): number {
  const { relative, absolute } = TOLERANCES.combined;
  const tolerance = { relative: 0, absolute: relative * Math.max(...expected.map(Math.abs)) + absolute * longest(jacobian) };
  if (actual.length !== expected.length) throw new Mismatch(`${what} has ${actual.length} elements, expected ${expected.length}`);
  if (actual.every((v, k) => v === expected[k])) return 0;
  return Math.max(...expected.map((v, k) => compareNumbers(`${what}[${k}]`, actual[k] as number, v, tolerance)));
}

/** One case of aggregators.json. */
export function runAggregator({ matrices }: AggregatorFile, { aggregator, kwargs, matrix, out }: AggregatorCase): number {
  const make = aggregators[aggregator];
  const jacobian = matrices[matrix];
  if (!make) throw new Unsupported('not offered');
  if (!jacobian) throw new Mismatch(`there is no matrix ${matrix}`);
  return agreeing(matrix, make(kwargs), jacobian, out);
}

/** How many seeds are tried for an answer that depends on a random order: 4 losses have 6⁴ orders, so one is missed once in 10⁶ times. */
const SEEDS = 20_000;

/** The direction's error; of a random method, that of the first seed whose direction agrees; of one with ties, that of either order. */
function agreeing(what: string, { method, random, ties }: AggregatorRow, jacobian: number[][], expected: readonly number[]): number {
  const tries = random ? SEEDS : ties ? 2 : 1;
  for (let turn = 0; ; turn++) {
    manualSeed(turn);
    method.reset();
    const rows = ties && turn === 1 ? jacobian.toReversed() : jacobian;
    try {
      return compare(what, multiloss.applyCombiner(method, rows).direction, expected, jacobian);
    } catch (error) {
      if (turn + 1 >= tries || !(error instanceof Mismatch)) throw error;
    }
  }
}

/** One case of aggregators_f64.json. */
export function runLabelled({ label, matrix, jacobian, answer }: LabelledCase): number {
  const row = aggregatorsByLabel[label]?.(jacobian.length);
  if (!row) throw new Unsupported('not offered');
  // TorchJD refused the matrix: so do we.
  if (answer.error?.includes('Parameter `')) {
    if (answer.error.includes('should')) return refused(matrix, row, jacobian);
  }
  const expected = answer.g?.every((v) => typeof v === 'number') ? (answer.g as number[]) : null;
  // TorchJD's solver died or gave NaN: ours has to give a direction, and one that keeps the method's promise.
  if (!expected || (row.check && !row.check(jacobian, answer.w ?? []))) return sound(matrix, row, jacobian);
  return agreeing(matrix, row, jacobian, expected);
}

function refused(what: string, { method }: AggregatorRow, jacobian: number[][]): number {
  try {
    multiloss.applyCombiner(method, jacobian);
  } catch (error) {
    if (error instanceof GradloomError) return 0;
    throw error;
  }
  throw new Mismatch(`${what} has too few rows and was not refused`);
}

function sound(what: string, { method, check, nonConflicting }: AggregatorRow, jacobian: number[][]): number {
  const { direction, weights } = multiloss.applyCombiner(method, jacobian);
  if (!direction.every(Number.isFinite)) throw new Mismatch(`${what} gives ${direction}, where any finite direction would do`);
  if (check && weights && !check(jacobian, weights)) throw new Mismatch(`${what} gives weights ${weights}, which are no solution`);
  const [size, scale] = [Math.sqrt(inner(direction, direction)), longest(jacobian)];
  const worst = Math.min(...jacobian.map((row) => inner(row, direction)));
  // A direction is made of rows as long as `scale`, each rounded to 1e-16 of it.
  if (nonConflicting && worst < -1e-10 * scale * (size + scale)) throw new Mismatch(`${what} gives ${direction}, which raises a loss: ${worst}`);
  return 0;
}
