// Layers and models as ONNX files: each row is written, read back, and (test/interop/onnx) run by onnxruntime.
import * as g from 'gradloom';
import { manualSeed, nn, rand, randn, type Tensor, tensor } from 'gradloom';

/** A row. `inputs`: what forward takes. `batchAxis`: the file takes other batches along it too. */
export interface Row {
  readonly name: string;
  readonly make: () => nn.Module;
  readonly inputs: () => readonly unknown[];
  readonly batchAxis?: number;
  /** In the mode of training. */
  readonly training?: boolean;
  /** Operators that the file must hold. */
  readonly ops?: readonly string[];
}

const F = nn.functional;

/** A module of a function. */
class Of extends nn.Module {
  readonly #run: (...inputs: never[]) => unknown;
  constructor(run: (...inputs: never[]) => unknown) {
    super();
    this.#run = run;
  }
  forward(...inputs: Tensor[]): unknown {
    return this.#run(...(inputs as never[]));
  }
}

type Inputs = () => readonly unknown[];
const shaped =
  (...shapes: readonly number[][]): Inputs =>
  () =>
    shapes.map((shape) => randn(shape));
const line = shaped([2, 4, 9]);
const image = shaped([2, 4, 8, 7]);
const volume = shaped([2, 2, 5, 6, 4]);
const flat = shaped([3, 6]);
const layer = (name: string, make: () => nn.Module, inputs: Inputs, ...ops: string[]): Row => ({ name, make, inputs, batchAxis: 0, ops });
const same = (run: (x: Tensor) => unknown, name: string, inputs: Inputs = flat): Row => layer(name, () => new Of(run as never), inputs);

/** Moves the running statistics away from 0 and 1. */
function warmed<M extends nn.Module>(model: M): M {
  g.noGrad(() => {
    for (const [name, b] of model.namedBuffers()) if (/running/.test(name)) b.copy_(rand(b.shape).add(0.5));
    for (const [name, p] of model.namedParameters())
      if (p.rank === 1)
        p.copy_(
          randn(p.shape)
            .mul(name.endsWith('weight') ? 0.3 : 0.1)
            .add(name.endsWith('weight') ? 1 : 0),
        );
  });
  return model;
}

const activations: readonly Row[] = [
  layer('ReLU', () => new nn.ReLU(), flat, 'Relu'),
  layer('Tanh', () => new nn.Tanh(), flat, 'Tanh'),
  layer('Sigmoid', () => new nn.Sigmoid(), flat, 'Sigmoid'),
  layer('SiLU', () => new nn.SiLU(), flat),
  layer('GELU', () => new nn.GELU(), flat, 'Erf'),
  layer('GELU tanh', () => new nn.GELU({ approximate: 'tanh' }), flat),
  layer('LeakyReLU', () => new nn.LeakyReLU(0.2), flat, 'LeakyRelu'),
  layer('ELU', () => new nn.ELU({ alpha: 0.7 }), flat, 'Elu'),
  layer('CELU', () => new nn.CELU({ alpha: 1.3 }), flat, 'Celu'),
  layer('SELU', () => new nn.SELU(), flat, 'Selu'),
  layer('Softplus', () => new nn.Softplus(), flat, 'Softplus'),
  layer('Softplus beta', () => new nn.Softplus({ beta: 2, threshold: 1 }), flat),
  layer('Softsign', () => new nn.Softsign(), flat, 'Softsign'),
  layer('Mish', () => new nn.Mish(), flat, 'Mish'),
  layer('LogSigmoid', () => new nn.LogSigmoid(), flat),
  layer('Tanhshrink', () => new nn.Tanhshrink(), flat),
  layer('Softmin', () => new nn.Softmin(1), flat),
  layer('GLU', () => new nn.GLU(1), flat),
  layer('Softmax', () => new nn.Softmax(1), line, 'Softmax'),
  layer('Softmax2d', () => new nn.Softmax2d(), image),
  layer('LogSoftmax', () => new nn.LogSoftmax(-1), flat, 'LogSoftmax'),
  layer('Hardtanh', () => new nn.Hardtanh({ minVal: -0.4, maxVal: 0.7 }), flat, 'Clip'),
  layer(
    'ReLU6',
    () => new nn.ReLU6(),
    () => [randn([3, 6]).mul(5)],
    'Clip',
  ),
  layer('Hardsigmoid', () => new nn.Hardsigmoid(), flat, 'HardSigmoid'),
  layer('Hardswish', () => new nn.Hardswish(), flat, 'HardSwish'),
  layer('Hardshrink', () => new nn.Hardshrink(0.3), flat, 'Shrink'),
  layer('Softshrink', () => new nn.Softshrink(0.3), flat, 'Shrink'),
  layer('Threshold', () => new nn.Threshold(0.1, -2), flat),
  layer('PReLU', () => new nn.PReLU(), flat, 'PRelu'),
  layer('PReLU of channels', () => new nn.PReLU({ numParameters: 4 }), image, 'PRelu'),
  layer('Identity', () => new nn.Identity(), flat),
];

const windows: readonly Row[] = [
  layer('Conv1d', () => new nn.Conv1d(4, 6, 3, { stride: 2, padding: 1 }), line, 'Conv'),
  layer('Conv2d', () => new nn.Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 0], dilation: [1, 2] }), image, 'Conv'),
  layer('Conv2d groups same', () => new nn.Conv2d(4, 8, [2, 3], { groups: 2, padding: 'same', bias: false }), image, 'Conv'),
  layer('Conv2d reflect', () => new nn.Conv2d(4, 3, 3, { padding: 1, paddingMode: 'reflect' }), image, 'Conv'),
  { name: 'Conv2d without batch', make: () => new nn.Conv2d(4, 3, 3), inputs: shaped([4, 6, 6]), ops: ['Conv'] },
  layer('Conv3d', () => new nn.Conv3d(2, 3, [2, 3, 2], { padding: [1, 0, 1] }), volume, 'Conv'),
  layer('ConvTranspose1d', () => new nn.ConvTranspose1d(4, 3, 3, { stride: 2, padding: 1, outputPadding: 1 }), line, 'ConvTranspose'),
  layer('ConvTranspose2d', () => new nn.ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }), image, 'ConvTranspose'),
  layer('ConvTranspose3d', () => new nn.ConvTranspose3d(2, 3, 2, { stride: [1, 2, 1] }), volume, 'ConvTranspose'),
  layer('MaxPool1d', () => new nn.MaxPool1d(3, { stride: 2, padding: 1 }), line, 'MaxPool'),
  layer('MaxPool2d', () => new nn.MaxPool2d(2), image, 'MaxPool'),
  layer('MaxPool2d ceil', () => new nn.MaxPool2d([3, 2], { stride: 2, padding: [1, 1], ceilMode: true }), image, 'MaxPool'),
  layer('MaxPool3d', () => new nn.MaxPool3d(2), volume, 'MaxPool'),
  layer('AvgPool1d', () => new nn.AvgPool1d(3, { padding: 1 }), line, 'AveragePool'),
  layer('AvgPool2d', () => new nn.AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }), image, 'AveragePool'),
  layer('AvgPool2d ceil', () => new nn.AvgPool2d(3, { stride: 2, ceilMode: true, divisorOverride: 5 }), image),
  layer('AvgPool3d', () => new nn.AvgPool3d(2), volume, 'AveragePool'),
  layer('AdaptiveAvgPool1d', () => new nn.AdaptiveAvgPool1d(3), line, 'AveragePool'),
  layer('AdaptiveAvgPool2d', () => new nn.AdaptiveAvgPool2d(1), image, 'GlobalAveragePool'),
  layer('AdaptiveAvgPool2d uneven', () => new nn.AdaptiveAvgPool2d([3, 5]), image),
  layer('AdaptiveAvgPool3d', () => new nn.AdaptiveAvgPool3d([1, 3, 2]), volume),
  layer('AdaptiveMaxPool1d', () => new nn.AdaptiveMaxPool1d(3), line, 'MaxPool'),
  layer('AdaptiveMaxPool2d', () => new nn.AdaptiveMaxPool2d(1), image, 'GlobalMaxPool'),
  layer('AdaptiveMaxPool3d', () => new nn.AdaptiveMaxPool3d([5, 2, 2]), volume, 'MaxPool'),
  layer('LPPool1d', () => new nn.LPPool1d(2, 3, { stride: 2 }), line),
  layer('LPPool2d', () => new nn.LPPool2d(2, 2), image),
  layer('LPPool3d', () => new nn.LPPool3d(2, 2), volume),
  { name: 'MaxUnpool1d', make: () => new nn.MaxUnpool1d(2), inputs: () => [rand([1, 1, 3]), tensor([[[0, 3, 4]]], { dtype: 'int32' })] },
  { name: 'MaxUnpool3d', make: () => new nn.MaxUnpool3d(2), inputs: () => [rand([1, 1, 1, 1, 1]), tensor([[[[[3]]]]], { dtype: 'int32' })] },
  {
    name: 'MaxUnpool2d',
    make: () => new nn.MaxUnpool2d(2),
    inputs: () => [
      rand([1, 1, 2, 2]),
      tensor(
        [
          [
            [
              [0, 3],
              [8, 11],
            ],
          ],
        ],
        { dtype: 'int32' },
      ),
    ],
  },
  layer('Unfold', () => new nn.Unfold([2, 3], { padding: 1, stride: 2 }), image),
  layer('Fold', () => new nn.Fold([5, 4], [2, 3], { padding: 1 }), shaped([2, 12, 24]), 'Col2Im'),
];

const norms: readonly Row[] = [
  layer('BatchNorm1d', () => warmed(new nn.BatchNorm1d(6)), flat, 'BatchNormalization'),
  layer('BatchNorm1d of a line', () => warmed(new nn.BatchNorm1d(4)), line, 'BatchNormalization'),
  layer('BatchNorm2d', () => warmed(new nn.BatchNorm2d(4)), image, 'BatchNormalization'),
  layer('BatchNorm2d without scale', () => warmed(new nn.BatchNorm2d(4, { affine: false })), image, 'BatchNormalization'),
  layer('BatchNorm2d untracked', () => warmed(new nn.BatchNorm2d(4, { trackRunningStats: false })), image),
  layer('BatchNorm3d', () => warmed(new nn.BatchNorm3d(2)), volume, 'BatchNormalization'),
  { ...layer('BatchNorm2d in training', () => warmed(new nn.BatchNorm2d(4)), image, 'BatchNormalization'), training: true },
  layer('InstanceNorm1d', () => warmed(new nn.InstanceNorm1d(4, { affine: true })), line, 'InstanceNormalization'),
  layer('InstanceNorm2d', () => new nn.InstanceNorm2d(4), image, 'InstanceNormalization'),
  layer('InstanceNorm3d', () => new nn.InstanceNorm3d(2), volume, 'InstanceNormalization'),
  layer('InstanceNorm2d tracked', () => warmed(new nn.InstanceNorm2d(4, { trackRunningStats: true, affine: true })), image),
  layer('LayerNorm', () => warmed(new nn.LayerNorm(6)), flat, 'LayerNormalization'),
  layer('LayerNorm of an image', () => new nn.LayerNorm([8, 7]), image, 'LayerNormalization'),
  layer('LayerNorm without scale', () => new nn.LayerNorm(6, { elementwiseAffine: false }), flat, 'LayerNormalization'),
  layer('GroupNorm', () => warmed(new nn.GroupNorm(2, 4)), image),
  layer('RMSNorm', () => warmed(new nn.RMSNorm(6)), flat),
  layer('LocalResponseNorm', () => new nn.LocalResponseNorm(3, { alpha: 0.3, k: 2 }), image, 'LRN'),
  layer('LocalResponseNorm even', () => new nn.LocalResponseNorm(2), image),
];

const moves: readonly Row[] = [
  layer('Flatten', () => new nn.Flatten(), image, 'Reshape'),
  layer('Unflatten', () => new nn.Unflatten(1, [2, 3]), flat, 'Reshape'),
  layer('PixelShuffle', () => new nn.PixelShuffle(2), image, 'DepthToSpace'),
  layer('PixelUnshuffle', () => new nn.PixelUnshuffle(2), shaped([2, 3, 4, 6])),
  layer('ChannelShuffle', () => new nn.ChannelShuffle(2), image),
  layer('Upsample nearest', () => new nn.Upsample({ scaleFactor: 2 }), image, 'Resize'),
  layer('Upsample to a size', () => new nn.Upsample({ size: [5, 9] }), image, 'Resize'),
  layer('Upsample linear', () => new nn.Upsample({ scaleFactor: 3, mode: 'linear' }), line, 'Resize'),
  layer('Upsample bilinear', () => new nn.Upsample({ size: [12, 5], mode: 'bilinear' }), image, 'Resize'),
  layer('Upsample bicubic', () => new nn.Upsample({ scaleFactor: 2, mode: 'bicubic' }), image, 'Resize'),
  layer('Upsample by 1.5', () => new nn.Upsample({ scaleFactor: 1.5, mode: 'bilinear' }), image),
  layer('UpsamplingNearest2d', () => new nn.UpsamplingNearest2d({ scaleFactor: 2 }), image, 'Resize'),
  layer('UpsamplingBilinear2d', () => new nn.UpsamplingBilinear2d({ scaleFactor: 2 }), image, 'Resize'),
  ...(['Zero', 'Constant', 'Reflection', 'Replication', 'Circular'] as const).flatMap((kind) =>
    ([1, 2, 3] as const).map((n) => {
      const name = `${kind}Pad${n}d` as const;
      const Class = nn[name] as unknown as new (pads: number | number[], value?: number) => nn.Module;
      const make = (): nn.Module => (kind === 'Constant' ? new Class(1, 0.5) : new Class(n === 2 ? [1, 2, 0, 1] : 1));
      return layer(name, make, [line, image, volume][n - 1] as Inputs);
    }),
  ),
];

const ids: Inputs = () => [
  tensor(
    [
      [1, 4, 0],
      [2, 2, 3],
    ],
    { dtype: 'int32' },
  ),
];
const others: readonly Row[] = [
  layer('Linear', () => new nn.Linear(6, 4), flat, 'Gemm'),
  layer('Linear of three dimensions', () => new nn.Linear(9, 4, { bias: false }), line, 'MatMul'),
  layer('Bilinear', () => new nn.Bilinear(3, 4, 5), shaped([2, 3], [2, 4])),
  layer('Embedding', () => new nn.Embedding(5, 4), ids, 'Gather'),
  { name: 'EmbeddingBag', make: () => new nn.EmbeddingBag(5, 4), inputs: ids },
  { name: 'EmbeddingBag max', make: () => new nn.EmbeddingBag(5, 4, { mode: 'max' }), inputs: ids },
  layer('Dropout', () => new nn.Dropout(0.5), flat),
  layer('Dropout1d', () => new nn.Dropout1d(0.5), line),
  layer('Dropout2d', () => new nn.Dropout2d(0.5), image),
  layer('Dropout3d', () => new nn.Dropout3d(0.5), volume),
  layer('softshrink as a function', () => new Of(((x: Tensor) => F.softshrink(x, 0.3)) as never), flat, 'Shrink'),
  layer('CosineSimilarity', () => new Of(((a: Tensor, b: Tensor) => F.cosineSimilarity(a, b, { dim: 1 })) as never), shaped([2, 5], [2, 5])),
];

const time = shaped([5, 3, 4]);
const batchOfTime = shaped([3, 5, 4]);
const sequences: readonly Row[] = [
  { ...layer('LSTM', () => new nn.LSTM(4, 6), time, 'LSTM'), batchAxis: 1 },
  layer('LSTM of two layers, both directions', () => new nn.LSTM(4, 3, { numLayers: 2, bidirectional: true, batchFirst: true }), batchOfTime, 'LSTM'),
  { name: 'LSTM with states', make: () => new nn.LSTM(4, 3, { numLayers: 2 }), inputs: () => [randn([5, 3, 4]), [randn([2, 3, 3]), randn([2, 3, 3])]], ops: ['LSTM'] },
  {
    name: 'LSTM with lengths',
    make: () => new nn.LSTM(4, 3, { bidirectional: true }),
    inputs: () => [randn([5, 3, 4]), null, { lengths: tensor([5, 2, 3], { dtype: 'int32' }) }],
    ops: ['LSTM'],
  },
  { name: 'LSTM with projection', make: () => new nn.LSTM(4, 5, { projSize: 2 }), inputs: time },
  { name: 'LSTM without batch', make: () => new nn.LSTM(4, 3), inputs: shaped([5, 4]) },
  { ...layer('GRU', () => new nn.GRU(4, 6, { bidirectional: true }), time, 'GRU'), batchAxis: 1 },
  layer('GRU without bias', () => new nn.GRU(4, 3, { bias: false, batchFirst: true }), batchOfTime, 'GRU'),
  layer('RNN', () => new nn.RNN(4, 3, { batchFirst: true, numLayers: 2 }), batchOfTime, 'RNN'),
  layer('RNN relu', () => new nn.RNN(4, 3, { nonlinearity: 'relu', batchFirst: true, bidirectional: true }), batchOfTime, 'RNN'),
  layer('LSTMCell', () => new nn.LSTMCell(4, 3), shaped([2, 4])),
  layer('GRUCell', () => new nn.GRUCell(4, 3), shaped([2, 4], [2, 3])),
  layer('RNNCell', () => new nn.RNNCell(4, 3), shaped([2, 4])),
  { ...layer('MultiheadAttention', () => new nn.MultiheadAttention(8, 2), shaped([5, 2, 8], [5, 2, 8], [5, 2, 8])), batchAxis: 1 },
  layer('MultiheadAttention of others', () => new nn.MultiheadAttention(8, 2, { batchFirst: true, kdim: 6, vdim: 5 }), shaped([2, 4, 8], [2, 3, 6], [2, 3, 5])),
  {
    name: 'MultiheadAttention masked',
    make: () => new nn.MultiheadAttention(8, 2, { batchFirst: true }),
    inputs: () => {
      const x = randn([2, 4, 8]);
      return [
        x,
        x,
        x,
        {
          attnMask: tensor([
            [false, true, true, true],
            [false, false, true, true],
            [false, false, false, true],
            [false, false, false, false],
          ]),
          needWeights: false,
        },
      ];
    },
  },
  layer('TransformerEncoderLayer', () => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 12, batchFirst: true }), shaped([2, 4, 8])),
  layer(
    'TransformerEncoder',
    () => new nn.TransformerEncoder(() => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 12, batchFirst: true, normFirst: true, activation: 'gelu' }), 2),
    shaped([2, 4, 8]),
  ),
  layer('TransformerDecoderLayer', () => new nn.TransformerDecoderLayer(8, 2, { dimFeedforward: 12, batchFirst: true }), shaped([2, 4, 8], [2, 3, 8])),
  {
    name: 'Transformer',
    make: () => new nn.Transformer({ dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 12 }),
    inputs: shaped([4, 2, 8], [3, 2, 8]),
  },
];

const classes: Inputs = () => [randn([4, 5]), tensor([1, 0, 3, 2], { dtype: 'int32' })];
const pair = shaped([4, 5], [4, 5]);
const shares: Inputs = () => [rand([4, 5]), rand([4, 5])];
const signs = (): Tensor => tensor([1, -1, 1, -1]);
const loss = (name: string, make: () => nn.Module, inputs: Inputs, ...ops: string[]): Row => ({ name, make, inputs, ops });
const losses: readonly Row[] = [
  loss('CrossEntropyLoss', () => new nn.CrossEntropyLoss({ weight: tensor([1, 2, 0.5, 1, 3]) }), classes, 'SoftmaxCrossEntropyLoss'),
  loss('CrossEntropyLoss of shares', () => new nn.CrossEntropyLoss({ labelSmoothing: 0.1 }), shares),
  loss('NLLLoss', () => new nn.NLLLoss(), classes),
  loss('MSELoss', () => new nn.MSELoss(), pair),
  loss('L1Loss', () => new nn.L1Loss({ reduction: 'none' }), pair),
  loss('SmoothL1Loss', () => new nn.SmoothL1Loss({ beta: 0.5 }), pair),
  loss('HuberLoss', () => new nn.HuberLoss({ delta: 0.7 }), pair),
  loss('BCELoss', () => new nn.BCELoss(), shares),
  loss('BCEWithLogitsLoss', () => new nn.BCEWithLogitsLoss(), shares),
  loss('KLDivLoss', () => new nn.KLDivLoss({ reduction: 'batchmean' }), shares),
  loss('PoissonNLLLoss', () => new nn.PoissonNLLLoss(), shares),
  loss(
    'GaussianNLLLoss',
    () => new nn.GaussianNLLLoss(),
    () => [randn([4, 5]), randn([4, 5]), rand([4, 5]).add(0.1)],
  ),
  loss(
    'CosineEmbeddingLoss',
    () => new nn.CosineEmbeddingLoss(),
    () => [randn([4, 5]), randn([4, 5]), signs()],
  ),
  loss('TripletMarginLoss', () => new nn.TripletMarginLoss(), shaped([4, 5], [4, 5], [4, 5])),
  loss(
    'HingeEmbeddingLoss',
    () => new nn.HingeEmbeddingLoss(),
    () => [randn([4]), signs()],
  ),
  loss(
    'MarginRankingLoss',
    () => new nn.MarginRankingLoss(),
    () => [randn([4]), randn([4]), signs()],
  ),
  loss(
    'SoftMarginLoss',
    () => new nn.SoftMarginLoss(),
    () => [randn([4]), signs()],
  ),
  loss('MultiMarginLoss', () => new nn.MultiMarginLoss(), classes),
  loss('MultiLabelSoftMarginLoss', () => new nn.MultiLabelSoftMarginLoss(), shares),
  loss(
    'MultiLabelMarginLoss',
    () => new nn.MultiLabelMarginLoss(),
    () => [
      randn([2, 3]),
      tensor(
        [
          [1, -1, 0],
          [0, 2, -1],
        ],
        { dtype: 'int32' },
      ),
    ],
  ),
  loss(
    'CTCLoss',
    () => new nn.CTCLoss(),
    () => [
      randn([6, 2, 4]).mul(2),
      tensor(
        [
          [1, 2],
          [1, 3],
        ],
        { dtype: 'int32' },
      ),
      [6, 6],
      [2, 2],
    ],
  ),
];

const functions: readonly Row[] = [
  same((x) => [g.sin(x), g.cos(x), g.exp(x), g.erf(x), g.abs(x), g.neg(x), g.sign(x), g.square(x), g.expm1(x)], 'elementwise functions'),
  same((x) => [g.tan(x), g.asin(g.tanh(x)), g.acos(g.tanh(x)), g.atan(x), g.sinh(x), g.cosh(x), g.asinh(x), g.acosh(g.cosh(x)), g.atanh(g.tanh(x))], 'angles'),
  same(
    (x) => [g.floor(x), g.ceil(x), g.round(x), g.trunc(x), g.clamp(x, -0.5, 0.5), g.sqrt(x.abs()), g.rsqrt(x.abs().add(1)), g.log(x.abs().add(1)), g.log1p(x.abs())],
    'rounding and roots',
  ),
  same((x) => [g.pow(x.abs(), 1.7), x.div(x.abs().add(2)), x.sub(1), g.maximum(x, 0.1), g.minimum(x, g.flip(x, 0)), g.reciprocal(x.add(9))], 'two operands'),
  same(
    (x) => [x.gt(0), x.le(0.2), x.eq(0), x.ne(0), g.logicalNot(x.gt(0)), g.logicalAnd(x.gt(0), x.lt(1)), g.where(x.gt(0), x, -1), x.gt(0).float(), x.mul(3).int()],
    'comparisons and types',
  ),
  same(
    (x) => [g.sum(x), g.mean(x, 1), g.amax(x, 0), g.amin(x, 1, true), g.variance(x, 1), g.std(x, 1), g.norm(x, { dim: 1 }), g.logsumexp(x, 1), g.argmax(x, 1), g.any(x.gt(1), 1)],
    'reductions',
  ),
  same((x) => [g.prod(x, 1), g.cumsum(x, 1), g.softmax(x, 0), g.logSoftmax(x, 1), F.normalize(x, { dim: 1 })], 'scans'),
  same(
    (x) => [
      x.t(),
      g.cat([x, x], 1),
      g.stack([x, x], 2),
      x.narrow(1, 1, 3),
      g.select(x, 1, 2),
      g.flip(x, 1),
      g.roll(x, 1, 1),
      g.repeat(x, 1, 2),
      g.unsqueeze(x, 1).expand([x.shape[0] as number, 4, 6]),
    ],
    'moves',
  ),
  same(
    (x) => [F.pad(x, [1, 2], { value: 3 }), g.chunk(x, 2, 1), g.reshape(x, [-1, 2]), g.indexSelect(x, 1, tensor([2, 0], { dtype: 'int32' })), g.gather(x, 1, x.gt(0).int())],
    'places',
  ),
  same((x) => [g.einsum('bi,bj->bij', x, x), g.bmm(x.unsqueeze(1), x.unsqueeze(2)), g.matmul(x, x.t()).narrow(1, 0, 1).narrow(0, 0, 1)], 'products', shaped([3, 6])),
  same((x) => F.scaledDotProductAttention(x, x, x, { isCausal: true }), 'scaledDotProductAttention', shaped([2, 2, 4, 3])),
  same((x) => F.interpolate(x, { scaleFactor: 0.5, mode: 'bilinear' }), 'interpolate', image),
  same((x) => F.avgPool2d(F.maxPool2d(F.conv2d(x, g.ones([3, 4, 2, 2])), 2), 2), 'functions of pictures', image),
  same((x) => F.interpolate(x, { size: [3, 3], mode: 'area' }), 'interpolate area', image),
];

/** A class of one's own: skips, a shared layer, two named outputs, weights used twice. */
class Own extends nn.Module {
  readonly stem = new nn.Sequential(new nn.Conv2d(3, 8, 3, { padding: 1, bias: false }), new nn.BatchNorm2d(8), new nn.ReLU());
  readonly block = new nn.ModuleList([new nn.Conv2d(8, 8, 3, { padding: 1 }), new nn.Conv2d(8, 8, 3, { padding: 1 })]);
  readonly heads = { digit: new nn.Linear(8, 10), edge: new nn.Linear(8, 1) };
  forward(x: Tensor): { digit: Tensor; edge: Tensor } {
    let y = this.stem.forward(x);
    for (const conv of this.block) y = g.add(y, g.relu((conv as nn.Conv2d).forward(y)));
    const h = g.mean(y, [2, 3]);
    return { digit: this.heads.digit.forward(h), edge: g.sigmoid(this.heads.edge.forward(h)) };
  }
}

/** A U-Net of one step down. */
class UNet extends nn.Module {
  readonly down = new nn.Conv2d(1, 4, 3, { padding: 1 });
  readonly middle = new nn.Conv2d(4, 8, 3, { padding: 1 });
  readonly up = new nn.ConvTranspose2d(8, 4, 2, { stride: 2 });
  readonly out = new nn.Conv2d(8, 1, 1);
  forward(x: Tensor): Tensor {
    const a = g.relu(this.down.forward(x));
    const b = g.relu(this.middle.forward(F.maxPool2d(a, 2)));
    return this.out.forward(g.cat([a, this.up.forward(b)], 1));
  }
}

/** Text: embedding, positions, a transformer, the first token. */
class Text extends nn.Module {
  readonly embed = new nn.Embedding(7, 8);
  readonly position = new nn.Parameter(randn([1, 5, 8]).mul(0.1));
  readonly encoder = new nn.TransformerEncoder(() => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true }), 2);
  readonly head = new nn.Linear(8, 3);
  forward(x: Tensor): Tensor {
    const h = this.encoder.forward(this.embed.forward(x).add(this.position));
    return this.head.forward(g.select(h, 1, 0));
  }
}

/** Zeros for each sample go through a layer that has no operator of its own; then their size is asked for again. */
class Zeros extends nn.Module {
  readonly norm = new nn.LayerNorm(6, { elementwiseAffine: false });
  forward(x: Tensor): Tensor {
    const zeros = g.zeros([x.shape[0] as number, 6]);
    return g.cat([x, this.norm.forward(zeros), zeros], 1);
  }
}

const models: readonly Row[] = [
  layer('zeros for each sample', () => new Zeros(), flat),
  layer(
    'Sequential',
    () => warmed(new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2), new nn.Flatten(), new nn.Linear(36, 5))),
    shaped([2, 1, 8, 8]),
  ),
  layer('a class of its own', () => warmed(new Own()), shaped([2, 3, 6, 6])),
  layer('a U-Net', () => new UNet(), shaped([2, 1, 6, 6])),
  layer(
    'a text model',
    () => new Text(),
    () => [
      tensor(
        [
          [1, 2, 3, 0, 6],
          [4, 4, 5, 1, 0],
        ],
        { dtype: 'int32' },
      ),
    ],
  ),
  layer('an autoencoder', () => new nn.Sequential(new nn.Linear(6, 3), new nn.Tanh(), new nn.Linear(3, 6)), flat),
];

/** Every row. */
export const rows: readonly Row[] = [...activations, ...windows, ...norms, ...moves, ...others, ...sequences, ...losses, ...functions, ...models];

/** What has no operator, and what is said of it. */
export const refused: readonly (readonly [name: string, make: () => nn.Module, inputs: Inputs, says: RegExp])[] = [
  ['Dropout2d in training', () => new nn.Dropout2d(0.5), image, /random/],
  ['cholesky', () => new Of(((x: Tensor) => g.linalg.cholesky(g.matmul(x, x.t()))) as never), flat, /no operator of ONNX, opset 18, stands for cholesky/],
  ['a tensor of random numbers', () => new Of(((x: Tensor) => x.add(g.randLike(x))) as never), flat, /draws random numbers/],
];

/** A row's model and inputs, the same at each call. */
export function made({ make, inputs, training }: Pick<Row, 'make' | 'inputs' | 'training'>): { model: nn.Module; given: readonly unknown[] } {
  manualSeed(3);
  const model = make();
  model.train(training ?? false);
  return { model, given: inputs() };
}
