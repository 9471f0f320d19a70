// Methods for several losses in PyTorch: TorchJD's where it computes the same, else a few lines. `weights(G, losses)` gets the Gramian of the losses' averaged
// gradients in float64 [m, m], `direction(J)` the gradients themselves, `combine(losses)` the averaged losses [m].
import * as multiloss from '../api/multiloss.ts';
import { perLoss, type PerLoss } from '../multiloss/checks.ts';
import type { Method } from '../multiloss/methods/method.ts';
import { Schedule } from '../multiloss/methods/from-losses/anneal.ts';
import { literal, quoted, refuse } from './python.ts';

interface Written {
  readonly needs: 'losses' | 'gramian' | 'jacobian';
  /** Whether TorchJD is imported. */
  readonly torchjd?: string;
  readonly lines: readonly string[];
}

/** A method's private fields: what its constructor was given. */
// biome-ignore lint/suspicious/noExplicitAny: each method has fields of its own
type Given = any;
type Row = (m: Given, names: readonly string[]) => Written;

const list = (values: ArrayLike<number>): string => `[${Array.from(values, (v) => literal(v)).join(', ')}]`;
const tensor = (values: ArrayLike<number>): string => `torch.tensor(${list(values)}, dtype=torch.float64)`;
const preferenceOf = (m: Given, given: PerLoss | undefined, names: readonly string[], usual: number): Float64Array => perLoss(m.name, 'preference', given, names, usual);

const fixed =
  (weights: (m: Given, names: readonly string[]) => readonly number[]): Row =>
  (m, names) => ({ needs: 'losses', lines: ['def combine(losses):', `    return (losses * losses.new_tensor(${list(weights(m, names))})).sum()`] });

const scalarizer =
  (formula: string): Row =>
  () => ({ needs: 'losses', lines: ['def combine(losses):', `    return ${formula}`] });

/** One learnt number per loss. */
const learned =
  (formula: (m: Given) => string): Row =>
  (m, names) => ({
    needs: 'losses',
    lines: [`learned = torch.nn.Parameter(torch.full((${names.length},), 0.0))`, '', '', 'def combine(losses):', '    s = learned', `    return (${formula(m)}).sum()`],
  });

/** min wᵀGw over w ≥ low, by coordinates: for Gramians of a few losses. */
const QP = [
  'def least(G, low, pull):',
  '    """The w >= low that minimises w.G.w / 2 - pull.w, coordinate by coordinate."""',
  '    w = low.clone()',
  '    for _ in range(20000):',
  '        before = w.clone()',
  '        for i in range(len(w)):',
  '            if G[i, i] > 0:',
  '                w[i] = torch.maximum(low[i], w[i] - (G[i] @ w - pull[i]) / G[i, i])',
  '        if (w - before).abs().max() <= 1e-13 * w.abs().max():',
  '            break',
  '    return w',
  '',
  '',
];

const upgrad: Row = (m, names) => ({
  needs: 'gramian',
  lines: [
    ...QP,
    'def weights(G, losses):',
    '    # UPGrad (arXiv 2406.16232): each gradient projected onto the directions that raise no loss; the projections are added.',
    `    p = ${tensor(preferenceOf(m, m.options.preference, names, 1 / names.length))}`,
    '    return sum(least(G, row, torch.zeros_like(p)) for row in torch.diag(p))',
  ],
});
const dualproj: Row = (m, names) => ({
  needs: 'gramian',
  lines: [...QP, 'def weights(G, losses):', `    p = ${tensor(preferenceOf(m, m.options.preference, names, 1 / names.length))}`, '    return least(G, p, torch.zeros_like(p))'],
});
const mgda: Row = (m) =>
  m.frankWolfe
    ? refuse('MGDA with frankWolfe', 'is not written to PyTorch. Leave the option out.')
    : {
        needs: 'gramian',
        lines: [
          ...QP,
          'def weights(G, losses):',
          "    # MGDA (arXiv 1810.04650): the shortest vector of the gradients' hull, as min w.G.w / 2 - sum(w) over w >= 0, scaled to sum 1.",
          '    one = torch.ones(len(G), dtype=G.dtype)',
          '    w = least(G / G.diagonal().max(), torch.zeros_like(one), one)',
          '    return w / w.sum()',
        ],
      };
const pcgrad: Row = () => ({
  needs: 'gramian',
  lines: [
    'def weights(G, losses):',
    '    # PCGrad (arXiv 2001.06782). The order of the others is drawn with a seed, so that every process draws the same; with two losses there is one order.',
    '    m = len(G)',
    '    a = torch.eye(m, dtype=G.dtype)',
    '    for i in range(m):',
    '        for j in torch.randperm(m, generator=generator).tolist():',
    '            product = a[i] @ G[:, j]',
    '            if j != i and product < 0:',
    '                a[i, j] -= product / G[j, j]',
    '    return a.sum(0)',
    '',
    '',
    'generator = torch.Generator().manual_seed(0)',
  ],
});
/** w with G·w = w^(−1/α), by Newton's method with steps that stay above 0. */
const fair = (alpha: string): readonly string[] => [
  'def fair(G):',
  `    """w > 0 with G.w = w ** (-1 / alpha), alpha ${alpha}."""`,
  '    scale = G.diagonal().max()',
  '    G = G / scale',
  '    w = torch.ones(len(G), dtype=G.dtype) / G.diagonal().sqrt().clamp(min=1e-12)',
  '    for _ in range(1000):',
  `        residual = G @ w - w ** (-1 / ${alpha})`,
  '        if residual.abs().max() <= 1e-13 * (G @ w).abs().max():',
  '            break',
  `        step = torch.linalg.solve(G + torch.diag(w ** (-1 / ${alpha} - 1) / ${alpha}), residual)`,
  '        down = (step / w).max()',
  '        w = w - step * min(1.0, 0.9 / float(down.clamp(min=1e-300)))',
  `    return w * scale ** (-${alpha} / (1 + ${alpha}))`,
  '',
  '',
];
const nash: Row = (m) =>
  m.options.updateEvery !== 1
    ? refuse('NashMTL with updateEvery', 'is not written to PyTorch. Leave the option out.')
    : {
        needs: 'gramian',
        lines: [
          ...fair('1'),
          'def weights(G, losses):',
          '    # Nash-MTL (arXiv 2202.01017).',
          '    w = fair(G)',
          ...(m.options.maxNorm > 0
            ? ['    length = (w @ G @ w).clamp(min=0).sqrt()', `    return w * min(1.0, ${literal(m.options.maxNorm)} / float(length.clamp(min=1e-300)))`]
            : ['    return w']),
        ],
      };
const fairgrad: Row = (m, names) =>
  m.alpha === 0
    ? fixed(() => names.map(() => 1 / names.length))(m, names)
    : { needs: 'gramian', lines: [...fair(literal(m.alpha)), 'def weights(G, losses):', '    # FairGrad (arXiv 2402.15638).', '    return fair(G)'] };

/** TorchJD's weighting of the same Gramian. */
const torchjd =
  (name: string, args: (m: Given, names: readonly string[]) => string): Row =>
  (m, names) => ({
    needs: 'gramian',
    torchjd: `${name}Weighting`,
    lines: [`weighting = ${name}Weighting(${args(m, names)})`, '', '', 'def weights(G, losses):', '    return weighting(G)'],
  });
const aggregated =
  (name: string, args: (m: Given, names: readonly string[]) => string): Row =>
  (m, names) => ({ needs: 'jacobian', torchjd: name, lines: [`aggregator = ${name}(${args(m, names)})`, '', '', 'def direction(J):', '    return aggregator(J)'] });
const preferred = (m: Given, names: readonly string[]): string => (m.preference === undefined ? '' : `pref_vector=${tensor(preferenceOf(m, m.preference, names, 1))}`);

const METHODS: ReadonlyMap<unknown, Row> = new Map<unknown, Row>([
  [multiloss.Sum, fixed((_, names) => names.map(() => 1))],
  [multiloss.Independent, fixed((_, names) => names.map(() => 1))],
  [multiloss.Mean, fixed((_, names) => names.map(() => 1 / names.length))],
  [multiloss.Constant, fixed((m) => m.list)],
  [
    multiloss.Weighted,
    fixed((m, names) =>
      names.map((name) =>
        m.weights[name] instanceof Schedule
          ? refuse(`the schedule of '${name}'`, 'is not written to PyTorch. Give a number, or train to its end here.')
          : (m.weights[name] ?? refuse(`there is no weight for the loss '${name}'.`, 'Add one.')),
      ),
    ),
  ],
  [multiloss.GeometricMean, scalarizer('losses.log().mean().exp()')],
  [multiloss.ScaleInvariant, (m, names) => scalarizer(m.eps > 0 ? `(losses + ${literal(m.eps)}).log().sum()` : 'losses.log().sum()')(m, names)],
  [
    multiloss.UncertaintyWeighting,
    learned((m) => `0.5 * torch.exp(-s) * losses + torch.where(losses > 0, ${m.regularizer === 'log' ? '0.5 * s' : 'torch.nn.functional.softplus(s)'}, 0.0)`),
  ],
  [multiloss.IMTLL, learned(() => 'torch.exp(s) * losses - torch.where(losses > 0, s, 0.0)')],
  [multiloss.UPGrad, upgrad],
  [multiloss.DualProj, dualproj],
  [multiloss.MGDA, mgda],
  [multiloss.PCGrad, pcgrad],
  [multiloss.NashMTL, nash],
  [multiloss.FairGrad, fairgrad],
  [multiloss.CAGrad, torchjd('CAGrad', (m) => `c=${literal(m.options.c)}, norm_eps=${literal(m.options.normEps || 1e-12)}`)],
  [multiloss.AlignedMTL, torchjd('AlignedMTL', (m, names) => [preferred(m, names), `scale_mode=${quoted(m.scaleMode)}`].filter(Boolean).join(', '))],
  [multiloss.IMTLG, torchjd('IMTLG', () => '')],
  [multiloss.Krum, torchjd('Krum', (m) => `n_byzantine=${m.options.nByzantine}, n_selected=${m.options.nSelected}`)],
  [multiloss.ConFIG, aggregated('ConFIG', preferred)],
  [multiloss.TrimmedMean, aggregated('TrimmedMean', (m) => `trim_number=${m.trimNumber}`)],
]);

/** A method as `method.py`; undefined counts as the plain sum. Refuses the others by name. */
export function methodFile(method: Method | undefined, names: readonly string[]): { text: string; torchjd: boolean; learns: boolean } {
  const m = method ?? new multiloss.Sum();
  const row = METHODS.get(m.constructor);
  if (!row) {
    const known = Array.from(METHODS.keys(), (c) => (c as { name: string }).name).join(', ');
    return refuse(`the method ${(m as { name?: string }).name ?? m.constructor.name}`, `is not written to PyTorch, only ${known}. Take one of them, or weigh the losses by hand.`);
  }
  const options = (m as Given).options ?? {};
  if (options.normEps && m instanceof multiloss.UPGrad) refuse('UPGrad with normEps and regEps', 'is not written to PyTorch. Leave them out: both solve exactly then.');
  const { needs, torchjd: imported, lines } = row(m, names);
  const learns = lines.some((line) => line.startsWith('learned ='));
  const text = [
    `"""How the losses ${names.join(', ')} become one step: ${(m as { name: string }).name}. Written by gradloom's toPyTorch."""`,
    'import torch',
    ...(imported ? [`from torchjd.aggregation import ${imported}`] : []),
    '',
    `NEEDS = ${quoted(needs)}`,
    '',
    '',
    ...lines,
    '',
  ].join('\n');
  return { text, torchjd: imported !== undefined, learns };
}
