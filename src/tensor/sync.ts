// Functions that must be done when they return: what they are called in ends then.
import { checkArgument, FUNCTION } from './check.ts';
import { GradloomError } from './errors.ts';

function refuse(op: string, what: string, ends: string): never {
  throw new GradloomError('SCOPE', op, `the function is ${what}, but ${ends} ends when it returns. Await outside of it.`);
}

/**
 * Calls a function that must be done when it returns. `ends`: what ends then.
 * @throws SCOPE where it is async or a generator (before it runs where the runtime tells), or returns a promise
 */
export function callNow<T>(op: string, fn: () => T, ends: string): T {
  checkArgument(op, 'fn', fn, FUNCTION);
  // 'AsyncFunction', 'GeneratorFunction' or 'AsyncGeneratorFunction'; ordinary functions have no tag.
  const tag = (fn as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  if (tag) refuse(op, tag === 'AsyncFunction' ? 'async' : 'a generator', ends);
  const result = fn();
  const { then } = (result ?? {}) as { then?: unknown };
  if (typeof then === 'function') {
    (result as PromiseLike<unknown>).then(undefined, () => {}); // its failure is told by this error
    refuse(op, 'async', ends);
  }
  return result;
}
