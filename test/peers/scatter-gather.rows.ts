// PyTorch's test_scatter_gather_ops, and indexSelect, indexAdd, embedding: picking by index tensors and adding into them.
import { autograd, gather, indexAdd, indexSelect, nn, scatter, scatterAdd, type Tensor, TensorDataset, zeros } from 'gradloom';
import { B, differing, I, L, type Row, row, t, text } from './row.ts';

const F = nn.functional;
const X = [[1, 2, 3], [4, 5, 6]]; // biome-ignore format: a matrix
const CUBE = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]; // biome-ignore format: matrices
const kinds = { t, I, B } as const;

/** One op by index on every type: values; and on leaves: gradients. */
type ByIndex = readonly [name: string, py: string, js: (x: Tensor, i: Tensor, s: Tensor) => Tensor, x: unknown, i: unknown, s: unknown];
const cases: readonly ByIndex[] = [
  [
    'gather along 0',
    'x.gather(0, i)',
    (x, i) => x.gather(0, i),
    X,
    [
      [1, 0, 1],
      [0, 0, 1],
    ],
    X,
  ],
  [
    'gather along 1',
    'x.gather(1, i)',
    (x, i) => gather(x, 1, i),
    X,
    [
      [2, 0],
      [1, 1],
    ],
    X,
  ],
  [
    'gather along −1, more than there are',
    'x.gather(-1, i)',
    (x, i) => x.gather(-1, i),
    X,
    [
      [2, 0, 1, 2, 0],
      [1, 1, 1, 1, 0],
    ],
    X,
  ],
  ['gather of fewer rows', 'x.gather(1, i)', (x, i) => x.gather(1, i), X, [[2, 0]], X],
  [
    'gather of a cube',
    'x.gather(2, i)',
    (x, i) => x.gather(2, i),
    CUBE,
    [
      [[1], [0]],
      [[0], [1]],
    ],
    CUBE,
  ],
  ['gather by an empty index', 'x.gather(1, i)', (x, i) => x.gather(1, i.reshape(2, 0)), X, [[], []], X],
  [
    'gather of a transposed one',
    'x.t().gather(0, i)',
    (x, i) => x.t().gather(0, i),
    X,
    [
      [2, 0],
      [0, 0],
    ],
    X,
  ],
  ['indexSelect along 0', 'x.index_select(0, i)', (x, i) => x.indexSelect(0, i), X, [1, 0, 1], X],
  ['indexSelect along −1', 'x.index_select(-1, i)', (x, i) => indexSelect(x, -1, i), X, [2, 2, 0], X],
  ['indexSelect of the middle', 'x.index_select(1, i)', (x, i) => x.indexSelect(1, i), CUBE, [1, 1, 0], CUBE],
  ['indexSelect of nothing', 'x.index_select(1, i)', (x, i) => x.indexSelect(1, i), X, [], X],
  ['indexSelect of a transposed one', 'x.t().index_select(0, i)', (x, i) => x.t().indexSelect(0, i), X, [2, 0], X],
  ['scatter along 0', 'x.scatter(0, i, s)', (x, i, s) => x.scatter(0, i, s), X, [[1, 0, 1]], [[7, 8, 9]]],
  [
    'scatter along 1',
    'x.scatter(1, i, s)',
    (x, i, s) => scatter(x, 1, i, s),
    X,
    [
      [2, 0],
      [1, 2],
    ],
    [
      [7, 8],
      [9, 10],
    ],
  ],
  [
    'scatter by a shorter index',
    'x.scatter(1, i, s)',
    (x, i, s) => x.scatter(1, i, s),
    X,
    [[2]],
    [
      [7, 8],
      [9, 10],
    ],
  ],
  ['scatter of a cube', 'x.scatter(1, i, s)', (x, i, s) => x.scatter(1, i, s), CUBE, [[[1, 0]], [[0, 1]]], [[[7, 8]], [[9, 10]]]],
];
const adding: readonly ByIndex[] = [
  ['scatterAdd along 0', 'x.scatter_add(0, i, s)', (x, i, s) => x.scatterAdd(0, i, s), X, [[1, 0, 1], [1, 1, 1]], [[7, 8, 9], [-1, -2, -3]]],
  ['scatterAdd along 1', 'x.scatter_add(1, i, s)', (x, i, s) => scatterAdd(x, 1, i, s), X, [[2, 2], [1, 1]], [[7, 8], [9, 10]]],
  ['scatterAdd by a shorter index', 'x.scatter_add(1, i, s)', (x, i, s) => x.scatterAdd(1, i, s), X, [[2]], [[7, 8], [9, 10]]],
  ['scatterAdd of a cube', 'x.scatter_add(2, i, s)', (x, i, s) => x.scatterAdd(2, i, s), CUBE, [[[1, 1]]], CUBE],
  ['scatterAdd of more than there are', 'x.scatter_add(1, i, s)', (x, i, s) => x.scatterAdd(1, i, s), [[1]], [[0, 0, 0]], [[2, 3, 4]]],
  ['indexAdd along 0', 'x.index_add(0, i, s)', (x, i, s) => x.indexAdd(0, i, s), X, [1, 1], [[7, 8, 9], [-1, -2, -3]]],
  ['indexAdd along 1', 'x.index_add(1, i, s)', (x, i, s) => indexAdd(x, 1, i, s), X, [0, 0, 2, 0], [[1, 2, 3, 4], [5, 6, 7, 8]]],
  ['indexAdd of a cube', 'x.index_add(1, i, s)', (x, i, s) => x.indexAdd(1, i, s), CUBE, [1], [[[7, 8]], [[9, 10]]]],
  ['indexAdd of nothing', 'x.index_add(0, i, s)', (x, i, s) => x.indexAdd(0, i, s.reshape(0, 3)), X, [], [[], [], []]],
]; // biome-ignore format: matrices
const typed = (list: readonly ByIndex[], types: readonly (keyof typeof kinds)[]): Row[] =>
  list.flatMap(([name, py, js, x, i, s]) => {
    const empty = name === 'indexAdd of nothing';
    const given = (kind: string, data: unknown): string => (empty && data === s ? `${kind}([]).reshape(0, 3)` : `${kind}(${text(data)})`);
    const nothing = (at: Tensor, data: unknown): Tensor => (empty && data === s ? at.flatten() : at);
    return [
      ...types.map((kind) =>
        row(`${name}, ${kind}`, `x, i, s = ${kind}(${text(x)}), I(${text(i)}), ${given(kind, s)}; ${py}`, () => {
          const make = kinds[kind];
          return js(make(x as never), I(i as never), nothing(make(s as never), s));
        }),
      ),
      row(
        `${name}: gradient`,
        `x, i, s = L(${text(x)}), I(${text(i)}), L(${text(s)}); y = ${py.replace('s)', empty ? 's.reshape(0, 3))' : 's)')}; y.backward(torch.arange(1., y.numel() + 1).reshape(y.shape)); [x.grad, s.grad]`,
        () => {
          const [a, b] = [L(x as never), L(s as never)];
          const y = js(a, I(i as never), b);
          y.backward(t(Array.from({ length: y.size }, (_, k) => k + 1)).reshape(y.shape));
          return [a.grad, b.grad];
        },
      ),
    ];
  });

type Said = readonly [py: string, js: () => unknown];
const said: readonly Said[] = [
  ['I([0, 0, 0]).scatter_add(0, I([0, 0, 2]), I([-1, -2, 5]))', () => I([0, 0, 0]).scatterAdd(0, I([0, 0, 2]), I([-1, -2, 5]))],
  ['I([16777216, 0]).index_add(0, I([0, 0]), I([1, 2]))', () => I([16777216, 0]).indexAdd(0, I([0, 0]), I([1, 2]))],
  ['I([1, 2]).scatter_add(0, I([0]), t([1]))', () => I([1, 2]).scatterAdd(0, I([0]), t([1]))],
  ['t([1, 2]).scatter_add(0, I([0]), I([1]))', () => t([1, 2]).scatterAdd(0, I([0]), I([1]))],
  ['t([1, 2]).index_add(0, I([0]), I([1]))', () => t([1, 2]).indexAdd(0, I([0]), I([1]))],
  ['t([1, 2]).scatter(0, I([0]), I([1]))', () => t([1, 2]).scatter(0, I([0]), I([1]))],
  ['t([1, 2, 3]).scatter(0, I([2, 0]), 9)', () => t([1, 2, 3]).scatter(0, I([2, 0]), 9)],
  ['t([1, 2, 3]).scatter(0, I([2, 0]), 1.5)', () => t([1, 2, 3]).scatter(0, I([2, 0]), 1.5)],
  ['I([1, 2, 3]).scatter(0, I([2, 0]), 9)', () => I([1, 2, 3]).scatter(0, I([2, 0]), 9)],
  ['B([False, False]).scatter(0, I([1]), 1)', () => B([false, false]).scatter(0, I([1]), 1)],
  ['t([1, 2]).scatter(0, I([]), t([]))', () => t([1, 2]).scatter(0, I([]), t([]))],
  // Rank 0
  ['t(5).gather(0, I(0))', () => t(5).gather(0, I(0))],
  ['t(5).gather(0, I([0, 0]))', () => t(5).gather(0, I([0, 0]))],
  ['t(5).index_select(0, I([0]))', () => t(5).indexSelect(0, I([0]))],
  ['t(5).scatter(0, I(0), t(7))', () => t(5).scatter(0, I(0), t(7))],
  ['t(5).scatter_add(0, I(0), t(7))', () => t(5).scatterAdd(0, I(0), t(7))],
  ['t([5, 6]).index_select(0, I(1))', () => t([5, 6]).indexSelect(0, I(1))],
  ['torch.zeros(0, 3).index_select(0, I([])).shape', () => zeros(0, 3).indexSelect(0, I([])).shape],
  ['torch.zeros(2, 0).index_select(0, I([1, 1])).shape', () => zeros(2, 0).indexSelect(0, I([1, 1])).shape],
  // Embedding, one hot, losses by class
  ['F.embedding(I([[1, 0]]), t([[1, 2], [3, 4]]))', () => F.embedding(I([[1, 0]]), t([[1, 2], [3, 4]]))], // biome-ignore format: a matrix
  ['F.embedding(I([]), t([[1, 2]])).shape', () => F.embedding(I([]), t([[1, 2]])).shape],
  ['F.one_hot(I([1, 0]), 2).float()', () => F.oneHot(I([1, 0]), 2)],
  ['F.nll_loss(t([[1, 2], [3, 4]]), I([1, 0]))', () => F.nllLoss(t([[1, 2], [3, 4]]), I([1, 0]))], // biome-ignore format: a matrix
  ['F.nll_loss(t([[1, 2], [3, 4]]), I([1, -100]))', () => F.nllLoss(t([[1, 2], [3, 4]]), I([1, -100]))], // biome-ignore format: a matrix
];

/** −1 and what is beyond is refused wherever indices are read. */
const reading: readonly (readonly [py: string, js: (bad: number) => unknown])[] = [
  ['t([1, 2]).index_select(0, I([N]))', (n) => t([1, 2]).indexSelect(0, I([n]))],
  ['t([1, 2]).index_add(0, I([N]), t([1]))', (n) => t([1, 2]).indexAdd(0, I([n]), t([1]))],
  ['t([1, 2]).gather(0, I([0, N]))', (n) => t([1, 2]).gather(0, I([0, n]))],
  ['t([1, 2]).scatter(0, I([N]), t([1]))', (n) => t([1, 2]).scatter(0, I([n]), t([1]))],
  ['t([1, 2]).scatter(0, I([N]), 5)', (n) => t([1, 2]).scatter(0, I([n]), 5)],
  ['t([1, 2]).scatter_add(0, I([0, N]), t([1, 1]))', (n) => t([1, 2]).scatterAdd(0, I([0, n]), t([1, 1]))],
  ['F.embedding(I([N]), t([[1], [2]]))', (n) => F.embedding(I([n]), t([[1], [2]]))],
  ['F.one_hot(I([N]), 2)', (n) => F.oneHot(I([n]), 2)],
  ['F.cross_entropy(t([[1, 2]]), I([N]))', (n) => F.crossEntropy(t([[1, 2]]), I([n]))],
  ['F.nll_loss(t([[1, 2]]), I([N]))', (n) => F.nllLoss(t([[1, 2]]), I([n]))],
  ['F.multi_margin_loss(t([[1, 2]]), I([N]))', (n) => F.multiMarginLoss(t([[1, 2]]), I([n]))],
];
const outside = reading.flatMap(([py, js]) => [-1, 2, 100].map((n) => row(`${py.replace('N', `${n}`)} is refused`, py.replace('N', `${n}`), () => js(n))));

/** Arguments that do not fit. */
const misfits: readonly Said[] = [
  ['t([[1, 2]]).gather(0, I([0]))', () => t([[1, 2]]).gather(0, I([0]))],
  ['t([[1, 2]]).gather(1, I([[0], [1]]))', () => t([[1, 2]]).gather(1, I([[0], [1]]))],
  ['t([[1, 2]]).gather(2, I([[0]]))', () => t([[1, 2]]).gather(2, I([[0]]))],
  ['t([1, 2]).gather(0, t([0]))', () => t([1, 2]).gather(0, t([0]))],
  ['t([1, 2]).index_select(0, I([[0]]))', () => t([1, 2]).indexSelect(0, I([[0]]))],
  ['t([1, 2]).index_select(1, I([0]))', () => t([1, 2]).indexSelect(1, I([0]))],
  ['t([1, 2]).index_select(0, B([True, False]))', () => t([1, 2]).indexSelect(0, B([true, false]))],
  ['t([1, 2]).index_add(0, I([0, 1]), t([1]))', () => t([1, 2]).indexAdd(0, I([0, 1]), t([1]))],
  ['t([[1, 2]]).index_add(0, I([0]), t([[1]]))', () => t([[1, 2]]).indexAdd(0, I([0]), t([[1]]))],
  ['t([1, 2]).scatter(0, I([0, 1]), t([1]))', () => t([1, 2]).scatter(0, I([0, 1]), t([1]))],
  ['t([[1, 2]]).scatter(0, I([0]), t([1]))', () => t([[1, 2]]).scatter(0, I([0]), t([1]))],
  ['t([1, 2]).scatter_add(0, I([0, 1]), t([1]))', () => t([1, 2]).scatterAdd(0, I([0, 1]), t([1]))],
  ['t([[1, 2]]).scatter_add(1, I([[0], [0]]), t([[1], [1]]))', () => t([[1, 2]]).scatterAdd(1, I([[0], [0]]), t([[1], [1]]))],
];

/** PyTorch has no gradient where the index is shorter than the source. */
const shorter = (r: Row): Row => (/^(scatter.* by a shorter index|scatterAdd of a cube): gradient/.test(r.name) ? { ...r, differs: 'a shorter index has a gradient too' } : r);

export const rows: readonly Row[] = [
  ...typed(cases, ['t', 'I', 'B']).map(shorter),
  ...typed(adding, ['t', 'I']).map(shorter),
  ...said.map(([py, js]) => row(py, py, js)),
  ...outside,
  ...misfits.map(([py, js]) => row(`${py} is refused`, py, js)),
  row('gather of equal indices adds their gradients', 'x = L([1, 2]); (x.gather(0, I([1, 1, 1])) * t([1, 2, 3])).sum().backward(); x.grad', () => {
    const x = L([1, 2]);
    x.gather(0, I([1, 1, 1])).mul(t([1, 2, 3])).sum().backward(); // biome-ignore format: short
    return x.grad;
  }),
  row(
    'second derivatives through gather',
    'x = L([1, 2, 3]); g, = torch.autograd.grad((x.gather(0, I([2, 0])) ** 3).sum(), x, create_graph=True); torch.autograd.grad((g * g).sum(), x)',
    () => {
      const x = L([1, 2, 3]);
      const [g] = autograd.grad(
        x
          .gather(0, I([2, 0]))
          .pow(3)
          .sum(),
        x,
        { createGraph: true },
      ) as [Tensor];
      return autograd.grad(g.mul(g).sum(), x);
    },
  ),
  row('an embedding row that is padding has no gradient', 'w = L([[1, 2], [3, 4]]); F.embedding(I([0, 1, 1]), w, padding_idx=0).sum().backward(); w.grad', () => {
    const w = L([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    F.embedding(I([0, 1, 1]), w, { paddingIdx: 0 })
      .sum()
      .backward();
    return w.grad;
  }),
  differing('indices count from 0', 'a dataset read at −1', '[x[None] for x in torch.utils.data.TensorDataset(t([[1], [2]]))[-1]]', () =>
    new TensorDataset(t([[1], [2]])).batch(I([-1])),
  ),
  row('a dataset read behind its end is refused', 'torch.utils.data.TensorDataset(t([[1], [2]]))[2]', () => new TensorDataset(t([[1], [2]])).batch(I([2]))),
  differing('a class that does not exist is refused', 'ctc of a class −1', 'F.ctc_loss(torch.zeros(4, 1, 3), I([[1, -1]]), I([4]), I([2]))', () =>
    F.ctcLoss(zeros(4, 1, 3), I([[1, -1]]), I([4]), I([2])),
  ),
  differing('bools do not add up', 'scatterAdd of bools', 'B([False, False]).scatter_add(0, I([1]), B([True]))', () => B([false, false]).scatterAdd(0, I([1]), B([true]))),
];
