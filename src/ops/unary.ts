// One input, one output of its shape, element by element.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import { assertArity, assertTensor, either, type Kinds, NUMBER, oneOf, optionsBy, optionsOf, TENSOR } from '../tensor/check.ts';
import { type DType, promote } from '../tensor/dtype.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, binaryOp, div, eq, ge, gt, le, logicalAnd, logicalOr, lt, mul, ne, type Operand, operands, sigmoidGrad, sub, tanhGrad, typeOf, where } from './binary.ts';
import { reluGrad } from './binary.ts';
import { asFloat, assertFloat, to } from './convert.ts';
import { constant, full } from './create.ts';
import { clone, reshape } from './movement.ts';
import { sumTo } from './reduce.ts';

type Rule = { saves: 'input' | 'output' | 'nothing'; backward: (dy: Tensor, saved: Tensor) => Tensor };

/** An op on one kernel. `rule.backward` gets what it saves: the input or the output. */
// @__NO_SIDE_EFFECTS__
function unaryOp(name: string, kernel: Kernel, rule?: Rule, intKernel?: Kernel): Op<void> {
  const op: Op<void> = {
    name,
    shape: ([x]) => (x as Tensor).sizes,
    forward: (y, [x]) => {
      call(intKernel && y.dtype !== 'float32' ? intKernel : kernel, (x as Tensor).address, y.address, y.size);
    },
  };
  if (!rule) return op;
  const { saves, backward } = rule;
  const more = { ...op, batched: 'same' as const };
  if (saves === 'output') return { ...more, savesOutput: true, backward: (dy, node) => [backward(dy, node.output)] };
  if (saves === 'input') return { ...more, saves: everyInput, backward: (dy, node) => [backward(dy, node.input(0))] };
  return { ...more, backward: (dy) => [backward(dy, dy)] };
}

const negOp = unaryOp('neg', 'neg', { saves: 'nothing', backward: (dy) => neg(dy) }, 'negInt');
const absOp = unaryOp('abs', 'abs', { saves: 'input', backward: (dy, x) => mul(dy, sign(x)) }, 'absInt');
const sqrtOp = unaryOp('sqrt', 'sqrt', { saves: 'output', backward: (dy, y) => div(dy, mul(y, 2)) });
const rsqrtOp = unaryOp('rsqrt', 'rsqrt', { saves: 'output', backward: (dy, y) => mul(mul(dy, -0.5), mul(y, square(y))) });
const reciprocalOp = unaryOp('reciprocal', 'reciprocal', { saves: 'output', backward: (dy, y) => neg(mul(dy, square(y))) });
const squareOp = unaryOp('square', 'square', { saves: 'input', backward: (dy, x) => mul(dy, mul(x, 2)) });
const expOp = unaryOp('exp', 'exp', { saves: 'output', backward: (dy, y) => mul(dy, y) });
const expm1Op = unaryOp('expm1', 'expm1', { saves: 'output', backward: (dy, y) => mul(dy, add(y, 1)) });
const logOp = unaryOp('log', 'log', { saves: 'input', backward: (dy, x) => div(dy, x) });
const log1pOp = unaryOp('log1p', 'log1p', { saves: 'input', backward: (dy, x) => div(dy, add(x, 1)) });
const sinOp = unaryOp('sin', 'sin', { saves: 'input', backward: (dy, x) => mul(dy, cos(x)) });
const cosOp = unaryOp('cos', 'cos', { saves: 'input', backward: (dy, x) => neg(mul(dy, sin(x))) });
const tanhOp = unaryOp('tanh', 'tanh', { saves: 'output', backward: tanhGrad });
const sigmoidOp = unaryOp('sigmoid', 'sigmoid', { saves: 'output', backward: sigmoidGrad });
const reluOp = unaryOp('relu', 'relu', { saves: 'output', backward: reluGrad });
// d erf/dx = 2/√π · e^(−x²)
const erfOp = unaryOp('erf', 'erf', { saves: 'input', backward: (dy, x) => mul(dy, mul(exp(neg(square(x))), 1.1283791670955126)) });
// Not dy · 0, which is NaN where dy is infinite.
const flat: Rule = { saves: 'nothing', backward: (dy) => full(dy.sizes, 0) };
const signOp = unaryOp('sign', 'sign', flat);
const floorOp = unaryOp('floor', 'floor', flat);
const ceilOp = unaryOp('ceil', 'ceil', flat);
const truncOp = unaryOp('trunc', 'trunc', flat);
const roundOp = unaryOp('round', 'round', flat);
const softplusOp = unaryOp('softplus', 'softplus', { saves: 'input', backward: (dy, x) => mul(dy, sigmoid(x)) });
const notOp: Op<void> = { ...unaryOp('logicalNot', 'not'), dtype: (): DType => 'bool' };

const run = (op: Op<void>, x: Tensor): Tensor => apply(op, [asFloat(x, op.name)], undefined);

/** Whole numbers as they are, in a tensor of their own; floats through `op`. */
function whole(op: Op<void>, x: Tensor): Tensor {
  assertTensor(op.name, x);
  return x.dtype === 'float32' ? apply(op, [x], undefined) : clone(x);
}

/** −x. */
export function neg(x: Tensor): Tensor {
  assertArity('neg', arguments, 1);
  assertTensor('neg', x);
  return apply(negOp, [x.dtype === 'bool' ? to(x, 'int32') : x], undefined);
}
/** |x|; the gradient at 0 is 0. */
export function abs(x: Tensor): Tensor {
  assertArity('abs', arguments, 1);
  assertTensor('abs', x);
  return apply(absOp, [x], undefined);
}
/** −1, 0 or 1, in x's type. */
export function sign(x: Tensor): Tensor {
  assertArity('sign', arguments, 1);
  return x?.dtype === 'int32' ? apply(clampOp, [x], { min: -1, max: 1 }) : whole(signOp, x);
}
/** √x; NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  assertArity('sqrt', arguments, 1);
  return run(sqrtOp, x);
}
/** 1/√x. */
export function rsqrt(x: Tensor): Tensor {
  assertArity('rsqrt', arguments, 1);
  return run(rsqrtOp, x);
}
/** 1/x. */
export function reciprocal(x: Tensor): Tensor {
  assertArity('reciprocal', arguments, 1);
  return run(reciprocalOp, x);
}
/** x². */
export function square(x: Tensor): Tensor {
  assertArity('square', arguments, 1);
  assertTensor('square', x);
  return x.dtype === 'float32' ? apply(squareOp, [x], undefined) : mul(x, to(x, 'int32'));
}
/** eˣ, ≤ 1 ulp. */
export function exp(x: Tensor): Tensor {
  assertArity('exp', arguments, 1);
  return run(expOp, x);
}
/** eˣ − 1, accurate near 0. */
export function expm1(x: Tensor): Tensor {
  assertArity('expm1', arguments, 1);
  return run(expm1Op, x);
}
/** ln x, ≤ 1.1 ulp. */
export function log(x: Tensor): Tensor {
  assertArity('log', arguments, 1);
  return run(logOp, x);
}
/** ln(1 + x), accurate near 0. */
export function log1p(x: Tensor): Tensor {
  assertArity('log1p', arguments, 1);
  return run(log1pOp, x);
}
/** sin x, x in radians. */
export function sin(x: Tensor): Tensor {
  assertArity('sin', arguments, 1);
  return run(sinOp, x);
}
/** cos x, x in radians. */
export function cos(x: Tensor): Tensor {
  assertArity('cos', arguments, 1);
  return run(cosOp, x);
}
/** tanh x, ≤ 1.5 ulp. */
export function tanh(x: Tensor): Tensor {
  assertArity('tanh', arguments, 1);
  return run(tanhOp, x);
}
/** 1/(1 + e⁻ˣ). */
export function sigmoid(x: Tensor): Tensor {
  assertArity('sigmoid', arguments, 1);
  return run(sigmoidOp, x);
}
/** max(x, 0); the gradient at 0 is 0. int32 stays int32. */
export function relu(x: Tensor): Tensor {
  assertArity('relu', arguments, 1);
  return x?.dtype === 'int32' ? apply(clampOp, [x], { min: 0, max: MOST }) : run(reluOp, x);
}
/** The error function, absolute error ≤ 5e-7. */
export function erf(x: Tensor): Tensor {
  assertArity('erf', arguments, 1);
  return run(erfOp, x);
}
/** The largest whole number ≤ x. */
export function floor(x: Tensor): Tensor {
  assertArity('floor', arguments, 1);
  return whole(floorOp, x);
}
/** The smallest whole number ≥ x. */
export function ceil(x: Tensor): Tensor {
  assertArity('ceil', arguments, 1);
  return whole(ceilOp, x);
}
/** x without its fraction. */
export function trunc(x: Tensor): Tensor {
  assertArity('trunc', arguments, 1);
  return whole(truncOp, x);
}
/** The nearest whole number, halves to the even one. */
export function round(x: Tensor): Tensor {
  assertArity('round', arguments, 1);
  return whole(roundOp, x);
}
/** Whether x is 0 or false. bool. */
export function logicalNot(x: Tensor): Tensor {
  assertArity('logicalNot', arguments, 1);
  assertTensor('logicalNot', x);
  return apply(notOp, [to(x, 'bool')], undefined);
}
/** Whether x is NaN. bool. */
export function isnan(x: Tensor): Tensor {
  assertArity('isnan', arguments, 1);
  assertTensor('isnan', x);
  return ne(x, x);
}
/** Whether x is neither NaN nor infinite. bool. */
export function isfinite(x: Tensor): Tensor {
  assertArity('isfinite', arguments, 1);
  assertTensor('isfinite', x);
  return lt(abs(x), Number.POSITIVE_INFINITY);
}

const powOp = binaryOp('pow', 'pow', {
  saves: everyInput,
  backward: (dy, node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const flat = eq(b, 0); // a is kept out there, or second derivatives at 0 would be NaN
    const da = node.needs[0] ? where(flat, 0, mul(dy, mul(b, apply(powOp, [where(flat, 1, a), sub(b, 1)], undefined)))) : null;
    // At a = 0 with b ≥ 0 the limit is 0, where 0 · ln 0 would be NaN.
    const db = node.needs[1] ? where(logicalAnd(eq(a, 0), ge(b, 0)), 0, mul(dy, mul(apply(powOp, [a, b], undefined), log(a)))) : null;
    return [da && sumTo(da, node.shapes[0] as Shape), db && sumTo(db, node.shapes[1] as Shape)];
  },
});
/** As `sqrt`, but backward reads the input, as for other powers. */
const halfPowerOp = unaryOp('pow', 'sqrt', { saves: 'input', backward: (dy, x) => div(dy, mul(apply(halfPowerOp, [x], undefined), 2)) });

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
  shape: ([x]) => (x as Tensor).sizes,
  forward: (y, [x], { min, max }) => {
    const { address, size } = x as Tensor;
    const ints = y.dtype === 'int32';
    const [low, high] = [constant(min, y.dtype).address, constant(max, y.dtype).address];
    call(ints ? 'maximumInt' : 'maximum', address, low, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
    call(ints ? 'minimumInt' : 'minimum', y.address, high, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
  },
  saves: everyInput,
  backward: (dy, node) => {
    const x = node.input(0);
    const { min, max } = node.attrs;
    return [where(logicalAnd(ge(x, min), le(x, max)), dy, 0)];
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
 * The gradient goes to x inside (ends included), else to the bound. A bound that is NaN gives NaN.
 */
export function clamp(x: Tensor, ...given: [min?: Operand | ClampOptions, max?: Operand]): Tensor {
  const op = 'clamp';
  assertTensor(op, x);
  const { min, max } = optionsBy(op, given, CLAMP);
  if (min === undefined && max === undefined) throw valueError(op, 'has no bound. Give min, max or both.');
  const bounds = [min, max].filter((b) => b !== undefined);
  if (bounds.some((b) => b instanceof Tensor)) {
    const raised = min === undefined ? x : bounded(x, min, lt);
    return max === undefined ? raised : bounded(raised, max, gt);
  }
  const dtype = bounds.reduce((type: DType, b) => promote(type, typeOf(op, b)), promote(x.dtype, 'int32'));
  const [low, high] = dtype === 'int32' ? [LEAST, MOST] : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return apply(clampOp, [to(x, dtype)], { min: (min as number | undefined) ?? low, max: (max as number | undefined) ?? high });
}

/** The bound where x is beyond it, or where it is NaN; else x. */
function bounded(x: Tensor, bound: Operand, beyond: (a: Operand, b: Operand) => Tensor): Tensor {
  const limit = typeof bound === 'number' ? constant(bound, typeOf('clamp', bound)) : bound;
  return where(logicalOr(beyond(x, limit), ne(limit, limit)), limit, x);
}

const geluGradOp = binaryOp('geluGrad', 'geluGrad', {
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
  shape: ([x]) => (x as Tensor).sizes,
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
export function silu(x: Tensor): Tensor {
  assertArity('silu', arguments, 1);
  assertTensor('silu', x);
  return mul(x, sigmoid(x));
}

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

const leakyReluOp = binaryOp('leakyRelu', 'leakyRelu', {
  saves: everyInput,
  backward: (dy, node) => {
    const [x, slope] = [node.input(0), node.input(1)];
    const above = gt(x, 0);
    const dslope = node.needs[1] ? sumTo(where(above, 0, mul(dy, x)), node.shapes[1] as Shape) : null;
    return [node.needs[0] ? where(above, dy, mul(dy, slope)) : null, dslope];
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
  return where(le(input, 0), mul(expm1(clamp(input, { max: 0 })), alpha), input);
}
