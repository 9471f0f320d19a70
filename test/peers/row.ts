// What a row of test/peers is: one behaviour that PyTorch's (or TorchJD's) own tests ask for, said twice, in TypeScript and in Python. `npm run peers:record` runs the
// Python and writes down what it gives; `npm test` runs the TypeScript and compares, without Python.
import { autograd, GradloomError, Tensor, type TensorData, tensor } from 'gradloom';

export interface Row {
  /** What holds, in a few words; unique in its file. */
  readonly name: string;
  /** The behaviour here; null where it is not offered: the row is counted and listed as such. */
  readonly js: (() => unknown) | null;
  /** The same in Python: lines of which the last is an expression, or `return …`. `t`, `L`, `I`, `B`, `torch`, `nn`, `F`, `optim` and `torchjd` are at hand. */
  readonly py: string;
  /** Relative and absolute tolerance; default 1e-5 and 1e-6: a few roundings of float32. */
  readonly tolerance?: readonly [relative: number, absolute: number];
  /** Why it differs here, where it does so for a reason: it is then listed, and compared to see that it still differs. */
  readonly differs?: string;
}

/** A row from its parts, for lists. */
export const row = (name: string, py: string, js: Row['js']): Row => ({ name, js, py });
/** A row that differs from PyTorch here, and why. */
export const differing = (differs: string, name: string, py: string, js: Row['js']): Row => ({ name, js, py, differs });

/** A float32 tensor. */
export const t = (data: TensorData): Tensor => tensor(data, { dtype: 'float32' });
/** A float32 leaf that requires a gradient. */
export const L = (data: TensorData): Tensor => tensor(data, { dtype: 'float32', requiresGrad: true });
/** An int32 tensor; int64 in PyTorch. */
export const I = (data: TensorData): Tensor => tensor(data, { dtype: 'int32' });
/** A bool tensor. */
export const B = (data: TensorData): Tensor => tensor(data, { dtype: 'bool' });

/** Data as Python writes it; `nan` and `inf` are at hand there. */
export const text = (data: unknown): string =>
  Array.isArray(data) ? `[${data.map(text).join(', ')}]` : typeof data === 'boolean' ? (data ? 'True' : 'False') : `${data}`.replace('NaN', 'nan').replace('Infinity', 'inf');

/** `f` of leaves, and the gradients of Σ i·fᵢ: the same as `D` in record.py. */
export function D(f: (...xs: Tensor[]) => Tensor, ...data: readonly TensorData[]): unknown {
  const xs = data.map(L);
  const y = f(...xs);
  y.backward(tensor(Array.from({ length: y.size }, (_, i) => i + 1)).reshape(y.shape));
  return [y, ...xs.map((x) => x.grad)];
}

/** Second derivatives of a function that goes element by element, as `DD` in record.py. */
export function DD(f: (x: Tensor) => Tensor, data: TensorData): unknown {
  const x = L(data);
  const [dx] = autograd.grad(f(x).sum(), x, { createGraph: true }) as [Tensor];
  return dx.requiresGrad ? autograd.grad(dx.sum(), x, { allowUnused: true, materializeGrads: true }) : [dx.mul(0)];
}

/** A row of `D`. */
export const valueAndGradient = (name: string, py: string, f: (...xs: Tensor[]) => Tensor, ...data: readonly TensorData[]): Row =>
  row(name, `D(lambda x, *o: ${py}, ${data.map(text).join(', ')})`, () => D(f, ...data));

/** A result as both sides write it: numbers, text, lists, `{ t, d }` for tensors; non-finite numbers as text; null for None and undefined. */
export function plain(value: unknown): unknown {
  if (value instanceof Tensor) return { t: plain(value.toArray()), d: value.dtype };
  if (typeof value === 'number') return Number.isNaN(value) ? 'nan' : value === Number.POSITIVE_INFINITY ? 'inf' : value === Number.NEGATIVE_INFINITY ? '-inf' : value;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<unknown>, plain);
  if (value === undefined || value === null) return null;
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}

/** What the behaviour gives: a plain result, or `{ error: true }` for a refusal. Other errors come through: they are faults. */
export function outcome(js: () => unknown): unknown {
  try {
    return plain(js());
  } catch (error) {
    if (error instanceof GradloomError) return { error: true };
    throw error;
  }
}

/** Where two plain results differ, or null. */
export function difference(got: unknown, right: unknown, [relative, absolute]: readonly [number, number], at = 'the result'): string | null {
  if (typeof got === 'number' && typeof right === 'number') {
    return Math.abs(got - right) <= absolute + relative * Math.abs(right) ? null : `${at} is ${got}, right ${right}`;
  }
  if (Array.isArray(got) && Array.isArray(right)) {
    if (got.length !== right.length) return `${at} has ${got.length} items, right ${right.length}`;
    for (let i = 0; i < got.length; i++) {
      const found = difference(got[i], right[i], [relative, absolute], `${at}[${i}]`);
      if (found) return found;
    }
    return null;
  }
  if (typeof got === 'object' && got !== null && typeof right === 'object' && right !== null && !Array.isArray(got) && !Array.isArray(right)) {
    const [mine, theirs] = [got as Record<string, unknown>, right as Record<string, unknown>];
    for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
      if (key in mine !== key in theirs) return `${at} is ${JSON.stringify(got).slice(0, 80)}, right ${JSON.stringify(right).slice(0, 80)}`;
      const found = difference(mine[key], theirs[key], [relative, absolute], key === 't' ? at : `${at}.${key}`);
      if (found) return found;
    }
    return null;
  }
  return got === right ? null : `${at} is ${JSON.stringify(got)}, right ${JSON.stringify(right)}`;
}
