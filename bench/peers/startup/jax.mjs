// Milliseconds from the import of jax-js to both losses of a first `tiny` step. The whole step is one `jit`, as in jax.mjs, and the weights
// come from typed arrays: both are faster here than the alternatives (no jit, jit of the gradient only; random.normal).
const start = performance.now();
const { init, jit, nn, numpy: np, tree, valueAndGrad } = await import('@jax-js/jax');
await init('wasm');

const draw = (shape) =>
  np.array(
    Float32Array.from({ length: shape[0] * shape[1] }, () => Math.random() - 0.5),
    { shape },
  );
const layer = (inputs, out) => ({ weight: draw([inputs, out]), bias: np.zeros([out]) });
const params = { one: layer(2, 32), two: layer(32, 32), first: layer(32, 3), second: layer(32, 1) };
const zeros = () => tree.map((p) => np.zeros(p.shape), params);
const x = draw([32, 2]);
const labels = np.array(Int32Array.from({ length: 32 }, (_, i) => i % 3));
const values = draw([32, 1]);

const dense = (x, { weight, bias }) => np.matmul(x, weight).add(bias);
const losses = (p, x, labels, values) => {
  const h = np.tanh(dense(np.tanh(dense(x, p.one)), p.two));
  const first = nn
    .logSoftmax(dense(h.ref, p.first), -1)
    .mul(nn.oneHot(labels, 3))
    .sum()
    .mul(-1 / 32);
  const second = np.mean(np.square(dense(h, p.second).sub(values)));
  return [first.ref.add(second.ref), [first, second]];
};
const step = jit((params, mean, square, x, labels, values) => {
  const [[total, both], gradients] = valueAndGrad(losses, { hasAux: true })(tree.ref(params), x, labels, values);
  total.dispose();
  const m = tree.map((m, g) => m.mul(0.9).add(g.mul(0.1)), mean, tree.ref(gradients));
  const v = tree.map((v, g) => v.mul(0.999).add(np.square(g).mul(0.001)), square, gradients);
  const update = (p, m, v) => p.sub(m.mul(1e-3 / (1 - 0.9)).div(np.sqrt(v.mul(1 / (1 - 0.999))).add(1e-8)));
  return [tree.map(update, params, tree.ref(m), tree.ref(v)), m, v, ...both];
});
const [next, , , first, second] = step(params, zeros(), zeros(), x, labels, values);
const sum = first.dataSync()[0] + second.dataSync()[0];
for (const leaf of tree.leaves(next)) await leaf.blockUntilReady();
if (!Number.isFinite(sum)) throw new Error('the losses are not finite.');
console.log(performance.now() - start);
