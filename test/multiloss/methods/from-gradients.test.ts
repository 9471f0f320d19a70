// Weights of methods on gradients, step by step, with their formulas written down; thresholds, each from both sides.
import { manualSeed, multiloss as M } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawPermutations } from '../../../src/tensor/random.ts';
import { throwsCode } from '../../helpers.ts';
import { makers } from '../makers.ts';
import { inner, length, normals, type Rows, statsOf } from '../samples.ts';

/** Of one step; `names`: loss1, loss2, … where left out. */
interface Step {
  rows: Rows;
  losses?: number[];
  names?: string[];
  rank?: number;
  elements?: { largest: Float64Array; mean: Float64Array };
  w: number[];
}

const weigh = (method: M.Weighting, { rows, losses, ...more }: Omit<Step, 'w'>): number[] => {
  return [...method.weights({ ...statsOf(rows, losses), ...more })];
};

function near(actual: readonly number[], expected: readonly number[], what: string): void {
  const size = Math.max(...expected.map(Math.abs));
  assert.is(actual.length, expected.length);
  for (const [k, v] of expected.entries()) assert.ok(Math.abs((actual[k] as number) - v) <= 1e-9 * size, `${what}: ${actual} is not ${expected}`);
}

const [X, Y] = [[1, 0], [0, 1]]; // biome-ignore format: rows
/** Rows along the axes, of these lengths. */
const axes = (...lengths: number[]): Rows => lengths.map((l, i) => lengths.map((_, k) => (i === k ? l : 0)));
const along = ([x, y]: number[], by: number): number[] => [(x as number) * by, (y as number) * by];
/** Two unit rows of cosine 0.8. */
const close: Rows = [X, [0.8, 0.6]];
/** Of length 1, at the cosine 1 − 2d² − 1 = 2d² − 1: all but opposed. */
const opposed = (d: number): Rows => [[1, d], [-1, d]]; // biome-ignore format: rows
/** Equal projections have weights of 1.4…, 1.4… and −2.86·(1 + by), which add up to nearly 0. */
const cancelling = (by: number): Rows => [[1, 0, 0], [0, 1, 0], [0.6, 0.6, Math.sqrt(0.28)].map((v) => (v / 4) * (1 + by))]; // biome-ignore format: rows

/** The first gradient's largest element is 1; the second's mean one. */
const elements = (mean: number): Step['elements'] => ({ largest: Float64Array.of(1, 1), mean: Float64Array.of(1, mean) });

const table: readonly [what: string, method: M.Weighting, ...steps: Step[]][] = [
  ['ConFIG: C⁻¹·p over the lengths, times Σ ⟨gᵢ, d⟩/‖d‖²', new M.ConFIG({ preference: [2, 1] }), { rows: axes(1, 3), w: [2, 1 / 3].map((v) => (v * (2 + 3)) / 5) }],
  ['ConFIG: preferences of any size', new M.ConFIG({ preference: [2e-9, 1e-9] }), { rows: axes(1, 1), w: [1.2, 0.6] }],
  ['ConFIG: a zero gradient has weight 0', new M.ConFIG(), { rows: [X, [0, 0], along(Y, 2)], w: [1.5, 0, 0.75] }],
  ['ConFIG: a gradient twice', new M.ConFIG(), { rows: [X, along(X, 2), Y], w: [0.5, 0.25, 1].map((v) => (v * (1 + 2 + 1)) / 2) }],
  // The eigenvalues of their cosines are 1.8 and 0.2; without the small one both get as much.
  ['ConFIG: eigenvalues below 2·eps of the largest are left out', new M.ConFIG({ preference: [2, 1], eps: 0.06 }), { rows: close, w: [1, 1] }],
  ['ConFIG: those above count', new M.ConFIG({ preference: [2, 1], eps: 0.05 }), { rows: close, w: weigh(new M.ConFIG({ preference: [2, 1] }), { rows: close }) }],
  ['ConFIG: no more of them than the rank', new M.ConFIG({ preference: [2, 1] }), { rows: close, rank: 1, w: [1, 1] }],
  ['ConFIG: gradients that cancel but for 5e-8 have no direction', new M.ConFIG(), { rows: opposed(5e-8), w: [0, 0] }],
  ['IMTLG: 1/‖gᵢ‖ where gradients are orthogonal, whatever their lengths', new M.IMTLG(), { rows: axes(1e9, 1), w: [1e-9 / (1 + 1e-9), 1 / (1 + 1e-9)] }],
  ['IMTLG: a gradient twice: the shortest weights', new M.IMTLG(), { rows: [X, along(X, 2), Y], w: [0.2, 0.4, 1].map((v) => v / 1.6) }],
  ['IMTLG: the same of any length', new M.IMTLG(), { rows: [X, along(X, 2), Y].map((r) => along(r, 1e-60)), w: [0.2, 0.4, 1].map((v) => v / 1.6) }],
  ['IMTLG: nothing of nothing', new M.IMTLG(), { rows: axes(0, 0), w: [0, 0] }],
  // The Gramian's eigenvalues are 1.8 and 0.2 for both.
  ['IMTLG: eigenvalues below 2·eps of the largest are left out', new M.IMTLG({ eps: 0.2 }), { rows: axes(1, 0.5), w: [1, 0] }],
  ['IMTLG: those above count', new M.IMTLG({ eps: 0.1 }), { rows: axes(1, 0.5), w: [1 / 3, 2 / 3] }],
  ['IMTLG: no more of them than the rank', new M.IMTLG(), { rows: axes(1, 0.5), rank: 1, w: [1, 0] }],
  ['IMTLG: weights that add up to 5e-13 of their sizes are none', new M.IMTLG(), { rows: cancelling(1e-12), w: [0, 0, 0] }],
  ['AlignedMTL: √s·Λ^(−½)·p', new M.AlignedMTL({ preference: [2, 1] }), { rows: axes(1, 0.5), w: [2 * 0.5, 1] }],
  ['AlignedMTL: preferences of 1/m', new M.AlignedMTL(), { rows: axes(1, 0.5), w: [0.25, 0.5] }],
  ['AlignedMTL: eigenvalues below 2·eps of the largest are left out', new M.AlignedMTL({ eps: 0.2 }), { rows: axes(1, 0.5), w: [0.5, 0] }],
  ['AlignedMTL: those above count', new M.AlignedMTL({ eps: 0.1 }), { rows: axes(1, 0.5), w: [0.25, 0.5] }],
  ['AlignedMTL: no more of them than the rank', new M.AlignedMTL(), { rows: axes(1, 0.5), rank: 1, w: [0.5, 0] }],
  ['AlignedMTL: the preference where there are no gradients', new M.AlignedMTL({ preference: [2, 1] }), { rows: axes(0, 0), w: [2, 1] }],
  ['CAGrad: half of the mean gradient towards the worst-off', new M.CAGrad(), { rows: axes(1, 1), w: [0.75, 0.75] }],
  ['FairGrad: as Nash', new M.FairGrad(), { rows: axes(1, 2), w: [1, 0.5] }],
  ['FairGrad(0) is the mean', new M.FairGrad({ alpha: 0 }), { rows: axes(1, 2), w: [0.5, 0.5] }],
  ['NashMTL: a step longer than maxNorm is shortened', new M.NashMTL({ maxNorm: 0.5 }), { rows: axes(1, 2), w: [1, 0.5].map((v) => v / Math.sqrt(8)) }],
  ['NashMTL: a shorter one is not lengthened', new M.NashMTL({ maxNorm: 2 }), { rows: axes(1, 2), w: [1, 0.5] }],
  [
    'NashMTL: maxNorm is 1, and each step new',
    new M.NashMTL(),
    { rows: axes(1, 2), w: [1, 0.5].map((v) => v / Math.SQRT2) },
    { rows: axes(4, 4), w: [1, 1].map((v) => v / Math.SQRT2 / 4) },
  ],
  [
    'NashMTL: every second step anew, and where a loss is new',
    new M.NashMTL({ updateEvery: 2, maxNorm: 0 }),
    { rows: axes(1, 2), w: [1, 0.5] },
    { rows: axes(4, 4), w: [1, 0.5] },
    { rows: axes(4, 4), w: [0.25, 0.25] },
    { rows: axes(1, 2), names: ['loss1', 'new'], w: [1, 0.5] },
    { rows: axes(4, 4), names: ['loss1', 'new'], w: [0.25, 0.25] },
  ],
  ['MGDA: of two alike the first alone', new M.MGDA({ frankWolfe: { epsilon: 1e-3, maxIters: 1 } }), { rows: [X, X], w: [1, 0] }],
  ['MGDA: no step where no row falls steeper', new M.MGDA({ frankWolfe: { epsilon: 1e-3, maxIters: 1 } }), { rows: axes(1, 1), w: [0.5, 0.5] }],
  ['MGDA: a zero gradient is the shortest', new M.MGDA(), { rows: [X, [0, 0]], w: [0, 1] }],
  ['DualProj: Gramian / trace + regEps', new M.DualProj({ regEps: 1 / 12 }), { rows: [X, [-2, 1]], w: [2 / 3, 0.5] }],
  ['DualProj: the same of short gradients', new M.DualProj({ regEps: 1 / 12 }), { rows: [along(X, 0.1), [-0.2, 0.1]], w: [2 / 3, 0.5] }],
  ['DualProj: without regEps, exact', new M.DualProj({ normEps: 6 }), { rows: [X, [-2, 1]], w: [1, 0.5] }],
  ['DualProj: a trace below normEps counts as 0', new M.DualProj({ normEps: 6.1 }), { rows: [X, [-2, 1]], w: [0.5, 0.5] }],
  ['DualProj: regEps of nothing', new M.DualProj({ regEps: 1 }), { rows: axes(0, 0), w: [0.5, 0.5] }],
  ['UPGrad: the projections of each, added', new M.UPGrad({ preference: [1, 1] }), { rows: [X, [-0.6, 0.8]], w: [1.6, 1.6] }],
  ['GradVac: no cosine is brought to 1', new M.GradVac({ beta: 1 }), { rows: [X, along(X, 2)], w: [1, 1] }, { rows: [X, Y], w: [1, 1] }],
  ['EnCodecBalancer: no shares, no weights', new M.EnCodecBalancer({ shares: [0, 0] }), { rows: axes(1, 2), w: [0, 0] }],
  ['EnCodecBalancer: no gradient counts as one of length 1', new M.EnCodecBalancer(), { rows: axes(0, 2), w: [0.5, 0.25] }],
  ['VQGANWeight: ‖∇rec‖/(‖∇gan‖ + 1e-4)', new M.VQGANWeight({ rec: 'loss1', gan: 'loss2' }), { rows: axes(3, 2, 1), w: [1, 3 / 2.0001, 1] }],
  ['VQGANWeight: at most 1e4', new M.VQGANWeight({ rec: 'loss1', gan: 'loss2' }), { rows: axes(3, 1e-5), w: [1, 1e4] }],
  ['PINNAnnealing: a mean of more than 1e-12 of the largest', new M.PINNAnnealing({ main: 'loss1' }), { rows: axes(1, 1), elements: elements(2e-12), w: [1, 0.9 + 0.1 / 2e-12] }],
  ['PINNAnnealing: one of less is that of no gradient', new M.PINNAnnealing({ main: 'loss1' }), { rows: axes(1, 1), elements: elements(5e-13), w: [1, 1] }],
  // Slopes over the mean length of −1e-8 and 2: Adam's ε, 1e-8, halves the first step.
  [
    'GradNorm: a step of Adam, then a floor, and what is above it shared',
    new M.GradNorm(),
    { rows: axes(0.5e-8, 1), w: [1, 1] },
    { rows: axes(1, 1), w: [1 + 0.025 / 2 - 0.01, 1 - 0.025 - 0.01].map((v) => 0.01 + (0.99 * 2 * v) / (2 - 0.025 / 2 - 0.02)) },
  ],
  [
    'MoDo: a new loss gets 1/m, and then all are made to add up to 1',
    new M.MoDo({ gamma: 1e-12 }),
    { rows: axes(1, 1), w: [0.5, 0.5] },
    { rows: axes(1, 1, 1), w: [0.375, 0.375, 0.25] },
  ],
  ['SDMGrad: (w + λ·p)/(1 + λ)', new M.SDMGrad({ preference: [0.5, 0], lambda: 1, lr: 1e-12 }), { rows: axes(1, 2), w: [0.5, 0.25] }],
  [
    'SDMGrad: one step of 10 times the slope, of Gramian / mean length²',
    new M.SDMGrad({ steps: 1 }),
    { rows: axes(1, 0.98), w: [-1, 1].map((sign) => (0.65 + (sign * 10 * 0.65 * (1 - 0.98 ** 2)) / 0.99 ** 2 / 2) / 1.3) },
  ],
  ['UPGrad: Gramian / trace + regEps', new M.UPGrad({ regEps: 1 / 12 }), { rows: [X, [-2, 1]], w: [0.5 + 2 / 3, 0.5 + (0.5 / 6) * 2 * (12 / 11)] }],
];

for (const [what, method, ...steps] of table) test(what, () => steps.forEach(({ w, ...step }, k) => void near(weigh(method, step), w, `step ${k}`)));

test('beyond the other side of a threshold there are weights', () => {
  for (const [method, rows] of [
    [new M.ConFIG(), opposed(2e-7)],
    [new M.IMTLG(), cancelling(1e-11)],
  ] as const)
    assert.ok(weigh(method, { rows }).every((v) => v !== 0)); // biome-ignore format: one line
});

test("Frank and Wolfe's steps: towards the row that falls steepest, to the shortest vector on the way", () => {
  const normal = normals(3);
  for (let draw = 0; draw < 100; draw++) {
    const rows = Array.from({ length: 2 + (draw % 5) }, () => [normal(), normal(), normal() + 1]);
    for (const [epsilon, maxIters] of [
      [1e-9, 1],
      [1e-9, 7],
      [0.3, 20],
    ] as const) {
      let w = rows.map(() => 1 / rows.length);
      for (let turn = 0; turn < maxIters; turn++) {
        const now = [0, 1, 2].map((k) => inner(w, rows.map((r) => r[k] as number))); // biome-ignore format: one line
        const gains = rows.map((r) => inner(r, now));
        const to = gains.indexOf(Math.min(...gains));
        const way = now.map((v, k) => v - ((rows[to] as number[])[k] as number));
        const step = Math.min(1, inner(now, way) / inner(way, way) || 0);
        w = w.map((v, i) => (1 - step) * v + (i === to ? step : 0));
        if (step < epsilon) break;
      }
      near(weigh(new M.MGDA({ frankWolfe: { epsilon, maxIters } }), { rows }), w, `draw ${draw}`);
    }
  }
});

test('Krum: the mean of those closest to their m − f − 2 nearest ones, of as close ones the first', () => {
  const normal = normals(4);
  for (let draw = 0; draw < 60; draw++) {
    const m = 4 + (draw % 4);
    const rows = Array.from({ length: m }, () => [0, 1, 2].map(() => 0.2 * normal()));
    for (const f of [0, 1, m - 3]) {
      for (const nSelected of [1, 2, m]) {
        const scores = rows.map((a) => rows.map((b) => length(a.map((v, k) => v - (b[k] as number)))).sort((x, y) => x - y).slice(1, m - f - 1).reduce((x, y) => x + y, 0)); // biome-ignore format: one line
        const best = [...scores.keys()].sort((i, j) => (scores[i] as number) - (scores[j] as number)).slice(0, nSelected);
        near(weigh(new M.Krum({ nByzantine: f, nSelected }), { rows }), rows.map((_, i) => (best.includes(i) ? 1 / nSelected : 0)), `draw ${draw}`); // biome-ignore format: one line
      }
    }
  }
  assert.equal(weigh(new M.Krum({ nByzantine: 0 }), { rows: [[1], [1], [1]] }), [1, 0, 0]);
  throwsCode('VALUE', /nSelected is 4, of 3 losses/, () => weigh(new M.Krum({ nByzantine: 0, nSelected: 4 }), { rows: [[1], [1], [1]] }));
  throwsCode('SHAPE', /at least 4 losses, got 3/, () => weigh(new M.Krum({ nByzantine: 1 }), { rows: [[1], [1], [1]] }));
});

test('MoCo: a new loss gets 1/m, and then all are made to add up to 1', () => {
  const method = new M.MoCo({ beta: 1, gamma: 0 });
  const step = (rows: Rows): number[] => M.applyCombiner(method, rows, { losses: rows.map(() => 1) }).direction;
  const rows = axes(1, 1, 1);
  step(rows.slice(0, 2));
  const e = [0.375, 0.375, 0.25].map(Math.exp);
  step(rows).forEach((v, i) => {
    assert.ok(Math.abs(v - (e[i] as number) / e.reduce((a, b) => a + b)) < 1e-6, `${v}`);
  });
});

test('GradNorm: a step without gradients teaches nothing', () => {
  const [taught, fresh] = [new M.GradNorm(), new M.GradNorm()];
  weigh(taught, { rows: axes(0, 0) });
  for (let step = 0; step < 3; step++) assert.equal(weigh(taught, { rows: axes(1, 3) }), weigh(fresh, { rows: axes(1, 3) }));
});

test('GradNorm: where all losses are solved, none lags behind', () => {
  const [lagging, even] = [new M.GradNorm(), new M.GradNorm({ alpha: 0 })];
  for (const loss of [1, 0, 0, 0]) assert.equal(...([lagging, even].map((method) => weigh(method, { rows: axes(1, 3), losses: [loss, loss] })) as [number[], number[]]));
});

/** Gradients that lose, in the given orders, what points against others: to the cosine `aims` says, which follows those seen by β. */
function vaccinated(rows: Rows, names: readonly string[], orders: Int32Array, aims: Map<string, number>, beta: number): number[] {
  const m = rows.length;
  const sine = (x: number): number => Math.sqrt(1 - x * x);
  const w = rows.map(() => 0);
  for (let i = 0; i < m; i++) {
    const made = rows.map((_, k): number => (k === i ? 1 : 0));
    for (const j of orders.subarray(i * m, i * m + m)) {
      if (j === i) continue;
      const mine = (rows[0] as number[]).map((_, k) => inner(made, rows.map((r) => r[k] as number))); // biome-ignore format: one line
      const [p, q] = [length(mine), length(rows[j] as number[])];
      const c = p > 0 && q > 0 ? inner(mine, rows[j] as number[]) / p / q : 0;
      const pair = `${names[i]} ${names[j]}`;
      const aim = aims.get(pair) ?? 0;
      if (c < aim && p > 0 && q > 0) made[j] = (made[j] as number) + (p * (aim * sine(c) - c * sine(aim))) / (q * sine(aim));
      aims.set(pair, (1 - beta) * aim + beta * c);
    }
    made.forEach((v, k) => {
      w[k] = (w[k] as number) + v;
    });
  }
  return w;
}

test('PCGrad and GradVac of many losses that come and go, in the orders that are drawn', () => {
  const normal = normals(5);
  const all = ['a', 'b', 'c', 'd', 'e'];
  const [pc, vac, aims] = [new M.PCGrad(), new M.GradVac({ beta: 0.3 }), new Map<string, number>()];
  for (let k = 0; k < 60; k++) {
    const names = k === 0 ? ['b', 'a', 'c'] : all.filter((_, i) => (i + k) % 6 !== 0 && (i + k) % 7 !== 0);
    const rows = names.map((_, i) => Array.from({ length: 4 }, (_, c) => 10 ** (k % 3) * (normal() + (c === 0 && i % 2 ? 1 : 0))));
    if (k % 10 === 9) (rows[1] as number[]).fill(0);
    if (k % 4 === 1) rows[2] = (rows[0] as number[]).map((v) => -v + 1e-2 * normal());
    manualSeed(k);
    const orders = drawPermutations(names.length, names.length);
    const drawn = <T>(of: () => T): T => {
      manualSeed(k);
      return of();
    };
    near(drawn(() => weigh(pc, { rows, names })), vaccinated(rows, names, orders, new Map(), 0.5), `PCGrad, step ${k}`); // biome-ignore format: one line
    near(drawn(() => weigh(vac, { rows, names })), vaccinated(rows, names, orders, aims, 0.3), `GradVac, step ${k}`); // biome-ignore format: one line
    if (k === 30) vac.loadStateDict(JSON.parse(JSON.stringify(vac.stateDict())));
  }
});

test('options of the one object that an option is, and those that must be given', () => {
  for (const [make, message] of [
    [() => new M.MGDA({ frankWolfe: { epsilon: 1, maxIters: 1, more: 1 } as never }), /no option 'more'/],
    [() => new M.MGDA({ frankWolfe: { epsilon: 1 } as never }), /maxIters must be/],
    [() => new M.MGDA({ frankWolfe: { maxIters: 1 } as never }), /epsilon must be/],
    [() => new M.Krum({} as never), /nByzantine must be/],
    [() => new M.TrimmedMean({} as never), /trimNumber must be/],
    [() => new M.PINNAnnealing({} as never), /main must be/],
    [() => new M.VQGANWeight({ gan: 'a' } as never), /rec must be/],
    [() => new M.VQGANWeight({ rec: 'a' } as never), /gan must be/],
  ] as const)
    throwsCode('VALUE', message, make);
});

test('the state of a method that has made no step is one', () => {
  for (const make of Object.values(makers)) make().loadStateDict(JSON.parse(JSON.stringify(make().stateDict())));
});

test.run();
