// Where a program called into this library: the first frame of a stack outside of it.

/** @internal Where a frame of a stack is: 'at name (url:line:column)' in V8, 'name@url:line:column' elsewhere. */
export function frameOf(line: string): { url: string; at: string } | null {
  const found = /^\s*at /.test(line) ? /(?:\(|at (?:async )?)((?:[^()]|\([^()]*\))*?):(\d+):(\d+)\)?\s*$/.exec(line) : /^[^@]*@(.*):(\d+):(\d+)\s*$/.exec(line);
  return found ? { url: found[1] as string, at: `${found[1]}:${found[2]}:${found[3]}` } : null;
}

/** The folder of the library's modules: the one that holds this function's. */
const libraryOf = (frames: readonly ({ url: string } | null)[]): string =>
  (frames[0]?.url ?? '').replace(/(src[\\/]tensor[\\/])?[^\\/]*$/, (_, sources) => (sources ? 'src/' : ''));

/** The program's line in a stack: the first frame outside of the library; '' where both are in one folder, as in a bundle. */
export function lineOf(stack: string | undefined): string {
  const own = libraryOf(
    (new Error().stack ?? '')
      .split('\n')
      .map(frameOf)
      .filter((f) => f !== null),
  );
  const outer = (stack ?? '')
    .split('\n')
    .map(frameOf)
    .find((f) => f !== null && own !== '' && !f.url.startsWith(own) && !/^node:/.test(f.url));
  return outer?.at ?? '';
}

/** The line of the program that called into this library, in brackets, where the runtime tells. */
export function callingLine(): string {
  const limited = Error as { stackTraceLimit?: number };
  const limit = limited.stackTraceLimit;
  if (limit !== undefined) limited.stackTraceLimit = 100; // a backward pass is deep
  const { stack } = new Error();
  if (limit !== undefined) limited.stackTraceLimit = limit;
  const line = lineOf(stack);
  return line && ` (${line})`;
}
