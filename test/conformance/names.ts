// The one table from PyTorch's names to ours. A name that is missing here is not offered, and neither is a parameter that its signature
// leaves out. A row is our function itself, or what its user writes in at most two calls; longer formulas do not count as offered.
import * as g from 'gradloom';
import { multiloss, nn, type Operand, optim, type Tensor } from 'gradloom';
import { arrayOperators } from './arrays.names.ts';
import * as adapt from './adapt.ts';
import { alongDim, binary, extreme, type Output, reduction, spread, unary } from './adapt.ts';
import { call, type Row } from './bind.ts';
import { imageModules, imageOperators } from './images.names.ts';
import { indexOperators } from './indexing.names.ts';
import { layerModules, layerOperators } from './layers.names.ts';
import { lossModules, lossOperators } from './losses.names.ts';
import { mathOperators } from './math.names.ts';
import { solvesNash } from './nash.ts';

/** Operators, by the name that PyTorch's op_db has for them. */
export const operators: Readonly<Record<string, Row<Output>>> = {
  T: unary(g.t),
  __rmatmul__: ['input other', (x: Tensor, other: Tensor) => g.matmul(other, x)],
  abs: unary(g.abs),
  add: ['input other * alpha', g.add],
  addmm: ['input mat1 mat2 * beta alpha', g.addmm],
  all: reduction((x, options) => g.all(x.bool(), options)),
  amax: reduction(g.amax),
  amin: reduction(g.amin),
  any: reduction((x, options) => g.any(x.bool(), options)),
  arange: ['start end step * dtype requires_grad', adapt.arange],
  argmax: ['input dim keepdim', g.argmax],
  argmin: ['input dim keepdim', g.argmin],
  bmm: ['input mat2', g.bmm],
  cat: ['tensors dim', g.cat],
  ceil: unary(g.ceil),
  chunk: ['input chunks dim', g.chunk],
  clamp: ['input min max', adapt.clamp],
  clone: unary(g.clone),
  contiguous: unary(g.contiguous),
  cos: unary(g.cos),
  dist: ['input other p', (a: Tensor, b: Tensor, p?: number) => g.norm(g.sub(a, b), { p })],
  dot: ['input tensor', g.dot],
  eq: binary(g.eq),
  erf: unary(g.erf),
  exp: unary(g.exp),
  expand: ['input size', g.expand],
  expand_as: ['input other', (x: Tensor, other: Tensor) => g.expand(x, other.shape)],
  expm1: unary(g.expm1),
  eye: ['n m * dtype requires_grad', g.eye],
  flatten: ['input start_dim end_dim', g.flatten],
  floor: unary(g.floor),
  full: ['size fill_value * dtype requires_grad', g.full],
  full_like: ['input fill_value * dtype requires_grad', g.fullLike],
  gather: ['input dim index', g.gather],
  ge: binary(g.ge),
  gt: binary(g.gt),
  index_add: [
    'input dim index source alpha',
    (x: Tensor, dim: number, index: Tensor, source: Tensor, alpha = 1) => g.indexAdd(x, dim, index, alpha === 1 ? source : g.mul(source, alpha)),
  ],
  index_select: ['input dim index', g.indexSelect],
  isfinite: unary(g.isfinite),
  isnan: unary(g.isnan),
  le: binary(g.le),
  linspace: ['start end steps * dtype requires_grad', adapt.linspace],
  log: unary(g.log),
  log1p: unary(g.log1p),
  log_softmax: alongDim(g.logSoftmax),
  logical_and: binary(g.logicalAnd),
  logical_not: unary(g.logicalNot),
  logical_or: binary(g.logicalOr),
  logical_xor: binary(g.logicalXor),
  lt: binary(g.lt),
  mT: unary((x) => g.transpose(x, -2, -1)),
  masked_fill: ['input mask value', g.maskedFill],
  matmul: ['input other', g.matmul],
  max: extreme(g.max, g.maximum),
  maximum: binary(g.maximum),
  mean: reduction(g.mean),
  min: extreme(g.min, g.minimum),
  minimum: binary(g.minimum),
  mm: ['input mat2', g.mm],
  mul: binary(g.mul),
  narrow: ['input dim start length', adapt.narrow],
  ne: binary(g.ne),
  neg: unary(g.neg),
  'nn.functional.cross_entropy': ['input target * weight ignore_index reduction label_smoothing', nn.functional.crossEntropy],
  'nn.functional.embedding': [
    'weight input * padding_idx max_norm norm_type scale_grad_by_freq',
    (w: Tensor, index: Tensor, options: nn.EmbeddingOptions) => nn.functional.embedding(index, w, options),
  ],
  'nn.functional.conv2d': ['input weight bias * stride padding dilation groups', nn.functional.conv2d],
  'nn.functional.elu': ['input * alpha', nn.functional.elu],
  'nn.functional.gelu': ['input * approximate', nn.functional.gelu],
  'nn.functional.binary_cross_entropy_with_logits': ['input target * weight reduction pos_weight', nn.functional.binaryCrossEntropyWithLogits],
  'nn.functional.huber_loss': ['input target * reduction delta', nn.functional.huberLoss],
  'nn.functional.kl_div': ['input target * reduction log_target', nn.functional.klDiv],
  'nn.functional.l1_loss': ['input target * reduction', nn.functional.l1Loss],
  'nn.functional.nll_loss': ['input target * weight ignore_index reduction', nn.functional.nllLoss],
  'nn.functional.smooth_l1_loss': ['input target * reduction beta', nn.functional.smoothL1Loss],
  'nn.functional.layer_norm': ['input normalized_shape * weight bias eps', nn.functional.layerNorm],
  'nn.functional.leaky_relu': ['input * negative_slope', nn.functional.leakyRelu],
  'nn.functional.linear': ['input weight bias', nn.functional.linear],
  'nn.functional.mse_loss': ['input target * reduction', nn.functional.mseLoss],
  'nn.functional.one_hot': ['input num_classes', adapt.oneHot],
  'nn.functional.max_pool2d': ['input kernel_size stride padding dilation ceil_mode return_indices', adapt.maxPool2d],
  'nn.functional.prelu': ['input weight', adapt.prelu],
  'nn.functional.relu': ['input', nn.functional.relu],
  'nn.functional.silu': ['input', nn.functional.silu],
  'nn.functional.softplus': ['input * beta threshold', nn.functional.softplus],
  ones: ['size * dtype requires_grad', g.ones],
  ones_like: ['input * dtype requires_grad', g.onesLike],
  permute: ['input dims', g.permute],
  pow: ['input exponent', g.pow],
  ravel: unary((x) => g.flatten(x)),
  reciprocal: unary(g.reciprocal),
  reshape: ['input shape', g.reshape],
  reshape_as: ['input other', (x: Tensor, other: Tensor) => g.reshape(x, other.shape)],
  rsqrt: unary(g.rsqrt),
  scatter_add: ['input dim index src', g.scatterAdd],
  select: ['input dim index', g.select],
  sigmoid: unary(g.sigmoid),
  sign: unary(g.sign),
  sin: unary(g.sin),
  slice: ['input dim start end step', g.slice],
  softmax: alongDim(g.softmax),
  split: ['tensor split_size_or_sections dim', g.split],
  split_with_sizes: ['input split_sizes dim', g.split],
  sqrt: unary(g.sqrt),
  square: unary(g.square),
  squeeze: ['input dim', g.squeeze],
  stack: ['tensors dim', g.stack],
  std: spread(g.std),
  std_mean: spread((x, options) => [g.std(x, options), g.mean(x, { dim: options.dim, keepdim: options.keepdim })]),
  sub: ['input other * alpha', g.sub],
  sum: reduction(g.sum),
  t: unary(g.t),
  tanh: unary(g.tanh),
  transpose: ['input dim0 dim1', g.transpose],
  trunc: unary(g.trunc),
  unbind: ['input dim', g.unbind],
  unflatten: ['input dim sizes', g.unflatten],
  unsqueeze: ['input dim', g.unsqueeze],
  var: spread(g.variance),
  var_mean: spread((x, options) => [g.variance(x, options), g.mean(x, { dim: options.dim, keepdim: options.keepdim })]),
  view: ['input size', g.view],
  view_as: ['input other', (x: Tensor, other: Tensor) => g.view(x, other.shape)],
  where: ['self condition other', (a: Operand, condition: Tensor, b: Operand) => g.where(condition, a, b)],
  zeros: ['size * dtype requires_grad', g.zeros],
  zeros_like: ['input * dtype requires_grad', g.zerosLike],
  ...arrayOperators,
  ...imageOperators,
  ...indexOperators,
  ...layerOperators,
  ...lossOperators,
  ...mathOperators,
};

/** Modules, with the parameters of their constructors. */
export const modules: Readonly<Record<string, Row<nn.Module>>> = {
  'nn.Conv2d': [
    'in_channels out_channels kernel_size * stride padding dilation groups bias padding_mode',
    (inputs: number, outputs: number, kernel: nn.Pair, options: nn.Conv2dOptions) => new nn.Conv2d(inputs, outputs, kernel, options),
  ],
  'nn.BCEWithLogitsLoss': ['* weight reduction pos_weight', (options: nn.BCEWithLogitsOptions) => new nn.BCEWithLogitsLoss(options)],
  'nn.HuberLoss': ['* reduction delta', (options: nn.LossOptions & { delta?: number }) => new nn.HuberLoss(options)],
  'nn.KLDivLoss': ['* reduction log_target', (options: nn.KLDivOptions) => new nn.KLDivLoss(options)],
  'nn.L1Loss': ['* reduction', (options: nn.LossOptions) => new nn.L1Loss(options)],
  'nn.NLLLoss': ['* weight ignore_index reduction', (options: nn.NLLOptions) => new nn.NLLLoss(options)],
  'nn.SmoothL1Loss': ['* reduction beta', (options: nn.LossOptions & { beta?: number }) => new nn.SmoothL1Loss(options)],
  'nn.CrossEntropyLoss': ['* weight ignore_index reduction label_smoothing', (options: nn.CrossEntropyOptions) => new nn.CrossEntropyLoss(options)],
  'nn.Embedding': [
    'num_embeddings embedding_dim * padding_idx max_norm norm_type scale_grad_by_freq',
    (n: number, d: number, options: nn.EmbeddingOptions) => new nn.Embedding(n, d, options),
  ],
  'nn.ELU': ['* alpha', (options: { alpha?: number }) => new nn.ELU(options)],
  'nn.Flatten': ['start_dim end_dim', (start?: number, end?: number) => new nn.Flatten(start, end)],
  'nn.GELU': ['* approximate', (options: { approximate?: 'none' | 'tanh' }) => new nn.GELU(options)],
  'nn.Identity': ['', () => new nn.Identity()],
  'nn.LayerNorm': ['normalized_shape * eps elementwise_affine bias', (shape: number | readonly number[], options: nn.LayerNormModuleOptions) => new nn.LayerNorm(shape, options)],
  'nn.LeakyReLU': ['* negative_slope', (options: { negativeSlope?: number }) => new nn.LeakyReLU(options)],
  'nn.Linear': ['in_features out_features * bias', (inputs: number, outputs: number, options: { bias?: boolean }) => new nn.Linear(inputs, outputs, options)],
  'nn.LogSoftmax': ['dim', (dim: number) => new nn.LogSoftmax(dim)],
  'nn.MSELoss': ['* reduction', (options: nn.LossOptions) => new nn.MSELoss(options)],
  'nn.MaxPool2d': [
    'kernel_size * stride padding dilation return_indices ceil_mode',
    (kernel: nn.Pair, options: nn.MaxPoolOptions & { returnIndices?: boolean }) => new nn.MaxPool2d(kernel, options),
  ],
  'nn.ReLU': ['', () => new nn.ReLU()],
  'nn.SiLU': ['', () => new nn.SiLU()],
  'nn.Sigmoid': ['', () => new nn.Sigmoid()],
  'nn.Softmax': ['dim', (dim: number) => new nn.Softmax(dim)],
  'nn.Softplus': ['* beta threshold', (options: { beta?: number; threshold?: number }) => new nn.Softplus(options)],
  'nn.Tanh': ['', () => new nn.Tanh()],
  ...imageModules,
  ...layerModules,
  ...lossModules,
};

/** Optimizers. */
export const optimizers: Readonly<Record<string, Row<Pick<optim.SGD, 'step' | 'zeroGrad'>>>> = {
  ASGD: ['params * lr lambd alpha t0 weight_decay maximize', (params: Tensor[], options: optim.ASGDOptions) => new optim.ASGD(params, options)],
  Adadelta: ['params * lr rho eps weight_decay maximize', (params: Tensor[], options: optim.AdadeltaOptions) => new optim.Adadelta(params, options)],
  Adafactor: ['params * lr beta2_decay eps d weight_decay maximize', (params: Tensor[], options: optim.AdafactorOptions) => new optim.Adafactor(params, options)],
  Adagrad: ['params * lr lr_decay weight_decay initial_accumulator_value eps maximize', (params: Tensor[], options: optim.AdagradOptions) => new optim.Adagrad(params, options)],
  Adam: ['params * lr betas eps weight_decay amsgrad maximize', (params: Tensor[], options: optim.AdamOptions) => new optim.Adam(params, options)],
  AdamW: ['params * lr betas eps weight_decay amsgrad maximize', (params: Tensor[], options: optim.AdamOptions) => new optim.AdamW(params, options)],
  Adamax: ['params * lr betas eps weight_decay maximize', (params: Tensor[], options: optim.AdamaxOptions) => new optim.Adamax(params, options)],
  LBFGS: [
    'params * lr max_iter max_eval tolerance_grad tolerance_change history_size line_search_fn maximize',
    (params: Tensor[], options: optim.LBFGSOptions) => new optim.LBFGS(params, options),
  ],
  Muon: ['params * lr weight_decay momentum nesterov ns_coefficients eps ns_steps adjust_lr_fn', (params: Tensor[], options: optim.MuonOptions) => new optim.Muon(params, options)],
  NAdam: ['params * lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize', (params: Tensor[], options: optim.NAdamOptions) => new optim.NAdam(params, options)],
  RAdam: ['params * lr betas eps weight_decay decoupled_weight_decay maximize', (params: Tensor[], options: optim.RAdamOptions) => new optim.RAdam(params, options)],
  RMSprop: ['params * lr alpha eps weight_decay momentum centered maximize', (params: Tensor[], options: optim.RMSpropOptions) => new optim.RMSprop(params, options)],
  Rprop: ['params * lr etas step_sizes maximize', (params: Tensor[], options: optim.RpropOptions) => new optim.Rprop(params, options)],
  SGD: ['params * lr momentum dampening weight_decay nesterov maximize', (params: Tensor[], options: optim.SGDOptions) => new optim.SGD(params, options)],
};

const { lrScheduler } = optim;

/** Its parts come as text: `LinearLR(start_factor=0.1,total_iters=4)`. */
function sequential(o: optim.SGD, parts: string[], milestones: number[]): optim.lrScheduler.LRScheduler {
  const made = parts.map((text) => {
    const [, name, list] = /^(\w+)\((.*)\)$/.exec(text) as unknown as [string, string, string];
    const options = list.split(',').map((word): [string, number] => [word.split('=')[0] as string, Number(word.split('=')[1])]);
    return call(schedulers[name] as Row<optim.lrScheduler.LRScheduler>, [o], Object.fromEntries(options));
  });
  return new lrScheduler.SequentialLR(o, { schedulers: made, milestones });
}

/** Schedulers. */
export const schedulers: Readonly<Record<string, Row<Pick<optim.lrScheduler.ReduceLROnPlateau, 'step' | 'getLastLr'>>>> = {
  ConstantLR: ['optimizer * factor total_iters', (o: optim.SGD, options: { factor?: number }) => new lrScheduler.ConstantLR(o, options)],
  CosineAnnealingLR: ['optimizer * T_max eta_min', (o: optim.SGD, { TMax, ...rest }: { TMax: number }) => new lrScheduler.CosineAnnealingLR(o, { tMax: TMax, ...rest })],
  CosineAnnealingWarmRestarts: [
    'optimizer * T_0 T_mult eta_min',
    (o: optim.SGD, { T0, TMult, ...rest }: { T0: number; TMult?: number }) => new lrScheduler.CosineAnnealingWarmRestarts(o, { t0: T0, ...(TMult && { tMult: TMult }), ...rest }),
  ],
  CyclicLR: ['optimizer * base_lr max_lr step_size_up mode gamma', (o: optim.SGD, options: optim.lrScheduler.CyclicOptions) => new lrScheduler.CyclicLR(o, options)],
  ExponentialLR: ['optimizer * gamma', (o: optim.SGD, options: { gamma: number }) => new lrScheduler.ExponentialLR(o, options)],
  LinearLR: ['optimizer * start_factor end_factor total_iters', (o: optim.SGD, options: { startFactor?: number }) => new lrScheduler.LinearLR(o, options)],
  MultiStepLR: ['optimizer * milestones gamma', (o: optim.SGD, options: { milestones: number[] }) => new lrScheduler.MultiStepLR(o, options)],
  OneCycleLR: [
    'optimizer * max_lr total_steps pct_start anneal_strategy three_phase',
    (o: optim.SGD, options: optim.lrScheduler.OneCycleOptions) => new lrScheduler.OneCycleLR(o, options),
  ],
  PolynomialLR: ['optimizer * total_iters power', (o: optim.SGD, options: { power?: number }) => new lrScheduler.PolynomialLR(o, options)],
  ReduceLROnPlateau: ['optimizer * factor patience cooldown threshold', (o: optim.SGD, options: optim.lrScheduler.PlateauOptions) => new lrScheduler.ReduceLROnPlateau(o, options)],
  SequentialLR: ['optimizer schedulers milestones', sequential],
  StepLR: ['optimizer * step_size gamma', (o: optim.SGD, options: { stepSize: number }) => new lrScheduler.StepLR(o, options)],
};

/** Methods that look at losses, made for a number of losses. */
export const scalarizers: Readonly<Record<string, Row<(multiloss.Scalarizer | multiloss.Weighting) & multiloss.Stateful>>> = {
  Constant: ['count weights', (_count: number, weights: number[]) => new multiloss.Constant(weights)],
  DWA: ['count * temperature', (_count: number, options: multiloss.DWAOptions) => new multiloss.DWA(options)],
  FAMO: ['count * lr weightDecay', (_count: number, options: multiloss.FAMOOptions) => new multiloss.FAMO(options)],
  GeometricMean: ['count', () => new multiloss.GeometricMean()],
  IMTLL: ['count', (count: number) => new multiloss.IMTLL(count)],
  Mean: ['count', () => new multiloss.Mean()],
  PBI: ['count * weights theta', (_count: number, options: multiloss.PBIOptions) => new multiloss.PBI(options)],
  STCH: ['count * mu weights', (_count: number, options: multiloss.STCHOptions) => new multiloss.STCH(options)],
  Sum: ['count', () => new multiloss.Sum()],
  UW: ['count', (count: number) => new multiloss.UncertaintyWeighting(count)],
};

/** A multi-loss method, and what is known of it. */
export interface AggregatorRow {
  method: (multiloss.Weighting | multiloss.Aggregator) & multiloss.Stateful;
  /** It draws random numbers: an answer of any seed counts. */
  random?: boolean;
  /** Rows may score alike, and which one is taken then is nobody's claim: the answer for the rows in reverse counts as well. */
  ties?: boolean;
  /** No answer may raise a loss. */
  nonConflicting?: boolean;
  /** Whether weights solve the method's equations, where recorded ones may not. */
  check?: (jacobian: readonly number[][], weights: readonly number[]) => boolean;
}

type Kwargs = Readonly<Record<string, unknown>>;

type FrankWolfe = NonNullable<multiloss.MGDAOptions['frankWolfe']>;

/** Answers in float64 count on its precision. */
const EXACT = Number.EPSILON;
/** TorchJD's defaults of UPGrad and DualProj. */
const REGULARIZED = { normEps: 1e-4, regEps: 1e-4 };
const { AlignedMTL, CAGrad, ConFIG, Constant, DualProj, ExcessMTL, FairGrad, GradVac, IMTLG, Krum, Mean, MGDA, NashMTL, PCGrad, Sum, TrimmedMean, UPGrad } = multiloss;
type Options<Class extends abstract new (...args: never[]) => unknown> = NonNullable<ConstructorParameters<Class>[0]>;

/** Aggregators, by TorchJD's names; keywords as recorded, which are ours but for `prefVector`. */
export const aggregators: Readonly<Record<string, (kwargs: Kwargs) => AggregatorRow>> = {
  Sum: () => ({ method: new Sum() }),
  Mean: () => ({ method: new Mean() }),
  Constant: ({ weights }) => ({ method: new Constant(weights as number[]) }),
  UPGrad: ({ prefVector }) => ({ method: new UPGrad({ ...REGULARIZED, ...(prefVector ? { preference: prefVector as number[] } : {}) }) }),
  DualProj: () => ({ method: new DualProj(REGULARIZED) }),
  MGDA: (kwargs) => ({ method: new MGDA({ frankWolfe: kwargs as unknown as FrankWolfe }) }),
  PCGrad: () => ({ method: new PCGrad(), random: true }),
  CAGrad: (kwargs) => ({ method: new CAGrad({ ...(kwargs as Options<typeof CAGrad>), normEps: 1e-4 }) }),
  IMTLG: () => ({ method: new IMTLG({ eps: EXACT }) }),
  // Recorded with torch's default type at float32, aggregators_f64.json with float64: TorchJD's rank depends on it.
  AlignedMTL: (kwargs) => ({ method: new AlignedMTL({ ...(kwargs as Options<typeof AlignedMTL>), eps: 2 ** -23 }) }),
  ConFIG: () => ({ method: new ConFIG({ eps: EXACT }) }),
  NashMTL: (kwargs) => ({ method: new NashMTL(kwargs as Options<typeof NashMTL>) }),
  FairGrad: (kwargs) => ({ method: new FairGrad(kwargs as Options<typeof FairGrad>) }),
  TrimmedMean: (kwargs) => ({ method: new TrimmedMean(kwargs as unknown as multiloss.TrimmedMeanOptions) }),
  Krum: (kwargs) => ({ method: new Krum(kwargs as unknown as multiloss.KrumOptions), ties: true }),
};

const oneToM = (m: number): number[] => Array.from({ length: m }, (_, i) => i + 1);

/** The labels of aggregators_f64.json, for m losses. */
export const aggregatorsByLabel: Readonly<Record<string, (m: number) => AggregatorRow>> = {
  Sum: () => ({ method: new Sum() }),
  Mean: () => ({ method: new Mean() }),
  'Constant(1..m)': (m) => ({ method: new Constant(oneToM(m)) }),
  UPGrad: () => ({ method: new UPGrad(REGULARIZED) }),
  'UPGrad(pref=1..m)': (m) => ({ method: new UPGrad({ ...REGULARIZED, preference: oneToM(m) }) }),
  'UPGrad(exact)': () => ({ method: new UPGrad(), nonConflicting: true }),
  DualProj: () => ({ method: new DualProj(REGULARIZED) }),
  'DualProj(exact)': () => ({ method: new DualProj(), nonConflicting: true }),
  MGDA: () => ({ method: new MGDA({ frankWolfe: { epsilon: 1e-3, maxIters: 100 } }) }),
  'MGDA(eps=1e-9,iters=100000)': () => ({ method: new MGDA() }),
  'CAGrad(0.5)': () => ({ method: new CAGrad({ c: 0.5, normEps: 1e-4 }) }),
  'CAGrad(1.0)': () => ({ method: new CAGrad({ c: 1, normEps: 1e-4 }) }),
  'AlignedMTL(min)': () => ({ method: new AlignedMTL({ scaleMode: 'min', eps: EXACT }) }),
  'AlignedMTL(median)': () => ({ method: new AlignedMTL({ scaleMode: 'median', eps: EXACT }) }),
  'AlignedMTL(rmse)': () => ({ method: new AlignedMTL({ scaleMode: 'rmse', eps: EXACT }) }),
  IMTLG: () => ({ method: new IMTLG({ eps: EXACT }) }),
  ConFIG: () => ({ method: new ConFIG({ eps: EXACT }) }),
  'FairGrad(1)': () => ({ method: new FairGrad({ alpha: 1 }) }),
  'FairGrad(2)': () => ({ method: new FairGrad({ alpha: 2 }) }),
  NashMTL: () => ({ method: new NashMTL(), check: solvesNash }),
  // Their orders are torch's random ones.
  'PCGrad(seed0)': () => ({ method: new PCGrad(), random: true }),
  'GradVac(seed0)': () => ({ method: new GradVac(), random: true }),
  'TrimmedMean(1)': () => ({ method: new TrimmedMean({ trimNumber: 1 }) }),
  'Krum(1,1)': () => ({ method: new Krum({ nByzantine: 1, nSelected: 1 }), ties: true }),
  'Krum(1,4)': () => ({ method: new Krum({ nByzantine: 1, nSelected: 4 }), ties: true }),
  ExcessMTL: () => ({ method: new ExcessMTL() }),
};

/** A method that follows a recorded trajectory. */
export interface TrajectoryRow {
  /** @param scale of the toy's first loss */
  make: (scale: number) => multiloss.Method & { update?(lossesAfter: Float64Array): void };
  /** It draws random numbers: compared by how near to the front it ends. */
  random?: boolean;
  /** The recorded program solved its equations roughly where ours does exactly: compared by how near to the front it ends, or by reaching it no later. */
  rough?: boolean;
  /** The combined gradient's length is cut to this, as the official FAMO does. */
  clip?: number;
  /** As in the recorded EWQ, CQF and HQF, where that is another one. */
  quadratic?: TrajectoryRow['make'];
}

/** TorchJD's settings in EWQ, CQF and HQF. */
const NEARLY_EXACT = { normEps: 1e-9, regEps: 1e-7 };

/** FAMO on the toy: lower bounds lie a little below the losses' least values, −20 and −20 times the scale. */
const famo =
  (weightDecay: number): TrajectoryRow['make'] =>
  (scale) =>
    new multiloss.FAMO({ weightDecay, lowerBounds: [-21 * scale, -21] });

/** Methods by their names in the trajectory files. What is missing here is not offered. */
export const trajectories: Readonly<Record<string, TrajectoryRow>> = {
  // Adam does not see a factor, but its roundings do.
  ls: { make: () => new Mean() },
  mean: { make: () => new Mean() },
  upgrad: { make: () => new UPGrad(), quadratic: () => new UPGrad(NEARLY_EXACT) },
  dualproj: { make: () => new DualProj(), quadratic: () => new DualProj(NEARLY_EXACT) },
  mgda: { make: () => new MGDA() },
  pcgrad: { make: () => new PCGrad() },
  cagrad: { make: () => new CAGrad({ c: 0.5 }), quadratic: () => new CAGrad({ c: 0.5, normEps: 1e-4 }) },
  cagrad04: { make: () => new CAGrad({ c: 0.4 }) },
  cagrad05: { make: () => new CAGrad({ c: 0.5 }) },
  imtlg: { make: () => new IMTLG({ eps: EXACT }) },
  imtl_g: { make: () => new IMTLG({ eps: EXACT }) },
  nash: { make: () => new NashMTL({ maxNorm: 0 }) },
  nash_mn1: { make: () => new NashMTL({ maxNorm: 1 }) },
  nashmtl: { make: () => new NashMTL({ maxNorm: 1 }), rough: true },
  alignedmtl: { make: () => new AlignedMTL({ eps: EXACT }) },
  aligned_mtl: { make: () => new AlignedMTL({ eps: EXACT }) },
  config: { make: () => new ConFIG({ eps: EXACT }) },
  fairgrad2: { make: () => new FairGrad({ alpha: 2 }), rough: true },
  graddrop: { make: () => new multiloss.GradDrop(), random: true },
  rlw: { make: () => new multiloss.RLW(), random: true },
  random: { make: () => new multiloss.RLW(), random: true },
  famo: { make: famo(1e-3) },
  'famo_g1e-2': { make: famo(1e-2) },
  'famo_g1e-5': { make: famo(1e-5) },
  famo_g0: { make: famo(0) },
  famo_g0_clip1: { make: famo(0), clip: 1 },
};
