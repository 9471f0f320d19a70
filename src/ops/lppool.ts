// Power-average pooling, made of other ops.
import { FLAG, type Kinds, NUMBER, checkArgument, optionsBy, orNull, WHOLE } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { avgPool1d, avgPool2d } from './avgpool.ts';
import { mul } from './binary.ts';
import { avgPool3d } from './pool3d.ts';
import { abs, pow, relu, sign } from './unary.ts';
import { eachOf, PAIR, type Pair, TRIPLE, type Triple } from './windows.ts';

/** Options of power-average pooling, with PyTorch's defaults. `S`: numbers for each direction. */
export interface LPPoolOptions<S = number | readonly number[]> {
  /** Step between windows; default the window's size. */
  stride?: S | null;
  /** Whether a last window that does not fit whole counts too; default false. */
  ceilMode?: boolean;
}

const kinds = (step: typeof PAIR): Kinds<LPPoolOptions> => ({ stride: orNull(step), ceilMode: FLAG });
type Arguments<S> = [stride?: S | LPPoolOptions<S> | null, ceilMode?: boolean];

/** (Σ xᵖ)^(1/p), from the windows' averages of xᵖ. A negative sum gives the root of its size with its sign. */
function rootOf(op: string, x: Tensor, p: number, kernel: number | readonly number[], directions: number, average: (powers: Tensor) => Tensor): Tensor {
  checkArgument(op, 'normType', p, NUMBER);
  const count = eachOf(op, 'kernelSize', kernel, directions, 1).reduce((a, b) => a * b, 1);
  const y = average(pow(x, p));
  return pow(mul(mul(sign(y), relu(abs(y))), count), 1 / p);
}

/** (Σ xᵖ)^(1/p) over each window; p = 1 is a sum, ∞ would be the maximum. x [N, C, L] or [C, L]. By position: stride, ceilMode. */
export function lpPool1d(x: Tensor, normType: number, kernelSize: number, ...given: Arguments<number>): Tensor {
  const options = optionsBy('lpPool1d', given, kinds(WHOLE)) as LPPoolOptions<number>;
  return rootOf('lpPool1d', x, normType, kernelSize, 1, (powers) => avgPool1d(powers, kernelSize, options));
}

/** As `lpPool1d`, for images. x [N, C, H, W] or [C, H, W]. */
export function lpPool2d(x: Tensor, normType: number, kernelSize: Pair, ...given: Arguments<Pair>): Tensor {
  const options = optionsBy('lpPool2d', given, kinds(PAIR)) as LPPoolOptions<Pair>;
  return rootOf('lpPool2d', x, normType, kernelSize, 2, (powers) => avgPool2d(powers, kernelSize, options));
}

/** As `lpPool1d`, for volumes. x [N, C, D, H, W] or [C, D, H, W]. */
export function lpPool3d(x: Tensor, normType: number, kernelSize: Triple, ...given: Arguments<Triple>): Tensor {
  const options = optionsBy('lpPool3d', given, kinds(TRIPLE)) as LPPoolOptions<Triple>;
  return rootOf('lpPool3d', x, normType, kernelSize, 3, (powers) => avgPool3d(powers, kernelSize, options));
}
