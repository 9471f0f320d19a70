// Errors with what they are usually made of.
import { GradloomError } from '../runtime/errors.ts';

export { type ErrorCode, GradloomError } from '../runtime/errors.ts';

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
