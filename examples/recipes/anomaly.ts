// An anomaly detector for a vibrating machine: an autoencoder that learns what is normal, and a second loss on 20 windows of the one fault that was seen.
// npx tsx examples/recipes/anomaly.ts
import { capture, lrScheduler, manualSeed, metrics, multiloss, nn, noGrad, optim, steps, type Tensor } from 'gradloom';
import { cat, linspace, ones, rand, randint, randn, stack, where, zeros } from 'gradloom';
import { compare, stepsOf } from './runs.ts';

const [STEPS, BATCH, WINDOW, CODE, LABELLED] = [stepsOf(1000), 128, 32, 8, 20];
const time = linspace(0, 2 * Math.PI, WINDOW).unsqueeze(0);
const place = linspace(0, WINDOW - 1, WINDOW).unsqueeze(0);

const between = (n: number, low: number, high: number): Tensor =>
  rand([n, 1])
    .mul(high - low)
    .add(low);
const wave = (n: number, times: number): Tensor =>
  time
    .mul(times)
    .add(between(n, 0, 2 * Math.PI))
    .sin();
/** Windows [n, WINDOW]: a turn and its first harmonic, of any phase and strength, and noise. */
const healthy = (n: number): Tensor =>
  wave(n, 1)
    .mul(between(n, 0.5, 1.5))
    .add(wave(n, 2).mul(between(n, 0, 0.5)))
    .add(randn([n, WINDOW]).mul(0.1));
const faults = {
  /** The one that was seen: more of the harmonic. An autoencoder can draw it again. */
  worn: (n: number): Tensor => healthy(n).add(wave(n, 2).mul(0.7)),
  /** Never seen: one sample jumps. */
  spike: (n: number): Tensor => healthy(n).add(nn.functional.oneHot(randint(0, WINDOW, [n]), WINDOW).mul(0.5)),
  /** Never seen: the sensor is weak for eight samples. */
  dropout: (n: number): Tensor => {
    const [x, from] = [healthy(n), randint(0, WINDOW - 8, [n, 1])];
    return where(place.ge(from).logicalAnd(place.lt(from.add(8))), x.mul(0.3), x);
  },
};

class Detector extends nn.Module {
  encoder = new nn.Sequential(new nn.Linear(WINDOW, 32), new nn.ReLU(), new nn.Linear(32, CODE));
  decoder = new nn.Sequential(new nn.Linear(CODE, 32), new nn.ReLU(), new nn.Linear(32, WINDOW));
  head = new nn.Sequential(new nn.Linear(CODE, 16), new nn.ReLU(), new nn.Linear(16, 1));

  /** For each window: how far off it is drawn again, and a logit of the known fault. */
  forward(x: Tensor): { error: Tensor; logit: Tensor } {
    const code = this.encoder.forward(x);
    return { error: this.decoder.forward(code).sub(x).square().mean(1), logit: this.head.forward(code).squeeze(1) };
  }
}

type Output = 'error' | 'logit';

function train(combine: multiloss.Method, outputs: readonly Output[], seed: number) {
  manualSeed(seed);
  const [windows, seen] = [healthy(1000), faults.worn(LABELLED)];
  const model = new Detector();
  const optimizer = new optim.Adam(model.parameters(), { lr: 3e-3 });
  const schedule = new lrScheduler.CosineAnnealingLR(optimizer, { tMax: STEPS });
  const balanced = cat([zeros([BATCH]), ones([LABELLED])], 0);
  const weight = cat([ones([BATCH]).div(BATCH), ones([LABELLED]).div(LABELLED)], 0);
  // #region step
  const step = capture((x: Tensor) => {
    optimizer.zeroGrad();
    const { error, logit } = model.forward(cat([x, seen], 0));
    const reconstruction = error.narrow(0, 0, BATCH).mean(); // of healthy windows only
    const fault = nn.functional.binaryCrossEntropyWithLogits(logit, balanced, { weight, reduction: 'sum' });
    multiloss.backward({ reconstruction, fault }, { combine });
    optimizer.step();
  });
  // #endregion
  for (const _ of steps(STEPS)) {
    step(windows.indexSelect(0, randint(0, 1000, [BATCH])));
    schedule.step();
  }
  return noGrad(() => {
    /** The outputs in standard deviations of healthy windows; the larger one counts. */
    const usual = model.forward(windows);
    const score = (x: Tensor): Tensor => {
      const found = model.forward(x);
      return stack(outputs.map((key) => found[key].sub(usual[key].mean()).div(usual[key].std()))).amax(0);
    };
    const normal = score(healthy(1000));
    const found = (kind: keyof typeof faults): number => {
      const auroc = new metrics.AUROC();
      auroc.update(cat([normal, score(faults[kind](1000))], 0), cat([zeros([1000]), ones([1000])], 0).int());
      return auroc.compute();
    };
    return { worn: found('worn'), spike: found('spike'), dropout: found('dropout') };
  });
}

const both = (combine: () => multiloss.Method) => ({ combine, outputs: ['error', 'logit'] as const });
const fault = (weight: number) => () => multiloss.weighted({ reconstruction: 1, fault: weight });
const ways: Record<string, { combine: () => multiloss.Method; outputs: readonly Output[] }> = {
  'reconstruction alone': { combine: fault(0), outputs: ['error'] },
  'equal weights': both(() => new multiloss.Sum()),
  'fault × 0.1': both(fault(0.1)),
  'fault × 0.01': both(fault(0.01)),
  'reconstruction ≤ 0.01': both(() => multiloss.constrain({ main: 'fault', limits: { reconstruction: 0.01 }, lr: 1 })),
  UPGrad: both(() => new multiloss.UPGrad()),
  'normalized, then UPGrad': both(() => multiloss.normalize(new multiloss.UPGrad())),
};
await compare(ways, ({ combine, outputs }, seed) => train(combine(), outputs, seed), {
  worn: ['worn (seen)', 3],
  spike: ['spike (unseen)', 3],
  dropout: ['dropout (unseen)', 3],
});
console.log(`
The second loss finds the seen fault more often, at some cost for the spike, which was never seen; the dropout does not notice.
A small weight, a limit on reconstruction, or normalizing before UPGrad pays half of that cost. Among these the differences are within the spread.`);
