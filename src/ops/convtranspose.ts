// Transposed convolution: the gradient of a convolution towards its image, by the same kernels.
import { type Kinds, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { transposedImage } from './conv.ts';
import { assertFloat } from './convert.ts';
import { permute, reshape, squeeze, unsqueeze } from './movement.ts';
import { scaleChannels } from './norm.ts';
import { pad } from './pad.ts';
import { gathered } from './unfold.ts';
import { eachOf, PAIR, type Pair, TRIPLE, type Triple } from './windows.ts';

/** Options of transposed convolution, with PyTorch's defaults. `S`: numbers for each direction. */
export interface ConvTransposeOptions<S = number | readonly number[]> {
  /** Step between the places where the kernel is put down; default 1. */
  stride?: S;
  /** What is cut off on each side of the output; default 0. */
  padding?: S;
  /** Rows that the output has more behind, where several sizes come to the same input; below the stride or the dilation; default 0. */
  outputPadding?: S;
  /** Blocks of channels that do not see one another; default 1. */
  groups?: number;
  /** Step between the kernel's elements; default 1. */
  dilation?: S;
}

const LINE: Kinds<ConvTransposeOptions> = { stride: WHOLE, padding: WHOLE, outputPadding: WHOLE, groups: WHOLE, dilation: WHOLE };
const IMAGE: Kinds<ConvTransposeOptions> = { stride: PAIR, padding: PAIR, outputPadding: PAIR, groups: WHOLE, dilation: PAIR };
const VOLUME: Kinds<ConvTransposeOptions> = { stride: TRIPLE, padding: TRIPLE, outputPadding: TRIPLE, groups: WHOLE, dilation: TRIPLE };

type Arguments<S> = [stride?: S | ConvTransposeOptions<S>, padding?: S, outputPadding?: S, groups?: number, dilation?: S];

/** What every dimension of the picture has. */
interface Direction {
  size: number;
  kernel: number;
  stride: number;
  padding: number;
  outputPadding: number;
  dilation: number;
}

/** The output's size before padding cuts it. */
const whole = ({ size, kernel, stride, outputPadding, dilation }: Direction): number => (size - 1) * stride + dilation * (kernel - 1) + outputPadding + 1;

const NAMES = ['L', 'H, W', 'D, H, W'];
const KERNELS = ['K', 'KH, KW', 'KD, KH, KW'];

/** Checks everything, then computes: as an image, to which a line is one of height 1 and a volume one for each depth and depth of the kernel. */
function transposed(op: string, x: Tensor, weight: Tensor, bias: Tensor | null | undefined, rank: 1 | 2 | 3, options: ConvTransposeOptions): Tensor {
  assertFloat(op, x);
  assertFloat(op, weight, 'weight');
  if (bias) assertFloat(op, bias, 'bias');
  if (x.rank === rank + 1) return squeeze(transposed(op, unsqueeze(x, 0), weight, bias, rank, options), 0);
  if (x.rank !== rank + 2 || weight.rank !== rank + 2)
    throw shapeError(op, `takes [N, C, ${NAMES[rank - 1]}] (or without N) and a weight [C, O/groups, ${KERNELS[rank - 1]}]`, [x.sizes, weight.sizes], 'Reshape them.');
  const { groups = 1 } = options;
  const [channels, perGroup, ...kernel] = weight.sizes as [number, number, ...number[]];
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw valueError(op, `groups must be a whole number ≥ 1 that divides the ${channels} channels of the input, got ${groups}.`);
  if (x.sizes[1] !== channels) throw shapeError(op, `the input does not have ${channels} channels`, [x.sizes, weight.sizes], 'Check inChannels: the weight is [C, O/groups, …].');
  const outputs = perGroup * groups;
  if (bias && (bias.rank !== 1 || bias.size !== outputs)) throw shapeError(op, 'the bias is not [O]', [bias.sizes, weight.sizes], 'Give it one number per output channel.');
  const each = (name: 'stride' | 'padding' | 'outputPadding' | 'dilation', usual: number): readonly number[] => eachOf(op, name, options[name] ?? usual, rank, usual);
  const [stride, padding, outputPadding, dilation] = [each('stride', 1), each('padding', 0), each('outputPadding', 0), each('dilation', 1)];
  const directions = kernel.map(
    (k, i): Direction => ({
      size: x.sizes[i + 2] as number,
      kernel: k,
      stride: stride[i] as number,
      padding: padding[i] as number,
      outputPadding: outputPadding[i] as number,
      dilation: dilation[i] as number,
    }),
  );
  for (const d of directions) {
    if (d.outputPadding >= Math.max(d.stride, d.dilation))
      throw valueError(op, `outputPadding ${d.outputPadding} must be below the stride ${d.stride} or the dilation ${d.dilation}. Pad the output instead.`);
    if (d.size < 1 || d.kernel < 1 || whole(d) - 2 * d.padding < 1)
      throw new GradloomError('SHAPE', op, `from ${shapeText(x.sizes)} by the kernel ${shapeText(kernel)} and padding ${padding} nothing is left. Pad less.`);
  }
  const y = rank === 3 ? volume(x, weight, groups, directions as [Direction, Direction, Direction]) : image(x, weight, groups, directions);
  return bias ? scaleChannels(y, null, bias) : y;
}

const ONE: Direction = { size: 1, kernel: 1, stride: 1, padding: 0, outputPadding: 0, dilation: 1 };

/** One or two directions. */
function image(x: Tensor, weight: Tensor, groups: number, directions: readonly Direction[]): Tensor {
  if (directions.length === 1) return squeeze(image(unsqueeze(x, -2), unsqueeze(weight, -2), groups, [ONE, directions[0] as Direction]), -2);
  // More output than the last place of the kernel makes: as many places more, of zeros.
  const more = directions.map((d) => Math.floor(d.outputPadding / d.stride)) as [number, number];
  const input = more[0] + more[1] > 0 ? pad(x, [0, more[1], 0, more[0]]) : x;
  const both = (field: keyof Direction): readonly [number, number] => directions.map((d) => d[field]) as [number, number];
  const windows = { kernel: both('kernel'), stride: both('stride'), padding: both('padding'), dilation: both('dilation') };
  const size = directions.map((d) => whole(d) - 2 * d.padding);
  return transposedImage(input, weight, { windows, groups, image: [x.sizes[0] as number, (weight.sizes[1] as number) * groups, ...size], weight: weight.sizes });
}

/** Three directions: depths as images, whose channels are those of each depth of the kernel, then depths added up. */
function volume(x: Tensor, weight: Tensor, groups: number, [depth, ...plane]: [Direction, Direction, Direction]): Tensor {
  const [n, channels, d, h, w] = x.sizes as [number, number, number, number, number];
  const [, perGroup, kd, kh, kw] = weight.sizes as [number, number, number, number, number];
  const y = image(reshape(permute(x, [0, 2, 1, 3, 4]), [n * d, channels, h, w]), reshape(weight, [channels, perGroup * kd, kh, kw]), groups, plane);
  const size = y.sizes.slice(2) as [number, number];
  const apart = permute(reshape(y, [n, d, perGroup * groups, kd, ...size]), [0, 2, 1, 4, 5, 3]);
  const sums = gathered(apart, 2, depth.stride, depth.dilation, whole(depth) - depth.outputPadding);
  const { padding, outputPadding } = depth;
  return padding + outputPadding > 0 ? pad(sums, [0, 0, 0, 0, -padding, outputPadding - padding]) : sums;
}

/**
 * Transposed convolution along one dimension. x [N, C, L] or [C, L], weight [C, O/groups, K], bias [O] → [..., O, OL],
 * OL = (L − 1)·stride − 2·padding + dilation·(K − 1) + outputPadding + 1. By position: stride, padding, outputPadding, groups, dilation.
 *
 * @throws SHAPE where channels do not match or nothing is left
 */
export function convTranspose1d(x: Tensor, weight: Tensor, bias?: Tensor | null, ...given: Arguments<number>): Tensor {
  return transposed('convTranspose1d', x, weight, bias, 1, optionsBy('convTranspose1d', given, LINE));
}

/** As `convTranspose1d`, for images. x [N, C, H, W] or [C, H, W], weight [C, O/groups, KH, KW], bias [O]. */
export function convTranspose2d(x: Tensor, weight: Tensor, bias?: Tensor | null, ...given: Arguments<Pair>): Tensor {
  return transposed('convTranspose2d', x, weight, bias, 2, optionsBy('convTranspose2d', given, IMAGE));
}

/** As `convTranspose1d`, for volumes. x [N, C, D, H, W] or [C, D, H, W], weight [C, O/groups, KD, KH, KW], bias [O]. */
export function convTranspose3d(x: Tensor, weight: Tensor, bias?: Tensor | null, ...given: Arguments<Triple>): Tensor {
  return transposed('convTranspose3d', x, weight, bias, 3, optionsBy('convTranspose3d', given, VOLUME));
}
