// TensorFlow.js, on the backend that the argument names: wasm or cpu.
import * as tf from '@tensorflow/tfjs';
import { args, Cannot, digest, serve } from './worker.mjs';

const [backend] = args;
if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
await tf.setBackend(backend);

function given(data, name) {
  const { shape, data: values } = data.get(name);
  return tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}

function crossEntropy(oneHot, logits) {
  return tf.losses.softmaxCrossEntropy(oneHot, logits, undefined, 0, tf.Reduction.MEAN);
}

const KERNELS = {
  matmul: (a, b) => tf.matMul(a, b),
  matmulA: (a, b) => tf.matMul(a, b, true, false),
  matmulB: (a, b) => tf.matMul(a, b, false, true),
  add: (a, b) => tf.add(a, b),
  relu: (a) => tf.relu(a),
  sum: (a) => tf.sum(a),
  exp: (a) => tf.exp(a),
  log: (a) => tf.log(a),
  tanh: (a) => tf.tanh(a),
  softmax: (a) => tf.softmax(a),
};

function kernel(work, data) {
  const inputs = work.inputs.map(({ name }) => given(data, name));
  let call;
  if (work.operation === 'crossEntropy') {
    const oneHot = tf.oneHot(inputs[1], inputs[0].shape[1]);
    const both = tf.valueAndGrad((logits) => crossEntropy(oneHot, logits));
    call = () => {
      const { value, grad } = both(inputs[0]);
      return [value, grad];
    };
  } else call = () => [KERNELS[work.operation](...inputs)];
  const results = call();
  const checks = [...results].reverse().flatMap((y) => digest(y.dataSync()));
  tf.dispose(results);
  return { checks, run: () => tf.dispose(call()), close: () => tf.dispose(inputs) };
}

/** A weight in TensorFlow's layout: [in, out], or [height, width, in, out]; images are [n, height, width, channels]. */
function weightOf(work, data, name) {
  return tf.tidy(() => {
    const w = given(data, name);
    if (w.rank === 4) return w.transpose([2, 3, 1, 0]);
    // After pooling, 16 channels of 7×7 are flattened, with the channels last here.
    if (work.operation === 'cnn' && w.rank === 2) return w.reshape([-1, 16, 7, 7]).transpose([2, 3, 1, 0]).reshape([784, -1]);
    return w.rank === 2 ? w.transpose() : w;
  });
}

function step(work, data) {
  const variables = new Map();
  for (const { name } of work.inputs) if (/weight$|bias$/.test(name)) variables.set(name, tf.variable(weightOf(work, data, name)));
  const of = (layer) => [variables.get(`${layer}.weight`), variables.get(`${layer}.bias`)];
  const dense = (x, layer, activation = 'linear') => {
    const [b, bias] = of(layer);
    return tf.fused.matMul({ a: x, b, bias, activation });
  };
  const convolution = (x, layer) => {
    const [filter, bias] = of(layer);
    return tf.maxPool(tf.relu(tf.conv2d(x, filter, 1, 'same').add(bias)), 2, 2, 'valid');
  };
  const trunks = {
    tiny: (x) => tf.tanh(dense(tf.tanh(dense(x, 'trunk.0')), 'trunk.2')),
    mlp: (x) => dense(dense(x, 'trunk.0', 'relu'), 'trunk.2', 'relu'),
    cnn: (x) => convolution(convolution(x, 'trunk.0'), 'trunk.3').reshape([-1, 784]),
  };
  const x = tf.tidy(() => {
    const images = given(data, 'x');
    return images.rank === 4 ? images.transpose([0, 2, 3, 1]) : images;
  });
  const oneHot = tf.tidy(() => tf.oneHot(given(data, 'labels'), data.get('first.bias').shape[0]).toFloat());
  const values = given(data, 'values');
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const list = [...variables.values()];
  const run = () => {
    let losses;
    optimizer.minimize(
      () => {
        const h = trunks[work.operation](x);
        losses = [tf.keep(crossEntropy(oneHot, dense(h, 'first'))), tf.keep(tf.mean(tf.squaredDifference(dense(h, 'second'), values)))];
        return tf.add(...losses);
      },
      false,
      list,
    );
    const numbers = losses.map((loss) => loss.dataSync()[0]);
    tf.dispose(losses);
    return numbers;
  };
  return {
    checks: [run(), run(), run()].flat(),
    run,
    close: () => {
      optimizer.dispose();
      tf.disposeVariables();
      tf.dispose([x, oneHot, values]);
    },
  };
}

function prepare(work, data) {
  if (work.passes === 2) throw new Cannot('only measured where a graph can be retained');
  if (/^(lstm|attention|unet|resnet|pinn)/.test(work.operation)) throw new Cannot('its step is not written');
  try {
    return work.kind === 'step' ? step(work, data) : kernel(work, data);
  } catch (error) {
    if (/not registered for the backend|not registered for backend/.test(error.message)) {
      tf.disposeVariables();
      throw new Cannot(error.message.split('\n')[0]);
    }
    throw error;
  }
}

await serve(`tfjs-${backend} ${tf.version.tfjs}`, prepare);
