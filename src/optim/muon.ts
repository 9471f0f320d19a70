// Muon, written in ops: momentum made orthogonal by a few matrix products.
import { add, div, maximum, mul, sub } from '../ops/binary.ts';
import { lerp } from '../ops/formulas.ts';
import { matmul } from '../ops/matmul.ts';
import { norm } from '../ops/moments.ts';
import { transpose } from '../ops/movement.ts';
import { neg } from '../ops/unary.ts';
import { FLAG, isListOf, type Kind, NUMBER, oneOf, orNull, WHOLE } from '../tensor/check.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import { copyElements } from '../tensor/op.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { numbersOf } from './numbers.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Muon, with PyTorch's defaults. */
export interface MuonOptions extends OptimizerOptions {
  /** Learning rate; default 1e-3. */
  lr?: number;
  /** λ, applied to the parameter; default 0.1. */
  weightDecay?: number;
  /** μ: how much of the running mean is kept; default 0.95. */
  momentum?: number;
  /** Whether to look ahead along the momentum; default true. */
  nesterov?: boolean;
  /** a, b and c of a step X ← aX + (bA + cA²)X with A = XXᵀ; default [3.4445, −4.775, 2.0315]. */
  nsCoefficients?: readonly [number, number, number];
  /** What the norm counts at least that the update is divided by; default 1e-7. */
  eps?: number;
  /** Number of such steps, below 100; default 5. */
  nsSteps?: number;
  /** What the rate is multiplied by, for a matrix [A, B]: √max(1, A/B) (`'original'`, which null stands for), 0.2·√max(A, B), or √(A/B). */
  adjustLrFn?: 'original' | 'match_rms_adamw' | 'spectral_unclamped' | null;
}

const THREE: Kind = { what: 'a list of three numbers', test: (v) => isListOf(v, Number.isFinite, 3) };

const RULE: Rule<MuonOptions> = /* @__PURE__ */ (() => ({
  name: 'Muon',
  kinds: {
    lr: NUMBER,
    weightDecay: NUMBER,
    momentum: NUMBER,
    nesterov: FLAG,
    nsCoefficients: THREE,
    eps: NUMBER,
    nsSteps: WHOLE,
    adjustLrFn: orNull(oneOf('original', 'match_rms_adamw', 'spectral_unclamped')),
    maximize: FLAG,
  },
  defaults: {
    lr: 1e-3,
    weightDecay: 0.1,
    momentum: 0.95,
    nesterov: true,
    nsCoefficients: [3.4445, -4.775, 2.0315],
    eps: 1e-7,
    nsSteps: 5,
    adjustLrFn: null,
    maximize: false,
  } as const,
  moments: { momentumBuffer: 'like' } as const,
}))();

const ADJUST: Readonly<Record<string, (rows: number, columns: number) => number>> = {
  original: (rows, columns) => Math.sqrt(Math.max(1, rows / columns)),
  match_rms_adamw: (rows, columns) => 0.2 * Math.sqrt(Math.max(rows, columns)),
  spectral_unclamped: (rows, columns) => Math.sqrt(rows / columns),
};

/** x with 8 binary digits, as bfloat16 has: x·(2¹⁶ + 1) takes the others off (Dekker 1971, Numer. Math. 18). */
function rounded(x: Tensor): Tensor {
  const wide = mul(x, 65537);
  return sub(wide, sub(wide, x));
}

const NUMBERS = ['fresh', 'momentum', 'eps', 'a', 'b', 'c', 'kept', 'rate'] as const;

/**
 * Momentum whose singular values are all made about 1, for the matrices of hidden layers; train vectors, embeddings and heads by another optimizer (Jordan 2024,
 * kellerjordan.github.io/posts/muon). As in PyTorch the iteration keeps 8 binary digits.
 *
 *     const matrices = model.parameters().filter((p) => p.rank === 2);
 *     const optimizer = new Muon(matrices, { lr: 0.02 });
 */
export class Muon extends Optimizer<MuonOptions> {
  protected readonly kernel = null;

  protected getRule(): Rule<MuonOptions> {
    return RULE;
  }

  protected check(o: Required<MuonOptions>): void {
    for (const name of ['lr', 'weightDecay', 'momentum', 'eps'] as const) checkRange('Muon', name, o[name], 0);
    if (!(o.nsSteps >= 0 && o.nsSteps < 100)) throw valueError('Muon', `nsSteps must be a whole number from 0 to 99, got ${o.nsSteps}.`);
    for (const p of (o as Partial<ParamGroup<MuonOptions>>).params ?? []) assertMatrix(p);
  }

  protected hyperParameters(g: ParamGroup<MuonOptions>): readonly number[] {
    return [g.lr, g.weightDecay, g.momentum, ...g.nsCoefficients, g.eps];
  }

  protected words(): readonly number[] {
    return [];
  }

  protected override move(p: Tensor, gradient: Tensor, state: ParamState, _: number, group: ParamGroup<MuonOptions>): void {
    assertMatrix(p); // one that was put into the list by hand
    const buffer = this.zeros(state, 'momentumBuffer', p.sizes);
    if (p.size === 0) return;
    const [rows, columns] = p.sizes as [number, number];
    const factor = (ADJUST[group.adjustLrFn ?? 'original'] as (rows: number, columns: number) => number)(rows, columns);
    scope(() => {
      const { fresh, momentum, eps, a, b, c, kept, rate } = numbersOf(NUMBERS, null, () => {
        const [a, b, c] = group.nsCoefficients;
        return { fresh: 1 - group.momentum, momentum: group.momentum, eps: group.eps, a, b, c, kept: 1 - group.lr * group.weightDecay, rate: group.lr * factor };
      });
      const g = group.maximize ? neg(gradient) : gradient;
      copyElements(lerp(buffer, g, fresh), buffer);
      let x = rounded(group.nesterov ? lerp(g, buffer, momentum) : buffer);
      const tall = rows > columns;
      if (tall) x = transpose(x, 0, 1);
      x = rounded(div(x, maximum(rounded(norm(x)), eps)));
      for (let i = 0; i < group.nsSteps; i++) {
        const gram = rounded(matmul(x, transpose(x, 0, 1)));
        const square = rounded(add(mul(gram, b), mul(matmul(gram, gram), c)));
        x = rounded(add(mul(x, a), matmul(square, x)));
      }
      if (tall) x = transpose(x, 0, 1);
      copyElements(sub(mul(p, kept), mul(x, rate)), p);
    });
  }
}

function assertMatrix(p: Tensor): void {
  if (p.rank !== 2) throw shapeError('Muon', 'takes matrices only', [p.sizes], 'Train vectors and images of weights by another optimizer.');
}
