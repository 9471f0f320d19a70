// Activations made of straight pieces, or of pieces that meet in a kink. Their gradients there are PyTorch's.
import { call } from '../runtime/call.ts';
import { valueError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, gt, le, logicalAnd, lt, mul, sub, where } from './binary.ts';
import { asFloat } from './convert.ts';
import { constant } from './create.ts';
import { abs, clamp } from './unary.ts';

interface Bounds {
  min: number;
  max: number;
}

/** As clamp, but without a gradient at the bounds themselves. */
const hardtanhOp: Op<Bounds> = {
  name: 'hardtanh',
  shape: ([x]) => (x as Tensor).shape,
  forward: (y, [x], { min, max }) => {
    const { address, size } = x as Tensor;
    call('maximum', address, constant(min, 'float32').address, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
    call('minimum', y.address, constant(max, 'float32').address, y.address, 1, 1, size, 0, 0, 1, 0, 0, 0);
  },
  saves: everyInput,
  backward: (dy, node) => {
    const x = node.input(0);
    return [mul(dy, asFloat(logicalAnd(gt(x, node.attrs.min), lt(x, node.attrs.max))))];
  },
  batched: 'same',
};

/** Options of `hardtanh`. */
export interface HardtanhOptions {
  /** The least value; −1 unless said. */
  minVal?: number;
  /** The largest value; 1 unless said. */
  maxVal?: number;
}

/** x kept within [minVal, maxVal]; no gradient at or beyond the bounds. */
export function hardtanh(x: Tensor, options: HardtanhOptions = {}): Tensor {
  const { minVal = -1, maxVal = 1 } = options;
  if (!(minVal <= maxVal)) throw valueError('hardtanh', `minVal must be ≤ maxVal, got ${minVal} and ${maxVal}. Swap them.`);
  return apply(hardtanhOp, [asFloat(x)], { min: minVal, max: maxVal });
}

/** min(max(x, 0), 6). */
export const relu6 = (x: Tensor): Tensor => hardtanh(x, { minVal: 0, maxVal: 6 });

/** min(max(x/6 + ½, 0), 1): the sigmoid in straight pieces. */
export const hardsigmoid = (x: Tensor): Tensor => mul(hardtanh(add(x, 3), { minVal: 0, maxVal: 6 }), 1 / 6);

/** x·hardsigmoid(x) (Howard et al. 2019, arXiv 1905.02244). */
export const hardswish = (x: Tensor): Tensor => mul(x, hardsigmoid(x));

/** x − λ above λ, x + λ below −λ, 0 between; λ ½ unless said. */
export function softshrink(x: Tensor, options: { lambd?: number } = {}): Tensor {
  const { lambd = 0.5 } = options;
  if (!(lambd >= 0)) throw valueError('softshrink', `lambd must be ≥ 0, got ${lambd}.`);
  return sub(x, clamp(x, { min: -lambd, max: lambd }));
}

/** x where |x| > λ, else 0; λ ½ unless said. */
export function hardshrink(x: Tensor, options: { lambd?: number } = {}): Tensor {
  return where(le(abs(x), options.lambd ?? 0.5), 0, x);
}

/** x above the threshold, else `value`. */
export function threshold(x: Tensor, at: number, value: number): Tensor {
  return where(le(x, at), value, x);
}
