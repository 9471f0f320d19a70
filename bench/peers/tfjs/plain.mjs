// `tiny`, `mlp`, `cnn`: two heads over a trunk of layers.
import * as tf from '@tensorflow/tfjs';
import { channelsLast, crossEntropy, dense, given, squaredError, turned } from './layers.mjs';

const convolution = (p, x, layer) => tf.maxPool(tf.relu(tf.conv2d(x, p[`${layer}.weight`], 1, 'same').add(p[`${layer}.bias`])), 2, 2, 'valid');

const TRUNKS = {
  tiny: (p, x) => tf.tanh(dense(p, tf.tanh(dense(p, x, 'trunk.0')), 'trunk.2')),
  mlp: (p, x) => dense(p, dense(p, x, 'trunk.0', 'relu'), 'trunk.2', 'relu'),
  cnn: (p, x) => convolution(p, convolution(p, x, 'trunk.0'), 'trunk.3').reshape([-1, 784]),
};

const model = (trunk, weight) => ({
  weight: (_name, w) => weight(w),
  batch: (data) => [channelsLast(given(data, 'x')), tf.oneHot(given(data, 'labels'), data.get('first.bias').shape[0]).toFloat(), given(data, 'values')],
  losses: (p, x, oneHot, values) => {
    const h = trunk(p, x);
    return [crossEntropy(oneHot, dense(p, h, 'first')), squaredError(dense(p, h, 'second'), values)];
  },
});

/** After pooling, 16 channels of 7×7 are flattened, with the channels last here. */
const ofPictures = (w) => (w.rank === 2 ? turned(w.reshape([-1, 16, 7, 7])).reshape([784, -1]) : turned(w));

export const PLAIN = { tiny: model(TRUNKS.tiny, turned), mlp: model(TRUNKS.mlp, turned), cnn: model(TRUNKS.cnn, ofPictures) };
