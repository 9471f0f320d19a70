// Random tensors that the host works out, in float64 by + − × ÷ √ and tensor/elementary.ts: a captured step does so again at each replay (`hostStep`).
import { float32View } from '../runtime/memory.ts';
import { assertArity, assertDType, assertTensor, assertWhole, FLAG, isPlainObject, type Kinds, optionsBy, optionsOf, sizesOf } from '../tensor/check.ts';
import { type DType, viewOf } from '../tensor/dtype.ts';
import { exponential, logarithm } from '../tensor/elementary.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { dense, detach } from '../tensor/op.ts';
import { defaultGenerator, drawUniform, type Generator } from '../tensor/random.ts';
import { hostStep } from '../tensor/recording.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { asFloat } from './convert.ts';
import { copy_ } from './inplace.ts';
import { type DrawOptions, type Draws, GENERATOR } from './random.ts';

/** Uniform numbers in [0, 1), multiples of 2⁻⁴⁸. */
export type Stream = () => number;

const BLOCK = 256;

/** @internal A stream from a generator, for host work. */
export function stream(generator: Generator): Stream {
  let block: Float64Array = new Float64Array(0);
  let at = 0;
  return () => {
    if (at === block.length) {
      block = drawUniform(BLOCK, generator);
      at = 0;
    }
    const u = (block[at] as number) + (block[at + 1] as number) * 2 ** -24;
    at += 2;
    return u;
  };
}

/** @internal A normal number on the host, by Marsaglia's polar method. */
export function hostNormal(next: Stream): number {
  for (;;) {
    const [u, v] = [2 * next() - 1, 2 * next() - 1];
    const s = u * u + v * v;
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * logarithm(s)) / s);
  }
}

/** @internal A tensor that `fill` works out from the elements of others. It runs again at each replay, so it goes by what it gets alone. */
export function sampled(
  shape: Shape,
  dtype: DType,
  from: readonly Tensor[],
  generator: Generator | undefined,
  fill: (values: readonly Float64Array[], next: Stream) => ArrayLike<number>,
): Tensor {
  return noGrad(() => {
    const sources = from.map((x) => dense(asFloat(detach(x))));
    const y = empty(shape, dtype);
    const source = generator ?? defaultGenerator();
    hostStep([y, ...sources], ([at = 0, ...rest]) => {
      const values = rest.map((address, i) => Float64Array.from(float32View().subarray(address / 4, address / 4 + (sources[i] as Tensor).size)));
      const elements = fill(values, stream(source));
      viewOf(dtype).set(elements, at / 4);
    });
    return y;
  });
}

/** Options of `randint`. */
export interface RandintOptions extends DrawOptions {
  /** Element type; default int32. */
  dtype?: DType;
}

/** Of each type, what random whole numbers in it lie between. */
const RANGES: Readonly<Record<DType, readonly [least: number, most: number]>> = { float32: [-(2 ** 53), 2 ** 53], int32: [-(2 ** 31), 2 ** 31], bool: [0, 2] };

function whole(op: string, low: number, high: number, shape: Shape, dtype: DType, generator: Generator | undefined): Tensor {
  assertWhole(op, 'low', low);
  assertWhole(op, 'high', high);
  if (low >= high) throw valueError(op, `low must be below high, got ${low} and ${high}.`);
  const [least, most] = RANGES[dtype];
  if (low < least || high > most) throw valueError(op, `${dtype} holds numbers from ${least} to ${most - 1}, not from ${low} to ${high - 1}.`);
  const n = sizeOf(shape);
  return sampled(shape, dtype, [], generator, (_, next) => Float64Array.from({ length: n }, () => low + Math.floor(next() * (high - low))));
}

/** Numbers and a shape, and options behind. */
function apart<O extends object>(op: string, args: readonly unknown[], kinds: Kinds<O>): [rest: unknown[], options: O] {
  const last = args[args.length - 1];
  const named = isPlainObject(last);
  const rest = args.slice(0, args.length - (named || last === undefined ? 1 : 0));
  return [rest, optionsOf(op, named ? (last as O) : undefined, kinds)];
}

const RANDINT: Kinds<RandintOptions> = { dtype: { what: 'an element type', test: () => true }, generator: GENERATOR };

/** Whole numbers from 0, or from `low`, to `high` − 1, all equally likely. Default int32. `randint(6, [3])`, `randint(1, 7, [3], { dtype: 'float32' })`. */
export function randint(...args: [high: number, size: Shape, options?: RandintOptions] | [low: number, high: number, size: Shape, options?: RandintOptions]): Tensor {
  const op = 'randint';
  const [given, { dtype = 'int32', generator }] = apart<RandintOptions>(op, args, RANDINT);
  assertArity(op, given.length, 3);
  assertDType(op, dtype);
  const [low, high, size] = given.length > 2 ? given : [0, ...given];
  return whole(op, low as number, high as number, sizesOf(op, [size]), dtype, generator);
}

/** As `randint`, in x's shape; default its type. `randintLike(x, 6)`, `randintLike(x, 1, 7)`. */
export function randintLike(x: Tensor, ...args: [high: number, options?: RandintOptions] | [low: number, high: number, options?: RandintOptions]): Tensor {
  const op = 'randintLike';
  assertTensor(op, x);
  const [given, { dtype = x.dtype, generator }] = apart<RandintOptions>(op, args, RANDINT);
  assertArity(op, given.length + 1, 3);
  assertDType(op, dtype);
  const [low, high] = given.length > 1 ? given : [0, ...given];
  return whole(op, low as number, high as number, x.sizes, dtype, generator);
}

const MOST_RANDOM: Readonly<Record<DType, number>> = { float32: 2 ** 24 + 1, int32: 2 ** 31, bool: 2 };

/** t ← whole numbers from 0 on, or from `from` to `to` − 1; below what t's type holds exactly where no end is given. No gradient passes. Returns t. */
export function random_(t: Tensor, ...args: [options?: DrawOptions] | [to: number, options?: DrawOptions] | [from: number, to: number, options?: DrawOptions]): Tensor {
  const op = 'random_';
  assertTensor(op, t);
  const [given, { generator }] = apart<DrawOptions>(op, args, { generator: GENERATOR });
  assertArity(op, given.length + 1, 3);
  const [low, high] = given.length > 1 ? given : [0, given[0] ?? MOST_RANDOM[t.dtype]];
  return noGrad(() => copy_(t, whole(op, low as number, high as number, t.sizes, t.dtype, generator)));
}

/** Options of `multinomial`, with PyTorch's default. */
export interface MultinomialOptions extends DrawOptions {
  /** Whether a category may be drawn again; default false. */
  replacement?: boolean;
}

/**
 * Draws categories by weights that need not sum to 1. weights [n] or [m, n] → int32 [numSamples] or [m, numSamples]. No gradient.
 * @throws VALUE where a weight is negative, infinite or NaN, where all of a row are 0, or fewer are not than are drawn
 */
export function multinomial(weights: Tensor, numSamples: number, ...given: Draws<[replacement?: boolean], MultinomialOptions>): Tensor {
  const op = 'multinomial';
  assertTensor(op, weights);
  assertWhole(op, 'numSamples', numSamples, 1);
  const { replacement = false, generator } = optionsBy<MultinomialOptions>(op, given, { replacement: FLAG, generator: GENERATOR });
  const n = weights.sizes[weights.rank - 1] ?? 0;
  if ((weights.rank !== 1 && weights.rank !== 2) || n === 0) throw shapeError(op, 'weights are [n] or [m, n] with n ≥ 1', [weights.sizes], 'Reshape them.');
  if (!replacement && numSamples > n) throw valueError(op, `cannot draw ${numSamples} of ${n} categories without replacement. Draw fewer, or pass { replacement: true }.`);
  const rows = weights.rank === 2 ? (weights.sizes[0] as number) : 1;
  return sampled([...weights.sizes.slice(0, -1), numSamples], 'int32', [weights], generator, ([all], next) => {
    const drawn = new Int32Array(rows * numSamples);
    for (let i = 0; i < rows; i++) {
      const row = (all as Float64Array).subarray(i * n, (i + 1) * n);
      if (!row.every((w) => w >= 0 && w < Number.POSITIVE_INFINITY)) throw valueError(op, 'weights must be finite and ≥ 0.');
      const heavy = row.reduce((count, w) => count + (w > 0 ? 1 : 0), 0);
      if (heavy < (replacement ? 1 : numSamples))
        throw valueError(op, `only ${heavy} of ${n} weights are > 0, for ${replacement ? 'one' : numSamples} without replacement. Draw fewer, or look where they come from.`);
      drawn.set((replacement ? withReplacement : withoutReplacement)(row, numSamples, next), i * numSamples);
    }
    return drawn;
  });
}

/** Where uniform numbers fall among the sums of the weights. */
function withReplacement(weights: Float64Array, count: number, next: Stream): Int32Array {
  const sums = new Float64Array(weights.length);
  let [total, last] = [0, 0];
  weights.forEach((w, i) => {
    total += w;
    sums[i] = total;
    if (w > 0) last = i;
  });
  return Int32Array.from({ length: count }, () => {
    const u = next() * total;
    let [low, high] = [0, last];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) > u) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/** The categories that come first, where each waits an exponential time with its weight as rate. */
function withoutReplacement(weights: Float64Array, count: number, next: Stream): number[] {
  const times = Float64Array.from(weights, (w) => (w > 0 ? -logarithm(1 - next()) / w : Number.POSITIVE_INFINITY));
  return Array.from(times.keys())
    .filter((i) => (weights[i] as number) > 0)
    .sort((a, b) => (times[a] as number) - (times[b] as number) || a - b)
    .slice(0, count);
}

/**
 * Poisson counts, one for each rate, in float32. No gradient. Rates below 10 by multiplication, others by Hörmann's PTRS (1993, Insur. Math. Econ. 12).
 * @throws VALUE where a rate is negative or NaN
 */
export function poisson(rates: Tensor, options?: DrawOptions): Tensor {
  const op = 'poisson';
  assertTensor(op, rates);
  const { generator } = optionsOf(op, options, { generator: GENERATOR }, arguments.length, 2);
  return sampled(rates.sizes, 'float32', [rates], generator, ([all], next) =>
    (all as Float64Array).map((rate) => {
      if (!(rate >= 0 && rate < Number.POSITIVE_INFINITY)) throw valueError(op, `rates must be finite and ≥ 0, got ${rate}.`);
      return rate < 10 ? fewOf(rate, next) : manyOf(rate, next);
    }),
  );
}

function fewOf(rate: number, next: Stream): number {
  const end = exponential(-rate);
  let [k, product] = [0, next()];
  for (; product > end; k++) product *= next();
  return k;
}

function manyOf(rate: number, next: Stream): number {
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const edge = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = next() - 0.5;
    const v = 1 - next();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= edge) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const least = logarithm((v * (1.1239 + 1.1328 / (b - 3.4))) / (a / (us * us) + b));
    if (least <= k * logarithm(rate) - rate - logFactorial(k)) return k;
  }
}

/** ln k!: the product's below 10, else Stirling's series to 1e-14. */
function logFactorial(k: number): number {
  if (k < 10) {
    let product = 1;
    for (let i = 2; i <= k; i++) product *= i;
    return logarithm(product);
  }
  const n = k + 1;
  const r = 1 / (n * n);
  return (n - 0.5) * logarithm(n) - n + 0.9189385332046727 + (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / n;
}
