// What optimizers train, in the forms in which programs have it.
import { isPlainObject, valueText } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { nodeOf } from '../tensor/op.ts';
import { assertAlive, Tensor } from '../tensor/tensor.ts';

/** A parameter, a module, or several: in a list, or by name as `namedParameters()` gives them. */
export type Trainable = Tensor | { parameters(): Iterable<Tensor> } | Iterable<Tensor | { parameters(): Iterable<Tensor> } | readonly [name: string, parameter: Tensor]>;

const has = (value: unknown, method: string | symbol): boolean => typeof (value as Record<string | symbol, unknown> | null | undefined)?.[method] === 'function';

/** The items of a list, or the thing itself where it is one tensor or module; in the caller's order. */
export function itemsOf(op: string, value: unknown): unknown[] {
  if (value instanceof Tensor || has(value, 'parameters')) return [value];
  if (typeof value === 'object' && !ArrayBuffer.isView(value) && has(value, Symbol.iterator)) return [...(value as Iterable<unknown>)];
  const remedy = isPlainObject(value) && 'params' in value ? 'A group stands in a list: [{ params, … }].' : 'Pass model.parameters().';
  throw new GradloomError('DTYPE', op, `parameters are tensors, got ${valueText(value)}. ${remedy}`);
}

/** The parameters that it stands for, each alive and passed by `check`. */
export function parametersOf(op: string, value: unknown, check = trainable): Tensor[] {
  return itemsOf(op, value).flatMap((item) => {
    if (has(item, 'parameters') && !(item instanceof Tensor)) return parametersOf(op, (item as { parameters(): unknown }).parameters(), check);
    const named = Array.isArray(item) && item.length === 2 && typeof item[0] === 'string';
    const p = check(op, named ? item[1] : item);
    assertAlive(p, op);
    return [p];
  });
}

/** The parameter, if it is a tensor. */
export function tensorOf(op: string, p: unknown): Tensor {
  if (p instanceof Tensor) return p;
  throw new GradloomError('DTYPE', op, `parameters are tensors, got ${valueText(p)}. Pass model.parameters().`);
}

/** The parameter, if the kernels can move it: a float32 leaf. */
export function trainable(op: string, value: unknown): Tensor {
  const p = tensorOf(op, value);
  const node = nodeOf(p);
  if (node) throw new GradloomError('GRAPH', op, `cannot optimize a non-leaf, ${p.describe()} from ${node.op.name}. Pass the leaf behind it.`);
  if (p.dtype !== 'float32') throw new GradloomError('DTYPE', op, `cannot optimize ${p.describe()}: only float32 is trained. Convert it with .float().`);
  return p;
}

/** Whether both lists hold the same things in the same order. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b?.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether a group's options are those of a list. */
export function isAsSeen(group: Readonly<Record<string, unknown>>, seen: readonly unknown[]): boolean {
  let i = 0;
  for (const key in group) {
    if (key === 'params') continue;
    const value = group[key];
    if (!Array.isArray(value)) {
      if (value !== seen[i++]) return false;
    } else for (const item of value) if (item !== seen[i++]) return false;
  }
  return i === seen.length;
}
