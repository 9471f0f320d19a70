// PyTorch's names of activations, normalisation, pooling and padding: rows of names.ts.
import { nn } from 'gradloom';
import { alongDim, type Output, unary } from './adapt.ts';
import type { Row } from './bind.ts';

const F = nn.functional;

/** Operators. */
export const layerOperators: Readonly<Record<string, Row<Output>>> = {
  'nn.functional.celu': ['input * alpha', F.celu],
  'nn.functional.glu': ['input dim', F.glu],
  'nn.functional.hardshrink': ['input * lambd', F.hardshrink],
  'nn.functional.hardsigmoid': unary(F.hardsigmoid),
  'nn.functional.hardswish': unary(F.hardswish),
  'nn.functional.hardtanh': ['input * min_val max_val', F.hardtanh],
  'nn.functional.logsigmoid': unary(F.logsigmoid),
  'nn.functional.mish': unary(F.mish),
  'nn.functional.relu6': unary(F.relu6),
  'nn.functional.selu': unary(F.selu),
  'nn.functional.softmin': alongDim(F.softmin),
  'nn.functional.softshrink': ['input * lambd', F.softshrink],
  'nn.functional.softsign': unary(F.softsign),
  'nn.functional.tanhshrink': unary(F.tanhshrink),
  'nn.functional.threshold': ['input threshold value', F.threshold],
};

/** Modules. */
export const layerModules: Readonly<Record<string, Row<nn.Module>>> = {
  'nn.CELU': ['* alpha', (options: { alpha?: number }) => new nn.CELU(options)],
  'nn.GLU': ['dim', (dim?: number) => new nn.GLU(dim)],
  'nn.Hardshrink': ['lambd', (lambd?: number) => new nn.Hardshrink(lambd)],
  'nn.Hardsigmoid': ['', () => new nn.Hardsigmoid()],
  'nn.Hardswish': ['', () => new nn.Hardswish()],
  'nn.Hardtanh': ['* min_val max_val', (options: nn.HardtanhOptions) => new nn.Hardtanh(options)],
  'nn.LogSigmoid': ['', () => new nn.LogSigmoid()],
  'nn.Mish': ['', () => new nn.Mish()],
  'nn.PReLU': ['* num_parameters init', (options: { numParameters?: number; init?: number }) => new nn.PReLU(options)],
  'nn.ReLU6': ['', () => new nn.ReLU6()],
  'nn.SELU': ['', () => new nn.SELU()],
  'nn.Softmin': ['dim', (dim: number) => new nn.Softmin(dim)],
  'nn.Softshrink': ['lambd', (lambd?: number) => new nn.Softshrink(lambd)],
  'nn.Softsign': ['', () => new nn.Softsign()],
  'nn.Tanhshrink': ['', () => new nn.Tanhshrink()],
  'nn.Threshold': ['threshold value', (threshold: number, value: number) => new nn.Threshold(threshold, value)],
};
