// A line search for the strong Wolfe conditions (Nocedal & Wright 2006, section 3.5), step for step as PyTorch's: a bracket, then zooming in by cubics.

/** A vector of all parameters, or of their gradients. */
export type Flat = Float32Array;

/** What is known at a point of the line: its place, the loss, the gradient, and the slope along the line. */
export interface Point {
  readonly t: number;
  readonly loss: number;
  readonly gradient: Flat;
  readonly slope: number;
}

const C1 = 1e-4;
const C2 = 0.9;

/** Where the cubic through two points with their slopes is least, within bounds. */
function cubicLeast(a: Point, b: Point, low = Math.min(a.t, b.t), high = Math.max(a.t, b.t)): number {
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  // What is NaN lands in the middle, as where there is no least.
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const [near, far] = a.t <= b.t ? [a, b] : [b, a];
  const least = far.t - (far.t - near.t) * ((far.slope + d2 - d1) / (far.slope - near.slope + 2 * d2));
  return Math.min(Math.max(least, low), high);
}

/**
 * A point of the line that meets the conditions, or the best one found in `most` steps. `at` evaluates a place; `longest`: the direction's largest
 * element; `tolerance`: how small a bracket is not worth going on.
 */
export function strongWolfe(at: (t: number) => Point, start: Point, first: number, longest: number, tolerance: number, most: number): { point: Point; evaluations: number } {
  const tooHigh = (p: Point): boolean => p.loss > start.loss + C1 * p.t * start.slope;
  const flatEnough = (p: Point): boolean => Math.abs(p.slope) <= -C2 * start.slope;
  let [before, now] = [start, at(first)];
  let evaluations = 1;
  let bracket: [Point, Point] | undefined;
  let steps = 0;
  for (; steps < most; steps++) {
    if (tooHigh(now) || (steps > 1 && now.loss >= before.loss)) bracket = [before, now];
    else if (flatEnough(now)) return { point: now, evaluations };
    else if (now.slope >= 0) bracket = [before, now];
    if (bracket) break;
    const t = cubicLeast(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10);
    [before, now] = [now, at(t)];
    evaluations++;
  }
  bracket ??= [start, now];

  const lowOf = ([a, b]: [Point, Point]): number => (a.loss <= b.loss ? 0 : 1);
  let low = lowOf(bracket);
  let stuck = false;
  for (; steps < most; steps++) {
    const [left, right] = [Math.min(bracket[0].t, bracket[1].t), Math.max(bracket[0].t, bracket[1].t)];
    if ((right - left) * longest < tolerance) break;
    let t = cubicLeast(bracket[0], bracket[1]);
    // Near an end twice, or on it: a tenth of the bracket away from it.
    const margin = 0.1 * (right - left);
    const near = Math.min(right - t, t - left) < margin;
    if (near && (stuck || t >= right || t <= left)) {
      t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
      stuck = false;
    } else stuck = near;
    now = at(t);
    evaluations++;
    if (tooHigh(now) || now.loss >= bracket[low as 0].loss) {
      bracket[(1 - low) as 0] = now;
      low = lowOf(bracket);
      continue;
    }
    const done = flatEnough(now);
    if (!done && now.slope * (bracket[(1 - low) as 0].t - bracket[low as 0].t) >= 0) bracket[(1 - low) as 0] = bracket[low as 0];
    bracket[low as 0] = now;
    if (done) break;
  }
  return { point: bracket[low as 0], evaluations };
}
