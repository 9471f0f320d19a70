// Pictures in other sizes, as columns, and with channels and pixels in another order: functions as layers.
import { Module } from '../module/module.ts';
import { interpolated, type InterpolateMode, type InterpolateOptions } from '../ops/interpolate.ts';
import { unflatten } from '../ops/movement.ts';
import { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/shuffle.ts';
import { softmax } from '../ops/softmax.ts';
import { fold, unfold, type UnfoldOptions } from '../ops/unfold.ts';
import type { Pair } from '../ops/windows.ts';
import { assertTensor, checkArgument, COUNT, either, FLAG, type Given, type Kind, type Kinds, NUMBER, NUMBERS, oneOf, optionsBy, orNull, sizesOf, WHOLE } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { MARGINS, PAIR } from './kinds.ts';

/** Options of `Upsample`, with PyTorch's defaults. */
export type UpsampleModuleOptions = Omit<InterpolateOptions, 'mode' | 'antialias'> & {
  /** How; default 'nearest'. */
  mode?: Exclude<InterpolateMode, 'area'>;
};

const SIZE: Kind = /* @__PURE__ */ orNull(either(WHOLE, NUMBERS));
const FACTOR: Kind = /* @__PURE__ */ orNull(either(NUMBER, NUMBERS));
const UPSAMPLE: Kinds<UpsampleModuleOptions> = {
  size: SIZE,
  scaleFactor: FACTOR,
  mode: /* @__PURE__ */ oneOf('nearest', 'nearest-exact', 'linear', 'bilinear', 'bicubic', 'trilinear'),
  alignCorners: /* @__PURE__ */ orNull(FLAG),
  recomputeScaleFactor: /* @__PURE__ */ orNull(FLAG),
};
type Sizes = number | readonly number[] | null;

/**
 * Pictures in another size. x [N, C, L], [N, C, H, W] or [N, C, D, H, W] → [N, C, *size].
 *
 * @example
 * new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }).forward(randn([1, 3, 8, 8])); // [1, 3, 16, 16]
 */
export class Upsample extends Module {
  private readonly options: InterpolateOptions;

  constructor(
    ...given: Given<
      UpsampleModuleOptions,
      [size?: Sizes, scaleFactor?: Sizes, mode?: UpsampleModuleOptions['mode'], alignCorners?: boolean | null, recomputeScaleFactor?: boolean | null]
    >
  ) {
    super();
    this.options = { ...optionsBy('Upsample', given, UPSAMPLE) };
  }

  forward(x: Tensor): Tensor {
    return interpolated('Upsample', x, this.options);
  }
}

/** Options of `UpsamplingNearest2d` and `UpsamplingBilinear2d`. */
export type Upsampling2dOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>;
const UPSAMPLING: Kinds<Upsampling2dOptions> = { size: SIZE, scaleFactor: FACTOR };

/** `Upsample` of images [N, C, H, W] with mode 'nearest'. */
export class UpsamplingNearest2d extends Module {
  private readonly options: InterpolateOptions;

  constructor(...given: Given<Upsampling2dOptions, [size?: Sizes, scaleFactor?: Sizes]>) {
    super();
    this.options = { ...optionsBy('UpsamplingNearest2d', given, UPSAMPLING) };
  }

  forward(x: Tensor): Tensor {
    return interpolated('UpsamplingNearest2d', x, this.options);
  }
}

/** `Upsample` of images [N, C, H, W] with mode 'bilinear' and aligned corners. */
export class UpsamplingBilinear2d extends Module {
  private readonly options: InterpolateOptions;

  constructor(...given: Given<Upsampling2dOptions, [size?: Sizes, scaleFactor?: Sizes]>) {
    super();
    this.options = { ...optionsBy('UpsamplingBilinear2d', given, UPSAMPLING), mode: 'bilinear', alignCorners: true };
  }

  forward(x: Tensor): Tensor {
    return interpolated('UpsamplingBilinear2d', x, this.options);
  }
}

/**
 * Channels laid out as r × r pixels each (Shi et al. 2016, arXiv 1609.05158). x [..., C·r², H, W] → [..., C, H·r, W·r].
 *
 * @example
 * new nn.PixelShuffle(2).forward(randn([1, 8, 4, 4])); // [1, 2, 8, 8]
 */
export class PixelShuffle extends Module {
  private readonly upscaleFactor: number;

  constructor(upscaleFactor: number, ...extra: never[]) {
    super(...extra);
    checkArgument('PixelShuffle', 'upscaleFactor', upscaleFactor, COUNT);
    this.upscaleFactor = upscaleFactor;
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }
}

/** The inverse of `PixelShuffle`: x [..., C, H·r, W·r] → [..., C·r², H, W]. */
export class PixelUnshuffle extends Module {
  private readonly downscaleFactor: number;

  constructor(downscaleFactor: number, ...extra: never[]) {
    super(...extra);
    checkArgument('PixelUnshuffle', 'downscaleFactor', downscaleFactor, COUNT);
    this.downscaleFactor = downscaleFactor;
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }
}

/** Channels of all groups in turn (Zhang et al. 2018, arXiv 1707.01083). x [N, C, ...]. */
export class ChannelShuffle extends Module {
  private readonly groups: number;

  constructor(groups: number, ...extra: never[]) {
    super(...extra);
    checkArgument('ChannelShuffle', 'groups', groups, COUNT);
    this.groups = groups;
  }

  forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups);
  }
}

const COLUMNS: Kinds<UnfoldOptions> = { dilation: PAIR, padding: MARGINS, stride: PAIR };
type ColumnPositions = [dilation?: Pair, padding?: Pair, stride?: Pair];

/**
 * Each window of an image as a column. x [N, C, H, W] or [C, H, W] → [N, C·KH·KW, windows].
 *
 * @example
 * new nn.Unfold(3).forward(randn([1, 2, 5, 5])); // [1, 18, 9]
 */
export class Unfold extends Module {
  private readonly kernelSize: Pair;
  private readonly options: UnfoldOptions;

  constructor(kernelSize: Pair, ...given: Given<UnfoldOptions, ColumnPositions>) {
    super();
    checkArgument('Unfold', 'kernelSize', kernelSize, PAIR);
    this.kernelSize = kernelSize;
    this.options = { ...optionsBy('Unfold', given, COLUMNS) };
  }

  forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options);
  }
}

/**
 * Columns added up to an image. x [N, C·KH·KW, windows] or without N → [N, C, *outputSize].
 *
 * @example
 * new nn.Fold(5, 3).forward(randn([1, 18, 9])); // [1, 2, 5, 5]
 */
export class Fold extends Module {
  private readonly outputSize: Pair;
  private readonly kernelSize: Pair;
  private readonly options: UnfoldOptions;

  constructor(outputSize: Pair, kernelSize: Pair, ...given: Given<UnfoldOptions, ColumnPositions>) {
    super();
    checkArgument('Fold', 'outputSize', outputSize, PAIR);
    checkArgument('Fold', 'kernelSize', kernelSize, PAIR);
    this.outputSize = outputSize;
    this.kernelSize = kernelSize;
    this.options = { ...optionsBy('Fold', given, COLUMNS) };
  }

  forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options);
  }
}

/**
 * One dimension split in several; one size may be −1.
 *
 * @example
 * new nn.Unflatten(1, [2, 5]).forward(randn([3, 10])); // [3, 2, 5]
 */
export class Unflatten extends Module {
  private readonly dim: number;
  private readonly sizes: Shape;

  constructor(dim: number, sizes: Shape, ...extra: never[]) {
    super(...extra);
    checkArgument('Unflatten', 'dim', dim, WHOLE);
    this.dim = dim;
    this.sizes = sizesOf('Unflatten', [sizes], -1);
  }

  forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, this.sizes);
  }
}

/** eˣ/Σeˣ over the channels of each pixel. x [N, C, H, W] or [C, H, W]. */
export class Softmax2d extends Module {
  forward(x: Tensor): Tensor {
    assertTensor('Softmax2d', x);
    if (x.rank !== 3 && x.rank !== 4) throw shapeError('Softmax2d', 'takes [N, C, H, W] or [C, H, W]', [x.sizes], 'Reshape the input.');
    return softmax(x, -3);
  }
}
