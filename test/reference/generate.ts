// Random programs with in-place writes, hooks, views, retained graphs and several losses. Each runs on the reference while it is made, so that
// shapes fit and numbers stay near 1; refusals are part of a program.
import { seeded } from '../seeded.ts';
import { reaches } from './backward.ts';
import { reference } from './engines.ts';
import { type At, Session, type Step } from './program.ts';
import { isLeaf, met, type Ref, requires, sizeOf } from './tensor.ts';

const SHAPES = [[], [1], [2], [3], [2, 3], [3, 2], [1, 3], [2, 1], [2, 2, 3]];
/** Beyond this, roundings of float32 would hide what goes wrong. */
const LARGEST = 1e3;

class Generator {
  private readonly random: () => number;
  private readonly session = new Session(reference);
  private readonly steps: Step[] = [];
  private hooks = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  private below = (n: number): number => Math.floor(this.random() * n);
  private chance = (p: number): boolean => this.random() < p;
  private pick = <T>(list: readonly T[]): T => list[this.below(list.length)] as T;
  /** A number of at most 1.5 that float32 holds exactly. */
  private number = (): number => (this.below(97) - 48) / 32 || 0.5;
  private numbers = (n: number): number[] => Array.from({ length: n }, this.number);

  private where(test: (t: Ref) => boolean): At[] {
    return this.session.tensors.flatMap((t, i) => (test(t) ? [i] : []));
  }

  /** One of some tensors, rather a late one; −1 where there is none. */
  private some(test: (t: Ref) => boolean = () => true): At {
    const list = this.where(test);
    return list.length === 0 ? -1 : this.chance(0.5) ? (list.at(-1 - this.below(Math.min(4, list.length))) as At) : this.pick(list);
  }

  private readonly tensor = (at: At): Ref => this.session.tensors[at] as Ref;

  private leaf(): Step {
    const shape = [...this.pick(SHAPES)];
    return { do: 'leaf', shape, data: this.numbers(sizeOf(shape)), requiresGrad: this.chance(0.7) };
  }

  private view(): Step | null {
    const x = this.some();
    const { at, shape } = this.tensor(x);
    const f = this.pick(['reshape', 'transpose', 'slice', 'slice', 'select', 'select', 'unsqueeze', 'expand']);
    const rowMajor = at.every((p, i) => p === (at[0] as number) + i);
    const dim = this.below(shape.length);
    const n = shape[dim] ?? 0;
    // TODO views that change nothing
    const turned = [...shape].reverse();
    if (f === 'reshape')
      return rowMajor
        ? { do: 'view', f, x, args: shape.length < 2 || turned.join() === shape.join() || this.chance(0.3) ? [...shape, 1] : this.pick([[sizeOf(shape)], turned]) }
        : null;
    if (f === 'transpose') return shape.length === 2 ? { do: 'view', f, x, args: [] } : null;
    if (f === 'unsqueeze') return { do: 'view', f, x, args: [this.below(shape.length + 1)] };
    if (f === 'expand') return { do: 'view', f, x, args: [2, ...shape] };
    if (shape.length === 0) return null;
    if (f === 'select') return { do: 'view', f, x, args: [dim, this.below(n)] };
    const start = this.below(n);
    if (start === 0 && n === 1) return null;
    return { do: 'view', f, x, args: [dim, start, start + 1 + this.below(start === 0 ? n - 1 : n - start)] };
  }

  private write(): Step | null {
    const x = this.some((t) => sizeOf(t.shape) > 0 && this.chance(requires(t) && isLeaf(t) ? 0.3 : 1));
    if (x < 0) return null;
    const f = this.pick(['add_', 'sub_', 'mul_', 'mul_', 'div_', 'copy_', 'fill_', 'zero_']);
    const noGrad = this.chance(isLeaf(this.tensor(x)) ? 0.5 : 0.15);
    if (f === 'fill_' || f === 'zero_')
      return new Set(this.tensor(x).at).size < this.tensor(x).at.length ? null : { do: 'write', f, x, y: null, c: f === 'zero_' ? 0 : this.number(), noGrad };
    if (f === 'div_') return { do: 'write', f, x, y: null, c: 2, noGrad };
    // Of x itself or what shares its memory, the new or the old value would count.
    const y = this.some((t) => t.memory !== this.tensor(x).memory && fits(t.shape, this.tensor(x).shape));
    if (y < 0 || (f !== 'copy_' && this.chance(0.4))) return f === 'copy_' ? null : { do: 'write', f, x, y: null, c: this.number(), noGrad };
    return { do: 'write', f, x, y, c: 0, noGrad };
  }

  private compute(): Step | null {
    const x = this.some();
    const roll = this.below(10);
    const noGrad = this.chance(0.05);
    if (roll < 4) return { do: 'unary', f: this.pick(['neg', 'exp', 'sin', 'tanh', 'sigmoid', 'square', 'scale', 'shift']), x, c: this.number(), noGrad };
    if (roll < 7) {
      const y = this.some((t) => fits(t.shape, this.tensor(x).shape) || fits(this.tensor(x).shape, t.shape));
      const small = this.tensor(y).values.some((v) => Math.abs(v) < 0.3);
      return { do: 'binary', f: this.pick(small ? ['add', 'sub', 'mul'] : ['add', 'mul', 'div', 'div']), x, y, noGrad };
    }
    if (roll < 8) {
      const { shape } = this.tensor(x);
      const dim = shape.length === 0 || this.chance(0.4) ? null : this.below(shape.length);
      return { do: 'sum', x, dim, keepdim: this.chance(0.3) };
    }
    if (roll < 9) {
      const [a, b] = [this.some((t) => t.shape.length === 2), this.some((t) => t.shape.length === 2)];
      return a >= 0 && this.tensor(a).shape[1] === this.tensor(b).shape[0] ? { do: 'matmul', x: a, y: b } : null;
    }
    return this.chance(0.6) ? { do: 'clone', x } : { do: 'detach', x: this.some((t) => t.at.every((p, i) => p === i)) };
  }

  private mark(): Step | null {
    const x = this.some(requires);
    if (x < 0) return null;
    const id = this.hooks++;
    switch (this.below(7)) {
      case 0:
      case 1:
        return { do: 'hook', f: this.pick(['look', 'scale', 'keep']), x, c: this.number(), id };
      case 2:
        return { do: 'retain', x };
      case 3: {
        const leaf = this.some((t) => t.wants && isLeaf(t));
        return leaf < 0 ? null : { do: 'postHook', f: this.pick(['look', 'look', 'step']), x: leaf, id };
      }
      case 4:
        return this.hooks > 1 ? { do: 'unhook', id: this.below(id) } : null;
      default: {
        // PyTorch refuses writes to what was a view before its base asked for gradients; only fresh leaves change their flag.
        const leaf = this.some((t) => isLeaf(t) && t.base === null && !this.session.tensors.some((v) => v.base === t));
        return leaf < 0 ? null : { do: 'requiresGrad', x: leaf, on: this.chance(0.6) };
      }
    }
  }

  private gradients(): Step | null {
    const retainGraph = this.chance(0.6);
    const createGraph = this.chance(0.12);
    const scalar = (t: Ref): boolean => sizeOf(t.shape) === 1 && requires(t);
    const leaf = this.some((t) => t.grad !== null || (isLeaf(t) && t.wants));
    switch (this.below(10)) {
      case 0:
      case 1:
      case 2: {
        const root = this.some(requires);
        if (root < 0) return null;
        const roots = this.chance(0.3) ? [root, this.some(requires)] : [root];
        const seeds = roots.map((at) => (sizeOf(this.tensor(at).shape) === 1 && this.chance(0.5) ? null : this.numbers(sizeOf(this.tensor(at).shape))));
        const inputs = this.chance(0.25) ? this.behind(root) : null;
        return { do: 'backward', roots, seeds, inputs, retainGraph, createGraph };
      }
      case 3: {
        const root = this.some(scalar);
        return root < 0 ? null : { do: 'grad', root, inputs: this.behind(root), retainGraph, createGraph };
      }
      case 4:
      case 5: {
        const losses = [...new Set([this.some(scalar), this.some(scalar), this.some(scalar)])];
        if (losses.length < 2 || losses.includes(-1)) return null;
        return { do: 'losses', losses, weights: losses.map(() => Math.abs(this.number())), needs: this.pick(['losses', 'gramian']), retainGraph };
      }
      case 6:
        return leaf < 0 ? null : { do: this.pick(isLeaf(this.tensor(leaf)) ? (['takeGrad', 'clearGrad', 'zeroGrad'] as const) : (['takeGrad', 'clearGrad'] as const)), x: leaf };
      case 7: {
        const x = this.some((t) => isLeaf(t));
        const y = x < 0 ? -1 : this.some((t) => t.shape.join() === this.tensor(x).shape.join() && t !== this.tensor(x) && new Set(t.at).size === t.at.length);
        return y < 0 ? null : { do: 'setGrad', x, y };
      }
      default:
        return leaf < 0 ? null : { do: 'read', x: leaf };
    }
  }

  /** One or two tensors, the first of which the root was computed from. */
  private behind(root: At): At[] {
    const first = this.some((t) => requires(t) && reaches(this.tensor(root), t));
    return this.chance(0.5) ? [first] : [first, this.some(requires)];
  }

  private propose(): Step | null {
    const { tensors } = this.session;
    if (tensors.length < 3) return this.leaf();
    const roll = this.random();
    if (roll < 0.04) return this.leaf();
    if (roll < 0.42) return this.compute();
    if (roll < 0.56) return this.view();
    if (roll < 0.7) return this.write();
    if (roll < 0.82) return this.mark();
    return this.gradients();
  }

  make(length: number): Step[] {
    met.largest = 1;
    for (let tries = 0; this.steps.length < length && tries < 10 * length; tries++) {
      const step = this.propose();
      if (!step) continue;
      const { tensors } = this.session;
      const count = tensors.length;
      const state = this.session.step(step);
      if (!['ok', 'GRAPH', 'VERSION', 'INPLACE', 'SHAPE', 'UNSHARED'].includes(state)) throw new Error(state);
      // What makes a tensor must make it, so that later steps find theirs; a few refusals are enough.
      const makes = ['leaf', 'unary', 'binary', 'matmul', 'sum', 'view', 'clone', 'detach', 'grad', 'takeGrad'].includes(step.do);
      if (state !== 'ok' && (makes || state === 'UNSHARED' || this.chance(0.7))) {
        this.session.steps.pop();
        continue;
      }
      if (met.largest > LARGEST || tensors.slice(count).some((t) => sizeOf(t.shape) > 24)) break;
      this.steps.push(step);
    }
    return this.steps;
  }
}

/** The program of a seed. */
export const generate = (seed: number): Step[] => new Generator(seed).make(12 + (seed % 40));

/** Whether a tensor of this shape can be written into one of that shape. */
function fits(from: readonly number[], to: readonly number[]): boolean {
  return from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i]);
}
