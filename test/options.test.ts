// An option that is undefined is one that was left out, whatever takes it.
import * as gradloom from 'gradloom';
import { manualSeed, multiloss as M, nn, ones, optim, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LAYERS, needed as neededBy } from './nn/needed.ts';

// biome-ignore lint/suspicious/noExplicitAny: what is called is found by name
type Any = any;
const F = nn.functional;
const [x, image, row, volume] = [ones([2, 4]), ones([1, 2, 8, 8]), ones([1, 2, 8]), ones([1, 2, 4, 4, 4])];
const classes = tensor([0, 1], { dtype: 'int32' });
const made = (): optim.SGD => new optim.SGD([new nn.Parameter(ones([2]))], { lr: 0.1, momentum: 0.9 });
const losses = (): M.Losses => ({ a: new nn.Parameter(ones([1])).sum(), b: new nn.Parameter(ones([1])).sum() });

/** What takes options, and what stands before them. */
const functions: [of: object, rows: Record<string, unknown[]>][] = [
  [
    gradloom,
    {
      zeros: [[2]],
      ones: [[2]],
      rand: [[2]],
      randn: [[2]],
      tensor: [[1, 2]],
      full: [[2], 1],
      randperm: [4],
      eye: [2, 2],
      linspace: [0, 1, 3],
      arange: [0, 3, 1],
      zerosLike: [x],
      onesLike: [x],
      fullLike: [x, 1],
      sum: [x],
      mean: [x],
      variance: [x],
      std: [x],
      norm: [x],
      amax: [x],
      amin: [x],
      argmax: [x],
      prod: [x],
      logsumexp: [x],
      any: [x.bool()],
      all: [x.bool()],
      sort: [x],
      argsort: [x],
      topk: [x, 2],
      nanToNum: [x],
      nonzero: [x],
      put: [x, classes, ones([2])],
      scatterReduce: [x, 0, tensor([[0]], { dtype: 'int32' }), x, 'amax'],
      indexReduce: [x, 0, classes, x, 'amax'],
      indexPut: [x, [classes], 1],
      searchsorted: [x, x],
      bucketize: [x, ones([2])],
      bincount: [classes],
      histc: [x],
      unique: [x],
      uniqueConsecutive: [x],
      repeatInterleave: [x, 2],
      kthvalue: [x, 1],
      median: [x],
      nanmedian: [x],
      mode: [x],
      quantile: [x, 0.5],
      nanquantile: [x, 0.5],
      nansum: [x],
      nanmean: [x],
      aminmax: [x],
      cov: [x],
      diff: [x],
      trapezoid: [x],
      cumulativeTrapezoid: [x],
      cdist: [x, x],
      combinations: [ones([3])],
      meshgrid: [ones([2]), ones([3])],
      vander: [ones([3])],
      isclose: [x, x],
      allclose: [x, x],
      diagonalScatter: [x, ones([2])],
      trilIndices: [2, 3],
      triuIndices: [2, 3],
      addcmul: [x, x, x],
      addcdiv: [x, x, x],
      addmm: [ones([2, 2]), ones([2, 2]), ones([2, 2])],
      diagonal: [x],
      diagEmbed: [x],
      pad: [x, [1, 1]],
      gelu: [x],
      softplus: [x],
      leakyRelu: [x],
      elu: [x],
      memory: [],
    },
  ],
  [
    F,
    {
      avgPool1d: [row, 2],
      avgPool2d: [image, 2],
      maxPool1d: [row, 2],
      maxPool2d: [image, 2],
      conv1d: [row, ones([2, 2, 3]), null],
      conv2d: [image, ones([2, 2, 3, 3]), null],
      avgPool3d: [volume, 2],
      maxPool3d: [volume, 2],
      lpPool1d: [row, 2, 2],
      lpPool2d: [image, 2, 2],
      lpPool3d: [volume, 2, 2],
      maxUnpool1d: [row, row.int(), 2],
      maxUnpool2d: [image, image.int(), 2],
      maxUnpool3d: [volume, volume.int(), 2],
      conv3d: [volume, ones([2, 2, 3, 3, 3]), null],
      convTranspose1d: [row, ones([2, 2, 3]), null],
      convTranspose2d: [image, ones([2, 2, 3, 3]), null],
      convTranspose3d: [volume, ones([2, 2, 3, 3, 3]), null],
      interpolate: [image, 4],
      upsampleNearest: [image, 4],
      upsampleBilinear: [image, 4],
      gridSample: [image, ones([1, 3, 3, 2])],
      unfold: [image, 2],
      fold: [ones([1, 8, 9]), 4, 2],
      localResponseNorm: [image, 2],
      embeddingBag: [tensor([[0, 1]], { dtype: 'int32' }), ones([3, 2]), null],
      batchNorm: [image, ones([2]), ones([2])],
      instanceNorm: [image],
      layerNorm: [x, [4]],
      groupNorm: [image, 1],
      rmsNorm: [x, [4]],
      celu: [x],
      hardtanh: [x],
      hardshrink: [x],
      softshrink: [x],
      normalize: [x],
      cosineSimilarity: [x, x],
      pairwiseDistance: [x, x],
      scaledDotProductAttention: [row, row, row],
      rotaryEmbedding: [ones([2, 4])],
      dropout: [x],
      dropout2d: [image],
      embedding: [classes, ones([3, 2])],
      crossEntropy: [x, classes],
      nllLoss: [x, classes],
      mseLoss: [x, x],
      l1Loss: [x, x],
      huberLoss: [x, x],
      smoothL1Loss: [x, x],
      klDiv: [x, x],
      binaryCrossEntropy: [x, x],
      binaryCrossEntropyWithLogits: [x, x],
      gaussianNllLoss: [x, x, 1],
      poissonNllLoss: [x, x],
      tripletMarginLoss: [x, x, x],
      cosineEmbeddingLoss: [x, x, tensor([1, -1])],
      marginRankingLoss: [x, x, x],
      hingeEmbeddingLoss: [x, x],
      softMarginLoss: [x, x],
      multiMarginLoss: [x, classes],
      multilabelSoftMarginLoss: [x, x],
    },
  ],
  [M, { backward: [losses()], below: ['a', 1], above: ['a', 1], applyCombiner: [new M.Mean(), [[1], [2]]], clipWeights: [new M.Mean()], phases: [] }],
  [nn, { clipGradNorm_: [made().paramGroups[0]?.params, 1] }],
  [
    gradloom,
    Object.fromEntries([
      ...['uniform_', 'normal_', 'logNormal_', 'exponential_', 'cauchy_', 'bernoulli_', 'bernoulli', 'poisson'].map((k) => [k, [gradloom.full([2], 0.5)]]),
      ['geometric_', [gradloom.ones([2]), 0.5]],
      ['multinomial', [gradloom.ones([3]), 2]],
      ['randint', [3, [2]]],
      ['randintLike', [gradloom.ones([2]), 3]],
      ['random_', [gradloom.ones([2])]],
    ]),
  ],
  [
    nn.init,
    Object.fromEntries([
      ...['xavierUniform_', 'xavierNormal_', 'kaimingUniform_', 'kaimingNormal_', 'truncNormal_', 'orthogonal_'].map((k) => [k, [gradloom.ones([2, 2])]]),
      ['sparse_', [gradloom.ones([2, 2]), 0.5]],
      ['dirac_', [gradloom.ones([2, 2, 2])]],
    ]),
  ],
];
/** Whether a layer's error says that it takes options. */
const takesOptions = (name: string): boolean => namesOf((options) => new (nn as Any)[name](...neededBy(name), options)).length > 0;
const needed: [of: object, rows: Record<string, unknown[]>][] = [
  [gradloom, { DataLoader: [new gradloom.TensorDataset(x)] }],
  [nn, { Parameter: [x], ...Object.fromEntries(LAYERS.flatMap((k) => (takesOptions(k) ? [[k, neededBy(k)]] : []))) }],
  [
    optim,
    Object.fromEntries(
      Object.keys(optim).flatMap((k) => (/^[A-Z]/.test(k) && k !== 'Optimizer' ? [[k, [k === 'Muon' ? [gradloom.ones([2, 2])] : made().paramGroups[0]?.params]]] : [])),
    ),
  ],
  [
    optim.lrScheduler,
    {
      StepLR: [made, 3],
      MultiStepLR: [made, [3]],
      ConstantLR: [made],
      LinearLR: [made],
      PolynomialLR: [made],
      CosineAnnealingLR: [made, 3],
      CosineAnnealingWarmRestarts: [made, 3],
      CyclicLR: [made, 0.1, 1],
      OneCycleLR: [made, 1, 9],
      ReduceLROnPlateau: [made],
    },
  ],
  [
    M,
    {
      Monitor: [],
      UncertaintyWeighting: [2],
      IMTLL: [2],
      ...Object.fromEntries(
        [
          'ScaleInvariant',
          'STCH',
          'FAMO',
          'DWA',
          'ReLoBRaLo',
          'SoftAdapt',
          'RLW',
          'CoV',
          'FocalKPI',
          'AlignedMTL',
          'FairGrad',
          'NashMTL',
          'CAGrad',
          'ConFIG',
          'GradDrop',
          'EnCodecBalancer',
        ]
          .concat(['ExcessMTL', 'GradNorm', 'IMTLG', 'MGDA', 'DBMTL', 'MoCo', 'UPGrad', 'DualProj', 'MoDo', 'SDMGrad', 'GradVac'])
          .map((k) => [k, []]),
      ),
    },
  ],
];

/** The names of the options that it takes, as its error says them. */
function namesOf(call: (options: object) => unknown): string[] {
  try {
    call({ nonsense: 1 });
  } catch (error) {
    return /It takes (?:only )?(.*)\.$/.exec((error as Error).message)?.[1]?.split(/, | and /) ?? [];
  }
  return [];
}

/** What came of a call, from the same random numbers. */
function text(make: () => unknown): string {
  manualSeed(1);
  return JSON.stringify(make(), (key, value) => (key === 'optimizer' ? undefined : value instanceof Float64Array ? [...value] : value));
}

for (const [kind, tables] of Object.entries({ functions, needed })) {
  test(`undefined is absent: ${kind === 'functions' ? 'functions' : 'classes'}`, () => {
    for (const [of, rows] of tables) {
      for (const [name, args] of Object.entries(rows)) {
        const call = (...more: object[]): unknown => {
          const all = [...args.map((arg) => (arg === made ? made() : arg)), ...more];
          return kind === 'functions' ? (of as Any)[name](...all) : new (of as Any)[name](...all);
        };
        const names = namesOf(call);
        assert.ok(names.length > 0, `${name} says what it takes`);
        const nothing = Object.fromEntries(names.map((option) => [option, undefined]));
        if (name === 'backward') assert.not.throws(() => (of as Any)[name](losses(), nothing), name);
        else
          assert.is(
            text(() => call(nothing)),
            text(() => call()),
            `${name}({ ${names} })`,
          );
      }
    }
  });
}

test('a list with a hole is refused, whatever takes it', () => {
  const hole = (...rest: unknown[]): Any => Object.assign(new Array(rest.length + 1), Object.fromEntries(rest.map((v, i) => [i + 1, v])));
  const calls: [string, () => unknown][] = [
    ['Hybrid', () => new M.Hybrid(hole(new M.Sum()), { every: 2 })],
    ['Conv2d', () => new nn.Conv2d(1, 1, hole(3))],
    ['Adam', () => new optim.Adam(made().paramGroups[0]?.params as Any, { betas: hole(0.9) })],
    ['LambdaLR', () => new optim.lrScheduler.LambdaLR(made(), { lrLambda: hole() } as Any)],
    ['maxPool2d', () => F.maxPool2d(image, hole(2))],
    ['LayerNorm', () => new nn.LayerNorm(hole(4))],
    ['sum', () => x.sum({ dim: hole(1) })],
    ['grad', () => gradloom.autograd.grad(hole(x.sum()), [x])],
    ['tensordot', () => gradloom.tensordot(x, x, { dims: [hole(0), [0, 1]] } as Any)],
  ];
  for (const [name, call] of calls) {
    let thrown: unknown;
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    assert.is((thrown as Error)?.name, 'GradloomError', `${name}: ${thrown}`);
  }
});

test('layers with options were found by what their errors say', () => {
  assert.ok(LAYERS.filter(takesOptions).length >= 91);
});

test.run();
