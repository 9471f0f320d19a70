/** What is done to modules' parameters: PyTorch's `torch.nn.utils`, its `parametrize` and `parametrizations` among it. @module */
export {
  isParametrized,
  type Parametrization,
  registerParametrization,
  removeParametrizations,
  removeWeightNorm,
  spectralNorm,
  type SpectralNormOptions,
  weightNorm,
  type WeightNormOptions,
} from '../nn/parametrize.ts';
export { padSequence, type PadSequenceOptions } from '../nn/pad-sequence.ts';
export { parametersToVector, vectorToParameters } from '../nn/utils.ts';
export { type ClipOptions, clipGradNorm_, clipGradValue_ } from '../optim/clip.ts';
