/** Losses and activations as functions: PyTorch's `torch.nn.functional`. @module */
export { binaryCrossEntropy } from '../losses/bce.ts';
export { crossEntropy } from '../losses/cross-entropy.ts';
export { gaussianNllLoss, poissonNllLoss } from '../losses/density.ts';
export { huberLoss, l1Loss, smoothL1Loss } from '../losses/distance.ts';
export { cosineEmbeddingLoss, tripletMarginLoss } from '../losses/embedding.ts';
export { binaryCrossEntropyWithLogits, klDiv, nllLoss } from '../losses/likelihood.ts';
export { hingeEmbeddingLoss, marginRankingLoss, multilabelSoftMarginLoss, multiMarginLoss, softMarginLoss } from '../losses/margin.ts';
export { mseLoss } from '../losses/mse.ts';
export { conv2d } from '../ops/conv.ts';
export { embedding } from '../ops/embedding.ts';
export { oneHot } from '../ops/indexing.ts';
export { linear } from '../ops/matmul.ts';
export { layerNorm } from '../ops/norm.ts';
export { maxPool2d, maxPool2dWithIndices } from '../ops/pool.ts';
export { cosineSimilarity, normalize, pairwiseDistance } from '../ops/similarity.ts';
export { logSoftmax, softmax } from '../ops/softmax.ts';
export { elu, gelu, leakyRelu, prelu, relu, sigmoid, silu, softplus, tanh } from '../ops/unary.ts';
