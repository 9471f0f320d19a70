// PyTorch's names of activations, normalisation, pooling and padding: rows of names.ts.
import { nn, type Tensor } from 'gradloom';
import * as adapt from './adapt.ts';
import { alongDim, type Output, unary } from './adapt.ts';
import type { Row } from './bind.ts';

const F = nn.functional;

/** Operators. */
export const layerOperators: Readonly<Record<string, Row<Output>>> = {
  'nn.functional.adaptive_avg_pool1d': ['input output_size', (x: Tensor, size: number | [number]) => F.adaptiveAvgPool1d(x, adapt.single(size))],
  'nn.functional.adaptive_avg_pool2d': ['input output_size', F.adaptiveAvgPool2d],
  'nn.functional.avg_pool1d': ['input kernel_size * stride padding ceil_mode count_include_pad', adapt.avgPool1d],
  'nn.functional.avg_pool2d': ['input kernel_size * stride padding ceil_mode count_include_pad divisor_override', adapt.avgPool2d],
  'nn.functional.batch_norm': ['input running_mean running_var * weight bias training momentum eps', adapt.batchNorm],
  'nn.functional.celu': ['input * alpha', F.celu],
  'nn.functional.conv1d': [
    'input weight bias * stride padding dilation groups',
    (x: Tensor, w: Tensor, b: Tensor | undefined, options: nn.Conv1dOptions) => F.conv1d(x, w, b, adapt.singles(options)),
  ],
  'nn.functional.glu': ['input dim', F.glu],
  'nn.functional.group_norm': ['input num_groups * weight bias eps', F.groupNorm],
  'nn.functional.hardshrink': ['input * lambd', F.hardshrink],
  'nn.functional.hardsigmoid': unary(F.hardsigmoid),
  'nn.functional.hardswish': unary(F.hardswish),
  'nn.functional.hardtanh': ['input * min_val max_val', F.hardtanh],
  'nn.functional.instance_norm': ['input * running_mean running_var weight bias use_input_stats momentum eps', F.instanceNorm],
  'nn.functional.logsigmoid': unary(F.logsigmoid),
  'nn.functional.max_pool1d': ['input kernel_size * stride padding dilation ceil_mode return_indices', adapt.maxPool1d],
  'nn.functional.mish': unary(F.mish),
  'nn.functional.relu6': unary(F.relu6),
  'nn.functional.rms_norm': ['input normalized_shape * weight eps', F.rmsNorm],
  'nn.functional.scaled_dot_product_attention': ['query key value * attn_mask dropout_p is_causal scale enable_gqa', F.scaledDotProductAttention],
  'nn.functional.selu': unary(F.selu),
  'nn.functional.softmin': alongDim(F.softmin),
  'nn.functional.softshrink': ['input * lambd', F.softshrink],
  'nn.functional.softsign': unary(F.softsign),
  'nn.functional.tanhshrink': unary(F.tanhshrink),
  'nn.functional.threshold': ['input threshold value', F.threshold],
};

/** Normalisation with running statistics. A momentum of None averages: the runner leaves None out, so it is put back where eps stands. */
const running = (make: new (features: number, options: nn.BatchNormModuleOptions) => nn.Module): Row<nn.Module> => [
  'num_features eps momentum affine track_running_stats bias',
  (features: number, eps?: number, momentum?: number, affine?: boolean, trackRunningStats?: boolean, bias?: boolean) =>
    new make(features, { eps, momentum: eps !== undefined && momentum === undefined ? null : momentum, affine, trackRunningStats, bias }),
];

/** A layer of a transformer. */
const TRANSFORMER_LAYER = 'dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias';

/** Modules. */
export const layerModules: Readonly<Record<string, Row<nn.Module>>> = {
  'nn.AdaptiveAvgPool1d': ['output_size', (size: number) => new nn.AdaptiveAvgPool1d(size)],
  'nn.AdaptiveAvgPool2d': ['output_size', (size: nn.OutputSize) => new nn.AdaptiveAvgPool2d(size)],
  'nn.AvgPool1d': [
    'kernel_size * stride padding ceil_mode count_include_pad',
    (kernel: number | [number], { stride, ...rest }: { stride?: number | [number] }) =>
      new nn.AvgPool1d(adapt.single(kernel), { ...(stride && { stride: adapt.single(stride) }), ...rest }),
  ],
  'nn.AvgPool2d': ['kernel_size * stride padding ceil_mode count_include_pad divisor_override', (kernel: nn.Pair, options: nn.AvgPoolOptions) => new nn.AvgPool2d(kernel, options)],
  'nn.BatchNorm1d': running(nn.BatchNorm1d),
  'nn.BatchNorm2d': running(nn.BatchNorm2d),
  'nn.BatchNorm3d': running(nn.BatchNorm3d),
  'nn.CELU': ['* alpha', (options: { alpha?: number }) => new nn.CELU(options)],
  'nn.CircularPad1d': ['padding', (padding: nn.Margins1d) => new nn.CircularPad1d(padding)],
  'nn.CircularPad2d': ['padding', (padding: nn.Margins2d) => new nn.CircularPad2d(padding)],
  'nn.ConstantPad1d': ['padding value', (padding: nn.Margins1d, value: number) => new nn.ConstantPad1d(padding, value)],
  'nn.ConstantPad2d': ['padding value', (padding: nn.Margins2d, value: number) => new nn.ConstantPad2d(padding, value)],
  'nn.ReflectionPad1d': ['padding', (padding: nn.Margins1d) => new nn.ReflectionPad1d(padding)],
  'nn.ReflectionPad2d': ['padding', (padding: nn.Margins2d) => new nn.ReflectionPad2d(padding)],
  'nn.ReplicationPad1d': ['padding', (padding: nn.Margins1d) => new nn.ReplicationPad1d(padding)],
  'nn.ReplicationPad2d': ['padding', (padding: nn.Margins2d) => new nn.ReplicationPad2d(padding)],
  'nn.ZeroPad1d': ['padding', (padding: nn.Margins1d) => new nn.ZeroPad1d(padding)],
  'nn.ZeroPad2d': ['padding', (padding: nn.Margins2d) => new nn.ZeroPad2d(padding)],
  'nn.Conv1d': [
    'in_channels out_channels kernel_size * stride padding dilation groups bias padding_mode',
    (inputs: number, outputs: number, kernel: number, options: nn.Conv1dModuleOptions) => new nn.Conv1d(inputs, outputs, kernel, options),
  ],
  'nn.GLU': ['dim', (dim?: number) => new nn.GLU(dim)],
  'nn.GroupNorm': [
    'num_groups num_channels * eps affine bias',
    (groups: number, channels: number, options: nn.GroupNormModuleOptions) => new nn.GroupNorm(groups, channels, options),
  ],
  'nn.Hardshrink': ['lambd', (lambd?: number) => new nn.Hardshrink(lambd)],
  'nn.Hardsigmoid': ['', () => new nn.Hardsigmoid()],
  'nn.Hardswish': ['', () => new nn.Hardswish()],
  'nn.Hardtanh': ['* min_val max_val', (options: nn.HardtanhOptions) => new nn.Hardtanh(options)],
  'nn.InstanceNorm1d': running(nn.InstanceNorm1d),
  'nn.InstanceNorm2d': running(nn.InstanceNorm2d),
  'nn.InstanceNorm3d': running(nn.InstanceNorm3d),
  'nn.LogSigmoid': ['', () => new nn.LogSigmoid()],
  'nn.MaxPool1d': ['kernel_size * stride padding dilation return_indices ceil_mode', (kernel: number, options: nn.MaxPool1dOptions) => new nn.MaxPool1d(kernel, options)],
  'nn.Mish': ['', () => new nn.Mish()],
  'nn.PReLU': ['* num_parameters init', (options: { numParameters?: number; init?: number }) => new nn.PReLU(options)],
  'nn.RMSNorm': ['normalized_shape * eps elementwise_affine', (shape: number | readonly number[], options: nn.RMSNormModuleOptions) => new nn.RMSNorm(shape, options)],
  'nn.ReLU6': ['', () => new nn.ReLU6()],
  'nn.SELU': ['', () => new nn.SELU()],
  'nn.Softmin': ['dim', (dim: number) => new nn.Softmin(dim)],
  'nn.Softshrink': ['lambd', (lambd?: number) => new nn.Softshrink(lambd)],
  'nn.Softsign': ['', () => new nn.Softsign()],
  'nn.Tanhshrink': ['', () => new nn.Tanhshrink()],
  'nn.Threshold': ['threshold value', (threshold: number, value: number) => new nn.Threshold(threshold, value)],
  'nn.GRU': ['input_size hidden_size * num_layers bias batch_first dropout bidirectional', (i: number, h: number, options: nn.RecurrentOptions) => new nn.GRU(i, h, options)],
  'nn.GRUCell': ['input_size hidden_size * bias', (i: number, h: number, options: nn.CellOptions) => new nn.GRUCell(i, h, options)],
  'nn.LSTM': [
    'input_size hidden_size * num_layers bias batch_first dropout bidirectional proj_size',
    (i: number, h: number, options: nn.LSTMOptions) => new nn.LSTM(i, h, options),
  ],
  'nn.LSTMCell': ['input_size hidden_size * bias', (i: number, h: number, options: nn.CellOptions) => new nn.LSTMCell(i, h, options)],
  'nn.RNN': [
    'input_size hidden_size * num_layers nonlinearity bias batch_first dropout bidirectional',
    (i: number, h: number, options: nn.RNNOptions) => new nn.RNN(i, h, options),
  ],
  'nn.RNNCell': ['input_size hidden_size * bias nonlinearity', (i: number, h: number, options: nn.RNNCellOptions) => new nn.RNNCell(i, h, options)],
  'nn.MultiheadAttention': [
    'embed_dim num_heads * dropout bias add_bias_kv add_zero_attn kdim vdim batch_first',
    (width: number, heads: number, options: nn.MultiheadOptions) => new nn.MultiheadAttention(width, heads, options),
    'query key value * key_padding_mask need_weights attn_mask average_attn_weights is_causal',
  ],
  'nn.Transformer': [
    `* d_model nhead num_encoder_layers num_decoder_layers ${TRANSFORMER_LAYER.replace('activation', 'activation custom_encoder custom_decoder')}`,
    (options: nn.TransformerOptions) => new nn.Transformer(options),
    'src tgt * src_mask tgt_mask memory_mask src_key_padding_mask tgt_key_padding_mask memory_key_padding_mask src_is_causal tgt_is_causal memory_is_causal',
  ],
  'nn.TransformerDecoderLayer': [
    `d_model nhead * ${TRANSFORMER_LAYER}`,
    (width: number, heads: number, options: nn.TransformerLayerOptions) => new nn.TransformerDecoderLayer(width, heads, options),
    'tgt memory * tgt_mask memory_mask tgt_key_padding_mask memory_key_padding_mask tgt_is_causal memory_is_causal',
  ],
  'nn.TransformerEncoderLayer': [
    `d_model nhead * ${TRANSFORMER_LAYER}`,
    (width: number, heads: number, options: nn.TransformerLayerOptions) => new nn.TransformerEncoderLayer(width, heads, options),
    'src * src_mask src_key_padding_mask is_causal',
  ],
};
