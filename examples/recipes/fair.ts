// A fair classifier and its front: who is invited, learnt from decisions that favoured a group. Two losses: the error, and how far the groups' rates are apart.
// The people are generated; the group itself is hidden from the network, but one of its inputs gives it away. npx tsx examples/recipes/fair.ts
import { bernoulli, capture, cat, full, manualSeed, multiloss, nn, noGrad, optim, randn, steps, type Tensor } from 'gradloom';
import { columns, compare, overSeeds, seeds, stepsOf } from './runs.ts';

const STEPS = stepsOf(400);

/** Inputs [n, 3], group 0 or 1 and decision 0 or 1, [n, 1] each: of equal skill, group 1 was invited more often. */
function people(n: number): { x: Tensor; group: Tensor; invited: Tensor } {
  const noise = (spread: number): Tensor => randn([n, 1]).mul(spread);
  const group = bernoulli(full([n, 1], 0.5));
  const skill = noise(1);
  const place = group.mul(2).sub(1).add(noise(0.7));
  const mark = skill.mul(0.8).add(group.mul(0.8)).add(noise(0.6));
  const test = skill.add(noise(0.8));
  const invited = skill.mul(2).add(group.mul(1.6)).sub(0.8).add(noise(0.8)).gt(0).float();
  return { x: cat([place, mark, test], 1), group, invited };
}

/** How far the groups' mean rates are apart, 0–1 (demographic parity). */
function gapOf(rate: Tensor, group: Tensor): Tensor {
  const mean = (members: Tensor): Tensor => rate.mul(members).sum().div(members.sum());
  return mean(group)
    .sub(mean(group.neg().add(1)))
    .abs();
}

class Net extends nn.Module {
  hidden = new nn.Linear(3, 16);
  out = new nn.Linear(16, 1);

  forward(x: Tensor): Tensor {
    return this.out.forward(this.hidden.forward(x).tanh());
  }
}

function train(combine: multiloss.Method, seed: number): { accuracy: number; gap: number } {
  manualSeed(seed);
  const [{ x, group, invited }, test] = [people(2000), people(4000)];
  const net = new Net();
  const optimizer = new optim.Adam(net.parameters(), { lr: 1e-2 });
  const step = capture(() => {
    optimizer.zeroGrad();
    const logits = net.forward(x);
    const error = nn.functional.binaryCrossEntropyWithLogits(logits, invited);
    multiloss.backward({ error, gap: gapOf(logits.sigmoid(), group) }, { combine });
    optimizer.step();
  });
  for (const _ of steps(STEPS)) step();
  const decided = noGrad(() => net.forward(test.x).gt(0).float());
  return { accuracy: decided.eq(test.invited).float().mean().item(), gap: gapOf(decided, test.group).item() };
}

type Ways = Readonly<Record<string, () => multiloss.Method>>;
const named = (name: string, values: readonly number[], make: (value: number) => multiloss.Method): Ways => Object.fromEntries(values.map((v) => [`${name} ${v}`, () => make(v)]));
// #region ways
const families: Readonly<Record<string, Ways>> = {
  weights: named('gap ×', [0, 0.2, 0.4, 1], (gap) => multiloss.weighted({ error: 1, gap })),
  limits: named('gap ≤', [0.2, 0.1, 0.05, 0], (gap) => multiloss.constrain({ main: 'error', limits: { gap }, lr: 0.1 })),
  preferences: named('STCH,', [0.8, 0.6, 0.4, 0.2], (w) => new multiloss.STCH({ weights: { error: w, gap: 1 - w }, mu: 0.02, zeroPoint: { error: 0.3, gap: 0 } })),
  'without a choice': { UPGrad: () => new multiloss.UPGrad(), MGDA: () => new multiloss.MGDA() },
};
// #endregion
const runs = await compare(Object.assign({}, ...Object.values(families)) as Ways, (way, seed) => train(way(), seed), { accuracy: ['accuracy, %', 1, 100], gap: ['gap', 3] });

type Point = { accuracy: number; gap: number };
const dominates = (a: Point, b: Point): boolean => a.accuracy >= b.accuracy && a.gap <= b.gap && (a.accuracy > b.accuracy || a.gap < b.gap);
/** The share of the rectangle between a coin's accuracy with a gap of 0.5 and the ideal that lies behind the points. */
function hypervolume(points: readonly Point[]): number {
  const front = points.filter((p) => !points.some((q) => dominates(q, p))).sort((a, b) => a.gap - b.gap);
  return front.reduce((area, p, i) => area + Math.max(0, p.accuracy - 0.5) * Math.max(0, (front[i + 1]?.gap ?? 0.5) - p.gap), 0) / 0.25;
}
const pointsOf = (names: readonly string[], seed: number): Point[] => names.map((name) => runs[name]?.[seed] as Point);
const everything = Object.keys(runs);
const fronts = Object.entries(families).map(([family, ways]) => {
  const names = Object.keys(ways);
  const volumes = seeds.map((_, s) => hypervolume(pointsOf(names, s)));
  const beaten = seeds.map((_, s) => pointsOf(names, s).filter((p) => pointsOf(everything, s).some((q) => dominates(q, p))).length);
  return [family, overSeeds(volumes, 3), `${overSeeds(beaten, 1)} of ${names.length}`];
});
console.log(`\n${columns(['front of each family', 'hypervolume', 'dominated'], fronts)}`);
console.log(`
All families draw one front: the price of a smaller gap is accuracy, whatever the method. A limit is met within 0.03; a weight has to be searched for.
Methods without a choice stop somewhere on the front, and where differs from seed to seed.`);
