// Errors with what they are usually made of.
import { GradloomError } from '../runtime/errors.ts';

export { type ErrorCode, GradloomError } from '../runtime/errors.ts';

/** What tensors and modules carry to tell which copy of the library made them: two copies (import beside require, two versions) have two memories. */
export const COPY: unique symbol = Symbol.for('gradloom.copy');
/** This copy. */
export const THIS_COPY: object = {};

/** Whether it is a tensor or a module of another copy of the library. */
export function isForeign(value: unknown): boolean {
  const copy = (value as { [COPY]?: object } | null | undefined)?.[COPY];
  return copy !== undefined && copy !== THIS_COPY;
}

/** What to do about it. */
export const LOAD_ONCE = 'of another copy of gradloom: load one (npm ls gradloom; import and require in one program are two)';

/** A value as it stands in messages: short, whatever it is. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
  if (typeof value === 'function') return value.name ? `the function ${value.name}` : 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.length > 8 ? `a list of ${value.length}` : `[${Array.from(value, (v) => (Array.isArray(v) ? 'a list' : valueText(v))).join(', ')}]`;
  const { describe } = value as { describe?: () => string };
  const from = isForeign(value) ? ` ${LOAD_ONCE}` : '';
  if (typeof describe === 'function') return `a tensor ${describe.call(value)}${from}`;
  const name = (value.constructor as { name?: string } | undefined)?.name;
  return name && name !== 'Object' ? `an object of ${name}${from}` : `an object { ${Object.keys(value).slice(0, 6).join(', ')} }`;
}

/** `[2, 3]`: how shapes stand in messages. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Sizes that do not fit: the shapes in question and what to do. */
export function shapeError(op: string, what: string, shapes: readonly (readonly number[])[], remedy: string): GradloomError {
  return new GradloomError('SHAPE', op, `${what}: ${shapes.map(shapeText).join(' × ')}. ${remedy}`);
}

/** An option outside its range. */
export function valueError(op: string, message: string): GradloomError {
  return new GradloomError('VALUE', op, message);
}

const warned = new Set<string>();

/** Says a thing once per process. */
export function warnOnce(key: string, message: string): void {
  if (warned.has(key)) return;
  warned.add(key);
  console.warn(`gradloom: ${message}`);
}
