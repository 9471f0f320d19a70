// What each method claims, on Jacobians of every rank and scale.
import fc from 'fast-check';
import { manualSeed, multiloss, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { atRank, roundedProducts } from '../../../src/multiloss/solve/rank.ts';
import { throwsCode } from '../../helpers.ts';
import { type MethodRow, methods } from '../methods.ts';
import { anyRows, independentRows, inner, type Kind, length, longest, normals, ofKind, type Rows, rowsOf, scaled, statsOf } from '../samples.ts';

/** The first step of a new method, with losses 1, 2, …. */
function combined({ make }: MethodRow, rows: Rows, losses = rows.map((_, i) => i + 1)): multiloss.Combined {
  manualSeed(5);
  return multiloss.applyCombiner(make(), rows, { losses });
}

const first = (row: MethodRow, rows: Rows, losses?: number[]): number[] => combined(row, rows, losses).direction;

const enough =
  ({ least = 1 }: MethodRow) =>
  (rows: Rows): boolean =>
    rows.length >= least;

const distance = (a: readonly number[], b: readonly number[]): number => length(a.map((v, k) => v - (b[k] as number)));

function check(what: string, rows: readonly MethodRow[], property: (row: MethodRow) => void): void {
  for (const row of rows) {
    test(`${row.name}: ${what}`, () => property(row));
  }
}

check('finite at every rank and scale, from 0 to 1e10, step after step', methods, (row) => {
  const scales = fc.constantFrom(0, 1e-10, 1e-3, 1, 1e4, 1e10);
  fc.assert(
    fc.property(anyRows.filter(enough(row)), fc.array(scales, { minLength: 3, maxLength: 3 }), (rows, steps) => {
      const method = row.make();
      for (const [k, scale] of steps.entries()) {
        const { direction, weights } = multiloss.applyCombiner(method, scaled(rows, scale), { losses: rows.map((_, i) => i) });
        assert.ok(direction.every(Number.isFinite), `direction ${direction}`);
        assert.ok(weights === null || weights.every(Number.isFinite), `weights ${weights}`);
        if (k === 0 && scale === 0)
          assert.ok(
            direction.every((v) => v === 0),
            `${direction} of zero gradients`,
          );
      }
    }),
    { seed: 1, numRuns: 60 },
  );
});

check(
  'raises no loss',
  methods.filter((r) => r.nonConflicting),
  (row) => {
    fc.assert(
      fc.property(anyRows.filter(enough(row)), fc.constantFrom(1e-8, 1, 1e8), (rows, scale) => {
        const real = scaled(rows, scale);
        const { direction: g, weights } = combined(row, real);
        // What cancels leaves roundings of its terms, 1e-16 each.
        const terms = real.reduce((sum, r, i) => sum + length(r) * Math.abs((weights as number[])[i] as number), 0);
        for (const r of real) assert.ok(inner(r, g) >= -length(r) * (1e-7 * length(g) + 1e-14 * terms), `${inner(r, g)} of ${length(r)} · ${length(g)}, ${terms}`);
      }),
      { seed: 2, numRuns: 300 },
    );
  },
);

const host = methods.filter((r) => 'weights' in r.make());

check('finite on nearly dependent gradients, and on a Gramian that float32 rounds', host, (row) => {
  const noise = fc.constantFrom(1e-12, 1e-8, 1e-6, 1e-3);
  fc.assert(
    fc.property(rowsOf(6, 5), noise, fc.constantFrom(0, 4, 10), (given, tiny, spread) => {
      // Rows 2 and 3 nearly double and oppose rows 0 and 1; lengths differ by 10^spread.
      const rows = given.map((r, i) => {
        const like = given[i - 2] as number[];
        const near = i === 2 || i === 3 ? r.map((v, k) => tiny * v + (i === 2 ? 1 : -0.7) * (like[k] as number)) : r;
        return near.map((v) => v * 10 ** ((i / 5 - 0.5) * spread));
      });
      const exactly = statsOf(rows);
      const w = (row.make() as multiloss.Weighting).weights(exactly);
      assert.ok(w.every(Number.isFinite), `${w}`);
      if (row.nonConflicting && !row.name.startsWith('FairGrad')) {
        const terms = rows.reduce((sum, r, i) => sum + length(r) * Math.abs(w[i] as number), 0);
        const g = (rows[0] as number[]).map((_, k) => rows.reduce((sum, r, i) => sum + (w[i] as number) * (r[k] as number), 0));
        for (const r of rows) assert.ok(inner(r, g) >= -1e-5 * length(r) * terms, `${inner(r, g)} of ${length(r)} · ${terms}`);
      }
      const rounded = (row.make() as multiloss.Weighting).weights({ ...exactly, ...atRank(exactly.gramian.map(Math.fround), 6, roundedProducts(6)) });
      assert.ok(rounded.every(Number.isFinite), `${rounded}`);
    }),
    { seed: 8, numRuns: 100 },
  );
});

check(
  'the order of the losses does not matter',
  methods.filter((r) => r.permutationInvariant),
  (row) => {
    fc.assert(
      fc.property(anyRows.filter(enough(row)), (rows) => {
        const losses = rows.map(() => 2);
        const [here, there] = [first(row, rows, losses), first(row, rows.toReversed(), losses)];
        const tolerance = (row.permutationInvariant as number) * (length(here) + longest(rows));
        assert.ok(distance(here, there) <= tolerance, `${here} ≠ ${there}`);
      }),
      { seed: 3, numRuns: 150 },
    );
  },
);

check(
  'linear under scaling',
  methods.filter((r) => r.linearUnderScaling),
  (row) => {
    const factors = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(anyRows, factors, factors, (rows, c1, c2) => {
        const by = (c: (i: number) => number): number[] =>
          first(
            row,
            rows.map((r, i) => r.map((v) => v * c(i))),
          );
        const [a, b] = [0.5, 2];
        const left = by((i) => a * (c1[i] as number) + b * (c2[i] as number));
        const [x, y] = [by((i) => c1[i] as number), by((i) => c2[i] as number)];
        const right = x.map((v, k) => a * v + b * (y[k] as number));
        assert.ok(distance(left, right) <= (row.linearUnderScaling as number) * (length(left) + longest(rows) * 40), `${left} ≠ ${right}`);
      }),
      { seed: 4, numRuns: 150 },
    );
  },
);

check(
  '0 only where positive weights make 0 of the gradients',
  methods.filter((r) => r.stronglyStationary),
  (row) => {
    // Rows whose first element is positive but for one, where it is 0: weakly stationary at most.
    fc.assert(
      fc.property(rowsOf(4, 5), (rows) => {
        const real = rows.map((r, i) => [i === 0 ? 0 : 1, ...r.slice(1)]);
        assert.ok(length(first(row, real)) > 5e-3);
      }),
      { seed: 5, numRuns: 150 },
    );
  },
);

check('moves where gradients are independent', methods, (row) => {
  fc.assert(
    fc.property(independentRows.filter(enough(row)), (rows) => {
      const g = first(row, rows);
      assert.ok(length(g) > 1e-3, `${g}`);
    }),
    { seed: 7, numRuns: 60 },
  );
});

check(
  'as long as the gradients are',
  methods.filter((r) => r.homogeneous),
  (row) => {
    fc.assert(
      fc.property(independentRows.filter(enough(row)), fc.constantFrom(2 ** -30, 2 ** 20), (rows, scale) => {
        const [here, there] = [
          scaled(
            first(row, rows).map((v) => [v]),
            scale,
          ).flat(),
          first(row, scaled(rows, scale)),
        ];
        assert.ok(distance(here, there) <= 1e-9 * scale * longest(rows) + 1e-9 * length(here), `${here} ≠ ${there}`);
      }),
      { seed: 6, numRuns: 60 },
    );
  },
);

/** The shapes and ranks at which TorchJD's asserts are made, and some between: 3 to 20 losses. */
const SHAPES = [[3, 3, 2], [4, 3, 1], [4, 3, 3], [5, 8, 3], [9, 11, 5], [9, 11, 8], [12, 6, 5], [20, 10, 1], [20, 10, 5], [20, 10, 9], [20, 100, 1], [20, 100, 19]] as const; // biome-ignore format: a table
const KINDS: readonly Kind[] = ['strong', 'strictly weak', 'not weak', 'normal'];

/** Four matrices of each kind and shape. */
const samples = KINDS.flatMap((kind) =>
  SHAPES.flatMap(([m, n, rank]) =>
    [0, 1, 2, 3].map((seed) => {
      const normal = normals(seed * 1000 + m * 100 + n + rank);
      return { kind, normal, what: `${kind}, ${m} × ${n} of rank ${rank}, seed ${seed}`, ...ofKind(kind, m, n, rank, normal) };
    }),
  ),
);

function onKinds(of: (sample: (typeof samples)[0]) => void, kinds = KINDS): void {
  for (const sample of samples) if (kinds.includes(sample.kind)) of(sample);
}

check(
  "raises no loss on TorchJD's kinds of matrices",
  methods.filter((r) => r.nonConflicting),
  (row) => {
    onKinds(({ rows, what }) => {
      const g = first(row, rows);
      const [size, longestRow] = [length(g), longest(rows)];
      for (const r of rows) assert.ok(inner(r, g) >= -1e-6 * longestRow * Math.max(size, longestRow), `${what}: ${inner(r, g)} of ${length(r)} · ${size}`);
    });
  },
);

check(
  "on TorchJD's kinds of matrices the order of the losses does not matter",
  methods.filter((r) => r.permutationInvariant),
  (row) => {
    onKinds(({ rows, what, normal }) => {
      if (rows.length < (row.least ?? 1)) return;
      const losses = rows.map(() => 2);
      const here = first(row, rows, losses);
      const keys = new Map(rows.map((r) => [r, normal()]));
      const there = first(row, rows.toSorted((a, b) => (keys.get(a) as number) - (keys.get(b) as number)), losses); // biome-ignore format: one line
      assert.ok(distance(here, there) <= 1e-4 * (length(here) + longest(rows)), `${what}: ${here} ≠ ${there}`);
    });
  },
);

check(
  "linear under scaling on TorchJD's kinds of matrices",
  methods.filter((r) => r.linearUnderScaling),
  (row) => {
    onKinds(({ rows, what, normal }) => {
      const [c, d] = [rows.map(() => Math.abs(normal())), rows.map(() => Math.abs(normal()))];
      const by = (factor: (i: number) => number): number[] => first(row, rows.map((r, i) => r.map((v) => v * factor(i)))); // biome-ignore format: one line
      const left = by((i) => 0.7 * (c[i] as number) + 1.6 * (d[i] as number));
      const [x, y] = [by((i) => c[i] as number), by((i) => d[i] as number)];
      const right = x.map((v, k) => 0.7 * v + 1.6 * (y[k] as number));
      assert.ok(distance(left, right) <= 1e-4 * (length(left) + 3 * longest(rows)), `${what}: ${left} ≠ ${right}`);
    });
  },
);

check(
  "0 only at strongly stationary points, on TorchJD's kinds of matrices",
  methods.filter((r) => r.stronglyStationary),
  (row) => {
    // Weights of at least 1/m each.
    onKinds(({ rows, least, what }) => assert.ok(length(first(row, rows)) >= (0.999 * least.reduce((a, b) => a + b, 0)) / rows.length, what), ['strictly weak', 'not weak']); // biome-ignore format: one line
  },
);

check(
  "0 only at weakly stationary points, on TorchJD's kinds of matrices",
  methods.filter((r) => r.weaklyStationary),
  (row) => {
    // A convex combination.
    onKinds(({ rows, least, what }) => assert.ok(length(first(row, rows)) >= 0.999 * Math.min(...least), what), ['not weak']);
  },
);

check('what stateDict gave goes on alike, as plain data; reset is a new start', methods, (row) => {
  const step = (method: multiloss.Method, k: number): number[] => {
    manualSeed(k);
    const rows = [
      [1, 2 * k, -1, 0],
      [-2, 1, 1, k],
      [0, -1, -1, 2],
      [3, 0, 1, -k],
    ];
    return multiloss.applyCombiner(method, rows, { losses: [1 / k, 2, 3, 1] }).direction;
  };
  const method = row.make();
  const start = [1, 2, 3].map((k) => step(method, k));
  const copy = row.make();
  copy.loadStateDict(JSON.parse(JSON.stringify(method.stateDict())));
  assert.equal(
    [4, 5, 6].map((k) => step(copy, k)),
    [4, 5, 6].map((k) => step(method, k)),
  );
  method.reset();
  assert.equal(
    [1, 2, 3].map((k) => step(method, k)),
    start,
  );
});

check('a tensor is a Jacobian as well', methods, (row) => {
  const rows = [
    [1, 2, -1],
    [-2, 1, 1],
    [0, -1, -1],
    [3, 0, 1],
  ];
  manualSeed(5);
  const { direction } = multiloss.applyCombiner(row.make(), tensor(rows), { losses: [1, 2, 3, 4] });
  assert.ok(distance(direction, first(row, rows)) < 1e-5);
});

test('a state of gradients of another size is taken up, whatever was met before', () => {
  const step = (method: multiloss.Method, rows: Rows): number[] => multiloss.applyCombiner(method, rows).direction;
  const [small, large] = [[[1, 0], [-1, 2]], [[1, 0, 3], [-1, 2, 1]]]; // biome-ignore format: rows
  const [given, taken] = [new multiloss.MoCo(), new multiloss.MoCo()];
  step(given, small);
  step(taken, large);
  taken.loadStateDict(JSON.parse(JSON.stringify(given.stateDict())));
  assert.equal(step(taken, small), step(given, small));
});

const badOptions: [what: string, make: () => unknown, message: RegExp][] = [
  ['UPGrad', () => new multiloss.UPGrad({ preference: [1, -1] }), /preference must be a number ≥ 0 for each loss, in a list or by name, got \[1, -1\]/],
  ['DualProj', () => new multiloss.DualProj({ regEps: Number.NaN }), /regEps must be a number ≥ 0, got NaN/],
  ['MGDA', () => new multiloss.MGDA({ frankWolfe: { epsilon: 1, maxIters: 0 } }), /maxIters must be a whole number ≥ 1, got 0/],
  ['GradVac', () => new multiloss.GradVac({ beta: 2 }), /beta must be a number from 0 to 1, got 2/],
  ['CAGrad', () => new multiloss.CAGrad({ c: -1 }), /c must be a number ≥ 0, got -1/],
  ['FairGrad', () => new multiloss.FairGrad({ alpha: -1 }), /alpha must be/],
  ['NashMTL', () => new multiloss.NashMTL({ updateEvery: 1.5 }), /updateEvery must be a whole number ≥ 1, got 1\.5/],
  ['AlignedMTL', () => new multiloss.AlignedMTL({ scaleMode: 'max' as 'min' }), /scaleMode must be "min" or "median" or "rmse", got 'max'/],
  ['Krum', () => new multiloss.Krum({ nByzantine: -1 }), /nByzantine must be a whole number ≥ 0/],
  ['MoDo', () => new multiloss.MoDo({ gamma: 0 }), /gamma must be a number > 0, got 0/],
  ['SDMGrad', () => new multiloss.SDMGrad({ momentum: 1.5 }), /momentum must be/],
  ['GradNorm', () => new multiloss.GradNorm({ floor: 2 }), /floor must be a number from 0 to 1, got 2/],
  ['VQGANWeight', () => new multiloss.VQGANWeight({ rec: 'a', gan: 'b', start: -1 }), /start must be a whole number ≥ 0/],
  ['EnCodecBalancer', () => new multiloss.EnCodecBalancer({ totalNorm: 0 }), /totalNorm must be a number > 0/],
  ['PINNAnnealing', () => new multiloss.PINNAnnealing({ main: 'a', alpha: -1 }), /alpha must be/],
  ['GradDrop', () => new multiloss.GradDrop({ leak: [2] }), /leak must be from 0 to 1 for each loss, in a list or by name, got \[2\]/],
  ['TrimmedMean', () => new multiloss.TrimmedMean({ trimNumber: -1 }), /trimNumber must be a whole number ≥ 0/],
  ['ExcessMTL', () => new multiloss.ExcessMTL({ eta: 0 }), /eta must be a number > 0/],
  ['DBMTL', () => new multiloss.DBMTL({ beta: 2 }), /beta must be/],
  ['MoCo', () => new multiloss.MoCo({ rho: -1 }), /rho must be/],
  ['ema', () => multiloss.ema(new multiloss.Mean(), 2), /decay must be/],
  ['every', () => multiloss.every(0, new multiloss.Mean()), /n must be a whole number ≥ 1/],
  ['clipWeights', () => multiloss.clipWeights(new multiloss.Mean(), { min: 2, max: 1 }), /min must not be above max, got 2 and 1/],
  ['warmup', () => multiloss.warmup(new multiloss.Mean(), new multiloss.Mean(), -1), /steps must be/],
  ['ema of a direction', () => multiloss.ema(new multiloss.GradDrop() as never), /GradDrop gives no weights, but a direction/],
  ['constrain', () => multiloss.constrain({ main: 'a', limits: { a: 1 } }), /'a' is both main and limited/],
  ['constrain without limits', () => multiloss.constrain({ main: 'a', limits: {} }), /limits names no loss/],
];

for (const [what, make, message] of badOptions) test(`an option outside its range is refused at once: ${what}`, () => void throwsCode('VALUE', message, make));

/** Numbers at the ends of an option's range, and some beyond. */
const ends: [what: string, make: (v: number) => unknown, taken: readonly number[], refused: readonly number[]][] = [
  ['AlignedMTL, eps', (eps) => new multiloss.AlignedMTL({ eps }), [0, 1], [-0.1, 1.1]],
  ['CAGrad, c', (c) => new multiloss.CAGrad({ c }), [0, 2], [-0.1]],
  ['CAGrad, normEps', (normEps) => new multiloss.CAGrad({ normEps }), [0, 1], [-0.1]],
  ['ConFIG, eps', (eps) => new multiloss.ConFIG({ eps }), [0, 1], [-0.1, 1.1]],
  ['ConFIG, preference', (p) => new multiloss.ConFIG({ preference: [p] }), [0, 0.5], [-0.1]],
  ['CoV, decay', (decay) => new multiloss.CoV({ decay }), [0.1, 1], [0, 1.1]],
  ['DBMTL, beta', (beta) => new multiloss.DBMTL({ beta }), [0, 1], [-0.1, 1.1]],
  ['DBMTL, sigma', (sigma) => new multiloss.DBMTL({ sigma }), [0, 1], [-0.1]],
  ['DWA, stepsPerEpoch', (stepsPerEpoch) => new multiloss.DWA({ stepsPerEpoch }), [1, 2], [0]],
  ['EnCodecBalancer, ema', (ema) => new multiloss.EnCodecBalancer({ ema }), [0, 1], [-0.1, 1.1]],
  ['FAMO, lr', (lr) => new multiloss.FAMO({ lr }), [0, 0.5], [-0.1]],
  ['FAMO, weightDecay', (weightDecay) => new multiloss.FAMO({ weightDecay }), [0, 0.5], [-0.1]],
  ['FairGrad, alpha', (alpha) => new multiloss.FairGrad({ alpha }), [0, 0.5], [-0.1]],
  ['FocalKPI, gamma', (gamma) => new multiloss.FocalKPI({ gamma }), [0, 0.5], [-0.1]],
  ['FocalKPI, alpha', (alpha) => new multiloss.FocalKPI({ alpha }), [0.1, 1], [0, 1.1]],
  ['GradNorm, alpha', (alpha) => new multiloss.GradNorm({ alpha }), [0, 0.5], [-0.1]],
  ['GradNorm, floor', (floor) => new multiloss.GradNorm({ floor }), [0, 1], [-0.1, 1.1]],
  ['GradVac, beta', (beta) => new multiloss.GradVac({ beta }), [0, 1], [-0.1, 1.1]],
  ['IMTLG, eps', (eps) => new multiloss.IMTLG({ eps }), [0, 1], [-0.1, 1.1]],
  ['Krum, nByzantine', (nByzantine) => new multiloss.Krum({ nByzantine }), [0, 1], [-1]],
  ['Krum, nSelected', (nSelected) => new multiloss.Krum({ nByzantine: 0, nSelected }), [1, 2], [0]],
  ['MGDA, maxIters', (maxIters) => new multiloss.MGDA({ frankWolfe: { epsilon: 0.1, maxIters } }), [1, 2], [0]],
  ['MoCo, beta', (beta) => new multiloss.MoCo({ beta }), [0, 1], [-0.1, 1.1]],
  ['MoCo, gamma', (gamma) => new multiloss.MoCo({ gamma }), [0, 0.5], [-0.1]],
  ['MoCo, rho', (rho) => new multiloss.MoCo({ rho }), [0, 0.5], [-0.1]],
  ['MoDo, rho', (rho) => new multiloss.MoDo({ rho }), [0, 0.5], [-0.1]],
  ['NashMTL, maxNorm', (maxNorm) => new multiloss.NashMTL({ maxNorm }), [0, 0.5], [-0.1]],
  ['NashMTL, updateEvery', (updateEvery) => new multiloss.NashMTL({ updateEvery }), [1, 2], [0]],
  ['PINNAnnealing, alpha', (alpha) => new multiloss.PINNAnnealing({ main: 'a', alpha }), [0, 1], [-0.1, 1.1]],
  ['ReLoBRaLo, alpha', (alpha) => new multiloss.ReLoBRaLo({ alpha }), [0, 1], [-0.1, 1.1]],
  ['ReLoBRaLo, rho', (rho) => new multiloss.ReLoBRaLo({ rho }), [0, 1], [-0.1, 1.1]],
  ['SDMGrad, lambda', (lambda) => new multiloss.SDMGrad({ lambda }), [0, 0.5], [-0.1]],
  ['SDMGrad, momentum', (momentum) => new multiloss.SDMGrad({ momentum }), [0, 1], [-0.1, 1.1]],
  ['SDMGrad, steps', (steps) => new multiloss.SDMGrad({ steps }), [1, 2], [0]],
  ['STCH, warmupSteps', (warmupSteps) => new multiloss.STCH({ warmupSteps }), [0, 1], [-1]],
  ['ScaleInvariant, eps', (eps) => new multiloss.ScaleInvariant({ eps }), [0, 0.5], [-0.1]],
  ['TrimmedMean, trimNumber', (trimNumber) => new multiloss.TrimmedMean({ trimNumber }), [0, 1], [-1]],
  ['UPGrad, normEps', (normEps) => new multiloss.UPGrad({ normEps }), [0, 0.5], [-0.1]],
  ['UPGrad, regEps', (regEps) => new multiloss.UPGrad({ regEps }), [0, 0.5], [-0.1]],
  ['VQGANWeight, weight', (weight) => new multiloss.VQGANWeight({ rec: 'a', gan: 'b', weight }), [0, 0.5], [-0.1]],
  ['VQGANWeight, start', (start) => new multiloss.VQGANWeight({ rec: 'a', gan: 'b', start }), [0, 1], [-1]],
  ['VQGANWeight, max', (max) => new multiloss.VQGANWeight({ rec: 'a', gan: 'b', max }), [0, 0.5], [-0.1]],
  ['PBI, theta', (theta) => new multiloss.PBI({ weights: [1], theta }), [0, 0.5], [-0.1]],
  ['COSMOS, lambda', (lambda) => new multiloss.COSMOS({ weights: [1], lambda }), [0, 0.5], [-0.1]],
  ['constrain, damping', (damping) => multiloss.constrain({ main: 'a', limits: { b: 1 }, damping }), [0, 0.5], [-0.1]],
  ['ema', (decay) => multiloss.ema(new multiloss.Mean(), decay), [0, 1], [-0.1, 1.1]],
  ['every', (n) => multiloss.every(new multiloss.Mean(), n), [1, 2], [0]],
  ['warmup', (n) => multiloss.warmup(new multiloss.Mean(), new multiloss.Mean(), n), [0, 1], [-1]],
  ['anneal, steps', (steps) => multiloss.anneal.linear(0, 1, { steps }), [1, 2], [0]],
  ['anneal, from', (from) => multiloss.anneal.linear(0, 1, { steps: 1, from }), [0, 1], [-1]],
  ['anneal, cycles', (cycles) => multiloss.anneal.cyclical(0, 1, { steps: 4, cycles }), [1, 2], [0]],
  ['anneal, ratio', (ratio) => multiloss.anneal.cyclical(0, 1, { steps: 4, ratio }), [0.1, 1], [0, 1.1]],
];

for (const [what, make, taken, refused] of ends) {
  test(`the ends of an option's range are taken, what is beyond is refused: ${what}`, () => {
    for (const v of taken) make(v);
    for (const v of refused) throwsCode('VALUE', / must be /, () => make(v));
  });
}

test('what does not fit the step is refused, by name', () => {
  const rows = [
    [1, 0],
    [0, 1],
  ];
  const apply = (method: multiloss.Method, names?: string[]) => () => multiloss.applyCombiner(method, rows, names ? { names } : {});
  throwsCode('VALUE', /preference has 3 numbers for 2 losses \(loss1, loss2\)/, apply(new multiloss.UPGrad({ preference: [1, 2, 3] })));
  throwsCode('VALUE', /preference has no number for the loss 'b', only for a/, apply(new multiloss.ConFIG({ preference: { a: 1 } }), ['a', 'b']));
  throwsCode('VALUE', /gan is 'x', but the losses are a, b/, apply(new multiloss.VQGANWeight({ rec: 'a', gan: 'x' }), ['a', 'b']));
  throwsCode('SHAPE', /with nByzantine 1 it takes at least 4 losses, got 2/, apply(new multiloss.Krum({ nByzantine: 1 })));
  throwsCode('SHAPE', /with trimNumber 1 it takes at least 3 losses, got 2/, apply(new multiloss.TrimmedMean({ trimNumber: 1 })));
  throwsCode('VALUE', /the loss 'c' is neither main \('a'\) nor limited/, apply(multiloss.constrain({ main: 'a', limits: { b: 1 } }), ['a', 'c']));
  throwsCode('VALUE', /names has 1 entries for a Jacobian of 2 rows/, apply(new multiloss.Mean(), ['a']));
  throwsCode('SHAPE', /row 1 has 1 numbers, row 0 has 2/, () => multiloss.applyCombiner(new multiloss.Mean(), [[1, 2], [3]]));
  throwsCode('SHAPE', /no rows/, () => multiloss.applyCombiner(new multiloss.Mean(), []));
  const memory = new multiloss.MoCo();
  multiloss.applyCombiner(memory, rows);
  throwsCode('STATE', /it remembers 2 elements of parameter 0, and the step has 3.*reset\(\)/, () => multiloss.applyCombiner(memory, [[1, 1, 1]]));
});

test.run();
