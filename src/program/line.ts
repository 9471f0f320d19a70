// Where a program called into this library.

/** The line of the program that called into this library, in brackets, where the runtime tells. */
export function callingLine(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100; // a backward pass is deep
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const user = frames.find(
    (line) => /:\d/.test(line) && !/[/\\](gradloom|src)[/\\](dist|runtime|ops|tensor|autograd|optim|nn|losses|multiloss|data|module|program|interop|methods)\b/.test(line),
  );
  return user ? ` (${user.trim().replace(/^at /, '')})` : '';
}
