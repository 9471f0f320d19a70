// Random tensors made of uniform and normal ones by ops: fresh at each replay of a captured step, as these are. Nothing here has a gradient.
import { assertArity, assertTensor, checkArgument, either, type Given, instanceOf, type Kind, type Kinds, NUMBER, optionsBy, optionsOf, TENSOR } from '../tensor/check.ts';
import { call } from '../runtime/call.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { dense } from '../tensor/op.ts';
import { Generator } from '../tensor/random.ts';
import { recording } from '../tensor/recording.ts';
import { broadcastShapes, type Shape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { tan } from './angles.ts';
import { add, div, ge, le, logicalAnd, lt, mul, type Operand, sub } from './binary.ts';
import { to } from './convert.ts';
import { rand, type RandomOptions, randn } from './create.ts';
import { copy_ } from './inplace.ts';
import { ceil, clamp, exp, log1p, neg } from './unary.ts';
import { logarithm } from '../tensor/elementary.ts';

/** Options of what draws random numbers into a shape that is there. */
export interface DrawOptions {
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

/** Options by position, and where to draw from by name. */
export type Draws<P extends readonly unknown[], O> = Given<O & DrawOptions, P> | readonly [...Required<P>, DrawOptions];

/** @internal */
export const GENERATOR: Kind = /* @__PURE__ */ instanceOf(Generator, 'a Generator');
const DRAW: Kinds<DrawOptions> = { generator: GENERATOR };
const PARAMETER: Kind = /* @__PURE__ */ either(TENSOR, NUMBER);

/** @internal Throws where a condition (bool) does not hold for every element; in a captured step at each replay. */
export function assertEvery(op: string, holds: () => Tensor, what: string): void {
  const flags = noGrad(() => dense(holds()));
  // A flag is a word of 0 or 1: the first outside of [1, 2).
  if (call('findOutOfRange', flags.address, flags.size, 1, 2, 1) >= 0) throw valueError(op, what);
  recording()?.check(() => valueError(op, what));
}

/** Uniform in [0, 1), of x's shape. float32. */
export function randLike(x: Tensor, options?: RandomOptions): Tensor {
  assertArity('randLike', arguments.length, 2);
  assertTensor('randLike', x);
  return rand(x.sizes, options);
}

/** Normal, mean 0 and variance 1, of x's shape. float32. */
export function randnLike(x: Tensor, options?: RandomOptions): Tensor {
  assertArity('randnLike', arguments.length, 2);
  assertTensor('randnLike', x);
  return randn(x.sizes, options);
}

/** 1 with the probability that p says, else 0: for each element of p, in its type; or with one probability for all, in p's shape. p has no gradient. */
export function bernoulli(input: Tensor, ...given: Draws<[p?: number], { p?: number }>): Tensor {
  const op = 'bernoulli';
  assertTensor(op, input);
  const { p, generator } = optionsBy<DrawOptions & { p?: number }>(op, given, { p: NUMBER, generator: GENERATOR });
  return to(trials(op, p ?? input, input.sizes, generator), input.dtype);
}

/** Trues with a probability. */
function trials(op: string, p: Operand, shape: Shape, generator: Generator | undefined): Tensor {
  const holds = typeof p === 'number' ? p >= 0 && p <= 1 : null;
  if (holds === false) throw valueError(op, `p must lie in [0, 1], got ${p}.`);
  if (holds === null) assertEvery(op, () => logicalAnd(ge(p as Tensor, 0), le(p as Tensor, 1)), 'probabilities must lie in [0, 1].');
  return noGrad(() => lt(rand(shape, { generator }), p));
}

/**
 * Normal numbers with a mean and a standard deviation: for each element of one or both, which broadcast; or two numbers and a shape. Neither has a gradient.
 * `normal(0, 2, [3, 4])`, `normal(means, 1)`, `normal(means, deviations)`.
 */
export function normal(mean: Tensor | number, std: Tensor | number, size?: Shape | DrawOptions, options?: DrawOptions): Tensor {
  const op = 'normal';
  checkArgument(op, 'mean', mean, PARAMETER);
  checkArgument(op, 'std', std, PARAMETER);
  const shaped = Array.isArray(size);
  const { generator } = optionsOf(op, shaped ? options : (size as DrawOptions | undefined), DRAW, arguments.length, shaped ? 4 : 3);
  const tensors = [mean, std].filter((t): t is Tensor => t instanceof Tensor);
  if (!shaped && tensors.length === 0) throw valueError(op, 'two numbers need a shape. Pass it third.');
  if (shaped && tensors.length > 0) throw valueError(op, 'the shape is that of the tensors. Leave it out.');
  assertDeviation(op, std);
  const shape = shaped ? (size as Shape) : tensors.map((t) => t.sizes).reduce((a, b) => broadcastShapes(op, a, b));
  return noGrad(() => add(mul(randn(shape, { generator }), std), mean));
}

function assertDeviation(op: string, std: Operand): void {
  const what = `std must be ≥ 0${typeof std === 'number' ? `, got ${std}` : ''}.`;
  if (typeof std === 'number') {
    if (!(std >= 0)) throw valueError(op, what);
  } else assertEvery(op, () => ge(std, 0), what);
}

/** Overwrites t by what is drawn, without a gradient. */
function drawInto(op: string, t: Tensor, draw: (shape: Shape) => Tensor, floats = true): Tensor {
  if (floats && t.dtype !== 'float32') throw new GradloomError('DTYPE', op, `writes float32 only, not ${t.describe()}. Convert it with .float().`);
  return noGrad(() => copy_(t, draw(t.sizes)));
}

/** t ← uniform in [from, to), default [0, 1); no gradient passes. Returns t. */
export function uniform_(t: Tensor, ...given: Draws<[from?: number, to?: number], { from?: number; to?: number }>): Tensor {
  const op = 'uniform_';
  assertTensor(op, t);
  const { from = 0, to: end = 1, generator } = optionsBy<{ from?: number; to?: number } & DrawOptions>(op, given, { from: NUMBER, to: NUMBER, generator: GENERATOR });
  if (!(from <= end && Number.isFinite(end - from))) throw valueError(op, `from must be at most to, both finite, got ${from} and ${end}.`);
  return drawInto(op, t, (shape) => add(mul(rand(shape, { generator }), end - from), from));
}

/** t ← normal with a mean (default 0) and a standard deviation (default 1); no gradient passes. Returns t. */
export function normal_(t: Tensor, ...given: Draws<[mean?: number, std?: number], { mean?: number; std?: number }>): Tensor {
  const op = 'normal_';
  assertTensor(op, t);
  const { mean = 0, std = 1, generator } = optionsBy<{ mean?: number; std?: number } & DrawOptions>(op, given, { mean: NUMBER, std: NUMBER, generator: GENERATOR });
  assertDeviation(op, std);
  return drawInto(op, t, (shape) => add(mul(randn(shape, { generator }), std), mean));
}

/** t ← eᶻ for normal z with a mean (default 1) and a standard deviation (default 2); no gradient passes. Returns t. */
export function logNormal_(t: Tensor, ...given: Draws<[mean?: number, std?: number], { mean?: number; std?: number }>): Tensor {
  const op = 'logNormal_';
  assertTensor(op, t);
  const { mean = 1, std = 2, generator } = optionsBy<{ mean?: number; std?: number } & DrawOptions>(op, given, { mean: NUMBER, std: NUMBER, generator: GENERATOR });
  if (!(std > 0)) throw valueError(op, `std must be > 0, got ${std}.`);
  return drawInto(op, t, (shape) => exp(add(mul(randn(shape, { generator }), std), mean)));
}

/** t ← 1 with probability p (default ½; a number, or a tensor that broadcasts to t), else 0, in t's type; no gradient passes. Returns t. */
export function bernoulli_(t: Tensor, ...given: Draws<[p?: number | Tensor], { p?: number | Tensor }>): Tensor {
  const op = 'bernoulli_';
  assertTensor(op, t);
  const { p = 0.5, generator } = optionsBy<{ p?: number | Tensor } & DrawOptions>(op, given, { p: PARAMETER, generator: GENERATOR });
  return drawInto(op, t, (shape) => to(trials(op, p, shape, generator), t.dtype), false);
}

/** −ln(1 − u) for uniform u: exponential with rate 1. */
const waits = (shape: Shape, generator: Generator | undefined): Tensor => neg(log1p(neg(rand(shape, { generator }))));

/** t ← exponential with a rate λ (default 1): mean 1/λ; no gradient passes. Returns t. */
export function exponential_(t: Tensor, ...given: Draws<[lambd?: number], { lambd?: number }>): Tensor {
  const op = 'exponential_';
  assertTensor(op, t);
  const { lambd = 1, generator } = optionsBy<{ lambd?: number } & DrawOptions>(op, given, { lambd: NUMBER, generator: GENERATOR });
  if (!(lambd > 0)) throw valueError(op, `lambd must be > 0, got ${lambd}.`);
  return drawInto(op, t, (shape) => div(waits(shape, generator), lambd));
}

/** t ← how many trials of probability p it takes to the first success, from 1 on; no gradient passes. Returns t. */
export function geometric_(t: Tensor, ...given: Draws<[p: number], { p: number }>): Tensor {
  const op = 'geometric_';
  assertTensor(op, t);
  const { p, generator } = optionsBy<{ p?: number } & DrawOptions>(op, given, { p: NUMBER, generator: GENERATOR });
  if (!(p !== undefined && p > 0 && p < 1)) throw valueError(op, `p must lie in (0, 1), got ${p}.`);
  return drawInto(op, t, (shape) => clamp(ceil(div(waits(shape, generator), -logarithm(1 - p))), { min: 1 }));
}

/** t ← Cauchy with a median (default 0) and half the width at half the height (default 1); no gradient passes. Returns t. */
export function cauchy_(t: Tensor, ...given: Draws<[median?: number, sigma?: number], { median?: number; sigma?: number }>): Tensor {
  const op = 'cauchy_';
  assertTensor(op, t);
  const { median = 0, sigma = 1, generator } = optionsBy<{ median?: number; sigma?: number } & DrawOptions>(op, given, { median: NUMBER, sigma: NUMBER, generator: GENERATOR });
  if (!(sigma > 0)) throw valueError(op, `sigma must be > 0, got ${sigma}.`);
  return drawInto(op, t, (shape) => add(mul(tan(mul(sub(rand(shape, { generator }), 0.5), Math.PI)), sigma), median));
}
