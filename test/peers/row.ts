// What a row of test/peers is: one behaviour that PyTorch's (or TorchJD's) own tests ask for, said twice, in TypeScript and in Python. `npm run peers:record` runs the
// Python and writes down what it gives; `npm test` runs the TypeScript and compares, without Python.
import { autograd, GradloomError, noGrad, Tensor, type TensorData, tensor } from 'gradloom';

export interface Row {
  /** What holds, in a few words; unique in its file. */
  readonly name: string;
  /** The behaviour here; null where it is not offered: the row is counted and listed as such. */
  readonly js: (() => unknown) | null;
  /** The same in Python: lines of which the last is an expression, or `return …`. `t`, `L`, `I`, `B`, `fill`, `torch`, `nn`, `F`, `optim`, `torchjd` and what the file's `prelude` defines are at hand. */
  readonly py: string;
  /** Relative and absolute tolerance; default 1e-5 and 1e-6: a few roundings of float32. */
  readonly tolerance?: readonly [relative: number, absolute: number];
  /** Why it differs here, where it does so for a reason: it is then listed, and compared to see that it still differs. */
  readonly differs?: string | undefined;
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

/** The module with its parameters set to sin(1)/2, sin(2)/2, … in order of their names. */
export function fill<M extends { parameters(): Tensor[] }>(module: M): M {
  let n = 0;
  for (const p of module.parameters()) noGrad(() => p.copy_(tensor(Array.from({ length: p.size }, () => Math.sin(++n) / 2)).reshape(p.shape)));
  return module;
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** A value as Python writes it: lists, texts and numbers as they are, names in snake case. */
export function py(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return `${value}`.replace('Infinity', 'math.inf').replace('NaN', 'math.nan');
  // PyTorch wants floats beside floats.
  if (Array.isArray(value)) return `[${value.map((v) => (Number.isSafeInteger(v) && value.some((x) => x % 1 !== 0) ? `${v}.0` : py(v))).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([k, v]) => `${JSON.stringify(snake(k))}: ${py(v)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}

/** Options as Python's keyword arguments: `{ weightDecay: 0.1 }` is `weight_decay=0.1`. */
export const keywords = (options: object): string =>
  Object.entries(options)
    .map(([name, value]) => `${snake(name)}=${py(value)}`)
    .join(', ');

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
