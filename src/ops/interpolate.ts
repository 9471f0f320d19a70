// Pictures in other sizes: one direction after the other, each a sum of a few weighted elements of the picture.
import { either, FLAG, type Kind, type Kinds, NUMBER, NUMBERS, oneOf, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError, valueText } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d } from './avgpool.ts';
import { add, mul } from './binary.ts';
import { assertFloat } from './convert.ts';
import { constantFloats, constantList } from './create.ts';
import { indexSelect } from './indexing.ts';
import { clone, reshape } from './movement.ts';
import { adaptiveAvgPool3d } from './pool3d.ts';

/** How pictures are interpolated. */
export type InterpolateMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area';

/** Options of `interpolate`, with PyTorch's defaults. */
export interface InterpolateOptions {
  /** The sizes of the output, one for each direction or one for all. Either these or `scaleFactor`. */
  size?: number | readonly number[] | null;
  /** How many times the size, one for each direction or one for all. */
  scaleFactor?: number | readonly number[] | null;
  /** How; default 'nearest'. 'nearest-exact' has no half pixel's shift. */
  mode?: InterpolateMode;
  /** Whether the corners' middles lie on one another ('linear', 'bilinear', 'bicubic', 'trilinear'); default false: the corners themselves do. */
  alignCorners?: boolean | null;
  /** Whether the step follows from the rounded sizes and not from `scaleFactor`; default false. */
  recomputeScaleFactor?: boolean | null;
  /** Whether a smaller picture is an average over all that it stands for ('bilinear', 'bicubic'); default false. */
  antialias?: boolean;
}

const LIST: Kind = /* @__PURE__ */ orNull(either(WHOLE, NUMBERS));
const FACTOR: Kind = /* @__PURE__ */ orNull(either(NUMBER, NUMBERS));
const KINDS: Kinds<InterpolateOptions> = {
  size: LIST,
  scaleFactor: FACTOR,
  mode: /* @__PURE__ */ oneOf('nearest', 'nearest-exact', 'linear', 'bilinear', 'bicubic', 'trilinear', 'area'),
  alignCorners: /* @__PURE__ */ orNull(FLAG),
  recomputeScaleFactor: /* @__PURE__ */ orNull(FLAG),
  antialias: FLAG,
};

type Arguments = [
  size?: number | readonly number[] | InterpolateOptions | null,
  scaleFactor?: number | readonly number[] | null,
  mode?: InterpolateMode,
  alignCorners?: boolean | null,
  recomputeScaleFactor?: boolean | null,
  antialias?: boolean,
];

/** Which modes go with how many directions; the others go with any. */
const DIRECTIONS: Partial<Record<InterpolateMode, number>> = { linear: 1, bilinear: 2, bicubic: 2, trilinear: 3 };

/** An element of the output: Σ weightᵢ · x[fromᵢ]. */
type Taps = readonly (readonly [from: number, weight: number])[];

// PyTorch computes places in float32, and which pixel is nearest depends on it.
const f32 = Math.fround;

/** Keys' cubic convolution, for |t| below 1 and below 2. */
const near = (t: number, a: number): number => ((a + 2) * t - (a + 3)) * t * t + 1;
const far = (t: number, a: number): number => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
/** a as in PyTorch: as in OpenCV, and as in Pillow with antialiasing. */
const CUBIC = -0.75;
const SMOOTH = -0.5;

/** What each element of an output of n is made of, in a direction of `size`. `step`: from one to the next, in elements of the input. */
function tapsOf(mode: InterpolateMode, size: number, n: number, step: number, alignCorners: boolean, antialias: boolean): Taps[] {
  const cubic = mode === 'bicubic';
  const inside = (i: number): number => Math.min(Math.max(i, 0), size - 1);
  return Array.from({ length: n }, (_, i): Taps => {
    if (mode.startsWith('nearest')) return [[n === size ? i : inside(Math.floor(f32(f32(mode === 'nearest' ? i : i + 0.5) * step))), 1]];
    if (antialias) {
      const support = (cubic ? 2 : 1) * Math.max(step, 1);
      const middle = step * (i + 0.5);
      const first = Math.max(Math.trunc(middle - support + 0.5), 0);
      const count = Math.max(Math.min(Math.trunc(middle + support + 0.5), size) - first, 1);
      const weights = Array.from({ length: count }, (_, j) => {
        const t = Math.abs((j + first - middle + 0.5) / Math.max(step, 1));
        return cubic ? (t < 1 ? near(t, SMOOTH) : t < 2 ? far(t, SMOOTH) : 0) : Math.max(1 - t, 0);
      });
      const total = weights.reduce((a, b) => a + b, 0);
      return weights.map((weight, j) => [first + j, total === 0 ? weight : weight / total] as const);
    }
    const real = alignCorners ? f32(step * i) : f32(f32(step * (i + 0.5)) - 0.5);
    const at = cubic ? real : Math.max(real, 0);
    const from = Math.min(Math.floor(at), size - 1);
    const t = Math.min(Math.max(at - from, 0), 1);
    if (!cubic) {
      const next = Math.min(from + 1, size - 1);
      return [
        [from, 1 - t],
        [next, t],
      ];
    }
    return [far(t + 1, CUBIC), near(t, CUBIC), near(1 - t, CUBIC), far(2 - t, CUBIC)].map((weight, j) => [inside(from - 1 + j), weight] as const);
  });
}

/** x in another size along one dimension. */
function resized(x: Tensor, dim: number, taps: readonly Taps[]): Tensor {
  const most = Math.max(...taps.map((list) => list.length));
  const tap = (i: number): Tensor => {
    // Where others have more, the last element once more, without weight.
    const part = indexSelect(x, dim, constantList(taps.map((list) => (list[Math.min(i, list.length - 1)] as Taps[number])[0])));
    const weights = taps.map((list) => list[i]?.[1] ?? 0);
    return weights.every((w) => w === 1) ? part : mul(part, reshape(constantFloats(weights), [taps.length, ...x.sizes.slice(dim + 1).map(() => 1)]));
  };
  return Array.from({ length: most }, (_, i) => tap(i)).reduce((a, b) => add(a, b));
}

/**
 * Pictures in another size: [N, C, L], [N, C, H, W] or [N, C, D, H, W] → [N, C, *size]. Give `size`, or `scaleFactor`. By position: size,
 * scaleFactor, mode, alignCorners, recomputeScaleFactor, antialias.
 *
 * @throws VALUE where a mode does not fit the picture's dimensions, or an option does not fit the mode
 */
export function interpolate(x: Tensor, ...given: Arguments): Tensor {
  return interpolated('interpolate', x, optionsBy('interpolate', given, KINDS));
}

/** @internal `interpolate` in the name of the function that was called. */
export function interpolated(op: string, x: Tensor, options: InterpolateOptions): Tensor {
  const { size, scaleFactor, mode = 'nearest', alignCorners, antialias = false } = options;
  let { recomputeScaleFactor } = options;
  assertFloat(op, x);
  const directions = x.rank - 2;
  if (directions < 1 || directions > 3) throw shapeError(op, 'takes [N, C, L], [N, C, H, W] or [N, C, D, H, W]', [x.sizes], 'Reshape the input.');
  if ((DIRECTIONS[mode] ?? directions) !== directions)
    throw valueError(op, `mode '${mode}' is for ${DIRECTIONS[mode]} directions, and ${shapeText(x.sizes)} has ${directions}. Choose another.`);
  const blends = mode in DIRECTIONS;
  if (alignCorners !== undefined && alignCorners !== null && !blends) throw valueError(op, `alignCorners has no meaning with mode '${mode}'. Leave it out.`);
  if (antialias && mode !== 'bilinear' && mode !== 'bicubic') throw valueError(op, `antialias goes with 'bilinear' and 'bicubic', not with '${mode}'. Leave it out.`);
  const hasSize = size !== undefined && size !== null;
  if (hasSize === (scaleFactor !== undefined && scaleFactor !== null)) throw valueError(op, 'needs either size or scaleFactor. Give one of them.');
  if (hasSize && recomputeScaleFactor) throw valueError(op, 'recomputeScaleFactor goes with scaleFactor, not with size. Leave it out.');
  if (mode === 'area') recomputeScaleFactor = true;
  const list = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? new Array<number>(directions).fill(value) : value);
  const factors = hasSize ? null : list(scaleFactor as number | readonly number[]);
  const image = x.sizes.slice(2);
  const sizes = factors ? factors.map((f, i) => Math.floor((image[i] ?? 0) * f)) : list(size as number | readonly number[]);
  if (sizes.length !== directions) throw valueError(op, `needs a size or factor for each of ${directions} directions, got ${valueText(size ?? scaleFactor)}.`);
  if (image.includes(0) || sizes.some((n) => !Number.isSafeInteger(n) || n < 1))
    throw new GradloomError('SHAPE', op, `cannot bring ${shapeText(x.sizes)} to ${valueText(sizes)}: sizes are whole numbers ≥ 1.`);
  if (mode === 'area') {
    const to = sizes as never;
    return directions === 1 ? adaptiveAvgPool1d(x, sizes[0] as number) : directions === 2 ? adaptiveAvgPool2d(x, to) : adaptiveAvgPool3d(x, to);
  }
  const y = sizes.reduce((picture, n, i) => {
    const from = image[i] as number;
    const factor = factors && !recomputeScaleFactor ? (factors[i] as number) : 0;
    const step = alignCorners ? (n > 1 ? f32((from - 1) / (n - 1)) : 0) : factor > 0 ? f32(1 / factor) : f32(from / n);
    // As they are: what a picture of its own size would give, except where a factor says that it is a part.
    if (n === from && (step === 1 || (mode !== 'bicubic' && !antialias))) return picture;
    return resized(picture, i + 2, tapsOf(mode, from, n, step, alignCorners ?? false, antialias));
  }, x);
  return y === x ? clone(x) : y;
}

/** Sizes for `upsampleNearest` and `upsampleBilinear`. */
export type UpsampleOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>;
const UPSAMPLE: Kinds<UpsampleOptions> = { size: LIST, scaleFactor: FACTOR };
type UpsampleArguments = [size?: number | readonly number[] | UpsampleOptions | null, scaleFactor?: number | readonly number[] | null];

/** `interpolate` with mode 'nearest'. By position: size, scaleFactor. */
export function upsampleNearest(x: Tensor, ...given: UpsampleArguments): Tensor {
  return interpolated('upsampleNearest', x, optionsBy('upsampleNearest', given, UPSAMPLE));
}

/** `interpolate` with mode 'bilinear' and aligned corners. By position: size, scaleFactor. */
export function upsampleBilinear(x: Tensor, ...given: UpsampleArguments): Tensor {
  return interpolated('upsampleBilinear', x, { ...optionsBy('upsampleBilinear', given, UPSAMPLE), mode: 'bilinear', alignCorners: true });
}
