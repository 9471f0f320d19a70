/**
 * gradloom trains neural networks with several loss functions at once, anywhere JavaScript runs.
 * @module gradloom
 */
import './methods.ts';

export { init } from './api/init.ts';
export * as autograd from './api/autograd.ts';
export * as checkpoint from './api/checkpoint.ts';
export * as distributions from './api/distributions.ts';
export * as linalg from './api/linalg.ts';
export * as metrics from './api/metrics.ts';
export * as multiloss from './api/multiloss.ts';
export * as nn from './api/nn.ts';
export * as optim from './api/optim.ts';
// The same names without their namespaces, for bundlers that keep a namespace whole (esbuild). What two namespaces share stays in them.
export * from './api/data.ts';
export * from './api/functional.ts';
export * from './api/lr-scheduler.ts';
export * from './api/methods.ts';
export * from './api/nn.ts';
export * from './api/optim.ts';
export * from './api/training.ts';
export { type Channels, type Drawable, fromImageData, type Picture, type PictureOptions, type Pixels, toImageData } from './transforms/imagedata.ts';
export * as transforms from './api/transforms.ts';
export { reverseGrad, scaleGrad } from './ops/gradient.ts';
export { acos, acosh, asin, asinh, atan, atan2, atanh, cosh, sinh, tan } from './ops/angles.ts';
export { flip, repeat, roll, tile } from './ops/arrange.ts';
export {
  type AddOptions,
  add,
  div,
  eq,
  ge,
  gt,
  le,
  logicalAnd,
  logicalOr,
  logicalXor,
  lt,
  maskedFill,
  maximum,
  minimum,
  mul,
  ne,
  type Operand,
  sub,
  where,
} from './ops/binary.ts';
export { to } from './ops/convert.ts';
export {
  arange,
  type CreateOptions,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  type RandomOptions,
  rand,
  randn,
  randperm,
  type TensorData,
  tensor,
  zeros,
  zerosLike,
} from './ops/create.ts';
export { type DivideOptions, divide, floorDivide, fmod, remainder, trueDivide } from './ops/division.ts';
export { einsum } from './ops/einsum.ts';
export { addcdiv, addcmul, lerp, logaddexp, type NanToNumOptions, nanToNum, outer } from './ops/formulas.ts';
export { gather, indexAdd, indexSelect, oneHot, scatter, scatterAdd } from './ops/indexing.ts';
export { type FunctionalCallOptions, functionalCall } from './module/functional-call.ts';
export { asStrided } from './ops/inplace.ts';
export { allclose, type CloseOptions, equal, isclose } from './ops/close.ts';
export { cumulativeTrapezoid, diff, type DiffOptions, logcumsumexp, trapezoid, type TrapezoidOptions } from './ops/differences.ts';
export {
  type Chosen,
  type ChosenOptions,
  cummax,
  cummin,
  kthvalue,
  median,
  mode,
  msort,
  nanmedian,
  nanquantile,
  quantile,
  type QuantileOptions,
} from './ops/order.ts';
export { cdist, combinations, type CombinationsOptions, type DistanceOptions } from './ops/pairs.ts';
export {
  argwhere,
  indexCopy,
  indexFill,
  maskedScatter,
  maskedSelect,
  nonzero,
  type NonzeroOptions,
  put,
  type PutOptions,
  take,
  takeAlongDim,
} from './ops/pick.ts';
export { diagonalScatter, fliplr, flipud, rot90, selectScatter, sliceScatter, trilIndices, triuIndices } from './ops/placed.ts';
export { cartesianProd, meshgrid, type MeshgridOptions, vander, type VanderOptions } from './ops/grids.ts';
export { indexReduce, scatterReduce, type ScatterReduceOptions, type ScatterReduction } from './ops/scatter-reduce.ts';
export { bincount, type BincountOptions, bucketize, type BucketizeOptions, histc, type HistcOptions, searchsorted, type SearchOptions } from './ops/search.ts';
export {
  atleast1d,
  atleast2d,
  atleast3d,
  blockDiag,
  broadcastTensors,
  broadcastTo,
  columnStack,
  dsplit,
  dstack,
  hsplit,
  hstack,
  moveaxis,
  swapaxes,
  type TensorList,
  tensorSplit,
  vsplit,
  vstack,
} from './ops/stacks.ts';
export { aminmax, corrcoef, countNonzero, cov, type CovOptions, nanmean, nansum, renorm } from './ops/statistics.ts';
export { type ConsecutiveOptions, repeatInterleave, type RepeatOptions, type Unique, unique, uniqueConsecutive, type UniqueOptions } from './ops/unique.ts';
export { bitwiseAnd, bitwiseLeftShift, bitwiseNot, bitwiseOr, bitwiseRightShift, bitwiseXor, gcd, lcm } from './ops/integers.ts';
export type { Reduction } from './ops/loss.ts';
export { addmm, bmm, dot, matmul, mm } from './ops/matmul.ts';
export { amax, amin, logsumexp, max, mean, min, norm, std, variance } from './ops/moments.ts';
export {
  cat,
  chunk,
  clone,
  contiguous,
  flatten,
  movedim,
  narrow,
  type Pieces,
  permute,
  reshape,
  select,
  split,
  squeeze,
  stack,
  t,
  transpose,
  unbind,
  unflatten,
  unsqueeze,
  view,
} from './ops/movement.ts';
export { type PadOptions, pad } from './ops/pad.ts';
export { deg2rad, exp2, frac, ldexp, log10, log2, logaddexp2, type RoundOptions, rad2deg, round, rsub } from './ops/powers.ts';
export { addbmm, addmv, addr, baddbmm, chainMatmul, cross, inner, kron, mv, tensordot, vdot } from './ops/products.ts';
export { all, any, argmax, argmin, expand, type ReduceOptions, sum } from './ops/reduce.ts';
export {
  bernoulli,
  bernoulli_,
  cauchy_,
  type DrawOptions,
  type Draws,
  exponential_,
  geometric_,
  logNormal_,
  normal,
  normal_,
  randLike,
  randnLike,
  uniform_,
} from './ops/random.ts';
export { multinomial, type MultinomialOptions, poisson, randint, randintLike, type RandintOptions, random_ } from './ops/sampling.ts';
export { cumprod, cumsum, prod } from './ops/scan.ts';
export { clampMax, clampMin, copysign, fmax, fmin, heaviside, hypot, isinf, isneginf, isposinf, positive, signbit } from './ops/signs.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { slice } from './ops/slice.ts';
export { argsort, type SortOptions, sort, topk } from './ops/sort.ts';
export { type IndexList, type IndexPart, type IndexPutOptions, indexPut, type Slice } from './ops/subscript.ts';
export { digamma, erfc, erfinv, i0, lgamma, logit, mvlgamma, polygamma, sinc, xlog1py, xlogy } from './ops/special.ts';
export { diag, diagEmbed, diagonal, trace, tril, triu } from './ops/triangle.ts';
export {
  abs,
  ceil,
  clamp,
  cos,
  elu,
  erf,
  exp,
  expm1,
  floor,
  gelu,
  isfinite,
  isnan,
  leakyRelu,
  log,
  log1p,
  logicalNot,
  neg,
  pow,
  prelu,
  reciprocal,
  relu,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  tanh,
  trunc,
} from './ops/unary.ts';
export { unfoldDim } from './ops/unfold.ts';
export { type Captured, capture } from './program/capture.ts';
export type { WasmSource } from './runtime/source.ts';
export { close, type InitOptions } from './runtime/instance.ts';
export type { DType } from './tensor/dtype.ts';
export { type ErrorCode, GradloomError } from './tensor/errors.ts';
export { detach } from './tensor/op.ts';
export { defaultGenerator, Generator, manualSeed } from './tensor/random.ts';
export { keep, type LoopOptions, memory, scope, steps } from './tensor/scope.ts';
export type { Shape } from './tensor/shape.ts';
export { enableGrad, inference, isGradEnabled, isInferenceMode, noGrad, setGradEnabled } from './tensor/modes.ts';
export { type GradientHook, type HookHandle, type NestedArray, Tensor, type TypedArrays } from './tensor/tensor.ts';
export type { ScaleOptions } from './ops/formulas.ts';
export type { AddmmOptions } from './ops/matmul.ts';
export type { NormOptions, VarianceOptions } from './ops/moments.ts';
export type { TopkOptions } from './ops/sort.ts';
export type { DiagonalOptions } from './ops/triangle.ts';
export type { ClampOptions, ELUOptions, GELUOptions, LeakyReluOptions, SoftplusOptions } from './ops/unary.ts';
export type { MemoryOptions } from './tensor/scope.ts';
