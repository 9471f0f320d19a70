// Methods that must agree with one another, and answers that papers and TorchJD's documentation give.
import fc from 'fast-check';
import { capture, manualSeed, multiloss as M, noGrad, randn, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { anyRows, independentRows, inner, length, longest, type Rows, rowsOf, statsOf } from '../samples.ts';

const step = (method: M.Method, rows: Rows, losses?: number[]): number[] => M.applyCombiner(method, rows, losses ? { losses } : {}).direction;
/** The same without a look at the gradients first. */
const direct = (method: M.Aggregator, rows: Rows): number[] => [...noGrad(() => method.directions([tensor(rows)], statsOf(rows))[0] as Tensor).data()];
const weigh = (method: M.Method, rows: Rows, losses?: number[]): number[] => M.applyCombiner(method, rows, losses ? { losses } : {}).weights as number[];

function near(actual: readonly number[], expected: readonly number[], tolerance: number, what = ''): void {
  assert.is(actual.length, expected.length);
  for (const [k, v] of expected.entries()) assert.ok(Math.abs((actual[k] as number) - v) <= tolerance, `${what} [${actual}] is not [${expected}]`);
}

const agree = (what: string, rows: fc.Arbitrary<Rows>, property: (rows: Rows) => void): void => test(what, () => fc.assert(fc.property(rows, property), { seed: 1, numRuns: 200 }));

test("Frank and Wolfe's steps from equal weights: with two losses one is the solution, with more many come near", () => {
  near(weigh(new M.MGDA({ frankWolfe: { epsilon: 1e-9, maxIters: 1 } }), [[1, 0], [0, 2]]), [0.8, 0.2], 1e-12); // biome-ignore format: rows
  const rows = [[1, 0, 0], [0, 2, 0], [0, 0, 3]]; // biome-ignore format: rows
  near(weigh(new M.MGDA({ frankWolfe: { epsilon: 1e-6, maxIters: 1000 } }), rows), weigh(new M.MGDA(), rows), 1e-2);
});

test('under normalize a gradient no longer than 1e-12 is none, and is not stretched', () => {
  for (const [short, none] of [
    [1e-12, true],
    [2e-12, false],
  ] as const) {
    let seen: M.Stats | undefined;
    const inner: M.Weighting = { name: 'mine', needs: 'gramian', weights: (stats) => { seen = stats; return Float64Array.of(1, 1); } }; // biome-ignore format: one line
    near([...M.normalize(inner).weights(statsOf([[2, 0], [0, short]]))], [0.5, none ? 1 : 1 / short], 1e-3); // biome-ignore format: rows
    assert.equal([[...(seen?.norms ?? [])], [...(seen?.gramian ?? [])]], none ? [[1, 0], [1, 0, 0, 0]] : [[1, 1], [1, 0, 0, 1]]); // biome-ignore format: rows
  }
});

agree('PCGrad of two losses = 2 · UPGrad', rowsOf(2, 4), (rows) => {
  near(step(new M.PCGrad(), rows), step(new M.UPGrad({ preference: [1, 1] }), rows), 1e-9 * longest(rows));
});

agree("GradVac's first step = PCGrad", anyRows, (rows) => {
  manualSeed(1);
  const vaccine = step(new M.GradVac(), rows);
  manualSeed(1);
  near(vaccine, step(new M.PCGrad(), rows), 1e-9 * longest(rows));
});

test('two losses have one order: neither PCGrad nor GradVac draws random numbers that a seeded run uses elsewhere', () => {
  const after = (use: () => void): number => {
    manualSeed(3);
    use();
    return randn([1]).item();
  };
  for (const make of [() => new M.PCGrad(), () => new M.GradVac()]) assert.is(after(() => void step(make(), [[1, 0], [-1, 1]])), after(() => {})); // biome-ignore format: rows
});

agree('UPGrad = DualProj = Mean where no gradients conflict', anyRows, (rows) => {
  const open = rows.map((r) => r.map(Math.abs));
  const mean = step(new M.Mean(), open);
  near(step(new M.UPGrad(), open), mean, 1e-12);
  near(step(new M.DualProj(), open), mean, 1e-12);
});

agree('Nash-MTL without a clip = FairGrad(1)', independentRows, (rows) => {
  near(step(new M.NashMTL({ maxNorm: 0 }), rows), step(new M.FairGrad({ alpha: 1 }), rows), 1e-12);
});

agree('ConFIG is parallel to IMTL-G where gradients are independent', independentRows, (rows) => {
  const [a, b] = [step(new M.ConFIG(), rows), step(new M.IMTLG(), rows)];
  fc.pre(length(a) > 0 && length(b) > 0);
  assert.ok(Math.abs(Math.abs(inner(a, b)) / length(a) / length(b) - 1) < 1e-9);
});

agree('CAGrad(c → 0) = Mean', anyRows, (rows) => {
  const mean = step(new M.Mean(), rows);
  near(step(new M.CAGrad({ c: 0 }), rows), mean, 1e-12);
  const [close, size] = [step(new M.CAGrad({ c: 1e-6 }), rows), longest(rows)];
  // At Pareto stationary points it stops.
  fc.pre(length(close) > 0);
  near(close, mean, 2e-6 * size);
});

agree('CAGrad moves c · ‖mean‖ away from the mean', independentRows, (rows) => {
  const mean = step(new M.Mean(), rows);
  const cautious = step(new M.CAGrad({ c: 0.4 }), rows);
  assert.ok(Math.abs(length(cautious.map((v, k) => v - (mean[k] as number))) - 0.4 * length(mean)) < 1e-9);
});

agree("Aligned-MTL's aligned rows are orthogonal and equally long", independentRows, (rows) => {
  const aligned = rows.map((_, i) => step(new M.AlignedMTL({ preference: rows.map((_r, j) => (i === j ? 1 : 0)) }), rows));
  aligned.forEach((a, i) => {
    aligned.forEach((b, j) => {
      const expected = i === j ? inner(aligned[0] as number[], aligned[0] as number[]) : 0;
      assert.ok(Math.abs(inner(a, b) - expected) < 1e-10 * longest(rows) ** 2);
    });
  });
});

test("Aligned-MTL's orthogonal rows get the smallest eigenvalue as squared length, the lower of those in the middle, or the mean", () => {
  const aligned = (lengths: readonly number[], scaleMode: 'min' | 'median' | 'rmse'): number[] =>
    step(new M.AlignedMTL({ scaleMode, preference: lengths.map(() => 1) }), lengths.map((l, i) => lengths.map((_, k) => (i === k ? l : 0)))); // biome-ignore format: one line
  const [odd, even] = [[3, 1, 5, 2, 4], [3, 1, 4, 2]] as const; // biome-ignore format: lengths
  for (const [lengths, mode, length] of [[odd, 'min', 1], [odd, 'median', 3], [odd, 'rmse', Math.sqrt(11)], [even, 'min', 1], [even, 'median', 2], [even, 'rmse', Math.sqrt(7.5)]] as const) // biome-ignore format: a table
    near(aligned(lengths, mode), lengths.map(() => length), 1e-12, mode); // biome-ignore format: one line
});

agree('IMTL-G has equal projections on all gradients, and weights that add up to 1', independentRows, (rows) => {
  const w = weigh(new M.IMTLG(), rows);
  const g = step(new M.IMTLG(), rows);
  const along = rows.map((r) => inner(r, g) / length(r));
  for (const v of along) assert.ok(Math.abs(v - (along[0] as number)) < 1e-9 * longest(rows));
  if (length(w) > 0) assert.ok(Math.abs(w.reduce((a, b) => a + b, 0) - 1) < 1e-9);
});

agree('GradDrop = Sum where all signs agree; with leak 1 always', rowsOf(3, 9), (rows) => {
  const open = rows.map((r) => r.map(Math.abs));
  near(step(new M.GradDrop(), open), step(new M.Sum(), open), 1e-5);
  near(step(new M.GradDrop({ leak: [1, 1, 1] }), rows), step(new M.Sum(), rows), 1e-5);
});

agree('GradDrop gives either the positive or the negative part of each element', rowsOf(3, 9), (rows) => {
  step(new M.GradDrop(), rows).forEach((v, k) => {
    const column = rows.map((r) => r[k] as number);
    const part = (sign: number): number => column.filter((x) => x * sign > 0).reduce((a, b) => a + b, 0);
    assert.ok(
      [part(1), part(-1), 0].some((x) => Math.abs(v - x) < 1e-5),
      `${v} of ${column}`,
    );
  });
});

test("GradDrop's odds are P, and columns do not know of one another", () => {
  const n = 1 << 18;
  for (const [a, b] of [
    [3, 1],
    [1, 1],
    [1, 999],
  ] as const) {
    manualSeed(5);
    const rows = tensor([a, -b]).reshape([2, 1]).expand([2, n]).contiguous();
    const up: number[] = [...noGrad(() => new M.GradDrop().directions([rows], statsOf([[1], [1]]))[0] as Tensor).data()].map((v) => (v === a ? 1 : 0));
    const p = a / (a + b);
    const mean = up.reduce((s, v) => s + v, 0) / n;
    // Four standard deviations of the mean of n draws.
    assert.ok(Math.abs(mean - p) < 4 * Math.sqrt((p * (1 - p)) / n), `${mean} for ${p}`);
    for (const lag of [1, 2, 4, 7, 8, 16, 32]) {
      let both = 0;
      for (let i = lag; i < n; i++) both += ((up[i] as number) - p) * ((up[i - lag] as number) - p);
      assert.ok(Math.abs(both / n / (p * (1 - p))) < 4 / Math.sqrt(n), `lag ${lag}: ${both / n / (p * (1 - p))}`);
    }
  }
});

test('GradDrop of any number of columns: one sign kept whole, of the other what leaks; columns of one sign as they are; NaN stays', () => {
  const leak = [0.5, 0, 0.25];
  for (let n = 1; n < 20; n++) {
    const rows = [0, 1, 2].map((i) => Array.from({ length: n }, (_, k) => (k % 5 === 4 ? k + i : ((i + k) % 2 ? -1 : 1) * (1 + i + k))));
    const plain = step(new M.GradDrop(), rows);
    const leaking = step(new M.GradDrop({ leak }), rows);
    for (let k = 0; k < n; k++) {
      const column = rows.map((r) => r[k] as number);
      const part = (sign: number, share: number[]): number => column.reduce((s, x, i) => s + (x * sign > 0 ? x : x * (share[i] as number)), 0);
      const choices = (share: number[]): number[] => (k % 5 === 4 ? [part(1, share)] : [part(1, share), part(-1, share)]);
      assert.ok(choices([0, 0, 0]).includes(plain[k] as number), `${plain[k]} of ${column}`);
      assert.ok(choices(leak).includes(leaking[k] as number), `${leaking[k]} of ${column}`);
    }
    (rows[1] as number[])[n - 1] = Number.NaN;
    for (const method of [new M.GradDrop(), new M.GradDrop({ leak })]) assert.equal(direct(method, rows).map(Number.isNaN), [...plain.map((_, k) => k === n - 1)]);
  }
});

test('a trimmed mean with NaN is NaN, with infinities trimmed finite', () => {
  for (const k of [1, 2]) {
    for (let at = 0; at < 5; at++) {
      const rows = [1, 2, 3, 4, 5].map((v) => [v, v, v]);
      rows[at] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      const rest = [1, 2, 3, 4, 5].filter((_, i) => i !== at);
      const mean = (kept: number[]): number => kept.reduce((a, b) => a + b, 0) / kept.length;
      const [nan, high, low] = direct(new M.TrimmedMean({ trimNumber: k }), rows) as [number, number, number];
      assert.ok(Number.isNaN(nan));
      near([high, low], [mean(rest.slice(k, k === 1 ? 4 : 3)), mean(k === 1 ? rest.slice(0, 3) : rest.slice(1, 2))], 1e-6);
    }
  }
});

agree('the trimmed mean, column by column', rowsOf(5, 7), (rows) => {
  for (const k of [0, 1, 2]) {
    const plain = (rows[0] as number[]).map((_, c) => {
      const kept = rows
        .map((r) => r[c] as number)
        .sort((a, b) => a - b)
        .slice(k, 5 - k);
      return kept.reduce((a, b) => a + b, 0) / kept.length;
    });
    near(step(new M.TrimmedMean({ trimNumber: k }), rows), plain, 1e-5);
  }
});

agree('every is the method itself in every nth step, and its old weights in between', rowsOf(3, 4), (rows) => {
  const method = M.every(new M.MGDA(), 2);
  const other = rows.toReversed().map((r) => r.map((v) => v + 1));
  assert.is(method.needs, 'gramian');
  const first = weigh(method, rows);
  assert.equal(first, weigh(new M.MGDA(), rows));
  assert.is(method.needs, 'losses');
  assert.equal(weigh(method, other), first);
  assert.is(method.needs, 'gramian');
  assert.equal(weigh(method, other), weigh(new M.MGDA(), other));
});

agree('normalize: gradients of length 1, whatever theirs; the same for a direction', independentRows, (rows) => {
  const unit = rows.map((r) => r.map((v) => v / length(r)));
  near(step(M.normalize(new M.UPGrad()), rows), step(new M.UPGrad(), unit), 1e-9);
  near(step(M.normalize(new M.TrimmedMean({ trimNumber: 0 })), rows), step(new M.Mean(), unit), 1e-5);
  assert.is(M.normalize(new M.Mean()).needs, 'norms');
});

const BASE = [
  [-4, 1, 1],
  [6, 1, 1],
];

const documented: [what: string, method: M.Method, direction: number[]][] = [
  ['UPGrad', new M.UPGrad({ normEps: 1e-4, regEps: 1e-4 }), [0.2929, 1.9004, 1.9004]],
  ['UPGrad, exact', new M.UPGrad(), [0.2924, 1.9006, 1.9006]],
  ['DualProj', new M.DualProj({ normEps: 1e-4, regEps: 1e-4 }), [0.5563, 1.1109, 1.1109]],
  ['DualProj, exact', new M.DualProj(), [0.5556, 1.1111, 1.1111]],
  ['MGDA', new M.MGDA(), [0, 1, 1]],
  ['CAGrad(0.5)', new M.CAGrad({ c: 0.5 }), [0.1835, 1.2041, 1.2041]],
  ['AlignedMTL', new M.AlignedMTL(), [0.2133, 0.9673, 0.9673]],
  ['ConFIG', new M.ConFIG(), [0.1588, 2.0706, 2.0706]],
  ['IMTLG', new M.IMTLG(), [0.0767, 1, 1]],
  ['FairGrad(1)', new M.FairGrad({ alpha: 1 }), [0.0766, 0.9985, 0.9985]],
  ['NashMTL', new M.NashMTL(), [0.0542, 0.7061, 0.7061]],
  ['PCGrad', new M.PCGrad(), [0.5848, 3.8012, 3.8012]],
  ['Constant', new M.Constant([1, 2]), [8, 3, 3]],
];

for (const [what, method, direction] of documented) test(`as documented: ${what}`, () => near(step(method, BASE), direction, 1e-4));

test('where TorchJD raises a loss, ours does not', () => {
  const rows = [
    [100, 1, 0, 0],
    [-1, 1, 0.1, 0],
    [0, -0.01, 0.02, 0.03],
  ];
  for (const [method, least] of [
    [new M.UPGrad({ normEps: 1e-4, regEps: 1e-4 }), -10.62],
    [new M.UPGrad(), 4.45e-4],
    [new M.DualProj(), 0],
  ] as const) {
    const g = step(method, rows);
    near([Math.min(...rows.map((r) => inner(r, g)))], [least], 0.01 * Math.abs(least) + 1e-9);
  }
});

test('the true Nash solution, where the official program returns its start', () => {
  near(
    weigh(new M.NashMTL({ maxNorm: 0 }), [
      [1, 0],
      [-1, 0.5],
    ]),
    [3.0777, 2.7528],
    1e-4,
  );
});

test('SDMGrad and ExcessMTL as TorchJD documents them', () => {
  const method = new M.SDMGrad({ steps: 1 });
  const stats = (diagonal: number[]): M.Stats => ({
    ...statsOf(diagonal.map(() => [0])),
    gramian: Float64Array.from(diagonal.flatMap((d, i) => diagonal.map((_, j) => (i === j ? d : 0)))),
  });
  near([...method.weights(stats([1, 0.25, 0]))], [1 / 13, 1 / 13, 11 / 13], 1e-12);
  near([...method.weights(stats([1, 1, 1]))], [6 / 13, 6 / 13, 1 / 13], 1e-12);
  const excess = new M.ExcessMTL();
  const e = Math.exp(1);
  const [a, b] = [(e * e) / (e * e + e), e / (e * e + e)];
  near(
    step(excess, [
      [2, 0],
      [1, 0],
    ]),
    [2 * a + b, 0],
    1e-5,
  );
  const [c, d] = [a * Math.exp(1 / (2 * Math.sqrt(5))), b * Math.exp(4 / Math.sqrt(5))];
  near(
    step(excess, [
      [1, 0],
      [2, 0],
    ]),
    [(c + 2 * d) / (c + d), 0],
    1e-5,
  );
});

test("EnCodec's balancer: |x − 1| and 100·|x + 1| at 0 cancel rescaled, and make 99 as they are", () => {
  const rows = [[-1], [100]];
  near(step(new M.EnCodecBalancer(), rows), [0], 1e-9);
  near(step(new M.EnCodecBalancer({ rescale: false }), rows), [99], 1e-9);
  near(weigh(new M.EnCodecBalancer({ shares: { loss1: 3, loss2: 1 }, totalNorm: 4 }), rows), [3, 0.01], 1e-9);
});

test("VQGAN's weight: the ratio of lengths, clamped, from the start step on", () => {
  const method = new M.VQGANWeight({ rec: 'loss1', gan: 'loss2', weight: 0.5, start: 1 });
  assert.equal(weigh(method, [[3], [2]]), [1, 0]);
  near(weigh(method, [[3], [2]]), [1, (0.5 * 3) / 2.0001], 1e-12);
  near(weigh(method, [[3], [0]]), [1, 0.5 * 1e4], 1e-9);
});

test('PINN annealing: the largest element of the main gradient over the mean one of each other', () => {
  const method = new M.PINNAnnealing({ main: 'loss1', alpha: 0.1 });
  // max|main| = 8; means 2, 4 and 0.
  const rows = [
    [1, -8, 0, 3],
    [2, -2, 4, 0],
    [-16, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  near(weigh(method, rows), [1, 0.9 + 0.1 * 4, 0.9 + 0.1 * 2, 1], 1e-12);
  near(weigh(method, rows), [1, 0.9 * 1.3 + 0.4, 0.9 * 1.1 + 0.2, 1], 1e-12);
  const saved = method.stateDict();
  method.reset();
  near(weigh(method, rows), [1, 1.3, 1.1, 1], 1e-12);
  method.loadStateDict(saved);
  near(weigh(method, rows), [1, 0.9 * 1.57 + 0.4, 0.9 * 1.19 + 0.2, 1], 1e-12);
  // Lengthened by their inverse lengths (√74, √24, 16), the ratios of elements change.
  near(
    weigh(M.normalize(new M.PINNAnnealing({ main: 'loss1' })), rows).slice(1, 3),
    [(0.9 + (0.4 * Math.sqrt(24)) / Math.sqrt(74)) / Math.sqrt(24), (0.9 + (0.2 * 16) / Math.sqrt(74)) / 16],
    1e-12,
  );
});

test('GradNorm: weights start at 1, add up to m, stay above the floor, and even out lengths', () => {
  const method = new M.GradNorm({ alpha: 0, floor: 0.05 });
  const rows = [
    [1, 0],
    [0, 10],
    [2, 2],
  ];
  assert.equal(weigh(method, rows, [1, 1, 1]), [1, 1, 1]);
  let w = [1, 1, 1];
  for (let k = 0; k < 600; k++) {
    w = weigh(method, rows, [1, 1, 1]);
    assert.ok(Math.abs(w.reduce((a, b) => a + b, 0) - 3) < 1e-9 && w.every((v) => v >= 0.05));
  }
  const lengths = rows.map((r, i) => length(r) * (w[i] as number));
  assert.ok(Math.max(...lengths) / Math.min(...lengths) < 1.3, `${lengths}`);
});

test('GradNorm pushes the loss that lags behind', () => {
  const method = new M.GradNorm();
  for (let k = 0; k < 200; k++)
    weigh(
      method,
      [
        [1, 0],
        [0, 1],
      ],
      k === 0 ? [1, 1] : [1, 0.2],
    );
  const [lagging, ahead] = weigh(
    method,
    [
      [1, 0],
      [0, 1],
    ],
    [1, 0.2],
  ) as [number, number];
  assert.ok(lagging > 1.5 && ahead < 0.5, `${lagging} ${ahead}`);
});

test('DB-MTL stretches gradients of logarithms to the longest one', () => {
  // ∇ln: [4, 0] and [0, 0.5]; both as long as the first.
  near(
    step(
      new M.DBMTL({ beta: 0 }),
      [
        [2, 0],
        [0, 1],
      ],
      [0.5, 2],
    ),
    [4, 4],
    1e-4,
  );
});

test('MoCo starts as the mean of the unit gradients times their losses, by β', () => {
  near(
    step(
      new M.MoCo({ beta: 1, gamma: 0 }),
      [
        [2, 0],
        [0, 4],
      ],
      [1, 3],
    ),
    [0.5, 1.5],
    1e-5,
  );
});

test('a constraint: the multiplier rises while the loss is above its limit, and falls to 0 below', () => {
  const method = M.constrain({ main: 'a', limits: { b: 0.1 }, lr: 0.5 });
  const at = (b: number): number[] => M.applyCombiner(method, [[1], [1]], { names: ['a', 'b'], losses: [1, b] }).weights as number[];
  near(at(1.1), [1, 0.5], 1e-12);
  near(at(0.5), [1, 0.7], 1e-12);
  near(at(-5), [1, 0], 1e-12);
  assert.equal(method.stateDict(), { multipliers: { b: 0 } });
});

test('a constraint is met: min x² with (x − 3)² ≤ 1 ends at x = 2', () => {
  const method = M.constrain({ main: 'a', limits: { b: 1 }, lr: 0.05, damping: 1 });
  let x = 0;
  for (let k = 0; k < 2000; k++) {
    const { direction } = M.applyCombiner(method, [[2 * x], [2 * (x - 3)]], { names: ['a', 'b'], losses: [x * x, (x - 3) ** 2] });
    x -= 0.02 * (direction[0] as number);
  }
  assert.ok(Math.abs(x - 2) < 1e-3, `${x}`);
});

test('ema: the first weights as they are, then a running mean; clip; warm-up', () => {
  const rows = [
    [3, 0],
    [0, 1],
  ];
  const method = M.ema(new M.MGDA(), 0.9);
  near(weigh(method, rows), [0.1, 0.9], 1e-12);
  near(
    weigh(method, [
      [1, 0],
      [0, 1],
    ]),
    [0.9 * 0.1 + 0.05, 0.9 * 0.9 + 0.05],
    1e-12,
  );
  near(weigh(M.clipWeights(new M.MGDA(), { min: 0.2, max: 0.5 }), rows), [0.2, 0.5], 1e-12);
  const warm = M.warmup(new M.Mean(), new M.MGDA(), 1);
  assert.is(warm.needs, 'losses');
  near(weigh(warm, rows), [0.5, 0.5], 1e-12);
  assert.is(warm.needs, 'gramian');
  near(weigh(warm, rows), [0.1, 0.9], 1e-12);
});

test('directions are made parameter by parameter, lengths over all of them', () => {
  manualSeed(2);
  const wide = randn([3, 13]);
  const whole = (method: M.Aggregator): number[] => step(method, wide.toArray() as Rows, [1, 2, 3]);
  const parts = (method: M.Aggregator): number[] => {
    const rows = wide.toArray() as Rows;
    const cut = [tensor(rows.map((r) => r.slice(0, 5))), tensor(rows.map((r) => r.slice(5)))];
    return method.directions(cut, statsOf(rows, [1, 2, 3])).flatMap((d) => [...d.data()]);
  };
  for (const make of [() => new M.TrimmedMean({ trimNumber: 1 }), () => new M.ExcessMTL(), () => new M.DBMTL(), () => new M.MoCo()]) near(parts(make()), whole(make()), 1e-4);
});

test('what needs no losses is the same in a captured step', () => {
  const inputs = [1, 2, 3, 4].map((seed) => {
    manualSeed(seed);
    return randn([3, 11]);
  });
  for (const make of [() => new M.GradDrop({ leak: [0.1, 0, 0] }), () => new M.TrimmedMean({ trimNumber: 1 }), () => new M.ExcessMTL()]) {
    const run = (step: (rows: Tensor) => Tensor): number[][] => {
      manualSeed(9);
      return inputs.map((rows) => [...step(rows).data()]);
    };
    const stepOf = (method: M.Aggregator) => (rows: Tensor) => noGrad(() => method.directions([rows], statsOf([[1], [1], [1]]))[0] as Tensor);
    assert.equal(run(capture(stepOf(make()))), run(stepOf(make())));
  }
});

test.run();
