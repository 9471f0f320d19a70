// Training on the device: a frozen network from an ONNX file gives features, and a head learns the user's three kinds from ten pictures each. A second loss keeps what the head knew.
// Training stops half-way and goes on from what was stored. npx tsx examples/recipes/on-device.ts
import { arange, capture, cat, checkpoint, type Layer, manualSeed, multiloss, nn, optim, remainder, scope, steps, type Tensor, zeros } from 'gradloom';
import { fromOnnx, toOnnx } from 'gradloom/interop';
import { boxes, masks, measured, pictures } from './drawings.ts';
import { compare, stepsOf } from './runs.ts';
import { store } from './store.ts';

const [OLD, NEW, OWN, KEPT, WIDTH, STEPS] = [5, 3, 10, 8, 48, stepsOf(200)];

/** As many of each kind, from `first` on. */
const draw = (each: number, first: number, count: number): { x: Tensor; kind: Tensor } =>
  scope(() => {
    const kind = remainder(arange(each * count).int(), count).add(first);
    return { x: pictures(masks(kind, boxes(each * count, 4, 8)), 0.3), kind };
  });
const trained = new nn.Sequential(
  new nn.Conv2d(1, 8, 3, { stride: 2, padding: 1 }),
  new nn.ReLU(),
  new nn.Conv2d(8, 16, 3, { stride: 2, padding: 1 }),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(144, WIDTH),
  new nn.ReLU(),
);

/** At the factory: a network and a head of five kinds; the network becomes a file. */
async function atTheFactory(): Promise<{ old: nn.Linear; file: Uint8Array }> {
  const old = new nn.Linear(WIDTH, OLD);
  const optimizer = new optim.Adam([...trained.parameters(), ...old.parameters()], { lr: 3e-3 });
  const step = capture((x: Tensor, kind: Tensor) => {
    optimizer.zeroGrad();
    nn.functional.crossEntropy(old.forward(trained.forward(x)), kind).backward();
    optimizer.step();
  });
  for (const _ of steps(stepsOf(300))) {
    const { x, kind } = draw(8, 0, OLD);
    step(x, kind);
  }
  return { old, file: await toOnnx(trained, zeros([1, 1, 24, 24]), { batchAxis: 0 }) };
}

manualSeed(100);
const { old, file } = await atTheFactory();
// #region features
/** On the device: the network of the file, frozen. */
const network = await fromOnnx(file);
const features = (x: Tensor): Tensor => network.forward(x) as Tensor;
// #endregion

// #region learner
/** On the device: a head of eight kinds that starts from the old one, and its losses. All of it but the features goes into a checkpoint. */
function learner(old: nn.Linear, combine: multiloss.Method, own: { x: Tensor; kind: Tensor }, kept: Tensor) {
  const head = new nn.Linear(WIDTH, OLD + NEW);
  head.loadStateDict({
    weight: cat([old.weight.detach(), zeros([NEW, WIDTH])], 0),
    bias: cat([(old.bias as Tensor).detach(), zeros([NEW])], 0),
  });
  const optimizer = new optim.Adam(head.parameters(), { lr: 1e-2 });
  const [seen, before] = measured(() => [features(own.x), cat([old.forward(kept).softmax(1), zeros([kept.shape[0] as number, NEW])], 1)] as const);
  const forgot = (): Tensor => nn.functional.klDiv(head.forward(kept).logSoftmax(1), before, { reduction: 'batchmean' });
  const step = capture(() => {
    optimizer.zeroGrad();
    const learnt = nn.functional.crossEntropy(head.forward(seen), own.kind);
    multiloss.backward({ learnt, forgot: forgot() }, { combine });
    optimizer.step();
  });
  return { head, optimizer, combine, step, forgot };
}
// #endregion

/** What ships with the old head: features of a few pictures, 8 kB. */
const kept = measured(() => features(draw(KEPT, 0, OLD).x));
const [oldTest, newTest] = [draw(60, 0, OLD), draw(100, OLD, NEW)];
const right = (head: Layer, { x, kind }: { x: Tensor; kind: Tensor }): number => measured(() => head.forward(features(x)).argmax(1).eq(kind).float().mean().item());

type Way = () => multiloss.Method;
async function train(way: Way, seed: number): Promise<{ old: number; new: number; both: number; forgot: number; same: number }> {
  manualSeed(seed);
  const own = draw(OWN, OLD, NEW);
  const unbroken = learner(old, way(), own, kept);
  for (const _ of steps(STEPS)) unbroken.step();

  const name = `recipe-${process.pid}-${seed}`;
  // #region resume
  const first = learner(old, way(), own, kept);
  for (const _ of steps(STEPS / 2)) first.step();
  const { head, optimizer, combine } = first;
  await store.set(name, checkpoint.toBytes({ head, optimizer, combine, step: STEPS / 2 }));

  // The next visit: everything is made anew and takes up what was stored.
  const next = learner(old, way(), own, kept);
  const parts = { head: next.head, optimizer: next.optimizer, combine: next.combine };
  const bytes = await store.get(name);
  const from = bytes && (await checkpoint.read<{ step: number }>(bytes, parts));
  for (const _ of steps(STEPS - (from?.step ?? 0))) next.step();
  // #endregion
  await store.delete(name);
  const same = Number(measured(() => next.head.weight.eq(unbroken.head.weight).all().item()));
  const [before, after] = [right(next.head, oldTest), right(next.head, newTest)];
  return { old: before, new: after, both: (before + after) / 2, forgot: measured(() => next.forgot().item()), same };
}

const forgot = (weight: number) => () => multiloss.weighted({ learnt: 1, forgot: weight });
const ways: Record<string, Way> = {
  'new kinds alone': forgot(0),
  'equal weights': () => new multiloss.Sum(),
  'forgot × 0.1': forgot(0.1),
  'forgot × 10': forgot(10),
  'forgot ≤ 0.05': () => multiloss.constrain({ main: 'learnt', limits: { forgot: 0.05 }, lr: 1 }),
  UPGrad: () => new multiloss.UPGrad(),
};
const runs = await compare(ways, train, { old: ['old kinds, %', 1, 100], new: ['new kinds, %', 1, 100], both: ['mean, %', 1, 100], forgot: ['forgot, nats', 3] });
const all = Object.values(runs).flat();
console.log(
  `\nBefore: ${(100 * right(old, oldTest)).toFixed(1)} % of old kinds. Runs that were stopped and went on with the same bits: ${all.filter((r) => r.same).length} of ${all.length}`,
);
console.log(`
The new kinds alone wipe the old ones out. With the second loss both are known, and its weight chooses how much of either; the means lie within
three points, but for a tenth of the weight. The limit says beforehand how far the head may move from what it said, and is kept without a search.`);
