// TensorFlow.js, on the backend that the argument names: wasm or cpu.
import * as tf from '@tensorflow/tfjs';
import { crossEntropy, given } from './tfjs/layers.mjs';
import { PHYSICS } from './tfjs/physics.mjs';
import { PICTURES } from './tfjs/pictures.mjs';
import { PLAIN } from './tfjs/plain.mjs';
import { SEQUENCES } from './tfjs/sequences.mjs';
import { args, Cannot, digest, serve } from './worker.mjs';

const [backend] = args;
if (backend === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
await tf.setBackend(backend);

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

/** By operation: how weights come into TensorFlow's layout, the batch, and the losses of it. */
const MODELS = { ...PLAIN, ...SEQUENCES, ...PICTURES, ...PHYSICS };

function step(work, data) {
  const model = MODELS[work.operation];
  const names = work.inputs.map(({ name }) => name).filter((name) => !/^(x|labels|values)$/.test(name));
  const p = Object.fromEntries(names.map((name) => [name, tf.variable(tf.tidy(() => model.weight(name, given(data, name))))]));
  const batch = tf.tidy(() => model.batch(data));
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const list = Object.values(p);
  const run = () => {
    let losses;
    optimizer.minimize(
      () => {
        losses = model.losses(p, ...batch).map((loss) => tf.keep(loss));
        return losses.reduce((a, b) => tf.add(a, b));
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
      tf.dispose(batch);
    },
  };
}

function prepare(work, data) {
  if (work.passes === 2) throw new Cannot('only measured where a graph can be retained');
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
