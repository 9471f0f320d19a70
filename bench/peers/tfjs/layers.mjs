// What several of TensorFlow.js's models are made of. `p` holds variables under PyTorch's names, in TensorFlow's layouts: dense weights
// [in, out], filters [height, width, in, out]; pictures are [n, height, width, channels].
import * as tf from '@tensorflow/tfjs';

export function given(data, name) {
  const { shape, data: values } = data.get(name);
  return tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}

export const dense = (p, x, layer, activation = 'linear') => tf.fused.matMul({ a: x, b: p[`${layer}.weight`], bias: p[`${layer}.bias`], activation });

/** A mean over rows. */
export const crossEntropy = (oneHot, logits) => tf.losses.softmaxCrossEntropy(oneHot, logits, undefined, 0, tf.Reduction.MEAN);

export const squaredError = (x, wanted) => tf.mean(tf.squaredDifference(x, wanted));

/** A weight from PyTorch's layout. */
export const turned = (w) => (w.rank === 4 ? w.transpose([2, 3, 1, 0]) : w.rank === 2 ? w.transpose() : w);

/** Pictures with their channels last. */
export const channelsLast = (x) => (x.rank === 4 ? x.transpose([0, 2, 3, 1]) : x);
