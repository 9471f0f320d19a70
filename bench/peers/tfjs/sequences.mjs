// Models that read sequences of tokens (sequences.ts).
import * as tf from '@tensorflow/tfjs';
import { crossEntropy, dense, given, squaredError, turned } from './layers.mjs';

/** Features [rows, width] of tokens, given as ones and zeros: a product, since the gradient of `tf.gather` is missing on wasm and slow on cpu. */
const embedded = (p, tokens) => tf.matMul(tokens, p['trunk.embedding.weight']);

/** One LSTM over all steps. Features of each token, and of the last ones. */
function recurrent(p, tokens, [time, batch]) {
  const of = (name) => p[`trunk.lstm.${name}_l0`];
  const weight = of('weight_hh');
  const hidden = weight.shape[0];
  const gates = tf.matMul(embedded(p, tokens), of('weight_ih')).add(of('bias_ih').add(of('bias_hh')));
  let [h, c] = [tf.zeros([batch, hidden]), tf.zeros([batch, hidden])];
  const features = tf.split(gates, time).map((step) => {
    const [i, f, g, o] = tf.split(step.add(tf.matMul(h, weight)), 4, 1);
    c = tf
      .sigmoid(f)
      .mul(c)
      .add(tf.sigmoid(i).mul(tf.tanh(g)));
    h = tf.sigmoid(o).mul(tf.tanh(c));
    return h;
  });
  return [tf.concat(features), h];
}

function layerNorm(p, x, name) {
  const { mean, variance } = tf.moments(x, -1, true);
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(p[`${name}.weight`]).add(p[`${name}.bias`]);
}

/** Two encoder layers with a causal mask and heads of 16. */
function attentive(p, tokens, [batch, time]) {
  const width = p['trunk.embedding.weight'].shape[1];
  const heads = width / 16;
  const later = tf.sub(1, tf.linalg.bandPart(tf.ones([time, time]), -1, 0)).mul(-1e9);
  const apart = (y) => y.reshape([batch, time, heads, 16]).transpose([0, 2, 1, 3]);
  let h = embedded(p, tokens);
  for (const layer of [0, 1]) {
    const name = `trunk.encoder.layers.${layer}`;
    const projected = tf.matMul(h, p[`${name}.self_attn.in_proj_weight`]).add(p[`${name}.self_attn.in_proj_bias`]);
    const [q, k, v] = tf.split(projected, 3, 1).map(apart);
    const scores = tf.matMul(q, k, false, true).mul(0.25).add(later);
    const mixed = tf
      .matMul(tf.softmax(scores), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch * time, width]);
    h = layerNorm(p, h.add(dense(p, mixed, `${name}.self_attn.out_proj`)), `${name}.norm1`);
    h = layerNorm(p, h.add(dense(p, dense(p, h, `${name}.linear1`, 'relu'), `${name}.linear2`)), `${name}.norm2`);
  }
  return [
    h,
    h
      .reshape([batch, time, width])
      .slice([0, time - 1, 0], [batch, 1, width])
      .reshape([batch, width]),
  ];
}

const model = (trunk) => ({
  weight: (name, w) => (name === 'trunk.embedding.weight' ? w : turned(w)),
  batch: (data) => {
    const { shape } = data.get('x');
    const ones = (name) => tf.oneHot(given(data, name).flatten(), data.get('first.bias').shape[0]).toFloat();
    return [ones('x'), ones('labels'), given(data, 'values'), shape];
  },
  losses: (p, tokens, next, values, shape) => {
    const [features, last] = trunk(p, tokens, shape);
    return [crossEntropy(next, dense(p, features, 'first')), squaredError(dense(p, last, 'second'), values)];
  },
});

export const SEQUENCES = { lstm: model(recurrent), 'lstm-128': model(recurrent), attention: model(attentive), 'attention-64': model(attentive) };
