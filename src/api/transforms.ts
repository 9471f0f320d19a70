/** Pictures as tensors, and changed: torchvision's `transforms` for batches. @module */
export {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  centerCrop,
  crop,
  hflip,
  type PerPicture,
  type PictureSize,
  type ResizeOptions,
  type RotateOptions,
  resize,
  rotate,
  vflip,
} from '../transforms/functional.ts';
export { type Channels, type Drawable, fromImageData, type Picture, type PictureOptions, type Pixels, toImageData } from '../transforms/imagedata.ts';
export { CenterCrop, Normalize, Resize } from '../transforms/fixed.ts';
export {
  ColorJitter,
  type ColorJitterOptions,
  type FlipOptions,
  RandomCrop,
  type RandomCropOptions,
  RandomHorizontalFlip,
  RandomRotation,
  type RandomRotationOptions,
  RandomVerticalFlip,
  type SeededOptions,
} from '../transforms/random.ts';
