// PyTorch's names of convolutions and pools beyond the plane, of pictures in other sizes, and of what goes with them: rows of names.ts.
import * as g from 'gradloom';
import { nn, type Tensor } from 'gradloom';
import * as adapt from './adapt.ts';
import type { Output } from './adapt.ts';
import type { Row } from './bind.ts';

const F = nn.functional;

/** A list of one stands for its number where there is one direction. */
const line = <O extends object>(options: O): O => adapt.singles(options);

const both = (y: Tensor | nn.functional.PooledWithIndices): Output => ('values' in y ? [y.values, y.indices] : y);

/** Operators. */
export const imageOperators: Readonly<Record<string, Row<Output>>> = {
  'nn.functional.adaptive_avg_pool3d': ['input output_size', F.adaptiveAvgPool3d],
  'nn.functional.adaptive_max_pool1d': [
    'input output_size return_indices',
    (x: Tensor, size: number | [number], indices?: boolean) => both(F.adaptiveMaxPool1d(x, adapt.single(size), indices)),
  ],
  'nn.functional.adaptive_max_pool2d': ['input output_size return_indices', (x: Tensor, size: nn.OutputSize, indices?: boolean) => both(F.adaptiveMaxPool2d(x, size, indices))],
  'nn.functional.adaptive_max_pool3d': ['input output_size return_indices', (x: Tensor, size: nn.OutputSize3d, indices?: boolean) => both(F.adaptiveMaxPool3d(x, size, indices))],
  'nn.functional.affine_grid': ['theta size align_corners', F.affineGrid],
  'nn.functional.avg_pool3d': ['input kernel_size * stride padding ceil_mode count_include_pad divisor_override', F.avgPool3d],
  'nn.functional.bilinear': ['input1 input2 weight bias', F.bilinear],
  'nn.functional.channel_shuffle': ['input groups', F.channelShuffle],
  'nn.functional.conv3d': ['input weight bias * stride padding dilation groups', F.conv3d],
  'nn.functional.conv_transpose1d': [
    'input weight bias * stride padding output_padding groups dilation',
    (x: Tensor, w: Tensor, b: Tensor | undefined, options: nn.ConvTransposeOptions<number>) => F.convTranspose1d(x, w, b, line(options)),
  ],
  'nn.functional.conv_transpose2d': ['input weight bias * stride padding output_padding groups dilation', F.convTranspose2d],
  'nn.functional.conv_transpose3d': ['input weight bias * stride padding output_padding groups dilation', F.convTranspose3d],
  'nn.functional.embedding_bag': [
    'weight input offsets * max_norm norm_type scale_grad_by_freq mode per_sample_weights include_last_offset padding_idx',
    (w: Tensor, index: Tensor, offsets: Tensor | undefined, options: nn.EmbeddingBagOptions) => F.embeddingBag(index, w, offsets, options),
  ],
  'nn.functional.fold': ['input output_size kernel_size * dilation padding stride', F.fold],
  'nn.functional.grid_sample': ['input grid * mode padding_mode align_corners', F.gridSample],
  'nn.functional.interpolate': ['input * size scale_factor mode align_corners recompute_scale_factor antialias', F.interpolate],
  'nn.functional.local_response_norm': ['input size * alpha beta k', F.localResponseNorm],
  'nn.functional.max_pool3d': [
    'input kernel_size * stride padding dilation ceil_mode return_indices',
    (x: Tensor, kernel: nn.Triple, { returnIndices, ...options }: nn.MaxPool3dOptions & { returnIndices?: boolean }) =>
      both(returnIndices ? F.maxPool3dWithIndices(x, kernel, options) : F.maxPool3d(x, kernel, options)),
  ],
  'nn.functional.max_unpool1d': [
    'input indices kernel_size * stride padding output_size',
    (x: Tensor, indices: Tensor, kernel: number | [number], { outputSize, ...options }: nn.functional.MaxUnpoolOptions<number>) =>
      F.maxUnpool1d(x, indices, adapt.single(kernel), { ...line(options), outputSize }),
  ],
  'nn.functional.max_unpool2d': ['input indices kernel_size * stride padding output_size', F.maxUnpool2d],
  'nn.functional.max_unpool3d': ['input indices kernel_size * stride padding output_size', F.maxUnpool3d],
  'nn.functional.pixel_shuffle': ['input upscale_factor', F.pixelShuffle],
  'nn.functional.pixel_unshuffle': ['input downscale_factor', F.pixelUnshuffle],
  'nn.functional.unfold': ['input kernel_size * dilation padding stride', F.unfold],
  'nn.functional.upsample_bilinear': ['input * size scale_factor', F.upsampleBilinear],
  'nn.functional.upsample_nearest': ['input * size scale_factor', F.upsampleNearest],
  unfold: ['input dimension size step', g.unfoldDim],
};

/** A module whose constructor takes what the signature lists. */
const built = (make: new (...args: never) => nn.Module, signature: string): Row<nn.Module> => [signature, (...args: never[]) => new make(...(args as never))];
const TRANSPOSED = 'in_channels out_channels kernel_size * stride padding output_padding groups bias dilation padding_mode';
const ADAPTIVE = 'output_size * return_indices';
const LP = 'norm_type kernel_size * stride ceil_mode';

/** Modules. */
export const imageModules: Readonly<Record<string, Row<nn.Module>>> = {
  'nn.AdaptiveAvgPool3d': ['output_size', (size: nn.OutputSize3d) => new nn.AdaptiveAvgPool3d(size)],
  'nn.AdaptiveMaxPool1d': built(nn.AdaptiveMaxPool1d, ADAPTIVE),
  'nn.AdaptiveMaxPool2d': built(nn.AdaptiveMaxPool2d, ADAPTIVE),
  'nn.AdaptiveMaxPool3d': built(nn.AdaptiveMaxPool3d, ADAPTIVE),
  'nn.AvgPool3d': built(nn.AvgPool3d, 'kernel_size * stride padding ceil_mode count_include_pad divisor_override'),
  'nn.Bilinear': [
    'in1_features in2_features out_features * bias',
    (first: number, second: number, outputs: number, options: nn.BilinearOptions) => new nn.Bilinear(first, second, outputs, options),
  ],
  'nn.ChannelShuffle': ['groups', (groups: number) => new nn.ChannelShuffle(groups)],
  'nn.CircularPad3d': ['padding', (padding: nn.Margins3d) => new nn.CircularPad3d(padding)],
  'nn.ConstantPad3d': ['padding value', (padding: nn.Margins3d, value: number) => new nn.ConstantPad3d(padding, value)],
  'nn.Conv3d': built(nn.Conv3d, 'in_channels out_channels kernel_size * stride padding dilation groups bias padding_mode'),
  'nn.ConvTranspose1d': built(nn.ConvTranspose1d, TRANSPOSED),
  'nn.ConvTranspose2d': built(nn.ConvTranspose2d, TRANSPOSED),
  'nn.ConvTranspose3d': built(nn.ConvTranspose3d, TRANSPOSED),
  'nn.EmbeddingBag': [
    'num_embeddings embedding_dim * max_norm norm_type scale_grad_by_freq mode include_last_offset padding_idx',
    (n: number, d: number, options: nn.EmbeddingBagModuleOptions) => new nn.EmbeddingBag(n, d, options),
  ],
  'nn.Fold': ['output_size kernel_size * dilation padding stride', (size: nn.Pair, kernel: nn.Pair, options: nn.UnfoldOptions) => new nn.Fold(size, kernel, options)],
  'nn.LPPool1d': [LP, (p: number, kernel: number, options: nn.LPPoolOptions<number>) => new nn.LPPool1d(p, kernel, options)],
  'nn.LPPool2d': [LP, (p: number, kernel: nn.Pair, options: nn.LPPoolOptions<nn.Pair>) => new nn.LPPool2d(p, kernel, options)],
  'nn.LPPool3d': [LP, (p: number, kernel: nn.Triple, options: nn.LPPoolOptions<nn.Triple>) => new nn.LPPool3d(p, kernel, options)],
  'nn.LocalResponseNorm': built(nn.LocalResponseNorm, 'size * alpha beta k'),
  'nn.MaxPool3d': built(nn.MaxPool3d, 'kernel_size * stride padding dilation return_indices ceil_mode'),
  'nn.MaxUnpool1d': built(nn.MaxUnpool1d, 'kernel_size * stride padding'),
  'nn.MaxUnpool2d': built(nn.MaxUnpool2d, 'kernel_size * stride padding'),
  'nn.MaxUnpool3d': built(nn.MaxUnpool3d, 'kernel_size * stride padding'),
  'nn.PixelShuffle': ['upscale_factor', (factor: number) => new nn.PixelShuffle(factor)],
  'nn.PixelUnshuffle': ['downscale_factor', (factor: number) => new nn.PixelUnshuffle(factor)],
  'nn.ReflectionPad3d': ['padding', (padding: nn.Margins3d) => new nn.ReflectionPad3d(padding)],
  'nn.ReplicationPad3d': ['padding', (padding: nn.Margins3d) => new nn.ReplicationPad3d(padding)],
  'nn.Softmax2d': ['', () => new nn.Softmax2d()],
  'nn.Unflatten': ['dim unflattened_size', (dim: number, sizes: readonly number[]) => new nn.Unflatten(dim, sizes)],
  'nn.Unfold': ['kernel_size * dilation padding stride', (kernel: nn.Pair, options: nn.UnfoldOptions) => new nn.Unfold(kernel, options)],
  'nn.Upsample': ['* size scale_factor mode align_corners recompute_scale_factor', (options: nn.UpsampleModuleOptions) => new nn.Upsample(options)],
  'nn.UpsamplingBilinear2d': ['* size scale_factor', (options: nn.Upsampling2dOptions) => new nn.UpsamplingBilinear2d(options)],
  'nn.UpsamplingNearest2d': ['* size scale_factor', (options: nn.Upsampling2dOptions) => new nn.UpsamplingNearest2d(options)],
  'nn.ZeroPad3d': ['padding', (padding: nn.Margins3d) => new nn.ZeroPad3d(padding)],
};
