// What a step returns: tensors, also in lists, maps and plain objects; what else there is stays as it is.
import { isPlainObject, valueText } from '../tensor/check.ts';
import { shapeText } from '../tensor/errors.ts';
import { copyElements } from '../tensor/op.ts';
import { isInferenceMode } from '../tensor/modes.ts';
import { empty, metaOf, Tensor } from '../tensor/tensor.ts';

/** The value with every tensor in it replaced. */
export function mapTensors(value: unknown, change: (t: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return change(value);
  if (Array.isArray(value)) return value.map((v) => mapTensors(v, change));
  if (value instanceof Map) return new Map(Array.from(value, ([k, v]) => [k, mapTensors(v, change)]));
  if (isPlainObject(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, mapTensors(v, change)]));
  return value;
}

/**
 * What makes the value again with every tensor in it copied into the caller's scope, without a graph: looked through
 * once. `at`: the tensor to copy from at the time of the call.
 */
export function clonerOf(value: unknown, at: (t: Tensor) => Tensor = (t) => t): () => unknown {
  if (value instanceof Tensor) {
    return () => {
      const y = empty(value.sizes, value.dtype);
      if (isInferenceMode()) metaOf(y).inference = true;
      copyElements(at(value), y);
      return y;
    };
  }
  if (Array.isArray(value)) {
    const items = value.map((v) => clonerOf(v, at));
    return () => items.map((copy) => copy());
  }
  if (value instanceof Map) {
    const entries = Array.from(value, ([k, v]) => [k, clonerOf(v, at)] as const);
    return () => new Map(entries.map(([k, copy]) => [k, copy()]));
  }
  if (isPlainObject(value)) {
    const fields = Object.entries(value).map(([key, v]) => [key, clonerOf(v, at)] as const);
    return () => {
      const copies: Record<string, unknown> = {};
      for (const [key, copy] of fields) copies[key] = copy();
      return copies;
    };
  }
  return () => value;
}

/** A result in words: equal for results that differ in what their tensors hold only. */
export function outline(value: unknown): string {
  if (value instanceof Tensor) return `${value.dtype} ${shapeText(value.sizes)} by ${value.steps}`;
  if (Array.isArray(value)) return `[${value.map(outline).join(', ')}]`;
  if (value instanceof Map) return `Map ${outline([...value])}`;
  if (isPlainObject(value))
    return `{ ${Object.entries(value)
      .map(([k, v]) => `${k}: ${outline(v)}`)
      .join(', ')} }`;
  return typeof value === 'string' ? JSON.stringify(value) : valueText(value);
}

/** The class of the first object in a result that hides tensors from `mapTensors`; undefined where there is none. */
export function hiding(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Tensor || ArrayBuffer.isView(value)) return undefined;
  if (Array.isArray(value) || value instanceof Map || isPlainObject(value)) {
    for (const v of value instanceof Map ? value.values() : Object.values(value)) {
      const found = hiding(v);
      if (found) return found;
    }
    return undefined;
  }
  const inside = value instanceof Set ? [...value] : Object.values(value);
  return inside.some((v) => v instanceof Tensor) ? valueText(value) : undefined;
}
