// Pictures changed at random, each in a way of its own: what makes more of few. A seed gives the same changes in every runtime.
import { cat, narrow } from '../ops/movement.ts';
import { checkArgument, FINITE, instanceOf, type Kind, type Kinds, optionsOf, valueText, WHOLE } from '../tensor/check.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { drawPermutations, drawUniform, Generator } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Transform } from './fixed.ts';
import {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  assertPictures,
  crop,
  eitherPicture,
  hflip,
  padded,
  type PictureSize,
  type RotateOptions,
  rotate,
  sizePair,
  vflip,
} from './functional.ts';

/** Where the numbers come from. */
export interface SeededOptions {
  /** Seed of this transform's own stream; else it follows `manualSeed`. */
  seed?: number;
  /** The stream to draw from, instead of `seed`. */
  generator?: Generator;
}
const SEEDED: Kinds<SeededOptions> = { seed: WHOLE, generator: instanceOf(Generator, 'a Generator') };

/** One that draws. */
abstract class RandomTransform extends Transform {
  /** Its own stream; undefined where it follows `manualSeed`. */
  readonly #generator: Generator | undefined;

  constructor({ seed, generator }: SeededOptions) {
    super();
    if (seed !== undefined && generator) throw valueError(new.target.name, 'takes seed or generator, not both. Leave one out.');
    this.#generator = generator ?? (seed === undefined ? undefined : new Generator(seed));
  }

  /** n numbers in [from, to). */
  protected draw(n: number, [from, to]: readonly [number, number] = [0, 1]): number[] {
    return Array.from(drawUniform(n, this.#generator), (u) => from + (to - from) * u);
  }

  /** A random order of 0 … n − 1. */
  protected order(n: number): number[] {
    return Array.from(drawPermutations(1, n, this.#generator));
  }
}

const SHARE: Kind = { what: 'a number from 0 to 1', test: (v) => typeof v === 'number' && v >= 0 && v <= 1 };
/** Options of flips. */
export interface FlipOptions extends SeededOptions {
  /** How likely, default 0.5. */
  p?: number;
}
const FLIP: Kinds<FlipOptions> = { p: SHARE, ...SEEDED };

/** Flips each picture with a chance. */
abstract class Flip extends RandomTransform {
  /** How likely. */
  readonly p: number;

  constructor(name: string, given: [options?: FlipOptions]) {
    const { p = 0.5, ...seeded } = optionsOf(name, given[0], FLIP, given.length);
    super(seeded);
    this.p = p;
  }

  protected abstract flipped(x: Tensor): Tensor;

  forward(x: Tensor): Tensor {
    assertPictures(this.constructor.name, x);
    const chosen = this.draw(x.sizes[0] as number).map((u) => u < this.p);
    return chosen.some(Boolean) ? eitherPicture(chosen, this.flipped(x), x) : x;
  }
}

/**
 * Mirrors pictures left to right, each with a chance of `p`.
 *
 * @example
 * const augment = new nn.Sequential(new transforms.RandomHorizontalFlip({ seed: 1 }), new transforms.RandomCrop(32, { padding: 4, seed: 2 }));
 */
export class RandomHorizontalFlip extends Flip {
  constructor(...given: [options?: FlipOptions]) {
    super('RandomHorizontalFlip', given);
  }

  protected flipped(x: Tensor): Tensor {
    return hflip(x);
  }
}

/**
 * Turns pictures upside down, each with a chance of `p`.
 *
 * @example
 * new transforms.RandomVerticalFlip({ p: 0.1 }).forward(x);
 */
export class RandomVerticalFlip extends Flip {
  constructor(...given: [options?: FlipOptions]) {
    super('RandomVerticalFlip', given);
  }

  protected flipped(x: Tensor): Tensor {
    return vflip(x);
  }
}

/** Options of `RandomCrop`. */
export interface RandomCropOptions extends SeededOptions {
  /** Margin on every side before, default 0. */
  padding?: number;
  /** What the margin holds, default 0. */
  fill?: number;
}
const CROP: Kinds<RandomCropOptions> = { padding: { what: 'a whole number ≥ 0', test: (v) => Number.isSafeInteger(v) && (v as number) >= 0 }, fill: FINITE, ...SEEDED };

/**
 * Takes a rectangle of `size` at a random place of each picture.
 *
 * @example
 * new transforms.RandomCrop(32, { padding: 4 }).forward(x); // [N, C, 32, 32]
 * @throws SHAPE where pictures with their margin are smaller
 */
export class RandomCrop extends RandomTransform {
  /** Height and width. */
  readonly size: readonly [height: number, width: number];
  /** Margin on every side before. */
  readonly padding: number;
  /** What the margin holds. */
  readonly fill: number;

  constructor(size: PictureSize, options?: RandomCropOptions) {
    const { padding = 0, fill = 0, ...seeded } = optionsOf('RandomCrop', options, CROP, arguments.length, 2);
    super(seeded);
    this.size = sizePair('RandomCrop', size);
    this.padding = padding;
    this.fill = fill;
  }

  forward(x: Tensor): Tensor {
    assertPictures('RandomCrop', x);
    const [height, width] = this.size;
    const n = x.sizes[0] as number;
    const whole = padded(x, [this.padding, this.padding, this.padding, this.padding], this.fill);
    const [h, w] = whole.sizes.slice(2) as [number, number];
    if (h < height || w < width) throw new GradloomError('SHAPE', 'RandomCrop', `${h} × ${w} with padding is smaller than ${height} × ${width}. Give more padding, or resize.`);
    const u = this.draw(2 * n);
    const at = (i: number, free: number): number => Math.min(Math.floor((u[i] as number) * (free + 1)), free);
    if (n === 0) return crop(whole, 0, 0, height, width);
    return cat(Array.from({ length: n }, (_, i) => crop(narrow(whole, 0, i, 1), at(2 * i, h - height), at(2 * i + 1, w - width), height, width)));
  }
}

/** Options of `RandomRotation`. */
export interface RandomRotationOptions extends RotateOptions, SeededOptions {}
const ROTATION: Kinds<RandomRotationOptions> = {
  interpolation: { what: '"nearest" or "bilinear"', test: (v) => v === 'nearest' || v === 'bilinear' },
  fill: FINITE,
  ...SEEDED,
};

/** From a number the range from −number to number; else the pair itself. */
function rangeOf(op: string, what: string, given: number | readonly [number, number], around: number, least: number): [number, number] {
  const pair: readonly number[] = typeof given === 'number' ? [Math.max(around - given, least), around + given] : given;
  const [from = Number.NaN, to = Number.NaN] = Array.isArray(pair) && pair.length === 2 ? pair : [];
  if (!Number.isFinite(from) || !Number.isFinite(to) || from > to || from < least || (typeof given === 'number' && given < 0))
    throw valueError(op, `${what} must be a number ≥ 0, or [from, to]${Number.isFinite(least) ? ` ≥ ${least}` : ''}, got ${valueText(given)}.`);
  return [from, to];
}

/**
 * Turns each picture around its middle by an angle from the range, in degrees; a number stands for −number to number.
 *
 * @example
 * new transforms.RandomRotation(15, { seed: 1 }).forward(x);
 */
export class RandomRotation extends RandomTransform {
  /** From and to, in degrees. */
  readonly degrees: readonly [from: number, to: number];
  private readonly options: RotateOptions;

  constructor(degrees: number | readonly [from: number, to: number], options?: RandomRotationOptions) {
    const { seed, generator, ...rest } = optionsOf('RandomRotation', options, ROTATION, arguments.length, 2);
    super({ ...(seed !== undefined && { seed }), ...(generator && { generator }) });
    this.degrees = rangeOf('RandomRotation', 'the angle', degrees, 0, Number.NEGATIVE_INFINITY);
    this.options = rest;
  }

  forward(x: Tensor): Tensor {
    assertPictures('RandomRotation', x);
    const n = x.sizes[0] as number;
    return n === 0 ? x : rotate(x, this.draw(n, this.degrees), this.options);
  }
}

/** A number f stands for a factor from 1 − f to 1 + f (hue: a shift from −f to f); or [from, to]. */
export interface ColorJitterOptions extends SeededOptions {
  /** Default 0: as it is. */
  brightness?: number | readonly [from: number, to: number];
  /** Default 0. */
  contrast?: number | readonly [from: number, to: number];
  /** Default 0. */
  saturation?: number | readonly [from: number, to: number];
  /** Default 0; at most 0.5. */
  hue?: number | readonly [from: number, to: number];
}
const RANGE: Kind = { what: 'a number, or [from, to]', test: (v) => typeof v === 'number' || Array.isArray(v) };
/** A change, and from where to where its factor is drawn. */
type Jitter = readonly [fn: (x: Tensor, factors: number[]) => Tensor, range: [number, number]];
const JITTER: Kinds<ColorJitterOptions> = { brightness: RANGE, contrast: RANGE, saturation: RANGE, hue: RANGE, ...SEEDED };

/**
 * Changes brightness, contrast, saturation and hue of each picture, in an order drawn for the batch. Pictures of 3 channels or 1, 0–1.
 *
 * @example
 * new transforms.ColorJitter({ brightness: 0.2, hue: 0.05, seed: 1 }).forward(x);
 */
export class ColorJitter extends RandomTransform {
  readonly #steps: readonly Jitter[];

  constructor(options: ColorJitterOptions = {}) {
    const { brightness = 0, contrast = 0, saturation = 0, hue = 0, ...seeded } = optionsOf('ColorJitter', options, JITTER, arguments.length);
    super(seeded);
    const of = (what: string, given: number | readonly [number, number]): [number, number] => rangeOf('ColorJitter', what, given, 1, 0);
    const hues = rangeOf('ColorJitter', 'hue', hue, 0, -0.5);
    checkArgument('ColorJitter', 'hue', hues[1], { what: 'at most 0.5', test: (v) => (v as number) <= 0.5 });
    this.#steps = [
      [adjustBrightness, of('brightness', brightness)],
      [adjustContrast, of('contrast', contrast)],
      [adjustSaturation, of('saturation', saturation)],
      [adjustHue, hues],
    ];
  }

  forward(x: Tensor): Tensor {
    assertPictures('ColorJitter', x);
    const n = x.sizes[0] as number;
    const neutral = [1, 1, 1, 0];
    return this.order(4).reduce((y, i) => {
      const [fn, range] = this.#steps[i] as Jitter;
      const factors = this.draw(n, range);
      return n === 0 || (range[0] === neutral[i] && range[1] === neutral[i]) ? y : fn(y, factors);
    }, x);
  }
}
