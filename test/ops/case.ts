// What a row of cases.ts is, and what rows are made with.
import * as g from 'gradloom';
import type { Shape, Tensor } from 'gradloom';

export interface Case {
  /** Name of the op, and what sets the row apart. */
  name: string;
  run: (...inputs: Tensor[]) => Tensor;
  /** Shapes of the differentiable inputs for a size n; default one vector. */
  shapes?: (n: number) => Shape[];
  /** Where inputs are drawn from; default [−2, 2]. */
  domain?: readonly [number, number];
  /** Places where the function is not smooth: inputs keep away from them. */
  kinks?: readonly number[];
  /** Whether no two inputs may be closer than a step of the differences (for maxima). */
  distinct?: boolean;
  /** The value, element by element, in float64; checked against the op at every size. */
  reference?: (...x: number[]) => number;
  /** Whether its gradient is constant, so that the second one is empty of meaning. */
  linear?: boolean;
  /** Whether its shape depends on data (a mask), or it is told places by a list of the host: refused inside `capture`. */
  dataShape?: boolean;
}

export const pair = (n: number): Shape[] => [[n], [n]];
export const rows = (n: number): Shape[] => [[3, n]];
const made = new Map<string, Tensor>();
/** Made once and kept: rows are also captured, and a captured step makes no tensors from host numbers. */
export const once = (key: string, make: () => Tensor): Tensor => {
  const t = made.get(key) ?? g.keep(make());
  made.set(key, t);
  return t;
};
export const index = (values: number[], shape: Shape): Tensor => once(`index ${values} ${shape}`, () => g.tensor(values, { dtype: 'int32' }).reshape(shape).clone());
export const weights = (...values: number[]): Tensor => once(`weights ${values}`, () => g.tensor(values));
export const cycle = (n: number, classes: number): number[] => Array.from({ length: n }, (_, i) => (i * 7 + 3) % classes);

export const shares = (shape: Shape): Tensor => once(`shares ${shape}`, () => g.rand(shape, { generator: new g.Generator(5) }).softmax(1));
export const mask = (n: number): Tensor =>
  once(`mask ${n}`, () =>
    g
      .arange(n)
      .int()
      .gt(n / 2),
  );
