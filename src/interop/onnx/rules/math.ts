// Operators that go element by element, and reductions.
import { acos, acosh, asin, asinh, atan, atanh, cosh, sinh, tan } from '../../../ops/angles.ts';
import { add, div, eq, ge, gt, le, logicalAnd, logicalOr, logicalXor, lt, maximum, minimum, mul, type OfTwo, sub, where } from '../../../ops/binary.ts';
import { to } from '../../../ops/convert.ts';
import { divide, fmod, remainder } from '../../../ops/division.ts';
import { bitwiseAnd, bitwiseOr, bitwiseXor } from '../../../ops/integers.ts';
import { amax, amin, logsumexp, mean, norm } from '../../../ops/moments.ts';
import { argmax, argmin, sum } from '../../../ops/reduce.ts';
import { cumsum, prod } from '../../../ops/scan.ts';
import { isneginf, isposinf, isinf } from '../../../ops/signs.ts';
import { celu, mish, softsign } from '../../../ops/smooth.ts';
import { logSoftmax, softmax } from '../../../ops/softmax.ts';
import { inShape } from '../../../ops/movement.ts';
import * as u from '../../../ops/unary.ts';
import { flip } from '../../../ops/arrange.ts';
import { hardswish } from '../../../ops/piecewise.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { DType } from '../../../tensor/dtype.ts';
import { sizeOf } from '../../../tensor/shape.ts';
import { dtypeOf } from '../file.ts';
import { asTensor, dimsOf, HostArray, mapped, type Value } from '../host.ts';
import type { NodeView } from '../node.ts';
import { given, numberOf, onTensors, plain, type Rule, type Rules, unary } from './rule.ts';

/** Of two inputs that broadcast. `host`: the same of numbers. */
const binary = (f: OfTwo, host?: (a: number, b: number) => number, dtype?: DType): Rule => ({
  inputs: [2, 2],
  make: () => onTensors((a, b) => f(a as Tensor, b as Tensor)),
  ...(host && { host: () => (a, b) => mapped(host, [a, b] as HostArray[], dtype) }),
});
const compared = (f: OfTwo, host: (a: number, b: number) => boolean): Rule => binary(f, (a, b) => Number(host(a, b)), 'bool');

/** Of any number of inputs, one after the other; `mean` divides by how many there are. */
const variadic = (f: OfTwo, host: (a: number, b: number) => number, mean = false): Rule => ({
  inputs: [1, Number.POSITIVE_INFINITY],
  make: () =>
    onTensors((...all) => {
      const y = all.reduce((a, b) => f(a, b));
      return mean ? div(y, all.length) : y;
    }),
  host:
    () =>
    (...all) =>
      mapped((...v) => v.reduce((a, b) => host(a, b)) / (mean ? v.length : 1), all as HostArray[]),
});

/** Whole numbers stay whole: the quotient is cut off. */
const quotient: Rule = {
  inputs: [2, 2],
  make: () => onTensors((a, b) => (a?.dtype === 'int32' && b?.dtype === 'int32' ? divide(a, b, { roundingMode: 'trunc' }) : div(a as Tensor, b as Tensor))),
  host: () => (a, b) => mapped((x, y) => (a?.dtype === 'int32' ? Math.trunc(x / y) : x / y), [a, b] as HostArray[]),
};

/** Which dimensions go and whether they stay as 1. Axes stand in an input, or in an attribute as before opset 18 (13 for sums). */
const reducedBy = (node: NodeView) => {
  const [axes, noop] = [node.has('axes') ? node.ints('axes') : [], node.int('noop_with_empty_axes', 0) !== 0];
  return {
    keepdim: node.int('keepdims', 1) !== 0,
    /** Null where nothing is reduced: without axes all are, unless `noop_with_empty_axes`. */
    dims: (at: Value | undefined, rank: number): number[] | null => {
      const asked = given(at) ?? axes;
      if (asked.length > 0) return dimsOf(asked, rank);
      return noop ? null : Array.from({ length: rank }, (_, i) => i);
    },
  };
};

const reduction = (f: (x: Tensor, options: { dim: number[]; keepdim: boolean }) => Tensor, host?: (values: number[]) => number): Rule => ({
  inputs: [1, 2],
  numbers: [1],
  make: (node) => {
    const { keepdim, dims } = reducedBy(node);
    return (data, at) => {
      const x = asTensor(data as Value);
      const dim = dims(at, x.rank);
      if (!dim) return x;
      return x.rank === 0 ? f(inShape(x, [1]), { dim: [0], keepdim: false }) : f(x, { dim, keepdim });
    };
  },
  ...(host && {
    // What shapes are multiplied up with: a list to its one number.
    host: (node) => {
      const { keepdim, dims } = reducedBy(node);
      return (data, at) => {
        const x = data as HostArray;
        if (!dims(at, x.shape.length)) return x;
        if (x.shape.length > 1) throw node.error('reduces a computed shape of several dimensions, which is not offered.');
        return new HostArray(keepdim ? x.shape.map(() => 1) : [], [host(Array.from(x.values))], x.dtype);
      };
    },
  }),
});

/** Before opset 13 all dimensions from `axis` on, by default 1, are one. */
const soft = (f: (x: Tensor, dim: number) => Tensor): Rule =>
  unary((node) => {
    const axis = node.int('axis', node.opset < 13 ? 1 : -1);
    if (node.opset >= 13) return (x) => f(x, axis);
    return (x) => {
      const at = axis < 0 ? axis + x.rank : axis;
      return inShape(f(inShape(x, [sizeOf(x.sizes.slice(0, at)), sizeOf(x.sizes.slice(at))]), 1), x.sizes);
    };
  });

const chosen = (f: typeof argmax): Rule =>
  unary((node) => {
    const [axis, keepdim] = [node.int('axis', 0), node.int('keepdims', 1) !== 0];
    node.only('select_last_index', 0);
    return (x) => f(x, { dim: axis, keepdim });
  });

const cast =
  (dtype: DType): ((x: Value) => Value) =>
  (x) => {
    if (!(x instanceof HostArray)) return to(x, dtype);
    const cut = dtype === 'bool' ? (v: number) => Number(v !== 0) : dtype === 'int32' ? Math.trunc : (v: number) => v;
    return mapped(cut, [x], dtype);
  };

const clip: Rule = {
  inputs: [1, 3],
  numbers: [1, 2],
  make: () => (x, low, high) => {
    const [min, max] = [given(low)?.[0], given(high)?.[0]];
    const t = asTensor(x as Value);
    return min === undefined && max === undefined ? t : u.clamp(t, { ...(min !== undefined && { min }), ...(max !== undefined && { max }) });
  },
};

/** max(0, x) + slope · min(0, x), which broadcasts. */
const sloped = (x: Tensor, slope: Tensor): Tensor => add(u.relu(x), mul(minimum(x, 0), slope));

const cumulative: Rule = {
  inputs: [2, 2],
  numbers: [1],
  make: (node) => {
    const reverse = node.int('reverse', 0) !== 0;
    node.only('exclusive', 0);
    return (x, axis) => {
      const [t, dim] = [asTensor(x as Value), numberOf(axis, 0)];
      return reverse ? flip(cumsum(flip(t, dim), dim), dim) : cumsum(t, dim);
    };
  },
};

const modulo: Rule = {
  inputs: [2, 2],
  make: (node) => (node.int('fmod', 0) ? onTensors((a, b) => fmod(a as Tensor, b as Tensor)) : onTensors((a, b) => remainder(a as Tensor, b as Tensor))),
  host: (node) => {
    const f = node.int('fmod', 0) ? (x: number, y: number) => x % y : (x: number, y: number) => x - y * Math.floor(x / y);
    return (a, b) => mapped(f, [a, b] as HostArray[]);
  },
};

/** The type is the base's: a power of a whole number is cut off. */
const power: Rule = {
  inputs: [2, 2],
  note: 'powers of whole numbers are exact below 2²⁴',
  make: () =>
    onTensors((a, b) => {
      const y = u.pow(a as Tensor, b as Tensor);
      return a?.dtype === 'int32' ? to(y, 'int32') : y;
    }),
  host: () => (a, b) => mapped((x, y) => (a?.dtype === 'int32' ? Math.trunc(x ** y) : x ** y), [a, b] as HostArray[]),
};

const alpha = (node: NodeView, usual: number): number => node.float('alpha', usual);
const square = u.square;

/** @internal Rows by operator. */
export const mathRules: Rules = {
  Abs: plain(u.abs, Math.abs),
  Acos: plain(acos),
  Acosh: plain(acosh),
  Add: binary(add, (a, b) => a + b),
  And: compared(logicalAnd, (a, b) => Boolean(a && b)),
  ArgMax: chosen(argmax),
  ArgMin: chosen(argmin),
  Asin: plain(asin),
  Asinh: plain(asinh),
  Atan: plain(atan),
  Atanh: plain(atanh),
  BitwiseAnd: binary(bitwiseAnd),
  BitwiseOr: binary(bitwiseOr),
  BitwiseXor: binary(bitwiseXor),
  Cast: {
    inputs: [1, 1],
    note: 'to float16, bfloat16 and double gives float32; to any integer int32',
    make: (node) => {
      node.ignore('saturate', 'round_mode');
      const f = cast(dtypeOf(node.int('to'), node.label));
      return (x) => f(x as Value);
    },
    host: (node) => {
      const f = cast(dtypeOf(node.int('to'), node.label));
      return (x) => f(x as HostArray) as HostArray;
    },
  },
  CastLike: { inputs: [2, 2], make: () => (x, like) => cast((like as Value).dtype)(x as Value) },
  Ceil: plain(u.ceil, Math.ceil),
  Celu: unary((node) =>
    (
      (a) => (x) =>
        celu(x, { alpha: a })
    )(alpha(node, 1)),
  ),
  Clip: clip,
  Cos: plain(u.cos),
  Cosh: plain(cosh),
  CumSum: cumulative,
  Div: quotient,
  Elu: unary((node) =>
    (
      (a) => (x) =>
        u.elu(x, { alpha: a })
    )(alpha(node, 1)),
  ),
  Equal: compared(eq, (a, b) => a === b),
  Erf: plain(u.erf),
  Exp: plain(u.exp),
  Floor: plain(u.floor, Math.floor),
  Gelu: unary((node) =>
    (
      (approximate) => (x) =>
        u.gelu(x, { approximate })
    )(node.word('approximate', 'none', 'tanh')),
  ),
  Greater: compared(gt, (a, b) => a > b),
  GreaterOrEqual: compared(ge, (a, b) => a >= b),
  HardSigmoid: unary((node) => {
    const [a, b] = [alpha(node, 0.2), node.float('beta', 0.5)];
    return (x) => u.clamp(add(mul(x, a), b), { min: 0, max: 1 });
  }),
  HardSwish: plain(hardswish),
  IsInf: unary((node) => {
    const [negative, positive] = [node.int('detect_negative', 1), node.int('detect_positive', 1)];
    return negative && positive ? isinf : negative ? isneginf : positive ? isposinf : (x) => logicalAnd(isinf(x), false as never);
  }),
  IsNaN: plain(u.isnan),
  LeakyRelu: unary((node) =>
    (
      (a) => (x) =>
        u.leakyRelu(x, { negativeSlope: a })
    )(alpha(node, 0.01)),
  ),
  Less: compared(lt, (a, b) => a < b),
  LessOrEqual: compared(le, (a, b) => a <= b),
  Log: plain(u.log),
  LogSoftmax: soft(logSoftmax),
  Max: variadic(maximum, Math.max),
  Mean: variadic(add, (a, b) => a + b, true),
  Min: variadic(minimum, Math.min),
  Mish: plain(mish),
  Mod: modulo,
  Mul: binary(mul, (a, b) => a * b),
  Neg: plain(u.neg, (x) => -x),
  Not: plain(u.logicalNot, (x) => Number(!x)),
  Or: compared(logicalOr, (a, b) => Boolean(a || b)),
  PRelu: { inputs: [2, 2], weights: [1], make: () => onTensors((x, slope) => sloped(x as Tensor, slope as Tensor)) },
  Pow: power,
  Reciprocal: plain(u.reciprocal),
  ReduceL1: reduction((x, options) => sum(u.abs(x), options)),
  ReduceL2: reduction((x, { dim, keepdim }) => norm(x, { p: 2, dim, keepdim })),
  ReduceLogSum: reduction((x, options) => u.log(sum(x, options))),
  ReduceLogSumExp: reduction((x, options) => logsumexp(x, options)),
  ReduceMax: reduction(
    (x, options) => amax(x, options),
    (v) => Math.max(...v),
  ),
  ReduceMean: reduction((x, options) => mean(x, options)),
  ReduceMin: reduction(
    (x, options) => amin(x, options),
    (v) => Math.min(...v),
  ),
  ReduceProd: reduction(
    (x, { dim, keepdim }) => [...dim].sort((a, b) => b - a).reduce((y, d) => prod(y, { dim: d, keepdim }), x),
    (v) => v.reduce((a, b) => a * b, 1),
  ),
  ReduceSum: reduction(
    (x, options) => sum(x, options),
    (v) => v.reduce((a, b) => a + b, 0),
  ),
  ReduceSumSquare: reduction((x, options) => sum(square(x), options)),
  Relu: plain(u.relu, (x) => Math.max(x, 0)),
  Round: plain(u.round),
  Selu: unary((node) => {
    const [a, gamma] = [alpha(node, 1.6732632423543772), node.float('gamma', 1.0507009873554805)];
    return (x) => mul(u.elu(x, { alpha: a }), gamma);
  }),
  Shrink: unary((node) => {
    const [bias, lambd] = [node.float('bias', 0), node.float('lambd', 0.5)];
    return (x) => where(lt(x, -lambd), add(x, bias), where(gt(x, lambd), sub(x, bias), 0));
  }),
  Sigmoid: plain(u.sigmoid),
  Sign: plain(u.sign),
  Sin: plain(u.sin),
  Sinh: plain(sinh),
  Softmax: soft(softmax),
  Softplus: plain((x) => u.softplus(x)),
  Softsign: plain(softsign),
  Sqrt: plain(u.sqrt, Math.sqrt),
  Sub: binary(sub, (a, b) => a - b),
  Sum: variadic(add, (a, b) => a + b),
  Swish: unary((node) =>
    (
      (a) => (x) =>
        mul(x, u.sigmoid(mul(x, a)))
    )(alpha(node, 1)),
  ),
  Tan: plain(tan),
  Tanh: plain(u.tanh),
  ThresholdedRelu: unary((node) =>
    (
      (a) => (x) =>
        where(gt(x, a), x, 0)
    )(alpha(node, 1)),
  ),
  Where: {
    inputs: [3, 3],
    make: () => onTensors((c, a, b) => where(c as Tensor, a as Tensor, b as Tensor)),
    host: () => (c, a, b) => mapped((x, y, z) => (x ? y : z), [c, a, b] as HostArray[], (a as HostArray).dtype),
  },
  Xor: compared(logicalXor, (a, b) => Boolean(a) !== Boolean(b)),
};
