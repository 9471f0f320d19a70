// jax-js on its wasm backend at its best: every kernel, and every whole step with Adam, is one `jit`.
// Its functions consume their arguments; `.ref` keeps one for later.
// In an isolated page it has threads, and uses them for what is read asynchronously; the argument says how many the page tells it of.
import { init, jit, lax, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { args, Cannot, digest, serve } from './worker.mjs';

const threads = Number(args[0] ?? 1);

function given(data, name) {
  const { shape, data: values } = data.get(name);
  return np.array(values, { shape: [...shape] });
}

/** −Σ onehot·log softmax, averaged over rows. */
function crossEntropy(logits, labels) {
  const [rows, classes] = logits.shape;
  return nn
    .logSoftmax(logits, -1)
    .mul(nn.oneHot(labels, classes))
    .sum()
    .mul(-1 / rows);
}

const KERNELS = {
  matmul: (a, b) => np.matmul(a, b),
  matmulA: (a, b) => np.matmul(np.transpose(a), b),
  matmulB: (a, b) => np.matmul(a, np.transpose(b)),
  add: (a, b) => np.add(a, b),
  relu: (a) => nn.relu(a),
  sum: (a) => np.sum(a),
  exp: (a) => np.exp(a),
  log: (a) => np.log(a),
  tanh: (a) => np.tanh(a),
  softmax: (a) => nn.softmax(a, -1),
  crossEntropy: (logits, labels) => valueAndGrad(crossEntropy)(logits, labels),
};

function kernel(work, data) {
  const inputs = work.inputs.map(({ name }) => given(data, name));
  const operation = jit(KERNELS[work.operation]);
  const call = () => [operation(...inputs.map((x) => x.ref))].flat();
  return {
    checks: call()
      .reverse()
      .flatMap((y) => digest(y.dataSync())),
    asynchronous: true,
    run: async () => {
      for (const y of call()) {
        await y.blockUntilReady();
        y.dispose();
      }
    },
    close: () => tree.dispose(inputs),
  };
}

/** Largest of each 2×2 window. */
function maxPool(x) {
  const [n, c, h, w] = x.shape;
  return np.max(x.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
}

const convolution = (x, { weight, bias }) => lax.conv(x, weight, [1, 1], 'SAME').add(bias.reshape([1, -1, 1, 1]));
const dense = (x, { weight, bias }) => np.matmul(x, weight).add(bias);

const TRUNKS = {
  tiny: (x, p) => np.tanh(dense(np.tanh(dense(x, p['trunk.0'])), p['trunk.2'])),
  mlp: (x, p) => nn.relu(dense(nn.relu(dense(x, p['trunk.0'])), p['trunk.2'])),
  cnn: (x, p) => {
    const h = maxPool(nn.relu(convolution(maxPool(nn.relu(convolution(x, p['trunk.0']))), p['trunk.3'])));
    return h.reshape([h.shape[0], 784]);
  },
};

/** A convolution without bias, padded so that it keeps the size at stride 1. */
const convolve = (x, { weight }, stride = 1) => {
  const margin = (weight.shape[2] - 1) / 2;
  return lax.conv(
    x,
    weight,
    [stride, stride],
    [
      [margin, margin],
      [margin, margin],
    ],
  );
};
const perChannel = (v) => v.reshape([1, -1, 1, 1]);

/** Batch normalisation in training. */
function normalize(x, { weight, bias }) {
  const axes = [0, 2, 3];
  const centred = x.ref.sub(np.mean(x, axes, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), axes, { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(1e-5)))
    .mul(perChannel(weight))
    .add(perChannel(bias));
}

const normed = (x, p, name, stride) => normalize(convolve(x, p[`${name}.0`], stride), p[`${name}.1`]);

/** Transposed convolution by a 2×2 kernel at stride 2: each pixel becomes four. */
function up(x, { weight, bias }) {
  const [n, c, h, w] = x.shape;
  const outputs = weight.shape[1];
  const y = np.matmul(np.transpose(x, [0, 2, 3, 1]).reshape([n * h * w, c]), weight.reshape([c, outputs * 4]));
  return np
    .transpose(y.reshape([n, h, w, outputs, 2, 2]), [0, 3, 1, 4, 2, 5])
    .reshape([n, outputs, 2 * h, 2 * w])
    .add(perChannel(bias));
}

/** Both losses of models of pictures. */
const PICTURES = {
  unet: (p, x, mask, unused) => {
    unused.dispose();
    const active = (x, name) => nn.relu(normed(x, p, name));
    const fine = active(x, 'down1');
    const coarse = active(maxPool(fine.ref), 'down2');
    const middle = active(maxPool(coarse.ref), 'middle');
    const joined = active(np.concatenate([up(middle, p.up2), coarse], 1), 'join2');
    const last = active(np.concatenate([up(joined, p.up1), fine], 1), 'join1');
    const logits = lax.conv(last, p.head.weight, [1, 1], 'VALID').add(perChannel(p.head.bias));
    const probability = nn.sigmoid(logits.ref);
    const overlap = np.sum(probability.ref.mul(mask.ref)).mul(2).add(1);
    const dice = overlap.div(np.sum(probability).add(np.sum(mask.ref)).add(1));
    const margin = np.log(np.exp(np.abs(logits.ref).mul(-1)).add(1));
    return [np.mean(nn.relu(logits.ref).sub(logits.mul(mask)).add(margin)), np.subtract(1, dice)];
  },
  resnet: (p, x, labels, values) => {
    let h = nn.relu(normed(x, p, 'stem'));
    for (const [i, stride] of [1, 2, 2].entries()) {
      const name = `blocks.${i}`;
      const inner = normed(nn.relu(normed(h.ref, p, `${name}.first`, stride)), p, `${name}.second`);
      h = nn.relu(inner.add(p[`${name}.shortcut.0`] ? normed(h, p, `${name}.shortcut`, stride) : h));
    }
    const features = np.mean(h, [2, 3]);
    const error = np.abs(dense(features.ref, p.second).sub(values));
    const small = np.minimum(error.ref, 1);
    const smooth = np.mean(small.ref.mul(error.sub(small.mul(0.5))));
    return [crossEntropy(dense(features, p.first), labels), smooth];
  },
};

/** x [rows, in] by a weight in PyTorch's layout [out, in], and its bias. */
const turned = (x, weight, bias) => np.matmul(x, np.transpose(weight)).add(bias);

/** Features [rows, width] of tokens: rows of the embedding, by a product with ones and zeros, which is what can be differentiated. */
const embedded = (p, x) => {
  const [rows, columns] = x.shape;
  const [tokens] = p['trunk.embedding.weight'].shape;
  return np.matmul(nn.oneHot(x.reshape([rows * columns]), tokens), p['trunk.embedding.weight']);
};

/** One LSTM over all steps; tokens [time, batch]. Features of each token, and of the last ones. */
function recurrent(p, x) {
  const [time, batch] = x.shape;
  const of = (name) => p[`trunk.lstm.${name}_l0`];
  const hidden = of('weight_hh').shape[1];
  const gates = turned(embedded(p, x), of('weight_ih'), of('bias_ih').add(of('bias_hh')));
  const weight = np.transpose(of('weight_hh'));
  let [h, c] = [np.zeros([batch, hidden]), np.zeros([batch, hidden])];
  const features = np.split(gates, time, 0).map((step) => {
    const [i, f, g, o] = np.split(step.add(np.matmul(h, weight.ref)), 4, 1);
    c = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    h = nn.sigmoid(o).mul(np.tanh(c.ref));
    return h.ref;
  });
  weight.dispose();
  c.dispose();
  return [np.concatenate(features, 0), h];
}

function layerNorm(x, weight, bias) {
  const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), -1, { keepdims: true });
  return centred
    .div(np.sqrt(variance.add(1e-5)))
    .mul(weight)
    .add(bias);
}

/** Two encoder layers with a causal mask and heads of 16; tokens [batch, time]. */
function attentive(p, x) {
  const [batch, time] = x.shape;
  const width = p['trunk.embedding.weight'].shape[1];
  const heads = width / 16;
  const later = np.triu(np.ones([time, time]), 1).mul(-1e9);
  let h = embedded(p, x);
  for (const layer of [0, 1]) {
    const of = (name) => p[`trunk.encoder.layers.${layer}.${name}`];
    const apart = (y) => np.transpose(y.reshape([batch, time, heads, 16]), [0, 2, 1, 3]);
    const [q, k, v] = np.split(turned(h.ref, of('self_attn.in_proj_weight'), of('self_attn.in_proj_bias')), 3, 1).map(apart);
    const scores = np
      .matmul(q, np.transpose(k, [0, 1, 3, 2]))
      .mul(0.25)
      .add(later.ref);
    const mixed = np.transpose(np.matmul(nn.softmax(scores, -1), v), [0, 2, 1, 3]).reshape([batch * time, width]);
    h = layerNorm(h.add(turned(mixed, of('self_attn.out_proj.weight'), of('self_attn.out_proj.bias'))), of('norm1.weight'), of('norm1.bias'));
    const inner = nn.relu(turned(h.ref, of('linear1.weight'), of('linear1.bias')));
    h = layerNorm(h.add(turned(inner, of('linear2.weight'), of('linear2.bias'))), of('norm2.weight'), of('norm2.bias'));
  }
  later.dispose();
  const last = np.split(h.ref.reshape([batch, time, width]), [time - 1], 1);
  last[0].dispose();
  return [h, last[1].reshape([batch, width])];
}

/** Both losses of models of sequences. */
const reading = (trunk) => (p, x, labels, values) => {
  const [features, last] = trunk(p, x);
  const error = turned(last, p['second.weight'], p['second.bias']).sub(values);
  return [crossEntropy(turned(features, p['first.weight'], p['first.bias']), labels), np.mean(np.square(error))];
};
const SEQUENCES = { lstm: reading(recurrent), 'lstm-128': reading(recurrent), attention: reading(attentive), 'attention-64': reading(attentive) };

/** Layers by name, dense weights turned to [in, out], where the plain product is fastest. */
function layers(work, data) {
  if (work.operation in SEQUENCES) return Object.fromEntries(work.inputs.flatMap(({ name }) => (/^(x|labels|values)$/.test(name) ? [] : [[name, given(data, name)]])));
  const params = {};
  for (const { name, shape } of work.inputs) {
    const [, layer, part] = /^(.*)\.(weight|bias)$/.exec(name) ?? [];
    if (!layer) continue;
    const value = given(data, name);
    params[layer] ??= {};
    params[layer][part] = part === 'weight' && shape.length === 2 ? np.array(np.transpose(value).dataSync(), { shape: [shape[1], shape[0]] }) : value;
  }
  return params;
}

async function step(work, data) {
  const trunk = TRUNKS[work.operation];
  const both = (params, x, labels, values) => {
    const h = trunk(x, params);
    return [crossEntropy(dense(h.ref, params.first), labels), np.mean(np.square(dense(h, params.second).sub(values)))];
  };
  const losses = (...inputs) => {
    const list = (PICTURES[work.operation] ?? SEQUENCES[work.operation] ?? both)(...inputs);
    return [list.map((loss) => loss.ref).reduce((a, b) => a.add(b)), list];
  };
  // power1 and power2 are β₁ᵗ and β₂ᵗ.
  const train = jit(({ params, mean, square, power1, power2 }, x, labels, values) => {
    const [[total, list], gradients] = valueAndGrad(losses, { hasAux: true })(tree.ref(params), x, labels, values);
    total.dispose();
    const p1 = power1.mul(0.9);
    const p2 = power2.mul(0.999);
    const m = tree.map((m, g) => m.mul(0.9).add(g.mul(0.1)), mean, tree.ref(gradients));
    const v = tree.map((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), square, gradients);
    const update = (p, m, v) =>
      p.sub(
        m
          .div(np.subtract(1, p1.ref))
          .mul(1e-3)
          .div(np.sqrt(v.div(np.subtract(1, p2.ref))).add(1e-8)),
      );
    const next = tree.map(update, params, tree.ref(m), tree.ref(v));
    return [{ params: next, mean: m, square: v, power1: p1, power2: p2 }, list];
  });
  const params = layers(work, data);
  const zeros = () => tree.map((p) => np.zeros(p.shape), params);
  let state = { params, mean: zeros(), square: zeros(), power1: np.array(1), power2: np.array(1) };
  const batch = ['x', 'labels', data.has('values') ? 'values' : 'labels'].map((name) => given(data, name));
  const run = () => {
    let list;
    [state, list] = train(state, ...batch.map((b) => b.ref));
    return threads > 1 ? Promise.all(list.map(async (loss) => (await loss.data())[0])) : list.map((loss) => loss.dataSync()[0]);
  };
  return {
    checks: [await run(), await run(), await run()].flat(),
    asynchronous: threads > 1,
    run,
    close: () => {
      tree.dispose(state);
      tree.dispose(batch);
    },
  };
}

function prepare(work, data) {
  if (work.passes === 2) throw new Cannot('only measured where a graph can be retained');
  if (/^pinn/.test(work.operation)) throw new Cannot('a gradient of a gradient inside valueAndGrad ends in "Can\'t lift Tracer level 4 to level 2"');
  return work.kind === 'step' ? step(work, data) : kernel(work, data);
}

await init('wasm');
await serve(`jax-js 0.1.25${threads > 1 ? `, ${threads} threads` : ''}`, prepare);
