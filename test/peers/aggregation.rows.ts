// TorchJD's tests of aggregation: the directions that each aggregator both libraries have gives on matrices of every kind, what it refuses, what its memory does.
import { multiloss as M } from 'gradloom';
import type { Row } from './row.ts';

type Matrix = readonly (readonly number[])[];

const REGULARIZED = { normEps: 1e-4, regEps: 1e-4 };
const F64 = 'dtype=torch.float64';
const vector = (data: readonly number[]): string => `torch.tensor(${JSON.stringify(data)}, ${F64})`;
const matrixOf = (data: Matrix): string => `torch.tensor(${JSON.stringify(data)}, ${F64})`;
const scaled = (m: Matrix, by: number): Matrix => m.map((row) => row.map((v) => v * by));

const GENERAL: Matrix = [
  [3, -1, 2, 0.5],
  [-2, 0.5, 1, 1],
  [0.25, 2, -1.5, -1],
];
const matrices: Readonly<Record<string, Matrix>> = {
  'three in conflict': GENERAL,
  'one row': [[3, -4, 1]],
  'two in conflict': [
    [2, -1, 0],
    [-1, 2, 1],
  ],
  'two that agree': [
    [2, 1, 0.5],
    [1, 3, 0.25],
  ],
  'a zero row': [
    [1, -2, 0.5],
    [0, 0, 0],
    [-1, 0.5, 2],
  ],
  'all zero': [
    [0, 0, 0],
    [0, 0, 0],
  ],
  duplicates: [
    [1, 2, -1],
    [1, 2, -1],
    [-2, 0.5, 1],
  ],
  opposed: [
    [1, -2, 3],
    [-1, 2, -3],
  ],
  'opposed, one longer': [
    [1, -2, 3],
    [-2, 4, -6],
  ],
  'of rank 2': [
    [1, 0, 2],
    [0, 1, -1],
    [1, -2, 4],
  ],
  'more rows than columns': [
    [1, 2],
    [-1, 1],
    [0.5, -2],
    [2, 0.25],
  ],
  'lengths that differ 1000 times': [
    [1000, 2000, -1000],
    [-1, 1, 0.5],
  ],
  'at 1e12': scaled(GENERAL, 1e12),
  'at 1e-12': scaled(GENERAL, 1e-12),
};

interface Aggregator {
  py: string;
  make: (m: number) => M.Method;
  tolerance?: number;
  /** Why it differs, by matrix; false leaves the matrix out. */
  differs?: Readonly<Record<string, string | false>>;
}
const SMALL = { 'at 1e-12': "TorchJD's floors take small gradients for none; here a scale does not matter" };
const SERVED = { 'more rows than columns': 'no direction serves all four losses, so the exact answer is 0; an approximate solver stops before' };
const aggregators: readonly Aggregator[] = [
  { py: 'Sum()', make: () => new M.Sum() },
  { py: 'Mean()', make: () => new M.Mean() },
  { py: 'Constant(W)', make: (m) => new M.Constant(Array.from({ length: m }, (_, i) => i + 1)) },
  { py: 'UPGrad()', make: () => new M.UPGrad(REGULARIZED) },
  { py: 'UPGrad(W)', make: (m) => new M.UPGrad({ ...REGULARIZED, preference: Array.from({ length: m }, (_, i) => i + 1) }) },
  { py: 'DualProj()', make: () => new M.DualProj(REGULARIZED) },
  { py: 'DualProj(W)', make: (m) => new M.DualProj({ ...REGULARIZED, preference: Array.from({ length: m }, (_, i) => i + 1) }) },
  { py: 'MGDA(1e-12, 10**6)', make: () => new M.MGDA(), tolerance: 1e-3 },
  { py: 'MGDA()', make: () => new M.MGDA({ frankWolfe: { epsilon: 1e-3, maxIters: 100 } }) },
  { py: 'CAGrad(c=0.5)', make: () => new M.CAGrad({ c: 0.5, normEps: 1e-4 }), tolerance: 1e-4, differs: SMALL },
  { py: 'CAGrad(c=2.)', make: () => new M.CAGrad({ c: 2, normEps: 1e-4 }), tolerance: 1e-4, differs: SMALL },
  { py: 'IMTLG()', make: () => new M.IMTLG() },
  { py: 'ConFIG()', make: () => new M.ConFIG() },
  { py: 'ConFIG(W)', make: (m) => new M.ConFIG({ preference: Array.from({ length: m }, (_, i) => i + 1) }) },
  { py: 'AlignedMTL()', make: () => new M.AlignedMTL() },
  { py: 'AlignedMTL(W, scale_mode="median")', make: (m) => new M.AlignedMTL({ preference: Array.from({ length: m }, (_, i) => i + 1), scaleMode: 'median' }) },
  { py: 'AlignedMTL(scale_mode="rmse")', make: () => new M.AlignedMTL({ scaleMode: 'rmse' }) },
  { py: 'FairGrad(1.)', make: () => new M.FairGrad({ alpha: 1 }), tolerance: 1e-3, differs: { ...SMALL, ...SERVED } },
  { py: 'FairGrad(2.)', make: () => new M.FairGrad({ alpha: 2 }), tolerance: 1e-3, differs: { ...SMALL, ...SERVED } },
  {
    py: 'NashMTL(n_tasks=len(J))',
    make: () => new M.NashMTL(),
    tolerance: 1e-3,
    differs: {
      ...SMALL,
      ...SERVED,
      'one row': "TorchJD's program fails; the equation w·g² = 1/w has a solution",
      'all zero': "TorchJD's program fails; zero gradients give zero",
      'lengths that differ 1000 times': "the paper's equations are solved exactly; TorchJD's program stops before",
    },
  },
  { py: 'PCGrad()', make: () => new M.PCGrad() },
  { py: 'GradVac()', make: () => new M.GradVac() },
  { py: 'Krum(n_byzantine=0)', make: () => new M.Krum({ nByzantine: 0 }) },
  { py: 'Krum(n_byzantine=0, n_selected=2)', make: () => new M.Krum({ nByzantine: 0, nSelected: 2 }) },
  { py: 'TrimmedMean(1)', make: () => new M.TrimmedMean({ trimNumber: 1 }) },
  { py: 'TrimmedMean(0)', make: () => new M.TrimmedMean({ trimNumber: 0 }) },
  { py: 'GradDrop(leak=W * 0 + 1)', make: (m) => new M.GradDrop({ leak: new Array(m).fill(1) }) },
  { py: 'ExcessMTL()', make: () => new M.ExcessMTL() },
];
const RANDOM = new Set(['PCGrad()', 'GradVac()']);
const longest = (m: Matrix): number => Math.max(...m.map((row) => Math.hypot(...row)));

const values = aggregators.flatMap(({ py, make, tolerance = 1e-5, differs = {} }) =>
  Object.entries(matrices)
    // Their order of three and more losses is torch's own.
    .filter(([name, rows]) => differs[name] !== false && !(RANDOM.has(py) && rows.length > 2))
    .map(([name, rows]): Row => {
      const why = differs[name];
      return {
        name: `${py}: ${name}`,
        js: () => M.applyCombiner(make(rows.length), rows).direction,
        py: `J = ${matrixOf(rows)}; W = ${vector(rows.map((_, i) => i + 1))}; return aggregation.${py}(J).tolist()`,
        tolerance: [tolerance, (tolerance / 10) * longest(rows)],
        ...(why ? { differs: why } : {}),
      };
    }),
);

/** What is refused when it is made, or on a matrix of two rows. */
const made = (py: string, js: () => unknown, differs?: string): Row => ({ name: `refused: ${py}`, js, py: `aggregation.${py}`, ...(differs ? { differs } : {}) });
const PAIR = matrices['two in conflict'] as Matrix;
const applied = (py: string, make: () => M.Method, rows: Matrix = PAIR, what = ''): Row => ({
  name: `refused on a matrix: ${py}${what}`,
  js: () => M.applyCombiner(make(), rows),
  py: `return aggregation.${py}(${matrixOf(rows)}).tolist()`,
});
const refusals: readonly Row[] = [
  made('MGDA(epsilon=0.)', () => new M.MGDA({ frankWolfe: { epsilon: 0, maxIters: 100 } })),
  made('MGDA(epsilon=-1.)', () => new M.MGDA({ frankWolfe: { epsilon: -1, maxIters: 100 } })),
  made('MGDA(max_iters=0)', () => new M.MGDA({ frankWolfe: { epsilon: 1e-3, maxIters: 0 } })),
  made('CAGrad(c=-1.)', () => new M.CAGrad({ c: -1 })),
  made('CAGrad(c=1., norm_eps=-1.)', () => new M.CAGrad({ c: 1, normEps: -1 })),
  made('Krum(n_byzantine=-1)', () => new M.Krum({ nByzantine: -1 })),
  made('Krum(n_byzantine=1, n_selected=0)', () => new M.Krum({ nByzantine: 1, nSelected: 0 })),
  made('TrimmedMean(-1)', () => new M.TrimmedMean({ trimNumber: -1 })),
  made('GradVac(beta=1.5)', () => new M.GradVac({ beta: 1.5 })),
  made('GradVac(beta=-0.1)', () => new M.GradVac({ beta: -0.1 })),
  made('NashMTL(n_tasks=2, max_norm=-1.)', () => new M.NashMTL({ maxNorm: -1 })),
  made('NashMTL(n_tasks=2, update_weights_every=0)', () => new M.NashMTL({ updateEvery: 0 })),
  made('AlignedMTL(scale_mode="max")(J := torch.eye(2))', () => new M.AlignedMTL({ scaleMode: 'max' as 'min' })),
  made('ExcessMTL(robust_step_size=0.)', () => new M.ExcessMTL({ eta: 0 })),
  made('CRMOGMWeighting(aggregation.MeanWeighting(), alpha=1.5)', () => M.ema(new M.Mean(), 1.5)),
  made('CRMOGMWeighting(aggregation.MeanWeighting(), alpha=-0.5)', () => M.ema(new M.Mean(), -0.5)),
  made('MoDoWeighting(gamma=0.)', () => new M.MoDo({ gamma: 0 })),
  made('MoDoWeighting(rho=-1.)', () => new M.MoDo({ rho: -1 })),
  made('SDMGradWeighting(lr=0.)', () => new M.SDMGrad({ lr: 0 })),
  made('SDMGradWeighting(momentum=-0.1)', () => new M.SDMGrad({ momentum: -0.1 })),
  made('SDMGradWeighting(momentum=1.)', () => void new M.SDMGrad({ momentum: 1 }), 'a momentum of 1 adds up all slopes, as SGD takes it too'),
  made('SDMGradWeighting(n_iter=0)', () => new M.SDMGrad({ steps: 0 })),
  made('SDMGradWeighting(lambda_=-1.)', () => new M.SDMGrad({ lambda: -1 })),
  { name: 'refused: a negative norm_eps', js: () => new M.UPGrad({ normEps: -1 }), py: 'from torchjd.linalg import QuadprogProjector\nreturn QuadprogProjector(norm_eps=-1.)' },
  { name: 'refused: a negative reg_eps', js: () => new M.DualProj({ regEps: -1 }), py: 'from torchjd.linalg import QuadprogProjector\nreturn QuadprogProjector(reg_eps=-1.)' },
  applied('UPGrad(torch.ones(3))', () => new M.UPGrad({ preference: [1, 1, 1] })),
  applied('DualProj(torch.ones(1))', () => new M.DualProj({ preference: [1] })),
  applied('AlignedMTL(torch.ones(3))', () => new M.AlignedMTL({ preference: [1, 1, 1] })),
  applied('ConFIG(torch.ones(3))', () => new M.ConFIG({ preference: [1, 1, 1] })),
  applied('Constant(torch.ones(3))', () => new M.Constant([1, 1, 1])),
  applied('GradDrop(leak=torch.ones(3))', () => new M.GradDrop({ leak: [1, 1, 1] })),
  applied('Krum(n_byzantine=1)', () => new M.Krum({ nByzantine: 1 }), GENERAL, ' of three rows'),
  applied('Krum(n_byzantine=0, n_selected=4)', () => new M.Krum({ nByzantine: 0, nSelected: 4 }), GENERAL, ' of three rows'),
  applied('TrimmedMean(2)', () => new M.TrimmedMean({ trimNumber: 2 }), GENERAL, ' of three rows'),
  { name: 'refused: a vector where a matrix belongs', js: () => M.applyCombiner(new M.Mean(), [1, 2] as never), py: 'aggregation.Mean()(t([1, 2]))' },
  { name: 'refused: three dimensions where a matrix belongs', js: () => M.applyCombiner(new M.UPGrad(), [[[1, 2]]] as never), py: 'aggregation.UPGrad()(t([[[1, 2]]]))' },
  { name: 'a matrix without columns', js: () => M.applyCombiner(new M.UPGrad(), [[], []]).direction, py: 'aggregation.UPGrad()(torch.zeros(2, 0)).tolist()' },
];

const nonfinite: readonly Row[] = (['nan', 'inf', '-inf'] as const).flatMap((bad) =>
  (
    [
      ['Mean()', () => new M.Mean()],
      ['UPGrad()', () => new M.UPGrad()],
      ['DualProj()', () => new M.DualProj()],
      ['ConFIG()', () => new M.ConFIG()],
      ['AlignedMTL()', () => new M.AlignedMTL()],
      ['TrimmedMean(0)', () => new M.TrimmedMean({ trimNumber: 0 })],
    ] as const
  ).map(
    ([py, make]): Row => ({
      name: `${py}: a gradient of ${bad}`,
      js: () => M.applyCombiner(make(), [[1, Number(bad === 'nan' ? bad : bad.replace('inf', 'Infinity'))], [2, 3]]).direction, // biome-ignore format: one line
      py: `return aggregation.${py}(torch.tensor([[1, float("${bad}")], [2, 3]])).tolist()`,
      differs: 'a gradient that is not finite is refused by name, whatever the method',
    }),
  ),
);

/** Four steps: the second as the first, the third with other lengths, the last with a loss that is done. */
const SEQUENCE: readonly Matrix[] = [GENERAL, GENERAL, GENERAL.map((row, i) => row.map((v) => v * (i + 1) * 0.5)), [[0, 0, 0, 0], ...GENERAL.slice(1)]];
const PAIRS = SEQUENCE.map((rows) => rows.slice(0, 2));
const remembered: readonly (readonly [py: string, make: () => M.Method & M.Stateful, steps?: readonly Matrix[], tolerance?: number])[] = [
  ['ExcessMTL()', () => new M.ExcessMTL()],
  ['ExcessMTL(robust_step_size=0.1)', () => new M.ExcessMTL({ eta: 0.1 })],
  ['GradVac()', () => new M.GradVac(), PAIRS],
  ['GradVac(beta=0.)', () => new M.GradVac({ beta: 0 }), PAIRS],
  ['GradVac(beta=1.)', () => new M.GradVac({ beta: 1 }), PAIRS],
  ['NashMTL(n_tasks=3, update_weights_every=2)', () => new M.NashMTL({ updateEvery: 2 }), SEQUENCE.slice(0, 3), 2e-3],
  ['MoDoWeighting()', () => new M.MoDo()],
  ['MoDoWeighting(gamma=0.5, rho=0.)', () => new M.MoDo({ gamma: 0.5, rho: 0 })],
  ['SDMGradWeighting()', () => new M.SDMGrad()],
  ['SDMGradWeighting(lr=1., n_iter=3, lambda_=1.)', () => new M.SDMGrad({ lr: 1, steps: 3, lambda: 1 })],
  ['SDMGradWeighting(pref_vector=W)', () => new M.SDMGrad({ preference: [1, 2, 3] })],
  ['CRMOGMWeighting(aggregation.UPGradWeighting())', () => M.ema(new M.UPGrad(REGULARIZED))],
  ['CRMOGMWeighting(aggregation.UPGradWeighting(), alpha=0.)', () => M.ema(new M.UPGrad(REGULARIZED), 0)],
  ['CRMOGMWeighting(aggregation.UPGradWeighting(), alpha=1.)', () => M.ema(new M.UPGrad(REGULARIZED), 1)],
  ['CRMOGMWeighting(aggregation.MoDoWeighting(), alpha=0.5)', () => M.ema(new M.MoDo(), 0.5)],
];
const sequences = remembered.flatMap(([py, make, steps = SEQUENCE, tolerance = 1e-5]): Row[] => {
  const call = py.includes('Weighting(') ? '(A(J @ J.T) @ J)' : 'A(J)';
  const lines = `W = ${vector([1, 2, 3])}; A = aggregation.${py}; S = [${steps.map(matrixOf).join(', ')}]`;
  const run = (method: M.Method): number[][] => steps.map((rows) => M.applyCombiner(method, rows).direction);
  return [
    { name: `${py}: ${steps.length} steps`, js: () => run(make()), py: `${lines}; return [${call}.tolist() for J in S]`, tolerance: [tolerance, tolerance] },
    {
      name: `${py}: the same again after reset`,
      js: () => {
        const method = make();
        run(method);
        method.reset();
        return run(method);
      },
      py: `${lines}; [${call} for J in S]; A.reset(); return [${call}.tolist() for J in S]`,
      tolerance: [tolerance, tolerance],
    },
  ];
});

const notOffered: readonly Row[] = [
  { name: 'PCD, its lower bounds and its scale', js: null, py: `aggregation.PCD()(${matrixOf(GENERAL)}).tolist()` },
  { name: 'ExcessMTL with warm-up steps', js: null, py: `aggregation.ExcessMTL(n_warmup_steps=2)(${matrixOf(GENERAL)}).tolist()` },
  { name: 'GradDrop with a function of its odds', js: null, py: `aggregation.GradDrop(f=lambda p: p * 0 + 2)(${matrixOf(GENERAL)}).tolist()` },
  {
    name: 'CRMOGM from given weights',
    js: null,
    py: `aggregation.CRMOGMWeighting(aggregation.MeanWeighting(), initial_weights=${vector([1, 0, 0])})(torch.eye(3, ${F64})).tolist()`,
  },
];

export const rows: readonly Row[] = [...values, ...refusals, ...nonfinite, ...sequences, ...notOffered];
