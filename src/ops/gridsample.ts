// Pictures read at places that are given: by gathering the pixels around each place and weighting them, so that gradients reach both.
import { assertArity, assertTensor, FLAG, type Kinds, oneOf, optionsBy } from '../tensor/check.ts';
import { shapeError, valueError, valueText } from '../tensor/errors.ts';
import { detach } from '../tensor/op.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, ge, gt, le, logicalAnd, lt, mul, sub, where } from './binary.ts';
import { assertFloat, to } from './convert.ts';
import { arange, full, linspace } from './create.ts';
import { indexSelect } from './indexing.ts';
import { matmul } from './matmul.ts';
import { cat, contiguous, permute, reshape, select, transpose } from './movement.ts';
import { expand } from './reduce.ts';
import { floor, round } from './unary.ts';

/** Options of `gridSample`, with PyTorch's defaults. */
export interface GridSampleOptions {
  /** How a value between pixels is made; from the two, or with 'bicubic' the four pixels next to it in each direction; default 'bilinear'. */
  mode?: 'bilinear' | 'nearest' | 'bicubic';
  /** What lies outside: zeros (the default), the edge's pixels, or the picture mirrored. */
  paddingMode?: 'zeros' | 'border' | 'reflection';
  /** Whether −1 and 1 are the middles of the corner pixels; default false: their outer edges. */
  alignCorners?: boolean;
}

const KINDS: Kinds<GridSampleOptions> = {
  mode: /* @__PURE__ */ oneOf('bilinear', 'nearest', 'bicubic'),
  paddingMode: /* @__PURE__ */ oneOf('zeros', 'border', 'reflection'),
  alignCorners: FLAG,
};

type Arguments = [mode?: GridSampleOptions['mode'] | GridSampleOptions, paddingMode?: GridSampleOptions['paddingMode'], alignCorners?: boolean];

/** Brought to 0 … most; no gradient passes outside, nor at the bounds. What is not a number becomes 0. */
const clipped = (x: Tensor, most: number): Tensor => where(gt(x, 0), where(lt(x, most), x, most), 0);

/** Mirrored at both ends, which lie at twice these: the picture goes back and forth. */
function mirrored(x: Tensor, low2: number, high2: number): Tensor {
  if (low2 === high2) return mul(x, 0);
  const [low, span] = [low2 / 2, (high2 - low2) / 2];
  const beyond = where(lt(x, low), sub(low, x), sub(x, low));
  const turns = noGrad(() => floor(mul(detach(beyond), 1 / span)));
  const rest = sub(beyond, mul(turns, span));
  const odd = noGrad(() => gt(sub(turns, mul(floor(mul(turns, 0.5)), 2)), 0));
  return add(where(odd, sub(span, rest), rest), low);
}

/** A place in pixels as it counts in the picture. */
function within(x: Tensor, size: number, paddingMode: string, alignCorners: boolean): Tensor {
  if (paddingMode === 'zeros') return x;
  const inside = paddingMode === 'border' ? x : alignCorners ? mirrored(x, 0, 2 * (size - 1)) : mirrored(x, -1, 2 * size - 1);
  return clipped(inside, size - 1);
}

/** The pixels' places along one direction: each with its weight, 1 if there is none. */
type Side = readonly (readonly [at: Tensor, weight: Tensor | null])[];

const CUBIC = -0.75;
const near = (t: Tensor): Tensor => add(mul(mul(sub(mul(t, CUBIC + 2), CUBIC + 3), t), t), 1);
const far = (t: Tensor): Tensor => sub(mul(add(mul(sub(mul(t, CUBIC), 5 * CUBIC), t), 8 * CUBIC), t), 4 * CUBIC);

/** Which pixels a place between −1 and 1 sees along one direction. */
function sideOf(grid: Tensor, size: number, { mode, paddingMode, alignCorners }: Required<GridSampleOptions>): Side {
  const scaled = alignCorners ? mul(add(grid, 1), (size - 1) / 2) : mul(sub(mul(add(grid, 1), size), 1), 0.5);
  const x = mode === 'bicubic' ? scaled : within(scaled, size, paddingMode, alignCorners);
  if (mode === 'nearest') return [[round(x), null]];
  const from = noGrad(() => floor(detach(x)));
  const t = sub(x, from);
  if (mode === 'bilinear')
    return [
      [from, sub(1, t)],
      [noGrad(() => add(from, 1)), t],
    ];
  const weights = [far(add(t, 1)), near(t), near(sub(1, t)), far(sub(2, t))];
  return weights.map((weight, i) => [noGrad(() => within(add(from, i - 1), size, paddingMode, alignCorners)), weight] as const);
}

/**
 * A picture read at places: x [N, C, H, W] at grid [N, OH, OW, 2] → [N, C, OH, OW], or a volume [N, C, D, H, W] at [N, OD, OH, OW, 3]. The
 * grid's last dimension is (x, y) or (x, y, z), each from −1 to 1 across the picture. By position: mode, paddingMode, alignCorners.
 * (Jaderberg et al. 2015, arXiv 1506.02025.)
 *
 * @throws SHAPE where the grid does not fit the picture
 */
export function gridSample(x: Tensor, grid: Tensor, ...given: Arguments): Tensor {
  const op = 'gridSample';
  const { mode = 'bilinear', paddingMode = 'zeros', alignCorners = false } = optionsBy(op, given, KINDS);
  assertFloat(op, x);
  assertFloat(op, grid, 'grid');
  const rank = x.rank - 2;
  if ((rank !== 2 && rank !== 3) || grid.rank !== x.rank || grid.sizes[rank + 1] !== rank || grid.sizes[0] !== x.sizes[0])
    throw shapeError(op, 'takes [N, C, H, W] and a grid [N, OH, OW, 2], or [N, C, D, H, W] and [N, OD, OH, OW, 3]', [x.sizes, grid.sizes], 'Reshape them.');
  const image = x.sizes.slice(2);
  if (image.includes(0)) throw shapeError(op, 'the picture is empty', [x.sizes], 'Give it at least one pixel in each direction.');
  const [n, channels] = x.sizes as [number, number];
  const out = grid.sizes.slice(1, -1);
  const count = sizeOf(out);
  // Pixels as rows of channels, so that one index picks all of them.
  const pixels = reshape(permute(x, [0, ...image.map((_, i) => i + 2), 1]), [n * sizeOf(image), channels]);
  const picture = reshape(mul(arange(n), sizeOf(image)), [n, 1]);
  const sides = image.map((size, i) => sideOf(reshape(select(grid, -1, rank - 1 - i), [n, count]), size, { mode, paddingMode, alignCorners }));
  const corners = sides.reduce<(readonly (readonly [at: Tensor, weight: Tensor | null])[])[]>(
    (all, side) => all.flatMap((before) => side.map((pixel) => [...before, pixel])),
    [[]],
  );
  const parts = corners.map((corner) => {
    const { index, seen } = noGrad(() => {
      const inside = corner.map(([at], i) => logicalAnd(ge(at, 0), le(at, (image[i] as number) - 1)));
      const seen = inside.reduce((a, b) => logicalAnd(a, b));
      const flat = corner.reduce<Tensor | null>((before, [at], i) => {
        const own = to(where(seen, at, 0), 'int32');
        return before ? add(mul(before, image[i] as number), own) : own;
      }, null) as Tensor;
      return { index: reshape(add(flat, picture), [n * count]), seen };
    });
    const rows = where(reshape(seen, [n * count, 1]), indexSelect(pixels, 0, index), 0);
    const weight = corner.reduce<Tensor | null>((before, [, w]) => (before && w ? mul(before, w) : (before ?? w)), null);
    return weight ? mul(rows, reshape(weight, [n * count, 1])) : rows;
  });
  const values = parts.reduce((a, b) => add(a, b));
  // The nearest pixel does not move with the grid, which gets zeros, as in PyTorch.
  const bound = mode === 'nearest' ? add(values, reshape(mul(round(reshape(select(grid, -1, 0), [n, count])), 0), [n * count, 1])) : values;
  return contiguous(permute(reshape(bound, [n, ...out, channels]), [0, rank + 1, ...out.map((_, i) => i + 1)]));
}

/**
 * The places that `gridSample` reads for a picture moved by affine maps: theta [N, 2, 3] and size [N, C, H, W] → [N, H, W, 2], or
 * [N, 3, 4] and [N, C, D, H, W] → [N, D, H, W, 3].
 *
 * @throws SHAPE where theta does not fit the size
 */
export function affineGrid(theta: Tensor, size: Shape, alignCorners = false): Tensor {
  const op = 'affineGrid';
  assertArity(op, arguments.length, 3);
  assertTensor(op, theta, 'theta');
  assertFloat(op, theta, 'theta');
  if (typeof alignCorners !== 'boolean') throw valueError(op, `alignCorners must be true or false, got ${valueText(alignCorners)}.`);
  const rank = Array.isArray(size) ? size.length - 2 : 0;
  if ((rank !== 2 && rank !== 3) || !Array.from(size).every((n) => Number.isSafeInteger(n) && n >= 1))
    throw valueError(op, `size must be [N, C, H, W] or [N, C, D, H, W], whole numbers ≥ 1, got ${valueText(size)}.`);
  const [n, , ...out] = size as [number, number, ...number[]];
  if (theta.rank !== 3 || theta.sizes[0] !== n || theta.sizes[1] !== rank || theta.sizes[2] !== rank + 1)
    throw shapeError(op, `theta is not [${n}, ${rank}, ${rank + 1}]`, [theta.sizes], 'One map for each picture.');
  const places = out.map((length, i) => {
    const most = alignCorners ? 1 : (length - 1) / length;
    const line = length === 1 ? full([1], 0) : linspace(-most, most, length);
    return expand(reshape(line, [length, ...out.slice(i + 1).map(() => 1), 1]), [...out, 1]);
  });
  const base = reshape(cat([...places.reverse(), full([...out, 1], 1)], rank), [sizeOf(out), rank + 1]);
  return reshape(matmul(base, transpose(theta, 1, 2)), [n, ...out, rank]);
}
