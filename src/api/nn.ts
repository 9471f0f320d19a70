/** Modules, losses and functions of networks: PyTorch's `torch.nn`. @module */
export * as functional from './functional.ts';
export { CrossEntropyLoss, type CrossEntropyOptions } from '../losses/cross-entropy.ts';
export { HuberLoss, L1Loss, SmoothL1Loss } from '../losses/distance.ts';
export { BCEWithLogitsLoss, type BCEWithLogitsOptions, type KLDivOptions, KLDivLoss, NLLLoss, type NLLOptions } from '../losses/likelihood.ts';
export { type LossOptions, MSELoss } from '../losses/mse.ts';
export { type Layer, Module, type StateDict } from '../module/module.ts';
export { Buffer, Parameter } from '../module/parameter.ts';
export { ELU, Flatten, GELU, Identity, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh } from '../nn/activations.ts';
export { Sequential } from '../nn/containers.ts';
export { Conv2d, type Conv2dOptions, MaxPool2d, type Pooled } from '../nn/conv.ts';
export { Linear } from '../nn/linear.ts';
export { LayerNorm, type LayerNormModuleOptions } from '../nn/norm.ts';
export type { ConvOptions, Pair } from '../ops/conv.ts';
export type { LayerNormOptions } from '../ops/norm.ts';
export type { PaddingMode } from '../ops/pad.ts';
export type { MaxPoolOptions } from '../ops/pool.ts';
export { clipGradNorm_, clipGradValue_ } from '../optim/clip.ts';
