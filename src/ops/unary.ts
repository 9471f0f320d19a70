// One input, one output of its shape, element by element.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, assertTensor, either, type Kinds, NUMBER, type OfOne, ofOne, oneOf, optionsBy, optionsOf, TENSOR } from '../tensor/check.ts';
import { type DType, promote } from '../tensor/dtype.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import { Tensor } from '../tensor/tensor.ts';
import {
  add,
  binaryOp,
  div,
  eq,
  ge,
  gt,
  le,
  logicalAnd,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  type Operand,
  operands,
  reluGrad,
  sigmoidGrad,
  sub,
  tanhGrad,
  towards,
  typeOf,
  where,
} from './binary.ts';
import { asFloat, assertFloat, to } from './convert.ts';
import { constant, full } from './create.ts';
import { clone, reshape } from './movement.ts';

/** Which of its input and output an op's rule reads. */
type Reads = 'input' | 'output' | 'nothing';

/** An op on one kernel, named as it is by default. `backward` gets what it reads. */
// @__NO_SIDE_EFFECTS__
function unaryOp(name: string, reads: Reads, backward: (dy: Tensor, saved: Tensor) => Tensor, kernel = name as Kernel, intKernel = kernel): Op<void> {
  return {
    name,
    forward: (y, [x]) => {
      call(y.dtype === 'float32' ? kernel : intKernel, (x as Tensor).address, y.address, y.size);
    },
    saves: reads === 'input' ? everyInput : undefined,
    savesOutput: reads === 'output',
    backward: (dy, node) => [backward(dy, reads === 'input' ? node.input(0) : reads === 'output' ? node.output : dy)],
    batched: 'same',
  };
}

const negOp = unaryOp('neg', 'nothing', (dy) => neg(dy), 'neg', 'negInt');
const absOp = unaryOp('abs', 'input', (dy, x) => mul(dy, sign(x)), 'abs', 'absInt');
const squareOp = unaryOp('square', 'input', (dy, x) => mul(dy, mul(x, 2)));
const reluOp = unaryOp('relu', 'output', reluGrad);
const softplusOp = unaryOp('softplus', 'input', (dy, x) => mul(dy, sigmoid(x)));
const notOp: Op<void> = {
  name: 'logicalNot',
  dtype: () => 'bool',
  forward: (y, [x]) => {
    call('not', (x as Tensor).address, y.address, y.size);
  },
};

const run = (op: Op<void>, x: Tensor): Tensor => apply(op, [asFloat(x, op.name)], undefined);

/** An op of unaryOp as a function, of float32. */
// @__NO_SIDE_EFFECTS__
function smooth(name: string, reads: Reads, backward: (dy: Tensor, saved: Tensor) => Tensor): OfOne {
  const op = unaryOp(name, reads, backward);
  return ofOne(name, (x) => run(op, x));
}

/** A function that is flat between its steps: whole numbers as they are, in a tensor of their own. */
// @__NO_SIDE_EFFECTS__
function rounding(name: string): OfOne {
  // Not dy · 0, which is NaN where dy is infinite.
  const op = unaryOp(name, 'nothing', (dy) => full(dy.sizes, 0));
  return ofOne(name, (x) => (x.dtype === 'float32' ? apply(op, [x], undefined) : clone(x)));
}

/** −x. */
export const neg: (x: Tensor) => Tensor = ofOne('neg', (x) => apply(negOp, [x.dtype === 'bool' ? to(x, 'int32') : x], undefined));
/** |x|; the gradient at 0 is 0. */
export const abs: (x: Tensor) => Tensor = ofOne('abs', (x) => apply(absOp, [x], undefined));
const signOf = rounding('sign');
/** −1, 0 or 1, in x's type. */
export const sign: (x: Tensor) => Tensor = ofOne('sign', (x) => (x.dtype === 'int32' ? apply(clampOp, [x], { min: -1, max: 1 }) : signOf(x)));
/** √x; NaN below 0. */
export const sqrt: (x: Tensor) => Tensor = smooth('sqrt', 'output', (dy, y) => div(dy, mul(y, 2)));
/** 1/√x. */
export const rsqrt: (x: Tensor) => Tensor = smooth('rsqrt', 'output', (dy, y) => mul(mul(dy, -0.5), mul(y, square(y))));
/** 1/x. */
export const reciprocal: (x: Tensor) => Tensor = smooth('reciprocal', 'output', (dy, y) => neg(mul(dy, square(y))));
/** x². */
export const square: (x: Tensor) => Tensor = ofOne('square', (x) => (x.dtype === 'float32' ? apply(squareOp, [x], undefined) : mul(x, to(x, 'int32'))));
/** eˣ, ≤ 1 ulp. */
export const exp: (x: Tensor) => Tensor = smooth('exp', 'output', (dy, y) => mul(dy, y));
/** eˣ − 1, accurate near 0. */
export const expm1: (x: Tensor) => Tensor = smooth('expm1', 'output', (dy, y) => mul(dy, add(y, 1)));
/** ln x, ≤ 1.1 ulp. */
export const log: (x: Tensor) => Tensor = smooth('log', 'input', (dy, x) => div(dy, x));
/** ln(1 + x), accurate near 0. */
export const log1p: (x: Tensor) => Tensor = smooth('log1p', 'input', (dy, x) => div(dy, add(x, 1)));
/** sin x, x in radians. */
export const sin: (x: Tensor) => Tensor = smooth('sin', 'input', (dy, x) => mul(dy, cos(x)));
/** cos x, x in radians. */
export const cos: (x: Tensor) => Tensor = smooth('cos', 'input', (dy, x) => neg(mul(dy, sin(x))));
/** tanh x, ≤ 1.5 ulp. */
export const tanh: (x: Tensor) => Tensor = smooth('tanh', 'output', tanhGrad);
/** 1/(1 + e⁻ˣ). */
export const sigmoid: (x: Tensor) => Tensor = smooth('sigmoid', 'output', sigmoidGrad);
/** max(x, 0); the gradient at 0 is 0. int32 stays int32. */
export const relu: (x: Tensor) => Tensor = ofOne('relu', (x) => (x.dtype === 'int32' ? apply(clampOp, [x], { min: 0, max: MOST }) : run(reluOp, x)));
/** The error function, absolute error ≤ 5e-7. Its slope is 2/√π · e^(−x²). */
export const erf: (x: Tensor) => Tensor = smooth('erf', 'input', (dy, x) => mul(dy, mul(exp(neg(square(x))), 1.1283791670955126)));
/** The largest whole number ≤ x. */
export const floor: (x: Tensor) => Tensor = rounding('floor');
/** The smallest whole number ≥ x. */
export const ceil: (x: Tensor) => Tensor = rounding('ceil');
/** x without its fraction. */
export const trunc: (x: Tensor) => Tensor = rounding('trunc');
/** The nearest whole number, halves to the even one. */
export const round: (x: Tensor) => Tensor = rounding('round');
/** Whether x is 0 or false. bool. */
export const logicalNot: (x: Tensor) => Tensor = ofOne('logicalNot', (x) => apply(notOp, [to(x, 'bool')], undefined));
/** Whether x is NaN. bool. */
export const isnan: (x: Tensor) => Tensor = ofOne('isnan', (x) => ne(x, x));
/** Whether x is neither NaN nor infinite. bool. */
export const isfinite: (x: Tensor) => Tensor = ofOne('isfinite', (x) => lt(abs(x), Number.POSITIVE_INFINITY));

const powOp: Op<void> = binaryOp('pow', {
  saves: everyInput,
  backward: (dy, node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const flat = eq(b, 0); // a is kept out there, or second derivatives at 0 would be NaN
    return towards(
      node,
      () => where(flat, 0, mul(dy, mul(b, apply(powOp, [where(flat, 1, a), sub(b, 1)], undefined)))),
      // At a = 0 with b ≥ 0 the limit is 0, where 0 · ln 0 would be NaN.
      () => where(logicalAnd(eq(a, 0), ge(b, 0)), 0, mul(dy, mul(apply(powOp, [a, b], undefined), log(a)))),
    );
  },
});
/** As `sqrt`, but backward reads the input, as for other powers. */
const halfPowerOp: Op<void> = unaryOp('pow', 'input', (dy, x) => div(dy, mul(apply(halfPowerOp, [x], undefined), 2)), 'sqrt');

/** aᵇ, float32 whatever the inputs are. Shapes broadcast. */
export function pow(a: Operand, b: Operand): Tensor {
  assertArity('pow', arguments.length, 2);
  if (a instanceof Tensor && b === 2) return run(squareOp, a);
  if (a instanceof Tensor && b === 0.5) return run(halfPowerOp, a);
  return apply(powOp, operands('pow', a, b, 'float32'), undefined);
}

/** The bounds of int32. */
const [LEAST, MOST] = [-(2 ** 31), 2 ** 31 - 1];

/** Bounds that are numbers: two kernels, no masks in memory. */
const clampOp: Op<{ min: number; max: number }> = {
  name: 'clamp',
  forward: (y, [x], { min, max }) => {
    const { address, size } = x as Tensor;
    const ints = y.dtype === 'int32';
    const [low, high] = [constant(min, y.dtype).address, constant(max, y.dtype).address];
    call(ints ? 'maximumInt' : 'maximum', address, low, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
    call(ints ? 'minimumInt' : 'minimum', y.address, high, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
  },
  saves: everyInput,
  backward: (dy, node) => {
    const [x, { min, max }] = [node.input(0), node.attrs];
    const above = Number.isFinite(min) ? where(gt(x, min), dy, 0) : dy; // ∞ is no bound
    return [Number.isFinite(max) ? where(lt(x, max), above, 0) : above];
  },
  batched: 'same',
};

/** Bounds of `clamp`: numbers or tensors that broadcast. */
export interface ClampOptions {
  /** The lower bound; default none. */
  min?: Operand;
  /** The upper bound; default none. */
  max?: Operand;
}

const BOUND = /* @__PURE__ */ either(NUMBER, TENSOR);
const CLAMP: Kinds<ClampOptions> = { min: BOUND, max: BOUND };

/**
 * x kept within bounds, of which one may be left out: clamp(x, min, max) or clamp(x, { min, max }). int32 stays int32 where the bounds are whole.
 * The gradient goes to x between the bounds; at a bound that is a tensor half to each, as by `maximum` and `minimum`. A bound that is NaN gives NaN.
 */
export function clamp(x: Tensor, ...given: [min?: Operand | ClampOptions, max?: Operand]): Tensor {
  const op = 'clamp';
  assertTensor(op, x);
  const { min, max } = optionsBy(op, given, CLAMP);
  if (min === undefined && max === undefined) throw valueError(op, 'has no bound. Give min, max or both.');
  const bounds = [min, max].filter((b) => b !== undefined);
  if (bounds.some((b) => b instanceof Tensor)) {
    const raised = min === undefined ? x : maximum(x, min);
    return max === undefined ? raised : minimum(raised, max);
  }
  const dtype = bounds.reduce((type: DType, b) => promote(type, typeOf(op, b)), promote(x.dtype, 'int32'));
  const [low, high] = dtype === 'int32' ? [LEAST, MOST] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return apply(clampOp, [to(x, dtype)], { min: (min as number | undefined) ?? low, max: (max as number | undefined) ?? high });
}

const geluGradOp: Op<void> = binaryOp('geluGrad', {
  saves: everyInput,
  backward: (u, node) => {
    const [dy, x] = [node.input(0), node.input(1)];
    // d/dx (Φ + xφ) = φ·(2 − x²), φ = e^(−x²/2)/√(2π)
    const curvature = mul(mul(exp(mul(square(x), -0.5)), 0.3989422804014327), sub(2, square(x)));
    return [apply(geluGradOp, [u, x], undefined), mul(mul(u, dy), curvature)];
  },
});

const geluOp: Op<void> = {
  name: 'gelu',
  forward: (y, [x]) => {
    const { address, size } = x as Tensor;
    call('mulNormalCdf', address, address, y.address, 1, 1, size, 0, 0, 1, 0, 0, 1);
  },
  saves: everyInput,
  backward: (dy, node) => [apply(geluGradOp, [dy, node.input(0)], undefined)],
  batched: 'same',
};

/** Options of `gelu`. */
export interface GELUOptions {
  /** Which form: by the error function ('none', the default) or by tanh. */
  approximate?: 'none' | 'tanh';
}

const GELU: Kinds<GELUOptions> = { approximate: /* @__PURE__ */ oneOf('none', 'tanh') };

/** x·Φ(x) (Hendrycks & Gimpel 2016, arXiv 1606.08415); `approximate: 'tanh'` gives its tanh form. */
export function gelu(x: Tensor, options?: GELUOptions): Tensor {
  assertArity('gelu', arguments.length, 2);
  if (optionsOf('gelu', options, GELU).approximate !== 'tanh') return run(geluOp, x);
  assertTensor('gelu', x);
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), 0.7978845608028654);
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/** x·sigmoid(x), also called swish. */
export const silu: (x: Tensor) => Tensor = ofOne('silu', (x) => mul(x, sigmoid(x)));

/** Options of `softplus`. */
export interface SoftplusOptions {
  /** β, the sharpness of the bend; default 1. */
  beta?: number;
  /** Above it, βx, the function is x itself; default 20. */
  threshold?: number;
}

const SOFTPLUS: Kinds<SoftplusOptions> = { beta: NUMBER, threshold: NUMBER };

/** ln(1 + e^(βx))/β; x itself where βx > threshold: softplus(x, beta, threshold) or softplus(x, { beta, threshold }). */
export function softplus(x: Tensor, ...given: [beta?: number | SoftplusOptions, threshold?: number]): Tensor {
  const { beta = 1, threshold = 20 } = optionsBy('softplus', given, SOFTPLUS);
  const scaled = mul(asFloat(x, 'softplus'), beta);
  return where(gt(scaled, threshold), x, div(run(softplusOp, scaled), beta));
}

const leakyReluOp = binaryOp('leakyRelu', {
  saves: everyInput,
  backward: (dy, node) => {
    const [x, slope] = [node.input(0), node.input(1)];
    const above = gt(x, 0);
    return towards(
      node,
      () => where(above, dy, mul(dy, slope)),
      () => where(above, 0, mul(dy, x)),
    );
  },
});

/** Options of `leakyRelu`. */
export interface LeakyReluOptions {
  /** The slope below 0; default 0.01. */
  negativeSlope?: number;
}

const LEAKY: Kinds<LeakyReluOptions> = { negativeSlope: NUMBER };

/** x above 0, slope·x below (default 0.01), also the gradient at 0: leakyRelu(x, slope) or leakyRelu(x, { negativeSlope }). */
export function leakyRelu(x: Tensor, ...given: [negativeSlope?: number | LeakyReluOptions]): Tensor {
  const { negativeSlope = 0.01 } = optionsBy('leakyRelu', given, LEAKY);
  return apply(leakyReluOp, [asFloat(x, 'leakyRelu'), constant(negativeSlope, 'float32')], undefined);
}

/**
 * x above 0, weight·x below (He et al. 2015, arXiv 1502.01852). One weight serves all; a vector has one per channel, dimension 1 (of a vector x
 * its only one). A weight of more dimensions broadcasts.
 * @throws SHAPE where there are not as many weights as channels
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  assertArity('prelu', arguments.length, 2);
  const op = 'prelu';
  const input = asFloat(x, op);
  assertFloat(op, weight, 'weight');
  const channels = x.sizes[x.rank < 2 ? 0 : 1];
  if (weight.size !== 1 && weight.rank === 1 && weight.size !== channels)
    throw shapeError(op, 'the input has not one channel per weight', [x.sizes, weight.sizes], 'Its dimension 1 must be as long as the weight.');
  const slope = weight.size === 1 ? reshape(weight, []) : weight.rank === 1 && x.rank > 2 ? reshape(weight, [weight.size, ...x.sizes.slice(2).map(() => 1)]) : weight;
  return apply(leakyReluOp, [input, slope], undefined);
}

/** Options of `elu`. */
export interface ELUOptions {
  /** α, how far below 0 it reaches; default 1. */
  alpha?: number;
}

const ELU: Kinds<ELUOptions> = { alpha: NUMBER };

/** x above 0, α·(eˣ − 1) below: elu(x, alpha) or elu(x, { alpha }). */
export function elu(x: Tensor, ...given: [alpha?: number | ELUOptions]): Tensor {
  const { alpha = 1 } = optionsBy('elu', given, ELU);
  const input = asFloat(x, 'elu');
  // The exponential sees nothing above 0, so no infinity meets the gradient of where.
  const below = le(input, 0);
  return where(below, mul(expm1(where(below, input, 0)), alpha), input);
}
