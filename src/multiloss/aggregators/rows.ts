// What methods on whole Jacobians share: rows[p] is [m, n] for each parameter p.
import { full, tensor } from '../../ops/create.ts';
import { mm } from '../../ops/matmul.ts';
import { reshape } from '../../ops/movement.ts';
import { sum } from '../../ops/reduce.ts';
import { square } from '../../ops/unary.ts';
import { GradloomError, shapeText } from '../../tensor/errors.ts';
import { recording } from '../../tensor/recording.ts';
import { keep, outlive } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Σ wᵢ·rowᵢ of one parameter, [n]; w is [m]. */
export function combined(w: Tensor, rows: Tensor): Tensor {
  const [m, n] = rows.shape as [number, number];
  return reshape(mm(reshape(w, [1, m]), rows), [n]);
}

/** Numbers of the host as a tensor. */
export function vector(values: Float64Array): Tensor {
  return tensor(Float32Array.from(values));
}

/** ‖rowᵢ‖ over all parameters, on the host. Each parameter's part is float32. */
export function lengths(rows: readonly Tensor[], m: number): Float64Array {
  const squares = new Float64Array(m);
  for (const r of rows) {
    const part = sum(square(r), { dim: 1 }).data();
    for (let i = 0; i < m; i++) squares[i] = (squares[i] as number) + (part[i] as number);
  }
  return squares.map(Math.sqrt);
}

/** Kept tensors, one per parameter and of its rows' shape: what a method remembers between steps. */
export class Memory {
  private readonly method: string;
  private tensors: Tensor[] = [];

  constructor(method: string) {
    this.method = method;
  }

  /** Whether it holds nothing yet. */
  get empty(): boolean {
    return this.tensors.length === 0;
  }

  /** The tensors for these rows, zeros at first. */
  of(rows: readonly Tensor[]): readonly Tensor[] {
    if (this.empty) {
      recording()?.early();
      this.tensors = rows.map((r) => outlive(full(r.shape, 0)));
    }
    recording()?.rely(this, () => this.tensors);
    const wrong = rows.findIndex((r, p) => this.tensors[p]?.shape.join() !== r.shape.join());
    if (wrong >= 0 || rows.length !== this.tensors.length) {
      const [now, before] = [rows.map((r) => shapeText(r.shape)).join(' '), this.tensors.map((t) => shapeText(t.shape)).join(' ')];
      throw new GradloomError('STATE', this.method, `it remembers gradients of ${before}, and the step has ${now}. Call reset() where losses or parameters change.`);
    }
    return this.tensors;
  }

  /** As plain data. */
  toJSON(): { shape: number[]; data: number[] }[] {
    return this.tensors.map((t) => ({ shape: [...t.shape], data: [...t.data()] }));
  }

  /** Takes up what `toJSON` gave; nothing where that is missing. */
  load(saved: unknown): void {
    this.tensors = ((saved ?? []) as { shape: number[]; data: number[] }[]).map(({ shape, data }) => keep(tensor(Float32Array.from(data), { shape })));
  }
}
