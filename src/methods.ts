// The one file that touches Tensor.prototype: every function of ops and autograd that reads well as a method, and the gradient
// properties. Functions and methods are the same op.
import { type BackwardOptions, backward, keepsGradient } from './autograd/backward.ts';
import { addAccumulateHook, addHook, type HookHandle } from './autograd/hooks.ts';
import { setGrad, setWantsGrad } from './autograd/leaf.ts';
import * as angles from './ops/angles.ts';
import * as arrange from './ops/arrange.ts';
import * as binary from './ops/binary.ts';
import * as convert from './ops/convert.ts';
import * as formulas from './ops/formulas.ts';
import * as indexing from './ops/indexing.ts';
import * as inplace from './ops/inplace.ts';
import * as products from './ops/matmul.ts';
import * as moments from './ops/moments.ts';
import * as movement from './ops/movement.ts';
import * as reduce from './ops/reduce.ts';
import * as scans from './ops/scan.ts';
import * as softmaxes from './ops/softmax.ts';
import * as sorting from './ops/sort.ts';
import * as subscripts from './ops/subscript.ts';
import * as triangle from './ops/triangle.ts';
import * as unary from './ops/unary.ts';
import { assertArity, assertTrainable, checkArgument, FLAG } from './tensor/check.ts';
import type { DType } from './tensor/dtype.ts';
import { GradloomError, shapeText, warnOnce } from './tensor/errors.ts';
import { detach, nodeOf, requiresGrad } from './tensor/op.ts';
import { isInferenceMode } from './tensor/modes.ts';
import { type GradientHook, type NestedArray, Tensor } from './tensor/tensor.ts';

const functions = {
  add: binary.add,
  sub: binary.sub,
  mul: binary.mul,
  div: binary.div,
  maximum: binary.maximum,
  minimum: binary.minimum,
  eq: binary.eq,
  ne: binary.ne,
  lt: binary.lt,
  le: binary.le,
  gt: binary.gt,
  ge: binary.ge,
  logicalAnd: binary.logicalAnd,
  logicalOr: binary.logicalOr,
  logicalXor: binary.logicalXor,
  maskedFill: binary.maskedFill,
  neg: unary.neg,
  abs: unary.abs,
  sign: unary.sign,
  sqrt: unary.sqrt,
  rsqrt: unary.rsqrt,
  reciprocal: unary.reciprocal,
  square: unary.square,
  exp: unary.exp,
  expm1: unary.expm1,
  log: unary.log,
  log1p: unary.log1p,
  sin: unary.sin,
  cos: unary.cos,
  tanh: unary.tanh,
  sigmoid: unary.sigmoid,
  relu: unary.relu,
  erf: unary.erf,
  floor: unary.floor,
  ceil: unary.ceil,
  trunc: unary.trunc,
  round: unary.round,
  logicalNot: unary.logicalNot,
  isnan: unary.isnan,
  isfinite: unary.isfinite,
  pow: unary.pow,
  clamp: unary.clamp,
  sum: reduce.sum,
  any: reduce.any,
  all: reduce.all,
  argmax: reduce.argmax,
  argmin: reduce.argmin,
  expand: reduce.expand,
  mean: moments.mean,
  variance: moments.variance,
  std: moments.std,
  norm: moments.norm,
  amax: moments.amax,
  amin: moments.amin,
  max: moments.max,
  min: moments.min,
  logsumexp: moments.logsumexp,
  clone: movement.clone,
  contiguous: movement.contiguous,
  reshape: movement.reshape,
  view: movement.view,
  flatten: movement.flatten,
  unflatten: movement.unflatten,
  squeeze: movement.squeeze,
  unsqueeze: movement.unsqueeze,
  permute: movement.permute,
  transpose: movement.transpose,
  t: movement.t,
  movedim: movement.movedim,
  slice: movement.slice,
  narrow: movement.narrow,
  select: movement.select,
  unbind: movement.unbind,
  split: movement.split,
  chunk: movement.chunk,
  matmul: products.matmul,
  mm: products.mm,
  bmm: products.bmm,
  dot: products.dot,
  addmm: products.addmm,
  softmax: softmaxes.softmax,
  logSoftmax: softmaxes.logSoftmax,
  index: subscripts.index,
  indexPut_: subscripts.indexPut_,
  indexSelect: indexing.indexSelect,
  indexAdd: indexing.indexAdd,
  gather: indexing.gather,
  scatterAdd: indexing.scatterAdd,
  scatter: indexing.scatter,
  acos: angles.acos,
  asin: angles.asin,
  atan: angles.atan,
  atan2: angles.atan2,
  cosh: angles.cosh,
  sinh: angles.sinh,
  tan: angles.tan,
  flip: arrange.flip,
  repeat: arrange.repeat,
  roll: arrange.roll,
  tile: arrange.tile,
  addcdiv: formulas.addcdiv,
  addcmul: formulas.addcmul,
  lerp: formulas.lerp,
  logaddexp: formulas.logaddexp,
  nanToNum: formulas.nanToNum,
  outer: formulas.outer,
  cumprod: scans.cumprod,
  cumsum: scans.cumsum,
  prod: scans.prod,
  argsort: sorting.argsort,
  sort: sorting.sort,
  topk: sorting.topk,
  diag: triangle.diag,
  diagEmbed: triangle.diagEmbed,
  diagonal: triangle.diagonal,
  trace: triangle.trace,
  tril: triangle.tril,
  triu: triangle.triu,
  asStrided: inplace.asStrided,
  add_: inplace.add_,
  sub_: inplace.sub_,
  mul_: inplace.mul_,
  div_: inplace.div_,
  clamp_: inplace.clamp_,
  copy_: inplace.copy_,
  fill_: inplace.fill_,
  zero_: inplace.zero_,
  to: convert.to,
  detach,
};

/** A function of a tensor and more, as a method: the first parameter goes before the dot. */
type AsMethod<F> = F extends (x: Tensor, ...rest: infer A) => infer R ? (...rest: A) => R : never;

type Methods = { [K in Exclude<keyof typeof functions, 'max' | 'min' | 'split'>]: AsMethod<(typeof functions)[K]> };

/** What every tensor can do beyond holding data. In the types that ship each method has its function's signatures and text (scripts/declarations.mjs). */
export interface TensorMembers extends Methods {
  // Overloads and type parameters that a mapped type would lose.
  max(): Tensor;
  max(dim: number | (reduce.ReduceOptions & { dim: number }), keepdim?: boolean): { values: Tensor; indices: Tensor };
  min(): Tensor;
  min(dim: number | (reduce.ReduceOptions & { dim: number }), keepdim?: boolean): { values: Tensor; indices: Tensor };
  split<const Sizes extends number | readonly number[]>(sizes: Sizes, dim?: number): movement.Pieces<Sizes>;
  /** Whether gradients flow to it. May be set on leaves only. */
  requiresGrad: boolean;
  /** Whether it was not computed by an op that gradients flow through. */
  readonly isLeaf: boolean;
  /** The accumulated gradient, or null. Leaves have one after backward; others only after `retainGrad()`. */
  grad: Tensor | null;
  /** The name of the op that made it, where gradients flow through it, else null. */
  readonly gradFn: string | null;
  /** Counts writes in place; views share it. */
  readonly version: number;
  /** Gradients of this tensor with respect to the leaves behind it, added to their `.grad`. See `autograd.backward`. */
  backward(options?: BackwardOptions | Tensor): void;
  /** Makes a non-leaf keep its gradient: that of the value it has when backward runs. Returns itself. */
  retainGrad(): this;
  /** Sets `requiresGrad` and returns itself. */
  requiresGrad_(on?: boolean): this;
  /**
   * Runs `hook` with the gradient of the present value before it goes on; a tensor that the hook returns replaces it. `multiloss.backward` runs it
   * once for each loss that arrives, with that loss's gradient, where the method works on gradients.
   */
  registerHook(hook: GradientHook): HookHandle;
  /** Runs `hook` with this leaf after a backward pass, of one loss or several, has added to its `.grad`. */
  registerPostAccumulateGradHook(hook: (leaf: Tensor) => void): HookHandle;
  /** Number of dimensions. */
  readonly ndim: number;
  /** With its dimensions in reverse: a matrix transposed. A view. */
  readonly T: Tensor;
  /** Number of elements. */
  numel(): number;
  /** Number of dimensions. */
  dim(): number;
  /** The elements as nested arrays, as `toArray`. */
  tolist(): NestedArray;
  /** As float32. */
  float(): Tensor;
  /** As int32. */
  int(): Tensor;
  /** As bool: whether it is not 0. */
  bool(): Tensor;
}

declare module './tensor/tensor.ts' {
  interface Tensor extends TensorMembers {}
}

function define(name: string, fn: (x: Tensor, ...given: unknown[]) => unknown): void {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...given: unknown[]) {
      return fn(this, ...given);
    },
    writable: true,
    configurable: true,
  });
}

for (const [name, fn] of Object.entries(functions)) define(name, fn as (x: Tensor, ...given: unknown[]) => unknown);

const types: Record<string, DType> = { float: 'float32', int: 'int32', bool: 'bool' };
const { item, data, toArray, isContiguous } = Tensor.prototype;
const readers = {
  item,
  data,
  toArray,
  isContiguous,
  tolist: toArray,
  numel(this: Tensor): number {
    return this.size;
  },
  dim(this: Tensor): number {
    return this.rank;
  },
};
for (const [name, value] of Object.entries(readers)) {
  const read = value as (...given: unknown[]) => unknown;
  define(name, (x, ...given) => {
    assertArity(name, given.length, name === 'data' ? 1 : 0);
    return read.apply(x, given);
  });
}
for (const [name, dtype] of Object.entries(types)) {
  define(name, (x, ...given) => {
    assertArity(name, given.length, 0);
    return convert.to(x, dtype);
  });
}

function setRequiresGrad(t: Tensor, on: boolean): void {
  checkArgument('requiresGrad', 'requiresGrad', on, FLAG);
  if (nodeOf(t)) {
    if (on) return;
    throw new GradloomError('GRAPH', 'requiresGrad', `only leaves can change it; ${t.describe()} was computed by ${nodeOf(t)?.op.name}. Use detach().`);
  }
  if (on) assertTrainable('requiresGrad', t);
  if (on && t.meta?.inference && !isInferenceMode())
    throw new GradloomError('GRAPH', 'requiresGrad', 'an inference tensor cannot require a gradient outside inference(() => …). Clone it.');
  setWantsGrad(t, on);
}

Object.defineProperties(Tensor.prototype, {
  requiresGrad: {
    get(this: Tensor) {
      return requiresGrad(this);
    },
    set(this: Tensor, on: boolean) {
      setRequiresGrad(this, on);
    },
    configurable: true,
  },
  isLeaf: {
    get(this: Tensor) {
      return nodeOf(this) === null;
    },
    configurable: true,
  },
  gradFn: {
    get(this: Tensor) {
      return nodeOf(this)?.op.name ?? null;
    },
    configurable: true,
  },
  ndim: {
    get(this: Tensor) {
      return this.rank;
    },
    configurable: true,
  },
  T: {
    get(this: Tensor) {
      return movement.permute(this, [...this.sizes.keys()].reverse());
    },
    configurable: true,
  },
  version: {
    get(this: Tensor) {
      return this.storage.version;
    },
    configurable: true,
  },
  grad: {
    get(this: Tensor) {
      if (!this.gradient && !this.meta?.retains && nodeOf(this)) {
        warnOnce(
          'grad of a non-leaf',
          `the .grad of a non-leaf (${shapeText(this.sizes)}, from ${nodeOf(this)?.op.name}) is not filled by backward. Call retainGrad() on it before.`,
        );
      }
      return this.gradient;
    },
    set(this: Tensor, g: Tensor | null) {
      setGrad(this, g);
    },
    configurable: true,
  },
});

const rest: Partial<Tensor> & ThisType<Tensor> = {
  backward(options) {
    backward(this, options);
  },
  retainGrad() {
    const node = nodeOf(this);
    if (!node && !this.meta?.wantsGrad) throw new GradloomError('GRAPH', 'retainGrad', `${this.describe()} does not require a gradient. Set requiresGrad first.`);
    keepsGradient(this);
    return this;
  },
  requiresGrad_(on = true) {
    setRequiresGrad(this, on);
    return this;
  },
  registerHook(hook) {
    return addHook(this, hook);
  },
  registerPostAccumulateGradHook(hook) {
    return addAccumulateHook(this, hook);
  },
};
for (const [name, value] of Object.entries(rest)) {
  define(name, (x, ...given) => {
    assertArity(name, given.length, name === 'retainGrad' ? 0 : 1);
    return (value as (...given: unknown[]) => unknown).apply(x, given);
  });
}
