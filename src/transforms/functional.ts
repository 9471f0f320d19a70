// Pictures changed as they are told: float32 [N, C, H, W], 0–1 where colours count. Values are torchvision's for tensors.
import { flip } from '../ops/arrange.ts';
import { add, div, eq, ge, mul, sub, where } from '../ops/binary.ts';
import { tensor, zerosLike } from '../ops/create.ts';
import { remainder } from '../ops/division.ts';
import { affineGrid, gridSample } from '../ops/gridsample.ts';
import { interpolate } from '../ops/interpolate.ts';
import { amax, amin, mean } from '../ops/moments.ts';
import { narrow, reshape, select, stack } from '../ops/movement.ts';
import { pad } from '../ops/pad.ts';
import { expand } from '../ops/reduce.ts';
import { clamp, cos, floor, sin } from '../ops/unary.ts';
import { assertArity, assertTensor, checkArgument, FINITE, isListOf, type Kinds, NUMBER, oneOf, optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** One number for all pictures, or one for each. */
export type PerPicture = number | readonly number[];
/** Height and width; a number stands for both. */
export type PictureSize = number | readonly [height: number, width: number];

/** @internal Throws unless they are pictures [N, C, H, W]. */
export function assertPictures(op: string, x: unknown, channels?: number): asserts x is Tensor {
  assertTensor(op, x);
  if (x.rank === 4 && x.dtype === 'float32' && (channels === undefined || x.sizes[1] === channels)) return;
  throw new GradloomError(
    'SHAPE',
    op,
    `takes float32 pictures [N, ${channels ?? 'C'}, H, W], got ${x.dtype} ${shapeText(x.sizes)}. Give one picture a batch of its own by unsqueeze(0).`,
  );
}

/** @internal A number for each picture, as [N, 1, 1, 1] or [1, 1, 1, 1]. */
function column(op: string, what: string, values: PerPicture, n: number): Tensor {
  const list = typeof values === 'number' ? [values] : values;
  if (!isListOf(list, Number.isFinite) || (list.length !== n && list.length !== 1))
    throw valueError(op, `${what} must be a finite number, or one for each of ${n} pictures, got ${valueText(values)}.`);
  return tensor(list as number[], { shape: [list.length, 1, 1, 1] });
}

/** @internal A size, checked. */
export function sizePair(op: string, size: PictureSize): [number, number] {
  const pair = typeof size === 'number' ? [size, size] : size;
  if (!isListOf(pair, (n) => Number.isSafeInteger(n) && (n as number) >= 1, 2))
    throw valueError(op, `the size must be a whole number ≥ 1, or [height, width], got ${valueText(size)}.`);
  return pair as [number, number];
}

/** Pictures mirrored left to right. */
export function hflip(x: Tensor): Tensor {
  assertArity('hflip', arguments.length, 1);
  assertPictures('hflip', x);
  return flip(x, 3);
}

/** Pictures turned upside down. */
export function vflip(x: Tensor): Tensor {
  assertArity('vflip', arguments.length, 1);
  assertPictures('vflip', x);
  return flip(x, 2);
}

/** @internal Margins of one number around pictures. */
export function padded(x: Tensor, [top, bottom, left, right]: readonly [number, number, number, number], value: number): Tensor {
  return top + bottom + left + right === 0 ? x : pad(x, [left, right, top, bottom], { value });
}

/** The rectangle of height × width whose corner is at row top, column left. @throws VALUE where it is not inside */
export function crop(x: Tensor, top: number, left: number, height: number, width: number): Tensor {
  assertArity('crop', arguments.length, 5);
  assertPictures('crop', x);
  const [h, w] = x.sizes.slice(2) as [number, number];
  const inside = [top, left, height, width].every((v) => Number.isSafeInteger(v) && v >= 0) && top + height <= h && left + width <= w;
  if (!inside) throw valueError('crop', `${height} × ${width} at (${top}, ${left}) is not inside of ${h} × ${w}. Pad the picture first.`);
  return narrow(narrow(x, 2, top, height), 3, left, width);
}

/** The rectangle in the middle; where pictures are smaller, black around them. */
export function centerCrop(x: Tensor, size: PictureSize): Tensor {
  assertArity('centerCrop', arguments.length, 2);
  assertPictures('centerCrop', x);
  const [height, width] = sizePair('centerCrop', size);
  const [h, w] = x.sizes.slice(2) as [number, number];
  const [down, across] = [Math.max(height - h, 0), Math.max(width - w, 0)];
  const whole = padded(x, [Math.floor(down / 2), Math.floor((down + 1) / 2), Math.floor(across / 2), Math.floor((across + 1) / 2)], 0);
  const half = (n: number): number => (n % 2 === 1 && (n - 1) % 4 !== 0 ? Math.ceil(n / 2) : Math.floor(n / 2)); // half to even, as Python's round
  return crop(whole, half((whole.sizes[2] as number) - height), half((whole.sizes[3] as number) - width), height, width);
}

/** Options of `resize`. */
export interface ResizeOptions {
  /** Default 'bilinear'. */
  interpolation?: 'nearest' | 'bilinear' | 'bicubic';
  /** Whether a smaller picture is smoothed first, default true. */
  antialias?: boolean;
}
/** @internal */
export const RESIZE: Kinds<ResizeOptions> = { interpolation: oneOf('nearest', 'bilinear', 'bicubic'), antialias: { what: 'true or false', test: (v) => typeof v === 'boolean' } };

/** Pictures in another size: [height, width], or a number for the shorter side, the other in proportion (rounded down). */
export function resize(x: Tensor, size: PictureSize, options?: ResizeOptions): Tensor {
  assertArity('resize', arguments.length, 3);
  assertPictures('resize', x);
  const { interpolation = 'bilinear', antialias = true } = optionsOf('resize', options, RESIZE);
  const [h, w] = x.sizes.slice(2) as [number, number];
  const pair = sizePair('resize', size);
  const [height, width] = typeof size === 'number' ? (h <= w ? [size, Math.floor((size * w) / h)] : [Math.floor((size * h) / w), size]) : pair;
  return interpolate(x, { size: [height as number, width as number], mode: interpolation, ...(interpolation !== 'nearest' && { antialias }) });
}

/** Options of `rotate`. */
export interface RotateOptions {
  /** Default 'bilinear'. */
  interpolation?: 'nearest' | 'bilinear';
  /** What stands where the picture does not reach, default 0. */
  fill?: number;
}
const ROTATE: Kinds<RotateOptions> = { interpolation: oneOf('nearest', 'bilinear'), fill: FINITE };

/** Pictures turned around their middle, counter-clockwise, by degrees. */
export function rotate(x: Tensor, degrees: PerPicture, options?: RotateOptions): Tensor {
  assertArity('rotate', arguments.length, 3);
  assertPictures('rotate', x);
  const { interpolation = 'bilinear', fill = 0 } = optionsOf('rotate', options, ROTATE);
  const [n, c, h, w] = x.sizes as [number, number, number, number];
  const angle = mul(expand(reshape(column('rotate', 'the angle', degrees, n), [-1]), [n]), Math.PI / 180);
  const [cosine, sine, zero] = [cos(angle), sin(angle), zerosLike(angle)];
  const theta = reshape(stack([cosine, mul(sine, -h / w), zero, mul(sine, w / h), cosine, zero], 1), [n, 2, 3]);
  const read = (picture: Tensor): Tensor => gridSample(picture, affineGrid(theta, [n, c, h, w], false), { mode: interpolation, paddingMode: 'zeros', alignCorners: false });
  return fill === 0 ? read(x) : add(read(sub(x, fill)), fill);
}

/** (x − mean) ÷ std of each channel. */
export function normalizePictures(x: Tensor, mean: readonly number[], std: readonly number[]): Tensor {
  const op = 'Normalize';
  assertPictures(op, x);
  const c = x.sizes[1] as number;
  for (const list of [mean, std]) {
    if (!isListOf(list, Number.isFinite) || (list.length !== c && list.length !== 1))
      throw valueError(op, `mean and std have a number for each of ${c} channels, got ${valueText(list)}.`);
  }
  if (std.includes(0)) throw valueError(op, 'std must not be 0. Leave constant channels out.');
  const of = (list: readonly number[]): Tensor => tensor(list as number[], { shape: [1, list.length, 1, 1] });
  return div(sub(x, of(mean)), of(std));
}

const unit = (x: Tensor): Tensor => clamp(x, { min: 0, max: 1 });
/** How bright each pixel is: [N, 1, H, W]; with one channel itself. Weights as torchvision's. */
function brightness(x: Tensor): Tensor {
  if (x.sizes[1] === 1) return x;
  const of = (c: number, weight: number): Tensor => mul(narrow(x, 1, c, 1), weight);
  return add(add(of(0, 0.2989), of(1, 0.587)), of(2, 0.114));
}
const blend = (a: Tensor, b: Tensor, ratio: Tensor): Tensor => unit(add(mul(a, ratio), mul(b, sub(1, ratio))));
const colours = (op: string, x: Tensor): void => assertPictures(op, x, x?.sizes?.[1] === 1 ? 1 : 3);
const factorOf = (op: string, x: Tensor, factor: PerPicture): Tensor => {
  for (const f of typeof factor === 'number' ? [factor] : factor) checkArgument(op, 'the factor', f, { what: 'a number ≥ 0', test: (v) => NUMBER.test(v) && (v as number) >= 0 });
  return column(op, 'the factor', factor, x.sizes[0] as number);
};

/** Pictures made brighter: 0 is black, 1 as it is. */
export function adjustBrightness(x: Tensor, factor: PerPicture): Tensor {
  assertArity('adjustBrightness', arguments.length, 2);
  colours('adjustBrightness', x);
  return unit(mul(x, factorOf('adjustBrightness', x, factor)));
}

/** Pictures with more contrast: 0 is grey, 1 as it is. */
export function adjustContrast(x: Tensor, factor: PerPicture): Tensor {
  assertArity('adjustContrast', arguments.length, 2);
  colours('adjustContrast', x);
  return blend(x, mean(brightness(x), { dim: [1, 2, 3], keepdim: true }), factorOf('adjustContrast', x, factor));
}

/** Pictures with stronger colours: 0 is black and white, 1 as it is. */
export function adjustSaturation(x: Tensor, factor: PerPicture): Tensor {
  assertArity('adjustSaturation', arguments.length, 2);
  colours('adjustSaturation', x);
  const ratio = factorOf('adjustSaturation', x, factor);
  return x.sizes[1] === 1 ? x : blend(x, brightness(x), ratio);
}

/** Pictures with colours shifted around the circle of hues, −0.5 to 0.5 of it. */
export function adjustHue(x: Tensor, shift: PerPicture): Tensor {
  assertArity('adjustHue', arguments.length, 2);
  colours('adjustHue', x);
  for (const f of typeof shift === 'number' ? [shift] : shift)
    checkArgument('adjustHue', 'the shift', f, { what: 'a number from -0.5 to 0.5', test: (v) => Math.abs(v as number) <= 0.5 });
  const by = reshape(column('adjustHue', 'the shift', shift, x.sizes[0] as number), [-1, 1, 1]);
  if (x.sizes[1] === 1) return x;
  const [r, g, b] = [0, 1, 2].map((c) => select(x, 1, c)) as [Tensor, Tensor, Tensor];
  const [high, low] = [amax(x, { dim: 1 }), amin(x, { dim: 1 })];
  const range = sub(high, low);
  const flat = eq(range, 0);
  const over = where(flat, 1, range);
  const saturation = div(range, where(flat, 1, high));
  const [rc, gc, bc] = [r, g, b].map((c) => div(sub(high, c), over)) as [Tensor, Tensor, Tensor];
  const isR = eq(high, r);
  const isG = eq(high, g);
  const sixths = where(isR, sub(bc, gc), where(isG, sub(add(rc, 2), bc), sub(add(gc, 4), rc)));
  const hue = remainder(add(remainder(add(div(sixths, 6), 1), 1), by), 1);
  // Back: the sector of six, and where in it.
  const h6 = mul(hue, 6);
  const sector = floor(h6);
  const f = sub(h6, sector);
  const p = unit(mul(high, sub(1, saturation)));
  const q = unit(mul(high, sub(1, mul(saturation, f))));
  const t = unit(mul(high, sub(1, mul(saturation, sub(1, f)))));
  const turn = remainder(sector, 6);
  const choose = (...six: Tensor[]): Tensor => six.slice(1).reduce((y, value, i) => where(ge(turn, i + 1), value, y), six[0] as Tensor);
  return stack([choose(high, q, p, p, t, high), choose(t, high, high, q, p, p), choose(p, p, t, high, high, q)], 1);
}

/** @internal Of two batches, the pictures that a list says: where it is true the first's. */
export function eitherPicture(chosen: readonly boolean[], a: Tensor, b: Tensor): Tensor {
  return where(tensor(chosen as boolean[], { shape: [chosen.length, 1, 1, 1] }), a, b);
}
