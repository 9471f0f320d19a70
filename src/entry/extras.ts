// The builds beyond the ordinary one. Their texts are large, so a bundle holds one only where the application imports its entry.
import { compileEmbedded, runtimeError } from '../runtime/compile.ts';
import type { Builds } from '../runtime/instance.ts';

/** What a file beside the library, or an entry, brings: the text of a build. */
interface Build {
  text: string;
}

/** The same for shared memory: also how to start a thread. */
interface ThreadsBuild extends Build {
  spawn: Builds['threads']['spawn'];
}

type Get<T> = () => T | Promise<T>;

/** The build with relaxed SIMD, from its text. */
export const relaxedFrom = (get: Get<Build>): Builds['relaxed'] => {
  return async () => compileEmbedded((await get()).text, "relaxed SIMD. Leave out simd: 'relaxed', or use a newer one: Node ≥ 22, Chrome ≥ 114, Firefox ≥ 145.");
};

/** The build for shared memory, from its text. */
export const threadsFrom = (get: Get<ThreadsBuild>): Builds['threads'] => ({
  load: async () => compileEmbedded((await get()).text, 'WebAssembly threads. Leave threads out.'),
  spawn: async (job) => (await get()).spawn(job),
});

/**
 * A build that lies beside the library: Node, Deno, Bun and pages without a bundler find it there. The specifier is a variable, so that
 * no bundler follows it; in a bundle there is nothing beside the library, and the error says what to import.
 */
export async function beside<T extends Build>(file: string, entry: string, option: string): Promise<T> {
  let cause: unknown;
  try {
    const build = (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ file)) as T;
    if (typeof build.text === 'string') return build;
  } catch (error) {
    cause = error;
  }
  throw runtimeError('init', `{ ${option} } found no build beside the library, as in a bundle. Add import '${entry}', or leave ${option} out.`, cause);
}
