// Descents of small objectives by a multi-loss method, followed as recorded.
import { manualSeed, multiloss } from 'gradloom';
import { compareNumbers, Mismatch, TOLERANCES } from './compare.ts';
import { Unsupported } from './decode.ts';
import { distanceToFront, type Objective, objectives, toys } from './objectives.ts';
import { type TrajectoryRow, trajectories } from './names.ts';

type Point = [number, number];

export interface Run {
  init: Point;
  /** The toy: where it ends, and the first step on the front (−1: never). */
  x?: Point;
  hit?: number;
  /** The quadratic ones: step size and places on the way. */
  lr?: number;
  x_after_1?: Point;
  x_after_10?: Point;
  x_final?: Point;
  y_final?: Point;
}

type Toy = (typeof toys)[string];

/** Per objective, per method, one run per start. */
export type TrajectoryFile = Readonly<Record<string, Readonly<Record<string, Run[]>>>>;

export function runTrajectory(objective: string, name: string, run: Run): number {
  const row = trajectories[name];
  if (!row) throw new Unsupported('not offered');
  const toy = toys[objective];
  manualSeed(0);
  if (toy) return onToy(toy, row, run);
  const quadratic = objectives[objective];
  if (!quadratic) throw new Unsupported(`objective ${objective}`);
  for (let seed = 0; ; seed++) {
    manualSeed(seed);
    try {
      return onQuadratic(quadratic.at, quadratic.steps, objective, row, run);
    } catch (error) {
      if (!row.random || seed >= SEEDS || !(error instanceof Mismatch)) throw error;
    }
  }
}

/** How many seeds a random method has: the recorded run is that of one. */
const SEEDS = 10;

const NAMES = ['first', 'second'];

/** One step of a method at x: the combined gradient, from values and gradients [2, 2] in float64. */
class Stepper {
  private readonly at: Objective;
  private readonly method: ReturnType<TrajectoryRow['make']>;
  readonly losses = new Float64Array(2);
  private readonly jacobian = new Float64Array(4);
  private readonly norms = new Float64Array(2);
  private readonly gramian = new Float64Array(4);

  constructor(at: Objective, method: ReturnType<TrajectoryRow['make']>) {
    this.at = at;
    this.method = method;
  }

  gradient(x: Readonly<Point>): Point {
    const { losses, jacobian: j, norms, gramian } = this;
    this.at(x, losses, j);
    const [a, b, c, d] = j as unknown as [number, number, number, number];
    gramian[0] = a * a + b * b;
    gramian[3] = c * c + d * d;
    gramian[1] = a * c + b * d;
    gramian[2] = gramian[1];
    norms[0] = Math.sqrt(gramian[0]);
    norms[1] = Math.sqrt(gramian[3]);
    const { method } = this;
    if (!('weights' in method)) return this.fromDirections([a, b, c, d]);
    const [w1, w2] = method.weights({ names: NAMES, losses, norms, gramian }) as unknown as Point;
    return [w1 * a + w2 * c, w1 * b + w2 * d];
  }

  private fromDirections([a, b, c, d]: readonly [number, number, number, number]): Point {
    const jacobian = [
      [a, b],
      [c, d],
    ];
    return multiloss.applyCombiner(this.method, jacobian, { losses: [...this.losses], names: NAMES }).direction as Point;
  }

  /** Tells a method that wants it the losses after the step. */
  after(x: Readonly<Point>): void {
    if (!this.method.update) return;
    this.at(x, this.losses, this.jacobian);
    this.method.update(this.losses);
  }
}

/**
 * How far a start is moved where the recorded step is not met, and how often. The way to the front crosses valleys of log |…|, where
 * runs whose starts differ by 1e-12 reach it up to a quarter earlier or later: the recorded step is that of one rounding, and any
 * rounding's counts.
 */
const NUDGE = 1e-13;
const NUDGES = 100;

/** The gradient, no longer than asked for. */
function cut(g: Point, most = Number.POSITIVE_INFINITY): Point {
  const length = Math.sqrt(g[0] * g[0] + g[1] * g[1]);
  return length > most ? [(g[0] * most) / length, (g[1] * most) / length] : g;
}

/** Adam with lr 1e-3 until the front is reached, as soon as recorded. */
function onToy(toy: Toy, row: TrajectoryRow, { init, hit = -1 }: Run): number {
  for (let nudge = 0; ; nudge++) {
    if (row.random) manualSeed(nudge);
    try {
      return reaches(toy, row, [init[0] + nudge * NUDGE, init[1]], hit);
    } catch (error) {
      if (nudge >= NUDGES || !(error instanceof Mismatch)) throw error;
    }
  }
}

function reaches({ at, scale, steps }: Toy, row: TrajectoryRow, init: Point, hit: number): number {
  const stepper = new Stepper(at, row.make(scale));
  const x: Point = [...init];
  const first: Point = [0, 0];
  const second: Point = [0, 0];
  let [b1, b2] = [1, 1];
  let reached = -1;
  // Later than this it would not be the recorded step.
  const last = hit < 0 ? steps : Math.min(steps, Math.ceil(hit * (1 + TOLERANCES.hits.relative)) + TOLERANCES.hits.absolute);
  for (let step = 0; step <= last && reached < 0; step++) {
    if (Math.abs(x[1] + 8.3552) < 0.05 && Math.abs(x[0]) <= 7.05) reached = step;
    const g = cut(stepper.gradient(x), row.clip);
    b1 *= 0.9;
    b2 *= 0.999;
    for (const k of [0, 1] as const) {
      first[k] = 0.9 * first[k] + 0.1 * g[k];
      second[k] = 0.999 * second[k] + 0.001 * g[k] * g[k];
      x[k] -= (1e-3 * first[k]) / (1 - b1) / (Math.sqrt(second[k] / (1 - b2)) + 1e-8);
    }
    stepper.after(x);
  }
  if (reached < 0 !== hit < 0)
    throw new Mismatch(`from (${init}) the front is ${reached < 0 ? `not reached by step ${last}` : `reached in step ${reached}`}, expected ${hit < 0 ? 'not' : `in step ${hit}`}`);
  if (hit < 0) return 0;
  return compareNumbers(`from (${init}) the step that reaches the front`, row.rough ? Math.max(reached, hit) : reached, hit, TOLERANCES.hits);
}

function onQuadratic(at: Objective, steps: number, objective: string, row: TrajectoryRow, run: Run): number {
  const stepper = new Stepper(at, (row.quadratic ?? row.make)(1));
  const x: Point = [...run.init];
  const exact = !row.random && !row.rough;
  let worst = 0;
  const places: Readonly<Record<number, Point | undefined>> = { 1: run.x_after_1, 10: run.x_after_10, [steps]: run.x_final };
  for (let step = 1; step <= steps; step++) {
    const g = stepper.gradient(x);
    x[0] -= (run.lr as number) * g[0];
    x[1] -= (run.lr as number) * g[1];
    stepper.after(x);
    const expected = places[step];
    if (!expected || !exact) continue;
    for (const k of [0, 1] as const) worst = Math.max(worst, compareNumbers(`from (${run.init}) x${k + 1} after ${step} steps`, x[k], expected[k], TOLERANCES.descent));
  }
  if (exact) return worst;
  const [start, ours, theirs] = [run.init, x, run.x_final as Point].map((p) => distanceToFront(objective, p)) as [number, number, number];
  // In shares of the way that there was to go.
  return compareNumbers(`from (${run.init}) the share of the distance to the front that is left`, Math.max(ours, theirs) / start, theirs / start, TOLERANCES.front);
}
