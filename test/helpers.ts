// What several tests need.
import { type ErrorCode, GradloomError } from 'gradloom';
import * as assert from 'uvu/assert';

function assertCode(error: unknown, code: ErrorCode, message: RegExp): GradloomError {
  assert.instance(error, GradloomError, String(error));
  const e = error as GradloomError;
  assert.is(e.code, code, e.message);
  assert.match(e.message, message);
  return e;
}

/** Asserts that `fn` throws this library's error with the code and a message that matches; returns the error. */
export function throwsCode(code: ErrorCode, message: RegExp, fn: () => unknown): GradloomError {
  try {
    fn();
  } catch (error) {
    return assertCode(error, code, message);
  }
  return assert.unreachable(`expected ${code}: ${message}`) as never;
}

/** What a promise is rejected with. Fails where it resolves. */
export const rejection = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => assert.unreachable('expected a rejection') as never,
    (error) => error,
  );

/** As `throwsCode`, of what `fn` awaits. */
export async function rejectsCode(code: ErrorCode, message: RegExp, fn: () => Promise<unknown>): Promise<GradloomError> {
  return assertCode(await rejection(fn()), code, message);
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until it is so. */
export async function until(what: string | (() => string), seconds: number, so: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await so())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${typeof what === 'string' ? what : what()}`);
    await sleep(20);
  }
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
