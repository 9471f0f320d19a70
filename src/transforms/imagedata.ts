// Pictures of pages as tensors and back. Decoding files is the browser's work, or in Node that of a library such as sharp: its raw bytes go in as they are.
import { tensor } from '../ops/create.ts';
import { assertArity, assertTensor, type Kinds, oneOf, optionsOf, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Pixels row by row, red, green, blue, alpha each 0–255: an `ImageData`, or bytes that a decoder gave. */
export interface Pixels {
  /** width · height · 4 bytes; or 3 a pixel, or 1. */
  readonly data: Uint8ClampedArray | Uint8Array;
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What a page has: pixels, a canvas, or what a canvas can draw (an ImageBitmap, a picture, a video or a frame of it). */
export type Picture = Pixels | Drawable;
/** What a canvas can draw, by its size. */
export type Drawable = { readonly width: number; readonly height: number } | { readonly displayWidth: number; readonly displayHeight: number };

/** Which channels: red, green, blue; those and alpha; brightness alone (0.299, 0.587, 0.114 of them, ITU-R 601). */
export type Channels = 'rgb' | 'rgba' | 'grey';
/** Options of `fromImageData`. */
export interface PictureOptions {
  /** Default 'rgb'. */
  channels?: Channels;
}

const OPTIONS: Kinds<PictureOptions> = { channels: oneOf('rgb', 'rgba', 'grey') };
const COUNT: Record<Channels, number> = { rgb: 3, rgba: 4, grey: 1 };
/** ITU-R BT.601, as canvases, PIL and torchvision have it. */
const BRIGHTNESS = [0.299, 0.587, 0.114] as const;

interface Drawn {
  getImageData(x: number, y: number, width: number, height: number): Pixels;
  drawImage?(source: unknown, x: number, y: number, width: number, height: number): void;
}

const sizeOf = (source: object): [width: number, height: number] => {
  const s = source as Record<string, number | undefined>;
  return [s['videoWidth'] || s['naturalWidth'] || s['displayWidth'] || s['width'] || 0, s['videoHeight'] || s['naturalHeight'] || s['displayHeight'] || s['height'] || 0];
};

/** The pixels of whatever it is. */
function pixelsOf(op: string, source: unknown): Pixels {
  const given = (source ?? {}) as Partial<Pixels> & { getContext?(kind: string, options?: object): Drawn | null };
  if (ArrayBuffer.isView(given.data)) {
    const { data, width, height } = given;
    const area = (width as number) * (height as number);
    if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || ![1, 3, 4].some((n) => data.length === n * area))
      throw valueError(op, `${data.length} bytes are no picture of ${valueText(width)} × ${valueText(height)}: each pixel has 4 bytes, 3 or 1.`);
    return given as Pixels;
  }
  const [width, height] = typeof source === 'object' && source !== null ? sizeOf(source) : [0, 0];
  if (!(width > 0 && height > 0))
    throw valueError(op, `takes pixels { data, width, height }, a canvas, an ImageBitmap, a loaded picture or a video frame, got ${valueText(source)}.`);
  const own = given.getContext?.('2d');
  if (own) return own.getImageData(0, 0, width, height);
  const { OffscreenCanvas: Canvas } = globalThis as { OffscreenCanvas?: new (w: number, h: number) => { getContext(kind: string, options: object): Drawn | null } };
  const context = Canvas && new Canvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context?.drawImage) throw new GradloomError('RUNTIME', op, 'this runtime has no OffscreenCanvas to draw on. Pass pixels { data, width, height }.');
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * Pictures as float32 [N, C, H, W], 0–1: one, or a list of one size. Takes ImageData, a canvas, an OffscreenCanvas, an ImageBitmap, a picture, a video or a frame of it, and
 * bytes of 4, 3 or 1 a pixel with width and height, as decoders for Node give them.
 *
 * @example
 * const x = fromImageData(canvas, { channels: 'grey' }); // [1, 1, H, W]
 * const { data, info } = await sharp('cat.jpg').resize(64, 64).raw().toBuffer({ resolveWithObject: true });
 * const y = fromImageData({ data, width: info.width, height: info.height }); // [1, 3, 64, 64]
 * @throws VALUE for what is no picture; SHAPE where a list has several sizes
 */
export function fromImageData(pictures: Picture | readonly Picture[], options?: PictureOptions): Tensor {
  assertArity('fromImageData', arguments.length, 2);
  const { channels = 'rgb' } = optionsOf('fromImageData', options, OPTIONS);
  const list = (Array.isArray(pictures) ? pictures : [pictures]).map((p) => pixelsOf('fromImageData', p));
  const [first] = list;
  if (!first) throw valueError('fromImageData', 'takes a picture or a list of them, got an empty list.');
  const { width, height } = first;
  const other = list.find((p) => p.width !== width || p.height !== height);
  if (other)
    throw new GradloomError('SHAPE', 'fromImageData', `pictures differ in size: ${width} × ${height} and ${other.width} × ${other.height}. Resize them, or give one at a time.`);
  const [area, count] = [width * height, COUNT[channels]];
  const values = new Float32Array(list.length * count * area);
  list.forEach(({ data }, n) => {
    const step = data.length / area;
    const at = (pixel: number, c: number): number => (c === 3 ? (step === 4 ? (data[pixel * 4 + 3] as number) : 255) : (data[pixel * step + (step === 1 ? 0 : c)] as number));
    for (let c = 0; c < count; c++) {
      const start = (n * count + c) * area;
      for (let i = 0; i < area; i++) values[start + i] = (channels === 'grey' ? BRIGHTNESS[0] * at(i, 0) + BRIGHTNESS[1] * at(i, 1) + BRIGHTNESS[2] * at(i, 2) : at(i, c)) / 255;
    }
  });
  return tensor(values, { shape: [list.length, count, height, width] });
}

/**
 * A tensor [C, H, W] or [H, W] as pixels for a canvas: 1 channel is grey, 3 are red, green, blue, 4 have alpha. Values below 0 are 0, above 1 they are 255; NaN is 0. An `ImageData` where
 * the runtime has such.
 *
 * @example
 * context.putImageData(toImageData(decoder.forward(z).select(0, 0)), 0, 0);
 * @throws SHAPE for other shapes
 */
export function toImageData(picture: Tensor): Pixels {
  assertArity('toImageData', arguments.length, 1);
  assertTensor('toImageData', picture);
  const sizes = picture.sizes.length === 2 ? [1, ...picture.sizes] : picture.sizes;
  const [channels, height, width] = sizes as [number, number, number];
  if (sizes.length !== 3 || ![1, 3, 4].includes(channels) || width * height === 0)
    throw new GradloomError('SHAPE', 'toImageData', `takes [C, H, W] with 1, 3 or 4 channels, or [H, W], got ${shapeText(picture.sizes)}. Take one of a batch with select(0, i).`);
  const [values, area] = [picture.data(), width * height];
  const data = new Uint8ClampedArray(4 * area);
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 4; c++) data[4 * i + c] = c === 3 && channels < 4 ? 255 : 255 * (values[(channels === 1 ? 0 : c) * area + i] as number);
  }
  const { ImageData: Made } = globalThis as { ImageData?: new (data: Uint8ClampedArray, width: number, height: number) => Pixels };
  return Made ? new Made(data, width, height) : { data, width, height };
}
