// Rotary position embedding: pairs of features turned by angles that grow with the place in the sequence.
import { FLAG, type Kinds, NUMBER, optionsBy, orNull, TENSOR } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, mul, sub } from './binary.ts';
import { assertFloat, to } from './convert.ts';
import { constant, constantList } from './create.ts';
import { cat, chunk, inShape, select, stack } from './movement.ts';
import { cos, pow, sin } from './unary.ts';

/** Options of `rotaryEmbedding`. */
export interface RotaryOptions {
  /** Places in the sequence, int32 or float32 [L]; default 0 … L − 1. */
  positions?: Tensor | null;
  /** What the slowest turn goes by; default 10000. */
  base?: number;
  /** Whether pairs are neighbours (0, 1), (2, 3) …, as in the paper, or else (0, d/2), (1, d/2 + 1) …, as in Llama's published weights; default true. */
  interleaved?: boolean;
}

const OPTIONS: Kinds<RotaryOptions> = { positions: /* @__PURE__ */ orNull(TENSOR), base: NUMBER, interleaved: FLAG };
const upTo = (n: number): Tensor => constantList(Array.from({ length: n }, (_, i) => i));

/**
 * Turns each pair i of the d features by position·base^(−2i/d), so that products of queries and keys depend on how far they are
 * apart (Su et al. 2021, arXiv 2104.09864). x [..., L, d], d even → the same shape.
 *
 *     const [q, k] = [rotaryEmbedding(queries), rotaryEmbedding(keys)]; // [N, heads, L, d] before scaledDotProductAttention
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export function rotaryEmbedding(x: Tensor, ...given: [options?: RotaryOptions | Tensor | null, base?: number, interleaved?: boolean]): Tensor {
  const op = 'rotaryEmbedding';
  const { positions, base = 10_000, interleaved = true } = optionsBy(op, given, OPTIONS);
  assertFloat(op, x);
  const [length, width] = x.sizes.slice(-2) as [number, number];
  if (x.rank < 2 || width % 2 !== 0) throw shapeError(op, 'takes [..., length, features] with an even number of features', [x.sizes], 'Reshape the input.');
  if (!(base > 0 && base < Number.POSITIVE_INFINITY)) throw valueError(op, `base must be a finite number above 0, got ${base}.`);
  if (positions && (positions.rank !== 1 || positions.size !== length)) throw shapeError(op, 'positions must have one number per place', [positions.sizes, [length]], 'Give [L].');
  if (x.size === 0) return mul(x, 1);
  const rates = pow(constant(base, 'float32'), mul(upTo(width / 2), -2 / width));
  const angles = mul(inShape(to(positions ?? upTo(length), 'float32'), [length, 1]), rates);
  const [c, s] = [cos(angles), sin(angles)];
  const pairs = interleaved ? inShape(x, [...x.sizes.slice(0, -1), width / 2, 2]) : x;
  const [a, b] = (interleaved ? [select(pairs, -1, 0), select(pairs, -1, 1)] : chunk(x, 2, -1)) as [Tensor, Tensor];
  const turned = [sub(mul(a, c), mul(b, s)), add(mul(a, s), mul(b, c))];
  return interleaved ? inShape(stack(turned, -1), x.sizes) : cat(turned, -1);
}
