// What several tests need.
import { type ErrorCode, GradloomError } from 'gradloom';
import * as assert from 'uvu/assert';

/** Asserts that `fn` throws this library's error with the code and a message that matches; returns the error. */
export function throwsCode(code: ErrorCode, message: RegExp, fn: () => unknown): GradloomError {
  try {
    fn();
  } catch (error) {
    assert.instance(error, GradloomError, String(error));
    const e = error as GradloomError;
    assert.is(e.code, code, e.message);
    assert.match(e.message, message);
    return e;
  }
  return assert.unreachable(`expected ${code}: ${message}`) as never;
}

/** What `fn` warns of. */
export function warnings(fn: () => void): string[] {
  const before = console.warn;
  const said: string[] = [];
  console.warn = (...parts) => said.push(parts.join(' '));
  try {
    fn();
  } finally {
    console.warn = before;
  }
  return said;
}
