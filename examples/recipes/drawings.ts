// Shapes for the recipes on pictures, drawn by the tensor library itself: seeded, the same wherever they run.
import { abs, arange, cat, logicalAnd, maximum, minimum, noGrad, rand, randint, randn, scope, type Tensor, where, zeros } from 'gradloom';

export const SIZE = 24;
/** Inside of each kind, in u and v from −1 to 1 over the box. */
const KINDS: Readonly<Record<string, (u: Tensor, v: Tensor) => Tensor>> = {
  square: (u, v) => maximum(abs(u), abs(v)).le(1),
  disc: (u, v) => u.square().add(v.square()).le(1),
  diamond: (u, v) => abs(u).add(abs(v)).le(1),
  cross: (u, v) => logicalAnd(minimum(abs(u), abs(v)).le(0.35), maximum(abs(u), abs(v)).le(1)),
  triangle: (u, v) => logicalAnd(abs(u).mul(2).le(v.add(1)), abs(v).le(1)),
  ring: (u, v) => logicalAnd(u.square().add(v.square()).le(1), u.square().add(v.square()).ge(0.3)),
  frame: (u, v) => logicalAnd(maximum(abs(u), abs(v)).le(1), maximum(abs(u), abs(v)).ge(0.55)),
  saltire: (u, v) => logicalAnd(abs(abs(u).sub(abs(v))).le(0.35), maximum(abs(u), abs(v)).le(1)),
};

/** What is measured, without gradients; what is made on the way is given back. */
export const measured = <T>(measure: () => T): T => scope(() => noGrad(measure));

/** Uniform numbers of a shape. */
export const between = (shape: readonly number[], low: number, high: number): Tensor =>
  rand([...shape])
    .mul(high - low)
    .add(low);
/** Whole numbers below `count` of a shape, int32. */
export const kindsOf = (shape: readonly number[], count: number): Tensor => randint(0, count, [...shape]);

/** Masks [n, SIZE, SIZE] of 0 and 1: of each its kind, int32 [n], and its box [n, 4], middle and half of its size across and down, in pixels. */
export const masks = (kind: Tensor, box: Tensor): Tensor =>
  scope(() => {
    const n = kind.shape[0] as number;
    const [x, y, a, b] = box.split(1, 1).map((t) => t.reshape([n, 1, 1])) as [Tensor, Tensor, Tensor, Tensor];
    const place = arange(SIZE);
    const [u, v] = [place.reshape([1, 1, SIZE]).sub(x).div(a), place.reshape([1, SIZE, 1]).sub(y).div(b)];
    const which = kind.reshape([n, 1, 1]);
    return Object.values(KINDS).reduce((drawn, inside, i) => where(which.eq(i), inside(u, v).float(), drawn), zeros([n, SIZE, SIZE]));
  });

/** Boxes [n, 4] somewhere in the picture, half as large as asked for. */
export function boxes(n: number, low: number, high: number): Tensor {
  return cat([between([n, 2], high, SIZE - 1 - high), between([n, 2], low, high)], 1);
}

/** Pictures [n, 1, SIZE, SIZE] of masks: light on dark or a little lighter, under noise. */
export const pictures = (drawn: Tensor, noise = 0.3): Tensor =>
  scope(() => {
    const n = drawn.shape[0] as number;
    return drawn
      .mul(between([n, 1, 1], 0.5, 1))
      .add(randn([n, SIZE, SIZE]).mul(noise))
      .unsqueeze(1);
  });
