// Milliseconds from the import of gradloom, as it is installed, to both losses of a first `tiny` step.
const start = performance.now();
const { manualSeed, nn, optim, randn, scope, tensor } = await import('../../../dist/node.js');

manualSeed(1);
const trunk = new nn.Sequential(new nn.Linear(2, 32), new nn.Tanh(), new nn.Linear(32, 32), new nn.Tanh());
const first = new nn.Linear(32, 3);
const second = new nn.Linear(32, 1);
const optimizer = new optim.Adam(
  [trunk, first, second].flatMap((m) => m.parameters()),
  { lr: 1e-3 },
);
const x = randn([32, 2]);
const labels = tensor(
  Array.from({ length: 32 }, (_, i) => i % 3),
  { dtype: 'int32' },
);
const values = randn([32, 1]);

scope(() => {
  optimizer.zeroGrad();
  const h = trunk.forward(x);
  const a = nn.functional.crossEntropy(first.forward(h), labels);
  const b = nn.functional.mseLoss(second.forward(h), values);
  a.add(b).backward();
  optimizer.step();
  if (!Number.isFinite(a.item() + b.item())) throw new Error('the losses are not finite.');
});
console.log(performance.now() - start);
