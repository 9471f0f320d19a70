// One input, one output of its shape, element by element.
import { call } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import type { DType } from '../tensor/dtype.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, binaryOp, div, eq, ge, gt, le, logicalAnd, lt, mul, type Operand, operands, sigmoidGrad, sub, tanhGrad, where } from './binary.ts';
import { reluGrad } from './binary.ts';
import { asFloat, assertFloat, to } from './convert.ts';
import { constant } from './create.ts';
import { sumTo } from './reduce.ts';

type Rule = { saves: 'input' | 'output' | 'nothing'; backward: (dy: Tensor, saved: Tensor) => Tensor };

/** An op on one kernel. `rule.backward` gets what it saves: the input or the output. */
function unaryOp(name: string, kernel: Kernel, rule?: Rule, intKernel?: Kernel): Op<void> {
  const op: Op<void> = {
    name,
    shape: ([x]) => (x as Tensor).shape,
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
const signOp = unaryOp('sign', 'sign', { saves: 'nothing', backward: (dy) => mul(dy, 0) });
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
const flat: Rule = { saves: 'nothing', backward: (dy) => mul(dy, 0) };
const floorOp = unaryOp('floor', 'floor', flat);
const ceilOp = unaryOp('ceil', 'ceil', flat);
const truncOp = unaryOp('trunc', 'trunc', flat);
const roundOp = unaryOp('round', 'round', flat);
const softplusOp = unaryOp('softplus', 'softplus', { saves: 'input', backward: (dy, x) => mul(dy, sigmoid(x)) });
const notOp: Op<void> = { ...unaryOp('logicalNot', 'not'), dtype: (): DType => 'bool' };

const run = (op: Op<void>, x: Tensor): Tensor => apply(op, [asFloat(x)], undefined);

/** −x. */
export function neg(x: Tensor): Tensor {
  return apply(negOp, [x.dtype === 'bool' ? to(x, 'int32') : x], undefined);
}
/** |x|; the gradient at 0 is 0. */
export function abs(x: Tensor): Tensor {
  return apply(absOp, [x], undefined);
}
/** −1, 0 or 1. */
export const sign = (x: Tensor): Tensor => run(signOp, x);
/** √x; NaN below 0. */
export const sqrt = (x: Tensor): Tensor => run(sqrtOp, x);
/** 1/√x. */
export const rsqrt = (x: Tensor): Tensor => run(rsqrtOp, x);
/** 1/x. */
export const reciprocal = (x: Tensor): Tensor => run(reciprocalOp, x);
/** x². */
export const square = (x: Tensor): Tensor => (x.dtype === 'float32' ? run(squareOp, x) : mul(x, x));
/** eˣ, ≤ 1 ulp. */
export const exp = (x: Tensor): Tensor => run(expOp, x);
/** eˣ − 1, accurate near 0. */
export const expm1 = (x: Tensor): Tensor => run(expm1Op, x);
/** ln x, ≤ 1.1 ulp. */
export const log = (x: Tensor): Tensor => run(logOp, x);
/** ln(1 + x), accurate near 0. */
export const log1p = (x: Tensor): Tensor => run(log1pOp, x);
/** sin x, x in radians. */
export const sin = (x: Tensor): Tensor => run(sinOp, x);
/** cos x, x in radians. */
export const cos = (x: Tensor): Tensor => run(cosOp, x);
/** tanh x, ≤ 1.5 ulp. */
export const tanh = (x: Tensor): Tensor => run(tanhOp, x);
/** 1/(1 + e⁻ˣ). */
export const sigmoid = (x: Tensor): Tensor => run(sigmoidOp, x);
/** max(x, 0); the gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => run(reluOp, x);
/** The error function, absolute error ≤ 5e-7. */
export const erf = (x: Tensor): Tensor => run(erfOp, x);
/** The largest whole number ≤ x. */
export const floor = (x: Tensor): Tensor => (x.dtype === 'float32' ? run(floorOp, x) : x);
/** The smallest whole number ≥ x. */
export const ceil = (x: Tensor): Tensor => (x.dtype === 'float32' ? run(ceilOp, x) : x);
/** x without its fraction. */
export const trunc = (x: Tensor): Tensor => (x.dtype === 'float32' ? run(truncOp, x) : x);
/** The nearest whole number, halves to the even one. */
export const round = (x: Tensor): Tensor => (x.dtype === 'float32' ? run(roundOp, x) : x);
/** Whether x is 0 or false. bool. */
export const logicalNot = (x: Tensor): Tensor => apply(notOp, [to(x, 'bool')], undefined);
/** Whether x is NaN. bool. */
export const isnan = (x: Tensor): Tensor => logicalNot(eq(x, x));
/** Whether x is neither NaN nor infinite. bool. */
export const isfinite = (x: Tensor): Tensor => lt(abs(x), Number.POSITIVE_INFINITY);

const powOp = binaryOp('pow', 'pow', {
  saves: everyInput,
  savesOutput: true,
  backward: (dy, node) => {
    const [a, b] = [node.input(0), node.input(1)];
    const da = node.needs[0] ? where(eq(b, 0), 0, mul(dy, mul(b, apply(powOp, [a, sub(b, 1)], undefined)))) : null;
    // At a = 0 with b ≥ 0 the limit is 0, where 0 · ln 0 would be NaN.
    const db = node.needs[1] ? where(logicalAnd(eq(a, 0), ge(b, 0)), 0, mul(dy, mul(node.output, log(a)))) : null;
    return [da && sumTo(da, node.shapes[0] as Shape), db && sumTo(db, node.shapes[1] as Shape)];
  },
});

/** aᵇ, float32. Shapes broadcast. */
export function pow(a: Operand, b: Operand): Tensor {
  if (typeof a !== 'number' && b === 2) return square(a);
  if (typeof a !== 'number' && b === 0.5) return sqrt(a);
  return apply(powOp, operands('pow', a, b, 'float32'), undefined);
}

/** Bounds that are numbers: two kernels, no masks in memory. */
const clampOp: Op<{ min: number; max: number }> = {
  name: 'clamp',
  shape: ([x]) => (x as Tensor).shape,
  forward: (y, [x], { min, max }) => {
    const { address, size } = x as Tensor;
    const [low, high] = [constant(min, 'float32').address, constant(max, 'float32').address];
    call('maximum', address, low, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
    call('minimum', y.address, high, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
  },
  saves: everyInput,
  backward: (dy, node) => {
    const x = node.input(0);
    const { min, max } = node.attrs;
    return [mul(dy, asFloat(logicalAnd(ge(x, min), le(x, max))))];
  },
  batched: 'same',
};

/** x kept within [min, max]; either end may be left out, or be a tensor. The gradient goes to x inside (ends included), else to the bound. */
export function clamp(x: Tensor, options: { min?: Operand; max?: Operand }): Tensor {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = options;
  if (typeof min === 'number' && typeof max === 'number') return apply(clampOp, [asFloat(x)], { min, max });
  const raised = where(lt(x, min), min, x);
  return where(gt(raised, max), max, raised);
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
  shape: ([x]) => (x as Tensor).shape,
  forward: (y, [x]) => {
    const { address, size } = x as Tensor;
    call('mulNormalCdf', address, address, y.address, 1, 1, size, 0, 0, 1, 0, 0, 1);
  },
  saves: everyInput,
  backward: (dy, node) => [apply(geluGradOp, [dy, node.input(0)], undefined)],
  batched: 'same',
};

/** x·Φ(x) (Hendrycks & Gimpel 2016, arXiv 1606.08415); `approximate: 'tanh'` gives its tanh form. */
export function gelu(x: Tensor, options: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  if (options.approximate !== 'tanh') return run(geluOp, x);
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), 0.7978845608028654);
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

/** x·sigmoid(x), also called swish. */
export function silu(x: Tensor): Tensor {
  return mul(x, sigmoid(x));
}

/** ln(1 + e^(βx))/β; x itself where βx > threshold. */
export function softplus(x: Tensor, options: { beta?: number; threshold?: number } = {}): Tensor {
  const { beta = 1, threshold = 20 } = options;
  const scaled = mul(asFloat(x), beta);
  return where(gt(scaled, threshold), x, div(run(softplusOp, scaled), beta));
}

const leakyReluOp = binaryOp('leakyRelu', 'leakyRelu', {
  saves: everyInput,
  backward: (dy, node) => {
    const [x, slope] = [node.input(0), node.input(1)];
    const below = lt(x, 0);
    const dslope = node.needs[1] ? sumTo(where(below, mul(dy, x), 0), node.shapes[1] as Shape) : null;
    return [node.needs[0] ? where(below, mul(dy, slope), dy) : null, dslope];
  },
});

/** x above 0, slope·x below (0.01 unless said). */
export function leakyRelu(x: Tensor, options: { negativeSlope?: number } = {}): Tensor {
  return prelu(x, constant(options.negativeSlope ?? 0.01, 'float32'));
}

/** x above 0, weight·x below; the weight broadcasts (He et al. 2015, arXiv 1502.01852). */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  assertFloat('prelu', weight);
  return apply(leakyReluOp, [asFloat(x), weight], undefined);
}

/** x above 0, α·(eˣ − 1) below. */
export function elu(x: Tensor, options: { alpha?: number } = {}): Tensor {
  // The exponential sees nothing above 0, so no infinity meets the gradient of where.
  return where(gt(x, 0), x, mul(expm1(clamp(x, { max: 0 })), options.alpha ?? 1));
}
