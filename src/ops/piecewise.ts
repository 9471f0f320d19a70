// Activations made of straight pieces, or of pieces that meet in a kink. Their gradients there are PyTorch's.
import { call } from '../runtime/call.ts';
import { assertArity, assertTensor, checkArgument, type Kinds, NUMBER, ofOne, optionsBy } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, ge, gt, le, logicalAnd, logicalOr, lt, mul, sub, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { constant } from './create.ts';
import { formula, formulaOp } from './formula.ts';
import { abs, clamp } from './unary.ts';

interface Bounds {
  min: number;
  max: number;
}

/** As clamp, but without a gradient at the bounds themselves. */
const hardtanhOp: Op<Bounds> = {
  name: 'hardtanh',
  forward: (y, [x], { min, max }) => {
    const { address, size } = x as Tensor;
    call('maximum', address, constant(min, 'float32').address, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
    call('minimum', y.address, constant(max, 'float32').address, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
  },
  saves: everyInput,
  backward: (dy, node) => {
    const x = node.input(0);
    return [where(logicalOr(le(x, node.attrs.min), ge(x, node.attrs.max)), 0, dy)];
  },
  batched: 'same',
};

/** Options of `hardtanh`. */
export interface HardtanhOptions {
  /** The least value; default −1. */
  minVal?: number;
  /** The largest value; default 1. */
  maxVal?: number;
}

const HARDTANH: Kinds<HardtanhOptions> = { minVal: NUMBER, maxVal: NUMBER };

/** @internal `hardtanh` with its bounds. int32 stays int32 where they are whole. */
export function between(x: Tensor, min: number, max: number): Tensor {
  assertTensor('hardtanh', x);
  return x.dtype === 'int32' ? clamp(x, min, max) : apply(hardtanhOp, [asFloat(x)], { min, max });
}

/** x kept within [minVal, maxVal], no gradient at or beyond the bounds: hardtanh(x, minVal, maxVal) or hardtanh(x, { minVal, maxVal }). */
export function hardtanh(x: Tensor, ...given: [minVal?: number | HardtanhOptions, maxVal?: number]): Tensor {
  const { minVal = -1, maxVal = 1 } = optionsBy('hardtanh', given, HARDTANH);
  if (!(minVal <= maxVal)) throw valueError('hardtanh', `minVal must be ≤ maxVal, got ${minVal} and ${maxVal}. Swap them.`);
  return between(x, minVal, maxVal);
}

/** min(max(x, 0), 6). */
export const relu6: (x: Tensor) => Tensor = ofOne('relu6', (x) => between(x, 0, 6));

/** min(max(x/6 + ½, 0), 1): the sigmoid in straight pieces. */
export const hardsigmoid: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'hardsigmoid',
  (x) => mul(between(add(x, 3), 0, 6), 1 / 6),
  (dy, x) => where(logicalAnd(gt(x, -3), lt(x, 3)), mul(dy, 1 / 6), 0),
);

/** x·hardsigmoid(x) (Howard et al. 2019, arXiv 1905.02244). */
export const hardswish: (x: Tensor) => Tensor = /* @__PURE__ */ formula(
  'hardswish',
  (x) => mul(x, hardsigmoid(x)),
  (dy, x) => where(le(x, -3), 0, where(lt(x, 3), add(mul(dy, hardsigmoid(x)), mul(mul(dy, between(x, -3, 3)), 1 / 6)), dy)),
);

/** Options of `softshrink` and `hardshrink`. */
export interface ShrinkOptions {
  /** λ, how far from 0 it reaches; default ½. */
  lambd?: number;
}

const SHRINK: Kinds<ShrinkOptions> = { lambd: NUMBER };

const softshrinkOp = /* @__PURE__ */ formulaOp<{ lambd: number }>(
  'softshrink',
  (x, { lambd }) => sub(x, clamp(x, -lambd, lambd)),
  (dy, x, { lambd }) => where(logicalAnd(ge(x, -lambd), le(x, lambd)), 0, dy),
);

/** x − λ above λ, x + λ below −λ, 0 between; λ ½ by default: softshrink(x, lambd) or softshrink(x, { lambd }). */
export function softshrink(x: Tensor, ...given: [lambd?: number | ShrinkOptions]): Tensor {
  const { lambd = 0.5 } = optionsBy('softshrink', given, SHRINK);
  if (!(lambd >= 0)) throw valueError('softshrink', `lambd must be ≥ 0, got ${lambd}.`);
  return apply(softshrinkOp, [asFloat(x, 'softshrink')], { lambd });
}

/** x where |x| > λ, else 0; λ ½ by default: hardshrink(x, lambd) or hardshrink(x, { lambd }). */
export function hardshrink(x: Tensor, ...given: [lambd?: number | ShrinkOptions]): Tensor {
  const { lambd = 0.5 } = optionsBy('hardshrink', given, SHRINK);
  assertTensor('hardshrink', x);
  return where(le(abs(x), lambd), 0, x);
}

/** x above the threshold, else `value`. */
export function threshold(x: Tensor, at: number, value: number): Tensor {
  assertArity('threshold', arguments.length, 3);
  assertTensor('threshold', x);
  checkArgument('threshold', 'the threshold', at, NUMBER);
  checkArgument('threshold', 'value', value, NUMBER);
  return where(le(x, at), value, x);
}
