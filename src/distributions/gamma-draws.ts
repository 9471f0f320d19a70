// Draws of the gamma and Dirichlet laws, on the host, with gradients to their shapes.
import { mul, sub } from '../ops/binary.ts';
import { asFloat } from '../ops/convert.ts';
import { hostNormal, type Stream, stream } from '../ops/sampling.ts';
import { sum } from '../ops/reduce.ts';
import { expand } from '../ops/reduce.ts';
import { float32View } from '../runtime/memory.ts';
import { exponential, logarithm } from '../tensor/elementary.ts';
import { GradloomError } from '../tensor/errors.ts';
import { apply, everyInput, type Op } from '../tensor/op.ts';
import { defaultGenerator, type Generator } from '../tensor/random.ts';
import { hostStep } from '../tensor/recording.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { dirichletSlope, gammaSlope } from './slopes.ts';

/** The least number that float32 holds with all its digits, which draws are at least. */
const TINY = 2 ** -126;

/** A number of the gamma law with shape a and rate 1 (Marsaglia & Tsang 2000, ACM TOMS 26). */
function gammaNumber(a: number, next: Stream): number {
  if (!(a > 0 && a < Number.POSITIVE_INFINITY)) return Number.NaN;
  if (a < 1) return gammaNumber(a + 1, next) * exponential(logarithm(1 - next()) / a);
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = hostNormal(next);
    const v = (1 + c * z) ** 3;
    if (v <= 0) continue;
    const u = 1 - next();
    if (u < 1 - 0.0331 * z ** 4 || logarithm(u) < 0.5 * z * z + d * (1 - v + logarithm(v))) return d * v;
  }
}

interface Drawing {
  generator: Generator;
}

/** Fills y from the elements of x, row by row of n. */
function drawRows(y: Tensor, x: Tensor, n: number, generator: Generator, row: (values: Float32Array, next: Stream) => ArrayLike<number>): void {
  const { size } = x;
  hostStep([x, y], ([from = 0, to = 0]) => {
    const values = float32View().slice(from / 4, from / 4 + size);
    const next = stream(generator);
    for (let i = 0; i < size; i += n) float32View().set(row(values.subarray(i, i + n), next), to / 4 + i);
  });
}

/** Elements of several tensors of one shape, by a function of the host that is differentiated no further. */
function slopes(name: string, f: (...values: number[]) => number): Op<void> {
  return {
    name,
    forward: (y, inputs) => {
      const { size } = y;
      hostStep([y, ...inputs], ([to = 0, ...from]) => {
        const memory = float32View();
        for (let i = 0; i < size; i++) memory[to / 4 + i] = f(...from.map((at) => memory[at / 4 + i] as number));
      });
    },
    backward: () => {
      throw new GradloomError('GRAPH', name, 'draws of gamma, beta and Dirichlet laws have first gradients only, as in PyTorch. Take second ones of logProb.');
    },
  };
}

const gammaSlopeOp = /* @__PURE__ */ slopes('standardGammaBackward', gammaSlope as (...values: number[]) => number);
const dirichletSlopeOp = /* @__PURE__ */ slopes('dirichletBackward', dirichletSlope as (...values: number[]) => number);

const gammaOp: Op<Drawing> = {
  name: 'standardGamma',
  forward: (y, [a], { generator }) => drawRows(y, a as Tensor, 1, generator, ([shape = 0], next) => [Math.max(gammaNumber(shape, next), TINY)]),
  saves: everyInput,
  savesOutput: true,
  backward: (dy, node) => [mul(dy, apply(gammaSlopeOp, [node.input(0), node.output], undefined))],
  batched: 'same',
};

const dirichletOp: Op<Drawing> = {
  name: 'dirichlet',
  forward: (y, [a], { generator }) =>
    drawRows(y, a as Tensor, y.sizes[y.rank - 1] as number, generator, (shapes, next) => {
      const parts = Array.from(shapes, (shape) => Math.max(gammaNumber(shape, next), TINY));
      const total = parts.reduce((s, v) => s + v, 0);
      // 1 itself only where there is one part: another would be 0.
      return parts.length < 2 ? parts.map((v) => v / total) : parts.map((v) => Math.min(Math.max(v / total, TINY), 1 - 2 ** -24));
    }),
  saves: everyInput,
  savesOutput: true,
  backward: (dy, node) => {
    const [x, a] = [node.output, node.input(0)];
    const total = expand(sum(a, { dim: -1, keepdim: true }), [...a.sizes]);
    const towards = sub(dy, sum(mul(x, dy), { dim: -1, keepdim: true }));
    return [mul(towards, apply(dirichletSlopeOp, [x, a, total], undefined))];
  },
  batched: 'same',
};

/** Gamma numbers with rate 1, one for each shape; gradients flow to the shapes, once. */
export function standardGamma(shapes: Tensor, generator: Generator | undefined): Tensor {
  return apply(gammaOp, [asFloat(shapes)], { generator: generator ?? defaultGenerator() });
}

/** Dirichlet vectors along the last dimension; gradients flow to the shapes, once. */
export function standardDirichlet(shapes: Tensor, generator: Generator | undefined): Tensor {
  return apply(dirichletOp, [asFloat(shapes)], { generator: generator ?? defaultGenerator() });
}
