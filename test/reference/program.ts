// A program over tensors as plain data, and how it runs on any engine: what it makes, what its hooks see, what is refused.

/** A tensor by its place among those that the program has made. */
export type At = number;

export type Step =
  | { do: 'leaf'; shape: number[]; data: number[]; requiresGrad: boolean }
  | { do: 'unary'; f: string; x: At; c: number; noGrad?: boolean }
  | { do: 'binary'; f: string; x: At; y: At; noGrad?: boolean }
  | { do: 'matmul'; x: At; y: At }
  | { do: 'sum'; x: At; dim: number | null; keepdim: boolean }
  | { do: 'view'; f: string; x: At; args: number[] }
  | { do: 'clone' | 'detach'; x: At }
  | { do: 'write'; f: string; x: At; y: At | null; c: number; noGrad: boolean }
  | { do: 'requiresGrad'; x: At; on: boolean }
  | { do: 'retain'; x: At }
  | { do: 'hook'; f: 'look' | 'scale' | 'keep'; x: At; c: number; id: number }
  | { do: 'postHook'; f: 'look' | 'step'; x: At; id: number }
  | { do: 'unhook'; id: number }
  | { do: 'backward'; roots: At[]; seeds: (number[] | null)[]; inputs: At[] | null; retainGraph: boolean; createGraph: boolean }
  | { do: 'grad'; root: At; inputs: At[]; retainGraph: boolean; createGraph: boolean }
  | { do: 'losses'; losses: At[]; weights: number[]; needs: 'losses' | 'gramian'; retainGraph: boolean }
  | { do: 'takeGrad' | 'clearGrad' | 'zeroGrad' | 'read'; x: At }
  | { do: 'setGrad'; x: At; y: At };

/** What an engine offers. */
export interface Engine<T> {
  leaf(shape: number[], data: number[], requiresGrad: boolean): T;
  unary(f: string, x: T, c: number): T;
  binary(f: string, x: T, y: T): T;
  matmul(x: T, y: T): T;
  sum(x: T, dim: number | null, keepdim: boolean): T;
  view(f: string, x: T, args: number[]): T;
  clone(x: T): T;
  detach(x: T): T;
  write(f: string, x: T, y: T | number): void;
  noGrad<R>(fn: () => R): R;
  requiresGrad(x: T): boolean;
  setRequiresGrad(x: T, on: boolean): void;
  isLeaf(x: T): boolean;
  retain(x: T): void;
  hook(x: T, fn: (g: T) => T | undefined): () => void;
  postHook(x: T, fn: (leaf: T) => void): () => void;
  backward(roots: T[], seeds: (T | null)[], inputs: T[] | null, retainGraph: boolean, createGraph: boolean): void;
  grad(root: T, inputs: T[], retainGraph: boolean, createGraph: boolean): (T | null)[];
  losses(losses: T[], weights: number[], needs: 'losses' | 'gramian', retainGraph: boolean): void;
  gradOf(x: T): T | null;
  setGrad(x: T, g: T | null): void;
  zeroGrad(x: T): void;
  shape(x: T): readonly number[];
  values(x: T): number[];
  /** What an error says: its code. */
  code(error: unknown): string;
}

/** What can be told of a run. */
export interface Outcome {
  /** For each step 'ok', or the code of what refused it. */
  steps: string[];
  /** For each hook that ran: its number and the sum of what it saw, in order; summed by number where a method looks at each loss. */
  seen: [id: number, sum: number][];
  /** What hooks kept, and what was read on the way. */
  kept: (number[] | null)[];
  values: number[][];
  grads: (number[] | null)[];
  requiresGrad: boolean[];
  isLeaf: boolean[];
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** A program at work on an engine, step by step. */
export class Session<T> {
  readonly tensors: T[] = [];
  readonly steps: string[] = [];
  private seen: [number, number][] = [];
  /** Gradients that hooks kept, those of one hook in one step together; numbers that were read. */
  private kept: { id: number; gradients: T[]; numbers: number[] | null }[] = [];
  private readonly removers = new Map<number, () => void>();
  readonly engine: Engine<T>;

  constructor(engine: Engine<T>) {
    this.engine = engine;
  }

  /** Runs a step: 'ok', or the code of what refused it. */
  step(step: Step): string {
    let state = 'ok';
    const [before, keptBefore] = [this.seen.length, this.kept.length];
    try {
      this.tensors.push(...this.perform(step));
    } catch (error) {
      state = this.engine.code(error);
    }
    if (step.do === 'losses' && step.needs === 'gramian') {
      const totals = new Map<number, number>();
      for (const [id, s] of this.seen.splice(before)) totals.set(id, (totals.get(id) ?? 0) + s);
      this.seen.push(...[...totals].sort(([a], [b]) => a - b));
      const kept = this.kept.splice(keptBefore);
      for (const id of [...new Set(kept.map((k) => k.id))].sort((a, b) => a - b)) {
        this.kept.push({ id, gradients: kept.filter((k) => k.id === id).flatMap((k) => k.gradients), numbers: null });
      }
    }
    this.steps.push(state);
    return state;
  }

  private perform(s: Step): T[] {
    const { engine, tensors } = this;
    const t = (at: At): T => tensors[at] as T;
    const mode = <R>(noGrad: boolean | undefined, fn: () => R): R => (noGrad ? engine.noGrad(fn) : fn());
    const zerosAs = (x: T): T => engine.leaf([...engine.shape(x)], new Array<number>(engine.values(x).length).fill(0), false);
    switch (s.do) {
      case 'leaf':
        return [engine.leaf(s.shape, s.data, s.requiresGrad)];
      case 'unary':
        return [mode(s.noGrad, () => engine.unary(s.f, t(s.x), s.c))];
      case 'binary':
        return [mode(s.noGrad, () => engine.binary(s.f, t(s.x), t(s.y)))];
      case 'matmul':
        return [engine.matmul(t(s.x), t(s.y))];
      case 'sum':
        return [engine.sum(t(s.x), s.dim, s.keepdim)];
      case 'view':
        return [engine.view(s.f, t(s.x), s.args)];
      case 'clone':
        return [engine.clone(t(s.x))];
      case 'detach':
        return [engine.detach(t(s.x))];
      case 'write':
        mode(s.noGrad, () => engine.write(s.f, t(s.x), s.y === null ? s.c : t(s.y)));
        return [];
      case 'requiresGrad':
        engine.setRequiresGrad(t(s.x), s.on);
        return [];
      case 'retain':
        engine.retain(t(s.x));
        return [];
      case 'hook':
        this.removers.set(
          s.id,
          engine.hook(t(s.x), (g) => {
            this.seen.push([s.id, sum(engine.values(g))]);
            if (s.f === 'keep') this.kept.push({ id: s.id, gradients: [g], numbers: null });
            return s.f === 'scale' ? engine.unary('scale', g, s.c) : undefined;
          }),
        );
        return [];
      case 'postHook':
        this.removers.set(
          s.id,
          engine.postHook(t(s.x), (leaf) => {
            const g = engine.gradOf(leaf);
            this.seen.push([s.id, g ? sum(engine.values(g)) : 0]);
            if (s.f !== 'step' || !g) return;
            engine.noGrad(() => engine.write('sub_', leaf, engine.unary('scale', g, 0.1)));
            engine.setGrad(leaf, null);
          }),
        );
        return [];
      case 'unhook':
        this.removers.get(s.id)?.();
        return [];
      case 'backward': {
        const roots = s.roots.map(t);
        const seeds = s.seeds.map((data, i) => data && engine.leaf([...engine.shape(roots[i] as T)], data, false));
        engine.backward(roots, seeds, s.inputs?.map(t) ?? null, s.retainGraph, s.createGraph);
        return [];
      }
      case 'grad': {
        const inputs = s.inputs.map(t);
        return engine.grad(t(s.root), inputs, s.retainGraph, s.createGraph).map((g, i) => g ?? zerosAs(inputs[i] as T));
      }
      case 'losses':
        engine.losses(s.losses.map(t), s.weights, s.needs, s.retainGraph);
        return [];
      case 'takeGrad':
        return [engine.gradOf(t(s.x)) ?? zerosAs(t(s.x))];
      case 'clearGrad':
        engine.setGrad(t(s.x), null);
        return [];
      case 'zeroGrad':
        engine.zeroGrad(t(s.x));
        return [];
      case 'read': {
        const g = engine.gradOf(t(s.x));
        this.kept.push({ id: -1, gradients: [], numbers: g && engine.values(g) });
        return [];
      }
      case 'setGrad':
        engine.setGrad(t(s.x), t(s.y));
        return [];
    }
  }

  outcome(): Outcome {
    const { engine, tensors } = this;
    const total = (list: readonly T[]): number[] => list.map((g) => engine.values(g)).reduce((a, b) => a.map((v, i) => v + (b[i] as number)));
    return {
      steps: this.steps,
      seen: this.seen,
      kept: this.kept.map(({ gradients, numbers }) => (gradients.length > 0 ? total(gradients) : numbers)),
      values: tensors.map((x) => engine.values(x)),
      grads: tensors.map((x) => engine.gradOf(x)).map((g) => g && engine.values(g)),
      requiresGrad: tensors.map((x) => engine.requiresGrad(x)),
      isLeaf: tensors.map((x) => engine.isLeaf(x)),
    };
  }
}

export function run<T>(program: readonly Step[], engine: Engine<T>): Outcome {
  const session = new Session(engine);
  for (const step of program) session.step(step);
  return session.outcome();
}

/** Where two runs differ, in words; null where they agree up to `tolerance`. */
export function difference(a: Outcome, b: Outcome, tolerance: number): string | null {
  const near = (x: unknown, y: unknown): boolean => {
    if (typeof x === 'number' && typeof y === 'number') return Math.abs(x - y) <= tolerance || Object.is(x, y);
    if (Array.isArray(x) && Array.isArray(y)) return x.length === y.length && x.every((v, i) => near(v, y[i]));
    return x === y;
  };
  for (const key of ['steps', 'values', 'requiresGrad', 'isLeaf', 'grads', 'kept', 'seen'] as const) {
    const [x, y] = [a[key] as unknown[], b[key] as unknown[]];
    if (x.length !== y.length) return `${key}: ${JSON.stringify(x)} for ${JSON.stringify(y)}`;
    const at = x.findIndex((v, i) => !near(v, y[i]));
    if (at >= 0) return `${key}[${at}]: ${JSON.stringify(x[at])} for ${JSON.stringify(y[at])}`;
  }
  return null;
}
