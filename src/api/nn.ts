/** Modules, losses and functions of networks: PyTorch's `torch.nn`. @module */
export * as functional from './functional.ts';
export * as utils from './nn-utils.ts';
export * as init from './nn-init.ts';
export { BCELoss, type BCEOptions } from '../losses/bce.ts';
export { CrossEntropyLoss, type CrossEntropyOptions } from '../losses/cross-entropy.ts';
export { CTCLoss, type CTCOptions, type Lengths } from '../losses/ctc.ts';
export { GaussianNLLLoss, type GaussianNLLOptions, PoissonNLLLoss, type PoissonNLLOptions } from '../losses/density.ts';
export { HuberLoss, L1Loss, SmoothL1Loss } from '../losses/distance.ts';
export { CosineEmbeddingLoss, type MarginOptions, TripletMarginLoss, type TripletMarginOptions } from '../losses/embedding.ts';
export { BCEWithLogitsLoss, type BCEWithLogitsOptions, type KLDivOptions, KLDivLoss, NLLLoss, type NLLOptions } from '../losses/likelihood.ts';
export {
  HingeEmbeddingLoss,
  MarginRankingLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  type MultiLabelSoftMarginOptions,
  MultiMarginLoss,
  type MultiMarginOptions,
  SoftMarginLoss,
} from '../losses/margin.ts';
export { type LossOptions, MSELoss } from '../losses/mse.ts';
export { type Layer, Module } from '../module/module.ts';
export { Buffer, Parameter, type ParameterOptions } from '../module/parameter.ts';
export type { LoadedKeys, StateDict } from '../module/state.ts';
export { ELU, Flatten, GELU, Identity, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh } from '../nn/activations.ts';
export { AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool1d, AvgPool2d } from '../nn/avgpool.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormModuleOptions, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from '../nn/batchnorm.ts';
export { ModuleDict, ModuleList, type Named, ParameterDict, ParameterList, Sequential } from '../nn/containers.ts';
export { type CellOptions, GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from '../nn/cells.ts';
export { Conv1d, type Conv1dModuleOptions, MaxPool1d } from '../nn/conv1d.ts';
export { Conv2d, type Conv2dOptions, MaxPool2d, type Pooled } from '../nn/conv.ts';
export { Dropout, Dropout1d, Dropout2d, Dropout3d, type DropoutModuleOptions } from '../nn/dropout.ts';
export { Embedding } from '../nn/embedding.ts';
export { Linear } from '../nn/linear.ts';
export { MultiheadAttention, type MultiheadForwardOptions, type MultiheadOptions } from '../nn/multihead.ts';
export { GroupNorm, type GroupNormModuleOptions, LayerNorm, type LayerNormModuleOptions, RMSNorm, type RMSNormModuleOptions } from '../nn/norm.ts';
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  type Margins1d,
  type Margins2d,
  type Margins3d,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
} from '../nn/padding.ts';
export { Hardshrink, Hardsigmoid, Hardswish, Hardtanh, PReLU, ReLU6, Softshrink, Threshold } from '../nn/piecewise.ts';
export { GRU, LSTM, type LSTMOptions, type LSTMState, type RecurrentOptions, RNN, type RNNOptions, type SequenceOptions } from '../nn/recurrent.ts';
export { CELU, GLU, LogSigmoid, Mish, SELU, Softmin, Softsign, Tanhshrink } from '../nn/smooth.ts';
export {
  type EncoderMasks,
  type LayerSource,
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerMasks,
  type TransformerOptions,
} from '../nn/transformer.ts';
export {
  type DecoderMasks,
  type EncoderLayerMasks,
  type TransformerActivation,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from '../nn/transformerlayers.ts';
export { Bilinear, type BilinearOptions, LocalResponseNorm } from '../nn/bilinear.ts';
export { AdaptiveAvgPool3d, AvgPool3d, Conv3d, type Conv3dModuleOptions, MaxPool3d } from '../nn/conv3d.ts';
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeModuleOptions } from '../nn/convtranspose.ts';
export { EmbeddingBag, type EmbeddingBagModuleOptions } from '../nn/embeddingbag.ts';
export {
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  type AdaptiveMaxPoolOptions,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
  type MaxUnpoolModuleOptions,
} from '../nn/pools.ts';
export {
  ChannelShuffle,
  Fold,
  PixelShuffle,
  PixelUnshuffle,
  Softmax2d,
  Unflatten,
  Unfold,
  Upsample,
  type UpsampleModuleOptions,
  type Upsampling2dOptions,
  UpsamplingBilinear2d,
  UpsamplingNearest2d,
} from '../nn/pictures.ts';
export type { AttentionOptions } from '../ops/attention.ts';
export type { RotaryOptions } from '../ops/rotary.ts';
export type { AvgPoolOptions, OutputSize } from '../ops/avgpool.ts';
export type { BatchNormOptions, InstanceNormOptions } from '../ops/batchnorm.ts';
export type { Conv1dOptions, MaxPool1dOptions } from '../ops/conv1d.ts';
export type { ConvOptions } from '../ops/conv.ts';
export type { DropoutOptions } from '../ops/dropout.ts';
export type { EmbeddingOptions, TableOptions } from '../ops/embedding.ts';
export type { GroupNormOptions, LayerNormOptions, RMSNormOptions } from '../ops/norm.ts';
export type { PaddingMode, PadOptions } from '../ops/pad.ts';
export type { HardtanhOptions } from '../ops/piecewise.ts';
export type { MaxPoolOptions } from '../ops/pool.ts';
export type { Pair } from '../ops/windows.ts';
export type { CosineOptions, NormalizeOptions, PairwiseOptions } from '../ops/similarity.ts';
export { type ClipOptions, clipGradNorm_, clipGradValue_ } from '../optim/clip.ts';
export type { FlattenOptions } from '../nn/activations.ts';
export type { AvgPool1dOptions } from '../ops/avgpool.ts';
export type { LinearOptions } from '../nn/linear.ts';
export type { PReLUOptions } from '../nn/piecewise.ts';
export type { Conv3dOptions } from '../ops/conv3d.ts';
export type { ConvTransposeOptions } from '../ops/convtranspose.ts';
export type { EmbeddingBagOptions } from '../ops/embeddingbag.ts';
export type { InterpolateMode, InterpolateOptions } from '../ops/interpolate.ts';
export type { LocalResponseNormOptions } from '../ops/localnorm.ts';
export type { LPPoolOptions } from '../ops/lppool.ts';
export type { AvgPool3dOptions, MaxPool3dOptions, OutputSize3d } from '../ops/pool3d.ts';
export type { UnfoldOptions } from '../ops/unfold.ts';
export type { Triple } from '../ops/windows.ts';
