// Models of pictures with batch normalisation (pictures.ts).
import * as tf from '@tensorflow/tfjs';
import { channelsLast, crossEntropy, dense, given, turned } from './layers.mjs';

/** A convolution without bias, padded so that it keeps the size at stride 1, and batch normalisation in training. */
function normed(p, x, name, stride = 1) {
  const filter = p[`${name}.0.weight`];
  const y = tf.conv2d(x, filter, stride, (filter.shape[0] - 1) / 2);
  const { mean, variance } = tf.moments(y, [0, 1, 2]);
  return tf.batchNorm(y, mean, variance, p[`${name}.1.bias`], p[`${name}.1.weight`], 1e-5);
}

/** Transposed convolution by a 2×2 kernel at stride 2. */
function up(p, x, name) {
  const [n, height, width] = x.shape;
  const filter = p[`${name}.weight`];
  return tf.conv2dTranspose(x, filter, [n, 2 * height, 2 * width, filter.shape[2]], 2, 'valid').add(p[`${name}.bias`]);
}

const pool = (x) => tf.maxPool(x, 2, 2, 'valid');

function unet(p, x, mask) {
  const active = (x, name) => tf.relu(normed(p, x, name));
  const fine = active(x, 'down1');
  const coarse = active(pool(fine), 'down2');
  const middle = active(pool(coarse), 'middle');
  const joined = active(tf.concat([up(p, middle, 'up2'), coarse], 3), 'join2');
  const last = active(tf.concat([up(p, joined, 'up1'), fine], 3), 'join1');
  const logits = tf.conv2d(last, p['head.weight'], 1, 'valid').add(p['head.bias']);
  const probability = tf.sigmoid(logits);
  const dice = tf
    .sum(probability.mul(mask))
    .mul(2)
    .add(1)
    .div(tf.sum(probability).add(tf.sum(mask)).add(1));
  return [tf.losses.sigmoidCrossEntropy(mask, logits, undefined, 0, tf.Reduction.MEAN), tf.sub(1, dice)];
}

function resnet(p, x, oneHot, values) {
  let h = tf.relu(normed(p, x, 'stem'));
  for (const [i, stride] of [1, 2, 2].entries()) {
    const name = `blocks.${i}`;
    const inner = normed(p, tf.relu(normed(p, h, `${name}.first`, stride)), `${name}.second`);
    h = tf.relu(inner.add(p[`${name}.shortcut.0.weight`] ? normed(p, h, `${name}.shortcut`, stride) : h));
  }
  const features = tf.mean(h, [1, 2]);
  return [crossEntropy(oneHot, dense(p, features, 'first')), tf.losses.huberLoss(values, dense(p, features, 'second'), undefined, 1, tf.Reduction.MEAN)];
}

const weight = (_name, w) => turned(w);

export const PICTURES = {
  unet: { weight, batch: (data) => ['x', 'labels'].map((name) => channelsLast(given(data, name))), losses: unet },
  resnet: { weight, batch: (data) => [channelsLast(given(data, 'x')), tf.oneHot(given(data, 'labels'), 10).toFloat(), given(data, 'values')], losses: resnet },
};
