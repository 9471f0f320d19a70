// PyTorch's test_nn: what each loss gives, and the gradients of what it compares, by function and by module.
import { nn, type Tensor, type TensorData } from 'gradloom';
import { I, keywords, L, py, type Row, t } from './row.ts';
import { pattern, prelude as patterns } from './nn-layers.rows.ts';

export const prelude = `${patterns}
def loss(f, *args):
    y = f(*args)
    if y.requires_grad: (y * pattern(y.shape)).sum().backward()
    return [y, [a.grad for a in args if isinstance(a, torch.Tensor) and a.is_leaf and a.requires_grad]]
`;

/** An argument: `L`, `I` and `t` as in both languages. */
class Made {
  readonly kind: 'L' | 'I' | 't';
  readonly data: TensorData;
  constructor(kind: 'L' | 'I' | 't', data: TensorData) {
    this.kind = kind;
    this.data = data;
  }
  make(): Tensor {
    return { L, I, t }[this.kind](this.data);
  }
}
export const leaf = (data: TensorData): Made => new Made('L', data);
export const ints = (data: TensorData): Made => new Made('I', data);
export const fixed = (data: TensorData): Made => new Made('t', data);
type Arg = Made | number | readonly number[] | null;
type Options = Readonly<Record<string, unknown>>;
const own = (v: unknown): unknown => (v instanceof Made ? v.make() : v);
const theirs = (v: unknown): string => (v instanceof Made ? `${v.kind}(${py(v.data)})` : py(v));
const named = (o: Options): string =>
  Object.entries(o)
    .map(([k, v]) => `${keywords({ [k]: 0 }).slice(0, -2)}=${theirs(v)}`)
    .join(', ');

type Loss = (...args: unknown[]) => Tensor;
function loss(f: Loss, args: readonly Arg[]): unknown {
  const made = args.map(own);
  const y = f(...made);
  if (y.requiresGrad) y.mul(pattern(y.shape)).sum().backward();
  return [y, made.filter((_, i) => args[i] instanceof Made && (args[i] as Made).kind === 'L').map((a) => (a as Tensor).grad)];
}
const functions = nn.functional as unknown as Readonly<Record<string, Loss>>;
const modules = nn as unknown as Readonly<Record<string, new (options?: object) => { forward: Loss }>>;
export const functionRow = (name: string, args: readonly Arg[], options: Options = {}, more: Partial<Row> = {}): Row => {
  const [pyName, list] = [keywords({ [name]: 0 }).slice(0, -2), args.map(theirs).join(', ')];
  return {
    name: `${name}(${[list, named(options)].filter(Boolean).join(', ')})`,
    js: () =>
      loss((...a) => (functions[name] as Loss)(...a, ...(Object.keys(options).length ? [Object.fromEntries(Object.entries(options).map(([k, v]) => [k, own(v)]))] : [])), args),
    py: `loss(lambda *a: F.${pyName}(*a${Object.keys(options).length ? `, ${named(options)}` : ''}), ${list})`,
    ...more,
  };
};
const moduleRow = (name: string, args: readonly Arg[], options: Options = {}): Row => ({
  name: `${name}(${named(options)}) of ${args.map(theirs).join(', ')}`,
  js: () => {
    const m = new (modules[name] as new (o?: object) => { forward: Loss })(Object.fromEntries(Object.entries(options).map(([k, v]) => [k, own(v)])));
    return loss((...a) => m.forward(...a), args);
  },
  py: `loss(nn.${name}(${named(options)}), ${args.map(theirs).join(', ')})`,
});

export const A = [
  [0.5, -1.5, 2],
  [1, 0.25, -0.75],
];
export const Z = [
  [0.5, 1, -2],
  [3, 0.25, 0.5],
];
const P = [
  [0.1, 0.9, 0.5],
  [0.25, 0, 1],
];
const Q = [
  [0.2, 0.5, 0.3],
  [0, 0.4, 0.6],
];
const LOGS = [
  [-0.5, -1.5, -2],
  [-1, -0.25, -0.75],
];
const SIGNS = [
  [1, -1, 1],
  [-1, -1, 1],
];
const EMPTY = fixed([]);

/** Each loss with two inputs that give every branch of it. */
const LOSSES: readonly (readonly [name: string, args: readonly Arg[], options?: Options])[] = [
  ['mseLoss', [leaf(A), leaf(Z)]],
  ['l1Loss', [leaf(A), leaf(Z)]],
  ['smoothL1Loss', [leaf(A), leaf(Z)], { beta: 0.5 }],
  ['huberLoss', [leaf(A), leaf(Z)], { delta: 0.75 }],
  ['binaryCrossEntropy', [leaf(P), fixed(Q)]],
  ['binaryCrossEntropyWithLogits', [leaf(A), leaf(P)]],
  ['klDiv', [leaf(LOGS), fixed(Q)]],
  ['poissonNllLoss', [leaf(A), fixed(P)]],
  ['gaussianNllLoss', [leaf(A), fixed(Z), leaf([[0.5], [2]])]],
  ['crossEntropy', [leaf(A), ints([2, 0])]],
  ['nllLoss', [leaf(LOGS), ints([1, 1])]],
  ['softMarginLoss', [leaf(A), fixed(SIGNS)]],
  [
    'hingeEmbeddingLoss',
    [
      leaf(Z),
      fixed([
        [1, -1, 1],
        [-1, -1, 1],
      ]),
    ],
    { margin: 0.75 },
  ],
  ['marginRankingLoss', [leaf([1, 2, 3]), leaf([2, 1, 3.5]), fixed([1, -1, 1])], { margin: 0.25 }],
  ['cosineEmbeddingLoss', [leaf(A), leaf(Z), ints([1, -1])], { margin: -0.25 }],
  ['tripletMarginLoss', [leaf(A), leaf(Z), leaf(LOGS)], { margin: 2 }],
  ['multiMarginLoss', [leaf(A), ints([2, 1])]],
  [
    'multilabelMarginLoss',
    [
      leaf(A),
      ints([
        [2, 0, -1],
        [1, -1, 0],
      ]),
    ],
  ],
  ['multilabelSoftMarginLoss', [leaf(A), fixed(P)]],
];
const classes3 = { weight: fixed([0.5, 2, 1]) };
const dense = leaf([
  [
    [1, 2],
    [3, -4],
  ],
  [
    [0.5, -1],
    [2, 0.1],
  ],
]);

export const rows: readonly Row[] = [
  ...LOSSES.flatMap(([name, args, options]) => ['mean', 'sum', 'none'].map((reduction) => functionRow(name, args, { ...options, reduction }))),
  functionRow('mseLoss', [leaf(A), leaf([[1, 2, 3]])]),
  functionRow('mseLoss', [EMPTY, EMPTY]),
  functionRow('mseLoss', [EMPTY, EMPTY], { reduction: 'sum' }),
  functionRow('mseLoss', [leaf([1, 2]), fixed([1, 2, 3])]),
  functionRow('l1Loss', [leaf([1, 2, 3]), fixed([1, 2, 4])]),
  functionRow('smoothL1Loss', [leaf([1, 2, 3.5]), fixed([1, 3, 1])], { beta: 0 }),
  functionRow('smoothL1Loss', [leaf([1]), fixed([2])], { beta: -1 }),
  functionRow('huberLoss', [leaf([1, 2, 3.5]), fixed([1, 3, 1])]),
  functionRow('huberLoss', [leaf([1]), fixed([2])], { delta: 0 }),
  functionRow('crossEntropy', [leaf(A), ints([2, 0])], classes3),
  functionRow('crossEntropy', [leaf(A), ints([2, -100])], classes3),
  functionRow('crossEntropy', [leaf(A), ints([1, 0])], { ignoreIndex: 0 }),
  functionRow('crossEntropy', [leaf(A), ints([1, 1])], { ignoreIndex: 1, reduction: 'sum' }),
  functionRow('crossEntropy', [leaf(A), ints([1, 1])], { ignoreIndex: 1, reduction: 'none' }),
  functionRow('crossEntropy', [leaf(A), ints([1, 2])], { labelSmoothing: 0.3 }),
  functionRow('crossEntropy', [leaf(A), ints([1, 0])], { ...classes3, labelSmoothing: 0.3, ignoreIndex: 0 }),
  functionRow('crossEntropy', [leaf(A), fixed(Q)]),
  functionRow('crossEntropy', [leaf(A), leaf(Q)], { ...classes3, labelSmoothing: 0.1 }),
  functionRow('crossEntropy', [leaf(A), fixed(Q)], { ignoreIndex: 1 }),
  functionRow('crossEntropy', [leaf(A), fixed(Q)], { ignoreIndex: 0, reduction: 'sum' }),
  functionRow('crossEntropy', [leaf([0.5, 1, -1]), ints(2)]),
  functionRow('crossEntropy', [leaf([0.5, 1, -1]), fixed([0.2, 0.3, 0.5])], { reduction: 'none' }),
  functionRow('crossEntropy', [
    dense,
    ints([
      [1, 0],
      [0, 0],
    ]),
  ]),
  functionRow(
    'crossEntropy',
    [
      dense,
      ints([
        [1, -100],
        [0, 1],
      ]),
    ],
    { weight: fixed([0.5, 2]), reduction: 'none', labelSmoothing: 0.2 },
  ),
  functionRow('crossEntropy', [leaf(A), ints([3, 0])]),
  functionRow('crossEntropy', [leaf(A), ints([-1, 0])]),
  functionRow('crossEntropy', [leaf(A), ints([0, 1, 2])]),
  functionRow('crossEntropy', [leaf(A), ints([0, 1])], { labelSmoothing: 1.5 }),
  functionRow('crossEntropy', [leaf(A), ints([0, 1])], { weight: fixed([1, 2]) }),
  functionRow('crossEntropy', [leaf([[100, -100, 0]]), ints([1])]),
  functionRow('nllLoss', [leaf(LOGS), ints([2, 0])], classes3),
  functionRow('nllLoss', [leaf(LOGS), ints([2, 0])], { ...classes3, ignoreIndex: 2 }),
  functionRow('nllLoss', [leaf(LOGS), ints([2, 2])], { ignoreIndex: 2 }),
  functionRow('nllLoss', [leaf(LOGS), ints([2, 2])], { ignoreIndex: 2, reduction: 'sum' }),
  functionRow('nllLoss', [leaf(LOGS), ints([2, 0])], { weight: fixed([1, 2]) }),
  functionRow('nllLoss', [leaf(LOGS), ints([1, 0])], { weight: fixed([1, 2, 3, 4]) }),
  functionRow(
    'nllLoss',
    [
      dense,
      ints([
        [1, 0],
        [0, 1],
      ]),
    ],
    { weight: fixed([0.5, 2]) },
  ),
  functionRow('nllLoss', [leaf([-1, -2]), ints(1)]),
  functionRow('nllLoss', [leaf(LOGS), ints([3, 0])]),
  functionRow('binaryCrossEntropy', [leaf(P), fixed(Q)], { weight: fixed([1, 2, 0.5]) }),
  functionRow('binaryCrossEntropy', [leaf([0, 1, 0, 1]), fixed([0, 1, 1, 0])]),
  functionRow('binaryCrossEntropy', [leaf([[0.5]]), fixed([[1]])], { weight: fixed([[1, 2]]) }),
  functionRow('binaryCrossEntropy', [leaf([0.5, 0.2]), fixed([[1, 0]])]),
  functionRow('binaryCrossEntropy', [leaf([0.5]), fixed([1])], { weight: fixed([1, 2, 3]) }),
  functionRow('binaryCrossEntropyWithLogits', [leaf(A), fixed(P)], { posWeight: fixed([3, 1, 0.5]) }),
  functionRow('binaryCrossEntropyWithLogits', [leaf(A), fixed(P)], { weight: fixed([[2], [0]]), posWeight: fixed(2), reduction: 'sum' }),
  functionRow('binaryCrossEntropyWithLogits', [leaf([100, -100]), fixed([0, 1])], { reduction: 'none' }),
  functionRow('binaryCrossEntropyWithLogits', [leaf([1, 2]), fixed([[1, 0]])]),
  functionRow('klDiv', [leaf(LOGS), fixed(Q)], { reduction: 'batchmean' }),
  functionRow('klDiv', [leaf(LOGS), leaf([...LOGS].reverse())], { logTarget: true }),
  functionRow('klDiv', [leaf(LOGS), leaf([...LOGS].reverse())], { logTarget: true, reduction: 'batchmean' }),
  functionRow('klDiv', [leaf([-1, -2]), fixed([0, 1])], { reduction: 'none' }),
  functionRow('poissonNllLoss', [leaf([0.5, 1, 2]), fixed([0, 1, 3])], { logInput: false }),
  functionRow('poissonNllLoss', [leaf([0.5, 1, 2]), fixed([0, 1, 3])], { full: true }),
  functionRow('poissonNllLoss', [leaf([0.5, 1, 2]), fixed([0, 1, 3])], { logInput: false, eps: 0 }),
  functionRow('poissonNllLoss', [leaf([0, 1, 2]), fixed([0, 2, 3])], { logInput: false, full: true, eps: 0.1, reduction: 'none' }),
  functionRow('gaussianNllLoss', [leaf(A), fixed(Z), leaf([0.5, 2])], { full: true }),
  functionRow('gaussianNllLoss', [leaf([1, 2]), fixed([2, 4]), leaf([1e-8, 0.5])], { eps: 0.01 }),
  functionRow('gaussianNllLoss', [leaf([1, 2]), fixed([2, 4]), fixed([0.5, -0.5])]),
  functionRow('gaussianNllLoss', [leaf(A), fixed(Z), fixed([[-1], [1]])]),
  functionRow('gaussianNllLoss', [leaf([1, 2]), fixed([2, 4]), 0.5]),
  functionRow('gaussianNllLoss', [leaf([1, 2]), fixed([2, 4]), fixed([1, 2, 3])]),
  functionRow('gaussianNllLoss', [leaf([1, 2]), fixed([2, 4]), fixed([1, 2])], { eps: 0 }),
  functionRow('hingeEmbeddingLoss', [leaf([0.5, 2, 1]), fixed([-1, -1, 1])], { margin: 2.5 }),
  functionRow('marginRankingLoss', [leaf([1, 2]), leaf([2, 1]), fixed([1, 1])]),
  functionRow('hingeEmbeddingLoss', [leaf([1, 0.5]), fixed([-1, -1])]),
  functionRow('marginRankingLoss', [leaf([1]), leaf([1]), fixed([1])]),
  functionRow('cosineEmbeddingLoss', [leaf([1, 2]), leaf([2, -1]), ints(1)]),
  functionRow('cosineEmbeddingLoss', [leaf([[0, 0]]), leaf([[1, 2]]), ints([1])]),
  functionRow('cosineEmbeddingLoss', [leaf([[0, 0]]), leaf([[0, 0]]), ints([-1])]),
  functionRow('cosineEmbeddingLoss', [leaf([[1, 2]]), leaf([[2, 1]]), ints([-1])], { margin: 0.9 }),
  functionRow('cosineEmbeddingLoss', [leaf(A), leaf(Z), ints([1])], {}, { differs: 'the target has one entry for each row; PyTorch broadcasts it' }),
  functionRow('tripletMarginLoss', [leaf(A), leaf(Z), leaf(LOGS)], { margin: 3, swap: true }),
  functionRow('tripletMarginLoss', [leaf(A), leaf(Z), leaf(LOGS)], { p: 1, margin: 5 }),
  functionRow('tripletMarginLoss', [leaf([1, 2]), leaf([1, 2]), leaf([3, 1])], { margin: 4 }),
  functionRow('tripletMarginLoss', [leaf(A), leaf(Z), leaf(LOGS)], { margin: -1 }),
  functionRow('multiMarginLoss', [leaf(A), ints([2, 1])], { p: 2, margin: 0.5 }),
  functionRow('multiMarginLoss', [leaf(A), ints([2, 1])], { ...classes3, reduction: 'none' }),
  functionRow('multiMarginLoss', [leaf([1, 2, 0.5]), ints(1)]),
  functionRow('multiMarginLoss', [leaf(A), ints([2, 1])], { weight: fixed([1, 2]) }),
  functionRow('multiMarginLoss', [leaf(A), ints([2, 1])], { weight: fixed([1, 2, 3, 4]) }),
  functionRow('multiMarginLoss', [leaf(A), ints([3, 1])]),
  functionRow('multiMarginLoss', [leaf(A), ints([2, 1])], { p: 3 }),
  functionRow('multilabelMarginLoss', [leaf([0.1, 0.2, 0.4, 0.8]), ints([3, 0, -1, 1])]),
  functionRow('multilabelSoftMarginLoss', [leaf(A), fixed(P)], classes3),
  functionRow('ctcLoss', [fixed([[[-1, -2, -0.5]], [[-0.2, -3, -2]], [[-1, -1, -1.2]]]), ints([[1, 2]]), [3], [2]]),
  functionRow('ctcLoss', [fixed([[[-1, -2, -0.5]], [[-0.2, -3, -2]]]), ints([[1, 1]]), [2], [2]], { zeroInfinity: true }),
  functionRow('ctcLoss', [fixed([[[-1, -2, -0.5]], [[-0.2, -3, -2]]]), ints([[1, 1]]), [2], [2]]),
  functionRow('ctcLoss', [fixed([[[-1, -2, -0.5]], [[-0.2, -3, -2]]]), ints([[1, 0]]), [2], [1]], { blank: 2, reduction: 'sum' }),
  moduleRow('MSELoss', [leaf(A), leaf(Z)], { reduction: 'sum' }),
  moduleRow('L1Loss', [leaf(A), fixed(Z)], { reduction: 'none' }),
  moduleRow('SmoothL1Loss', [leaf(A), fixed(Z)], { beta: 2 }),
  moduleRow('HuberLoss', [leaf(A), fixed(Z)], { delta: 2, reduction: 'sum' }),
  moduleRow('CrossEntropyLoss', [leaf(A), ints([1, -100])], { ...classes3, labelSmoothing: 0.1 }),
  moduleRow('NLLLoss', [leaf(LOGS), ints([1, 0])], { ...classes3, ignoreIndex: 0, reduction: 'sum' }),
  moduleRow('BCELoss', [leaf(P), fixed(Q)], { weight: fixed([2, 0.5, 1]) }),
  moduleRow('BCEWithLogitsLoss', [leaf(A), fixed(Q)], { weight: fixed([2, 0.5, 1]), posWeight: fixed([1, 2, 3]) }),
  moduleRow('KLDivLoss', [leaf(LOGS), fixed(Q)], { reduction: 'batchmean' }),
  moduleRow('PoissonNLLLoss', [leaf(A), fixed(P)], { logInput: true, full: true }),
  moduleRow('GaussianNLLLoss', [leaf(A), fixed(Z), leaf([[0.5], [2]])], { full: true, reduction: 'sum' }),
  moduleRow('HingeEmbeddingLoss', [leaf(A), fixed(SIGNS)], { margin: 0.5 }),
  moduleRow('MarginRankingLoss', [leaf([1, 2]), leaf([2, 1]), fixed([1, -1])], { margin: 2 }),
  moduleRow('CosineEmbeddingLoss', [leaf(A), leaf(Z), ints([-1, 1])], { margin: -0.5, reduction: 'none' }),
  moduleRow('TripletMarginLoss', [leaf(A), leaf(Z), leaf(LOGS)], { margin: 4, p: 2, swap: true, reduction: 'none' }),
  moduleRow('MultiMarginLoss', [leaf(A), ints([0, 1])], { ...classes3, p: 2 }),
  moduleRow('MultiLabelSoftMarginLoss', [leaf(A), fixed(P)], { reduction: 'none' }),
  moduleRow('SoftMarginLoss', [leaf(A), fixed(SIGNS)], { reduction: 'sum' }),
  moduleRow('MSELoss', [leaf(A), fixed(Z)], { reduction: 'average' }),
];
