// The root of a function of one number that takes long to evaluate.

/** Evaluations in the bracket, at most; 5 to 10 are usual. */
const MOST = 60;
/** The bracket's upper end over its lower one. */
const RATIO = 16;
/** How often the bracket moves down, at most. */
const DOWN = 10;

/**
 * Where f, above 0 on the left of its root and below on the right, is 0 but for tolerance · x, in 0 < x < high: by the
 * secant method, kept in a bracket (Illinois; Dowell & Jarratt 1971). It is evaluated there last.
 */
export function rootBelow(high: number, f: (x: number) => number, tolerance: number): number {
  let [low, above, below] = [high / RATIO, f(high / RATIO), f(high)];
  for (let moved = 0; above < 0 && moved < DOWN; moved++) {
    [high, below] = [low, above];
    low /= RATIO;
    above = f(low);
  }
  let x = low;
  for (let [turn, side] = [0, 0]; turn < MOST; turn++) {
    const line = low + ((high - low) * above) / (above - below);
    // Halves where it leads out of the bracket: f is flat, or has no root above its lower end.
    x = line >= low && line <= high ? line : (low + high) / 2;
    const value = f(x);
    if (Math.abs(value) <= tolerance * x) break;
    if (value > 0) {
      [low, above] = [x, value];
      if (side > 0) below /= 2;
      side = 1;
    } else {
      [high, below] = [x, value];
      if (side < 0) above /= 2;
      side = -1;
    }
  }
  return x;
}
