// Three-dimensional convolution: a two-dimensional one over images whose channels are those of all depths that the kernel sees.
import { either, type Kinds, oneOf, optionsBy, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { convolve } from './conv.ts';
import { assertFloat } from './convert.ts';
import { contiguous, permute, reshape, squeeze, unsqueeze } from './movement.ts';
import { pad } from './pad.ts';
import { slide } from './unfold.ts';
import { eachOf, type Pair, TRIPLE, type Triple } from './windows.ts';

/** Options of three-dimensional convolution, with PyTorch's defaults. */
export interface Conv3dOptions {
  /** Step between windows; default 1. */
  stride?: Triple;
  /** Zeros around the volume, or 'same' (the output has the input's size; stride 1) or 'valid' (none); default 0. */
  padding?: Triple | 'same' | 'valid';
  /** Step between a window's elements; default 1. */
  dilation?: Triple;
  /** Blocks of channels that do not see one another; default 1. */
  groups?: number;
}

const CONV: Kinds<Conv3dOptions> = { stride: TRIPLE, padding: /* @__PURE__ */ either(TRIPLE, oneOf('same', 'valid')), dilation: TRIPLE, groups: WHOLE };

/**
 * Cross-correlation of volumes with kernels. x [N, C, D, H, W] or [C, D, H, W], weight [O, C/groups, KD, KH, KW], bias [O] →
 * [..., O, OD, OH, OW]; sizes as in `conv2d`. By position: stride, padding, dilation, groups.
 *
 * @throws SHAPE where channels do not match or the kernel is larger than the padded volume
 */
export function conv3d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  ...given: [stride?: Triple | Conv3dOptions, padding?: Triple | 'same' | 'valid', dilation?: Triple, groups?: number]
): Tensor {
  const op = 'conv3d';
  const options = optionsBy(op, given, CONV);
  assertFloat(op, x);
  assertFloat(op, weight, 'weight');
  if (x.rank === 4) return squeeze(conv3d(unsqueeze(x, 0), weight, bias, options), 0);
  if (x.rank !== 5 || weight.rank !== 5)
    throw shapeError(op, 'takes volumes [N, C, D, H, W] (or [C, D, H, W]) and a weight [O, C/groups, KD, KH, KW]', [x.sizes, weight.sizes], 'Reshape them.');
  const { groups = 1, padding = 0 } = options;
  const [outputs, perGroup, kd, kh, kw] = weight.sizes as [number, number, number, number, number];
  if (x.sizes[1] !== perGroup * groups)
    throw shapeError(op, `the volume does not have ${perGroup} channels for each of ${groups} groups`, [x.sizes, weight.sizes], 'Check inChannels and groups.');
  const [sd, ...stride] = eachOf(op, 'stride', options.stride ?? 1, 3, 1) as readonly [number, number, number];
  const [dd, ...dilation] = eachOf(op, 'dilation', options.dilation ?? 1, 3, 1) as readonly [number, number, number];
  if (padding === 'same' && Math.max(sd, ...stride) > 1) throw valueError(op, "padding 'same' needs stride 1. Give the padding as numbers.");
  const reach = dd * (kd - 1);
  const [pd, ...margins] = typeof padding === 'string' ? [0] : (eachOf(op, 'padding', padding, 3, 0) as readonly [number, number, number]);
  const [front, behind] = padding === 'same' ? [Math.floor(reach / 2), Math.ceil(reach / 2)] : [pd, pd];
  const deep = front + behind > 0 ? pad(x, [0, 0, 0, 0, front, behind]) : x;
  const [n, channels, depth, h, w] = deep.sizes as [number, number, number, number, number];
  if (depth <= reach || kd < 1)
    throw new GradloomError('SHAPE', op, `the kernel ${shapeText([kd, kh, kw])} with dilation ${dd} is larger than the padded volume ${shapeText(deep.sizes)}. Pad more.`);
  const windows = slide(deep, 2, kd, sd, dd); // [N, C, OD, H, W, KD]
  const od = windows.sizes[2] as number;
  const images = reshape(permute(windows, [0, 2, 1, 5, 3, 4]), [n * od, channels * kd, h, w]);
  const plane = { stride: stride as unknown as Pair, padding: typeof padding === 'string' ? padding : (margins as unknown as Pair), dilation: dilation as unknown as Pair, groups };
  const y = convolve(op, images, reshape(weight, [outputs, perGroup * kd, kh, kw]), bias, plane);
  return contiguous(permute(reshape(y, [n, od, ...y.sizes.slice(1)]), [0, 2, 1, 3, 4]));
}
