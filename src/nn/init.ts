// Values that parameters start from: PyTorch's torch.nn.init. Each writes in place, without a gradient, and returns its tensor.
import { mul } from '../ops/binary.ts';
import { copy_, fill_ } from '../ops/inplace.ts';
import { type DrawOptions, GENERATOR, normal_, uniform_ } from '../ops/random.ts';
import { hostNormal, sampled, type Stream } from '../ops/sampling.ts';
import { tensor } from '../ops/create.ts';
import { assertArity, assertTensor, assertWhole, checkArgument, type Given, type Kinds, NUMBER, oneOf, optionsBy } from '../tensor/check.ts';
import { exponential, logarithm } from '../tensor/elementary.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';

export { normal_, uniform_ } from '../ops/random.ts';

/** What the gain is called by: PyTorch's name of a function. */
export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'conv_transpose1d'
  | 'conv_transpose2d'
  | 'conv_transpose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leaky_relu'
  | 'selu';

/** Which fan the variance is kept by: of the output in forward, of the gradient in backward. */
export type FanMode = 'fan_in' | 'fan_out';

const UNCHANGED = ['linear', 'conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', 'conv_transpose2d', 'conv_transpose3d', 'sigmoid'];

/**
 * By how much a function's weights are scaled so that the variance stays: 1 for linear ones and sigmoid, 5/3 for tanh, √2 for ReLU, √(2/(1 + slope²)) for leaky
 * ReLU (`param`, default 0.01), 3/4 for SELU.
 */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  const op = 'calculateGain';
  assertArity(op, arguments.length, 2);
  checkArgument(op, 'param', param, NUMBER);
  const gains: Readonly<Record<string, number>> = { tanh: 5 / 3, relu: Math.SQRT2, leaky_relu: Math.sqrt(2 / (1 + param * param)), selu: 0.75 };
  checkArgument(op, 'nonlinearity', nonlinearity, oneOf(...UNCHANGED, ...Object.keys(gains)));
  return gains[nonlinearity] ?? 1;
}

/** Every element ← value. Returns t. */
export function constant_(t: Tensor, value: number): Tensor {
  assertArity('constant_', arguments.length, 2);
  assertTensor('constant_', t);
  checkArgument('constant_', 'the value', value, NUMBER);
  return noGrad(() => fill_(t, value));
}

/** Every element ← 1. Returns t. */
export function ones_(t: Tensor): Tensor {
  assertArity('ones_', arguments.length, 1);
  assertTensor('ones_', t);
  return constant_(t, 1);
}

/** Every element ← 0. Returns t. */
export function zeros_(t: Tensor): Tensor {
  assertArity('zeros_', arguments.length, 1);
  assertTensor('zeros_', t);
  return constant_(t, 0);
}

/** t ← numbers that the host says by their positions, 0 elsewhere. */
function placed(t: Tensor, put: (elements: Float32Array) => void): Tensor {
  const elements = new Float32Array(t.size);
  put(elements);
  return noGrad(() => copy_(t, tensor(elements, { shape: t.sizes })));
}

/** A matrix ← the identity, so that a layer passes on as many of its inputs as it can. Returns t. */
export function eye_(t: Tensor): Tensor {
  assertArity('eye_', arguments.length, 1);
  assertTensor('eye_', t);
  if (t.rank !== 2) throw shapeError('eye_', 'takes a matrix', [t.sizes], 'Use dirac_ for convolutions.');
  const [rows, columns] = t.sizes as [number, number];
  return placed(t, (e) => {
    for (let i = 0; i < Math.min(rows, columns); i++) e[i * (columns + 1)] = 1;
  });
}

/** Weights of a convolution ← the Dirac delta, so that each group passes on as many of its channels as it can. [O, I, …] with one to three sizes behind. Returns t. */
export function dirac_(t: Tensor, ...given: Given<{ groups?: number }, [groups?: number]>): Tensor {
  const op = 'dirac_';
  assertTensor(op, t);
  const { groups = 1 } = optionsBy<{ groups?: number }>(op, given, { groups: NUMBER });
  assertWhole(op, 'groups', groups, 1);
  if (t.rank < 3 || t.rank > 5) throw shapeError(op, 'takes the weights of a convolution, of 3 to 5 dimensions', [t.sizes], 'Use eye_ for a matrix.');
  const [out, channels, ...kernel] = t.sizes as [number, number, ...number[]];
  if (out % groups !== 0) throw valueError(op, `${groups} groups do not divide ${out} channels. Choose a divisor.`);
  const each = out / groups;
  const middle = kernel.reduce((at, n) => at * n + Math.floor(n / 2), 0);
  const size = kernel.reduce((a, b) => a * b, 1);
  return placed(t, (e) => {
    for (let g = 0; g < groups; g++) for (let d = 0; d < Math.min(each, channels); d++) e[((g * each + d) * channels + d) * size + middle] = 1;
  });
}

/** How many elements each output is made of, and how many outputs each input reaches. */
function fans(op: string, t: Tensor): readonly [fanIn: number, fanOut: number] {
  assertTensor(op, t);
  if (t.rank < 2) throw shapeError(op, 'needs two dimensions, [outputs, inputs, …]', [t.sizes], 'Use uniform_ or normal_ for a vector.');
  const field = t.sizes.slice(2).reduce((a, b) => a * b, 1);
  return [(t.sizes[1] as number) * field, (t.sizes[0] as number) * field];
}

/** Options of the Xavier initialisations. */
export interface XavierOptions extends DrawOptions {
  /** What the deviation is multiplied by; default 1. `calculateGain` knows it. */
  gain?: number;
}
const XAVIER: Kinds<XavierOptions> = { gain: NUMBER, generator: GENERATOR };

/** t ← uniform in ±gain·√(6/(fanIn + fanOut)) (Glorot & Bengio 2010, AISTATS). Returns t. */
export function xavierUniform_(t: Tensor, ...given: Given<XavierOptions, [gain?: number]>): Tensor {
  const [fanIn, fanOut] = fans('xavierUniform_', t);
  const { gain = 1, generator } = optionsBy('xavierUniform_', given, XAVIER);
  return spread(t, gain * Math.sqrt(2 / (fanIn + fanOut)), generator);
}

/** t ← normal of deviation gain·√(2/(fanIn + fanOut)) (Glorot & Bengio 2010, AISTATS). Returns t. */
export function xavierNormal_(t: Tensor, ...given: Given<XavierOptions, [gain?: number]>): Tensor {
  const [fanIn, fanOut] = fans('xavierNormal_', t);
  const { gain = 1, generator } = optionsBy('xavierNormal_', given, XAVIER);
  return t.size === 0 ? t : normal_(t, { std: gain * Math.sqrt(2 / (fanIn + fanOut)), generator });
}

/** Uniform about 0 with a deviation. */
function spread(t: Tensor, std: number, generator: DrawOptions['generator']): Tensor {
  const bound = Math.sqrt(3) * std;
  return t.size === 0 ? t : uniform_(t, { from: -bound, to: bound, generator });
}

/** Options of the Kaiming initialisations, with PyTorch's defaults. */
export interface KaimingOptions extends DrawOptions {
  /** The slope below 0 of leaky ReLU; default 0. */
  a?: number;
  /** Which fan counts; default 'fan_in'. */
  mode?: FanMode;
  /** The function behind; default 'leaky_relu'. */
  nonlinearity?: Nonlinearity;
}
const KAIMING: Kinds<KaimingOptions> = {
  a: NUMBER,
  mode: /* @__PURE__ */ oneOf('fan_in', 'fan_out'),
  nonlinearity: { what: 'the name of a function', test: (v) => typeof v === 'string' },
  generator: GENERATOR,
};

function kaiming(op: string, t: Tensor, given: readonly unknown[]): { std: number; generator: DrawOptions['generator'] } {
  const [fanIn, fanOut] = fans(op, t);
  const { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu', generator } = optionsBy(op, given, KAIMING);
  return { std: calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut), generator };
}

/** t ← uniform in ±gain·√(3/fan) (He et al. 2015, arXiv 1502.01852). Returns t. */
export function kaimingUniform_(t: Tensor, ...given: Given<KaimingOptions, [a?: number, mode?: FanMode, nonlinearity?: Nonlinearity]>): Tensor {
  const { std, generator } = kaiming('kaimingUniform_', t, given);
  return spread(t, std, generator);
}

/** t ← normal of deviation gain/√fan (He et al. 2015, arXiv 1502.01852). Returns t. */
export function kaimingNormal_(t: Tensor, ...given: Given<KaimingOptions, [a?: number, mode?: FanMode, nonlinearity?: Nonlinearity]>): Tensor {
  const { std, generator } = kaiming('kaimingNormal_', t, given);
  return t.size === 0 ? t : normal_(t, { std, generator });
}

/** Options of `truncNormal_`, with PyTorch's defaults. */
export interface TruncNormalOptions extends DrawOptions {
  /** Default 0. */
  mean?: number;
  /** Default 1. */
  std?: number;
  /** The least value; default −2. */
  a?: number;
  /** The largest value; default 2. */
  b?: number;
}
const TRUNC: Kinds<TruncNormalOptions> = { mean: NUMBER, std: NUMBER, a: NUMBER, b: NUMBER, generator: GENERATOR };

/** t ← normal with a mean and a deviation, drawn again where it lies outside of [a, b]. Returns t. */
export function truncNormal_(t: Tensor, ...given: Given<TruncNormalOptions, [mean?: number, std?: number, a?: number, b?: number]>): Tensor {
  const op = 'truncNormal_';
  assertTensor(op, t);
  const { mean = 0, std = 1, a = -2, b = 2, generator } = optionsBy(op, given, TRUNC);
  if (!(std > 0)) throw valueError(op, `std must be > 0, got ${std}.`);
  if (!(a < b) || ![mean, std].every(Number.isFinite)) throw valueError(op, `a must be below b, and mean and std finite, got ${[a, b, mean, std].join(', ')}.`);
  const [low, high] = [(a - mean) / std, (b - mean) / std];
  const draw = low <= 0.5 && high >= -0.5 && high - low > 1 ? truncated : inInterval;
  const within = (z: number): number => Math.min(Math.max(mean + std * z, a), b);
  return noGrad(() =>
    copy_(
      t,
      sampled(t.sizes, 'float32', [], generator, (_, next) => Float64Array.from({ length: t.size }, () => within(draw(low, high, next)))),
    ),
  );
}

function truncated(low: number, high: number, next: Stream): number {
  for (;;) {
    const z = hostNormal(next);
    if (z >= low && z <= high) return z;
  }
}

/** Where the interval is short or lies in a tail: uniform in it, or beyond its near end exponential (Robert 1995, Stat. Comput. 5), kept with the right probability. */
function inInterval(low: number, high: number, next: Stream): number {
  if (low + high < 0) return -inInterval(-high, -low, next);
  const rate = (low + Math.sqrt(low * low + 4)) / 2;
  if (low > 0 && (high - low) * rate > 1) {
    for (;;) {
      const z = low - logarithm(1 - next()) / rate;
      if (z <= high && next() < exponential(-((z - rate) * (z - rate)) / 2)) return z;
    }
  }
  const nearest = Math.max(low, 0);
  for (;;) {
    const z = low + (high - low) * next();
    if (next() < exponential((nearest * nearest - z * z) / 2)) return z;
  }
}

/** t, as a matrix [t.shape[0], the rest] ← a random matrix whose shorter side is orthonormal, times gain (Saxe et al. 2014, arXiv 1312.6120). Returns t. */
export function orthogonal_(t: Tensor, ...given: Given<XavierOptions, [gain?: number]>): Tensor {
  const op = 'orthogonal_';
  assertTensor(op, t);
  const { gain = 1, generator } = optionsBy(op, given, XAVIER);
  if (t.rank < 2) throw shapeError(op, 'needs two dimensions or more', [t.sizes], 'Use normal_ for a vector.');
  if (t.size === 0) return t;
  const rows = t.sizes[0] as number;
  const columns = t.size / rows;
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
  const fresh = sampled(t.sizes, 'float32', [], generator, (_, next) => {
    const basis = orthonormal(count, length, next);
    const at = rows <= columns ? (i: number, j: number) => (basis[i] as Float64Array)[j] : (i: number, j: number) => (basis[j] as Float64Array)[i];
    return Float64Array.from({ length: t.size }, (__, k) => at(Math.floor(k / columns), k % columns) as number);
  });
  return noGrad(() => copy_(t, mul(fresh, gain)));
}

/** Orthonormal vectors from normal ones, each made orthogonal to those before it, twice. */
function orthonormal(count: number, length: number, next: Stream): Float64Array[] {
  const basis: Float64Array[] = [];
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
  while (basis.length < count) {
    const v = Float64Array.from({ length }, () => hostNormal(next));
    const before = Math.sqrt(dot(v, v));
    for (let round = 0; round < 2; round++) {
      for (const e of basis) {
        const along = dot(v, e);
        for (let i = 0; i < length; i++) v[i] = (v[i] as number) - along * (e[i] as number);
      }
    }
    const norm = Math.sqrt(dot(v, v));
    if (norm > 1e-8 * before) basis.push(v.map((x) => x / norm));
  }
  return basis;
}

/** Options of `sparse_`. */
export interface SparseOptions extends DrawOptions {
  /** The part of each column that is 0. */
  sparsity: number;
  /** The deviation of the others; default 0.01. */
  std?: number;
}

/** A matrix ← normal numbers, of which in each column as many are 0 as `sparsity` says, rounded up (Martens 2010, ICML). Returns t. */
export function sparse_(t: Tensor, ...given: Given<SparseOptions, [sparsity: number, std?: number]>): Tensor {
  const op = 'sparse_';
  assertTensor(op, t);
  const { sparsity, std = 0.01, generator } = optionsBy<Partial<SparseOptions>>(op, given, { sparsity: NUMBER, std: NUMBER, generator: GENERATOR });
  if (t.rank !== 2) throw shapeError(op, 'takes a matrix', [t.sizes], 'Reshape it.');
  if (!(sparsity !== undefined && sparsity >= 0 && sparsity <= 1)) throw valueError(op, `sparsity must lie in [0, 1], got ${sparsity}.`);
  if (!(std >= 0)) throw valueError(op, `std must be ≥ 0, got ${std}.`);
  const [rows, columns] = t.sizes as [number, number];
  const none = Math.ceil(sparsity * rows);
  return noGrad(() =>
    copy_(
      t,
      sampled(t.sizes, 'float32', [], generator, (_, next) => {
        const values = Float64Array.from({ length: t.size }, () => std * hostNormal(next));
        for (let c = 0; c < columns; c++) {
          // The first `none` places of a random order.
          const order = Int32Array.from({ length: rows }, (__, i) => i);
          for (let i = 0; i < none; i++) {
            const j = i + Math.floor(next() * (rows - i));
            const row = order[j] as number;
            order[j] = order[i] as number;
            values[row * columns + c] = 0;
          }
        }
        return values;
      }),
    ),
  );
}
