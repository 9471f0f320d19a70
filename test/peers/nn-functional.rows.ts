// PyTorch's test_nn: functions beside layers and losses, with the gradients of what they take.
import { B, type Row, t } from './row.ts';
import { A, fixed, functionRow as f, ints, leaf, prelude as losses, Z } from './nn-losses.rows.ts';
import { nn } from 'gradloom';

export const prelude = losses;

const IMAGE = [
  [
    [1, -2, 3, 0.5],
    [0.25, 4, -1, 2],
    [-3, 0.75, 1.5, -0.5],
  ],
];
const LINE = [
  [
    [1, -2, 3, 0.5, 2],
    [0.25, 4, -1, 2, -3],
  ],
];
const QUERY = [
  [
    [0.5, -1],
    [1, 2],
    [0, 0.25],
  ],
];
const KEYS = [
  [
    [1, 0.5],
    [-1, 2],
    [0.5, 0.5],
  ],
];
const { functional: F } = nn;

export const rows: readonly Row[] = [
  f('normalize', [leaf(A)]),
  f('normalize', [leaf(A)], { p: 1, dim: 0 }),
  f('normalize', [leaf(A)], { p: Number.POSITIVE_INFINITY, dim: -1 }),
  f(
    'normalize',
    [
      leaf([
        [0, 0],
        [3, 4],
      ]),
    ],
    { eps: 0.5 },
  ),
  f('normalize', [leaf([[1e-20, 0]])]),
  f('cosineSimilarity', [leaf(A), leaf(Z)]),
  f('cosineSimilarity', [leaf(A), leaf(Z)], { dim: 0 }),
  f('cosineSimilarity', [leaf([[0, 0]]), leaf([[1, 2]])]),
  f('cosineSimilarity', [leaf([[1e-5, 0]]), leaf([[1, 2]])], { eps: 0.1 }, { differs: 'below ε the length is a constant; PyTorch goes on to differentiate it' }),
  f('cosineSimilarity', [leaf(A), leaf([[1, 2, 3]])]),
  f('pairwiseDistance', [leaf(A), leaf(Z)]),
  f('pairwiseDistance', [leaf(A), leaf(Z)], { p: 1, keepdim: true }),
  f('pairwiseDistance', [leaf(A), leaf(A)]),
  f('pairwiseDistance', [leaf([1, 2]), leaf([4, 6])], { eps: 0 }),
  f('pairwiseDistance', [leaf(A), leaf([1, 2, 3])], { p: 3 }),
  f('linear', [leaf(A), leaf(Z)]),
  f('linear', [leaf(A), leaf(Z), leaf([1, -1])]),
  f('linear', [leaf([1, 2, 3]), leaf(Z)]),
  f('linear', [leaf([1, 2, 3]), leaf([1, -1, 2])], {}, { differs: 'a weight has two dimensions' }),
  f('linear', [leaf(A), leaf([[1, 2]])]),
  f('embedding', [ints([0, 1, 1]), leaf(A)]),
  f('embedding', [ints([[1], [0]]), leaf(A)], { paddingIdx: 0 }),
  f('embedding', [ints([1, 1]), leaf(A)], { paddingIdx: -1 }),
  f('embedding', [ints([1]), leaf(A)], { paddingIdx: 2 }),
  f('embedding', [ints([0]), leaf(A)], { paddingIdx: -3 }),
  f('embedding', [ints([2]), leaf(A)]),
  f('embedding', [fixed([0, 1]), leaf(A)]),
  f('oneHot', [ints([0, 2]), 3], {}, { js: () => [F.oneHot(t([0, 2]).int(), 3), []], differs: 'oneHot gives float32, which losses take' }),
  f('oneHot', [ints([3]), 3]),
  f('oneHot', [ints([-1]), 3]),
  f('pad', [leaf(A), [1, 2]]),
  f('pad', [leaf(A), [1, 0, 0, 1]], { value: 2.5 }),
  f('pad', [leaf(A), [-1, 0]]),
  f('pad', [leaf(A), [-1, -1, 1, -1]]),
  f('pad', [leaf(A), [1, 1, 1]]),
  f('pad', [leaf(A), [2, 1]], { mode: 'reflect' }),
  f('pad', [leaf(A), [2, 1]], { mode: 'replicate' }),
  f('pad', [leaf(A), [3, 1]], { mode: 'circular' }),
  f('pad', [leaf(A), [3, 1]], { mode: 'reflect' }),
  f('pad', [leaf(A), [1, 1]], { mode: 'mirror' }),
  f('pad', [leaf(IMAGE), [1, 2, 1, 0]], { mode: 'reflect' }),
  f('pad', [leaf(IMAGE), [0, 3, 2, 2]], { mode: 'circular' }),
  f('softmax', [leaf(A), 1]),
  f('softmax', [leaf(A), -3]),
  f('logSoftmax', [
    leaf([
      [1000, 0],
      [-1000, 5],
    ]),
    1,
  ]),
  f('softmax', [
    leaf([
      [Number.NEGATIVE_INFINITY, 0],
      [1, Number.NEGATIVE_INFINITY],
    ]),
    1,
  ]),
  f('softmax', [leaf([]), 0]),
  f('glu', [leaf([1, 2, 3, 4])]),
  f('glu', [leaf([1, 2, 3])]),
  f('prelu', [leaf(A), leaf([0.1, 0.2, -0.5])]),
  f('prelu', [leaf(A), leaf(0.25)]),
  f('prelu', [leaf(A), leaf([0.1, 0.2])]),
  f('hardtanh', [leaf([-3, -1, 0, 2]), -1, -1]),
  f('hardtanh', [leaf([-3, -1, 0, 2]), 1, -1]),
  f('threshold', [leaf([-1, 0.5, 2]), 0.5, 9]),
  f('layerNorm', [leaf(A), [3]]),
  f('layerNorm', [leaf(A), [2, 3]], { weight: fixed(Z), bias: fixed(A), eps: 0.1 }),
  f('layerNorm', [leaf([[2, 2, 2]]), [3]]),
  f('layerNorm', [leaf(A), [2]]),
  f('groupNorm', [leaf(LINE), 2]),
  f('groupNorm', [leaf(LINE), 1], { weight: fixed([2, 0.5]), bias: fixed([1, -1]) }),
  f('groupNorm', [leaf(LINE), 3]),
  f('rmsNorm', [leaf(A), [3]]),
  f('rmsNorm', [leaf([[0, 0]]), [2]]),
  f('batchNorm', [leaf(A), null, null], { training: true }),
  f('batchNorm', [leaf(A), fixed([0.5, 0, 1]), fixed([1, 2, 0.5])], { weight: fixed([1, 2, 3]), bias: fixed([0, 0, 1]), eps: 0.1 }),
  f('batchNorm', [leaf(A), null, null]),
  f('batchNorm', [leaf([[1, 2, 3]]), null, null], { training: true }),
  f('batchNorm', [leaf(A), fixed([0, 0]), fixed([1, 1])]),
  f('instanceNorm', [leaf(LINE)]),
  f('instanceNorm', [leaf(LINE)], { weight: fixed([2, 3]), bias: fixed([0, 1]), eps: 0.1 }),
  f('instanceNorm', [leaf(LINE)], { runningMean: fixed([1, 0]), runningVar: fixed([2, 1]), useInputStats: false }),
  f('dropout', [leaf(A)], { training: false }),
  f('dropout', [leaf(A)], { p: 1 }),
  f('dropout', [leaf(A)], { p: 2 }),
  f('conv1d', [
    leaf(LINE),
    leaf([
      [
        [1, 0.5],
        [-1, 2],
      ],
    ]),
  ]),
  f('conv1d', [leaf(LINE), leaf([[[1, 0.5]], [[-1, 2]]]), leaf([1, 2])], { groups: 2, padding: 1, dilation: 2 }),
  f('conv1d', [leaf(LINE), leaf([[[1, 0.5]]])]),
  f('conv2d', [
    leaf([IMAGE]),
    leaf([
      [
        [
          [1, -1],
          [0.5, 2],
        ],
      ],
    ]),
  ]),
  f(
    'conv2d',
    [
      leaf(IMAGE),
      leaf([
        [
          [
            [1, -1],
            [0.5, 2],
          ],
        ],
      ]),
      leaf([0.5]),
    ],
    { stride: 2, padding: 1 },
  ),
  f('conv2d', [leaf([IMAGE]), leaf([[[[1, -1, 2]]]]), leaf([1, 2])]),
  f('maxPool1d', [leaf(LINE), 2]),
  f('maxPool1d', [leaf([[[1, 1, 1]]]), 2, 1]),
  f('maxPool2d', [leaf(IMAGE), 2]),
  f('maxPool2d', [leaf(IMAGE), [2, 3]], { stride: 1, padding: 1 }),
  f('maxPool2d', [
    leaf([
      [
        [1, Number.NaN],
        [3, 2],
      ],
    ]),
    2,
  ]),
  f(
    'maxPool2d',
    [
      leaf([
        [
          [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
          [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
        ],
      ]),
      2,
    ],
    { padding: 1 },
  ),
  f('avgPool2d', [leaf(IMAGE), 2], { stride: 1 }),
  f('avgPool1d', [leaf(LINE), 3], { padding: 2 }),
  f('adaptiveAvgPool2d', [leaf(IMAGE), [2, 3]]),
  f('adaptiveAvgPool1d', [leaf(LINE), 3]),
  f('scaledDotProductAttention', [leaf(QUERY), leaf(KEYS), leaf(QUERY)]),
  f('scaledDotProductAttention', [leaf(QUERY), leaf(KEYS), leaf(KEYS)], { isCausal: true }),
  f('scaledDotProductAttention', [leaf(QUERY), leaf(KEYS), leaf(KEYS)], { scale: 2 }),
  f('scaledDotProductAttention', [leaf(QUERY), leaf(KEYS), leaf(QUERY)], {
    attnMask: fixed([
      [0, -1, 2],
      [0, 0, Number.NEGATIVE_INFINITY],
      [1, 1, 1],
    ]),
  }),
  f('scaledDotProductAttention', [leaf(QUERY), leaf(KEYS), leaf(QUERY)], {
    attnMask: fixed([
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
      [0, 1, 0],
      [2, 0, Number.NEGATIVE_INFINITY],
    ]),
  }),
  f('scaledDotProductAttention', [leaf([[[0.5, Number.NaN]]]), leaf(KEYS), leaf(KEYS)], { attnMask: fixed([[0, 1, 0]]) }),
  {
    name: 'scaledDotProductAttention: a mask of flags, a row that sees nothing',
    js: () => {
      const mask = B([
        [true, false, true],
        [false, false, false],
        [true, true, true],
      ]);
      return F.scaledDotProductAttention(t(QUERY), t(KEYS), t(QUERY), { attnMask: mask });
    },
    py: `F.scaled_dot_product_attention(t(${JSON.stringify(QUERY)}), t(${JSON.stringify(KEYS)}), t(${JSON.stringify(QUERY)}), attn_mask=B([[True, False, True], [False, False, False], [True, True, True]]))`,
  },
];
