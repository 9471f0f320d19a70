// Adafactor, written in ops: what it remembers of a matrix is a row and a column.
import { div, maximum, mul, sub } from '../ops/binary.ts';
import { lerp } from '../ops/formulas.ts';
import { mean, norm } from '../ops/moments.ts';
import { neg, rsqrt, square } from '../ops/unary.ts';
import { float32View } from '../runtime/memory.ts';
import { FLAG, type Kind, NUMBER } from '../tensor/check.ts';
import { power } from '../tensor/elementary.ts';
import { valueError } from '../tensor/errors.ts';
import { copyElements } from '../tensor/op.ts';
import { scope } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { numbersOf } from './numbers.ts';
import { checkRange } from './options.ts';
import { Optimizer, type OptimizerOptions, type ParamGroup, type Rule } from './optimizer.ts';
import type { ParamState } from './state.ts';

/** Options of Adafactor, with PyTorch's defaults. */
export interface AdafactorOptions extends OptimizerOptions {
  /** The largest relative step; default 0.01. */
  lr?: number;
  /** τ ≤ 0: the running means keep 1 − t^τ of what they were; default −0.8. */
  beta2Decay?: number;
  /** What a second moment's root is at least (null: 2⁻²³), and what a parameter's root mean square counts at least; default [null, 1e-3]. */
  eps?: readonly [number | null, number];
  /** The root mean square that an update has at most, before the rate; default 1. */
  d?: number;
}

const EPS: Kind = {
  what: 'a list of two numbers, the first of them or null',
  test: (v) => Array.isArray(v) && v.length === 2 && (v[0] === null || typeof v[0] === 'number') && typeof v[1] === 'number',
};

/** A shape whose size in a dimension, counted from the end, is 1; null for a vector. */
const flat = (fromEnd: number) => (shape: readonly number[]) => (shape.length < 2 ? null : shape.map((n, i) => (i === shape.length - fromEnd ? 1 : n)));

const RULE: Rule<AdafactorOptions> = /* @__PURE__ */ (() => ({
  name: 'Adafactor',
  kinds: { lr: NUMBER, beta2Decay: NUMBER, eps: EPS, d: NUMBER, weightDecay: NUMBER, maximize: FLAG },
  defaults: { lr: 1e-2, beta2Decay: -0.8, eps: [null, 1e-3], d: 1, weightDecay: 0, maximize: false } as const,
  moments: { step: 'count', rowVar: flat(1), colVar: flat(2), variance: (shape) => (shape.length < 2 ? shape : null) } as const,
}))();

const NUMBERS = ['fresh', 'rho', 'kept', 'eps1', 'eps1Squared', 'eps2', 'bound'] as const;

/**
 * Adaptive steps whose second moments take the room of a row and a column of each matrix (Shazeer & Stern 2018, arXiv 1804.04235). As in PyTorch `lr` bounds
 * the relative step, and weight decay acts on the parameter.
 *
 *     const optimizer = new Adafactor(model.parameters(), { lr: 0.01 });
 */
export class Adafactor extends Optimizer<AdafactorOptions> {
  protected readonly kernel = null;

  protected getRule(): Rule<AdafactorOptions> {
    return RULE;
  }

  protected check(o: Required<AdafactorOptions>): void {
    checkRange('Adafactor', 'lr', o.lr, 0);
    if (!(o.beta2Decay <= 0)) throw valueError('Adafactor', `beta2Decay must be ≤ 0, got ${o.beta2Decay}.`);
    checkRange('Adafactor', 'eps[0]', o.eps[0] ?? 0, 0);
    checkRange('Adafactor', 'eps[1]', o.eps[1], 0);
    checkRange('Adafactor', 'd', o.d, 1);
    checkRange('Adafactor', 'weightDecay', o.weightDecay, 0);
  }

  protected hyperParameters(g: ParamGroup<AdafactorOptions>): readonly number[] {
    return [g.lr, g.beta2Decay, g.eps[0] ?? 2 ** -23, g.eps[1], g.d, g.weightDecay];
  }

  protected words(): readonly number[] {
    return [];
  }

  protected override move(p: Tensor, gradient: Tensor, state: ParamState, _: number, group: ParamGroup<AdafactorOptions>): void {
    const step = this.zeros(state, 'step', []);
    const vars = Object.entries(RULE.moments).flatMap(([name, shape]) => {
      const sizes = typeof shape === 'function' && shape(p.sizes);
      return sizes ? [this.zeros(state, name, sizes)] : [];
    });
    if (p.size === 0) return;
    scope(() => {
      const { fresh, rho, kept, eps1, eps1Squared, eps2, bound } = numbersOf(NUMBERS, step, (count) => {
        const { lr, beta2Decay, eps, d, weightDecay } = group;
        const least = eps[0] ?? 2 ** -23;
        const memory = float32View();
        const t = (memory[count / 4] as number) + 1;
        memory[count / 4] = t;
        return {
          fresh: power(t, beta2Decay),
          rho: Math.min(lr, 1 / Math.sqrt(t)),
          kept: 1 - lr * weightDecay,
          eps1: least,
          eps1Squared: least * least,
          eps2: eps[1],
          bound: d * Math.sqrt(p.size),
        };
      });
      const g = group.maximize ? neg(gradient) : gradient;
      const alpha = mul(maximum(eps2, div(norm(p), Math.sqrt(p.size))), rho);
      const squares = square(g);
      const [row, column] = vars as [Tensor, Tensor?];
      if (column) {
        copyElements(lerp(row, mean(squares, { dim: -1, keepdim: true }), fresh), row);
        copyElements(lerp(column, mean(squares, { dim: -2, keepdim: true }), fresh), column);
      } else copyElements(lerp(row, squares, fresh), row);
      const estimate = column ? div(mul(row, column), maximum(mean(row, { dim: -2, keepdim: true }), eps1)) : row;
      const update = mul(rsqrt(maximum(estimate, eps1Squared)), g);
      const rate = div(alpha, maximum(div(norm(update), bound), 1));
      copyElements(sub(mul(p, kept), mul(update, rate)), p);
    });
  }
}
