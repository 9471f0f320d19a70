// Pictures changed all in the same way, as modules; and what every change is.
import { Module } from '../module/module.ts';
import { assertArity, checkArgument, isListOf, optionsOf } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { centerCrop, normalizePictures, type PictureSize, RESIZE, type ResizeOptions, resize, sizePair } from './functional.ts';

/** A change of pictures [N, C, H, W], as a module, so that `nn.Sequential` puts several one after the other. */
export abstract class Transform extends Module {
  /** Changes a batch; each picture in a way of its own where it is random. */
  abstract override forward(x: Tensor): Tensor;
}

/**
 * Pictures in another size, as by `resize`.
 *
 * @example
 * new transforms.Resize([64, 64]).forward(x);
 */
export class Resize extends Transform {
  /** Height and width, or the shorter side. */
  readonly size: PictureSize;
  private readonly options: ResizeOptions;

  constructor(size: PictureSize, options?: ResizeOptions) {
    super();
    this.options = { ...optionsOf('Resize', options, RESIZE, arguments.length, 2) };
    sizePair('Resize', size);
    this.size = size;
  }

  forward(x: Tensor): Tensor {
    return resize(x, this.size, this.options);
  }
}

/**
 * The rectangle in the middle, as by `centerCrop`.
 *
 * @example
 * new transforms.CenterCrop(28).forward(x);
 */
export class CenterCrop extends Transform {
  /** Height and width. */
  readonly size: readonly [height: number, width: number];

  constructor(size: PictureSize) {
    super();
    assertArity('CenterCrop', arguments.length, 1);
    this.size = sizePair('CenterCrop', size);
  }

  forward(x: Tensor): Tensor {
    return centerCrop(x, this.size);
  }
}

/**
 * (x − mean) ÷ std of each channel.
 *
 * @example
 * new transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).forward(x);
 */
export class Normalize extends Transform {
  /** A number for each channel. */
  readonly mean: readonly number[];
  /** A number for each channel, none 0. */
  readonly std: readonly number[];

  constructor(mean: readonly number[], std: readonly number[]) {
    super();
    assertArity('Normalize', arguments.length, 2);
    for (const [name, list] of Object.entries({ mean, std }))
      checkArgument('Normalize', name, list, { what: 'a list of finite numbers', test: (v) => isListOf(v, Number.isFinite) && v.length > 0 });
    this.mean = [...mean];
    this.std = [...std];
  }

  forward(x: Tensor): Tensor {
    return normalizePictures(x, this.mean, this.std);
  }
}
