// The builds beyond the ordinary one. Their texts are large, so a bundle holds one only where the application imports its entry.
import { compileEmbedded } from '../runtime/compile.ts';
import type { Sources } from '../runtime/instance.ts';
import { spawn } from './spawn.ts';

type Text = () => string | Promise<string>;

/** The build with relaxed SIMD, from its text. */
export const relaxedFrom = (text: Text): Required<Sources>['relaxed'] => {
  return async () => compileEmbedded(await text(), "relaxed SIMD. Leave out simd: 'relaxed', or use a newer one: Node ≥ 22, Chrome ≥ 114, Firefox ≥ 145.");
};

/** The build for shared memory, from its text. */
export const threadsFrom = (text: Text): Required<Sources>['threads'] => ({
  load: async () => compileEmbedded(await text(), 'WebAssembly threads. Leave threads out.'),
  spawn,
});

/**
 * A text that lies beside the library: Node, Deno, Bun and pages without a bundler find it there. The specifier is a variable, so that
 * no bundler follows it; in a bundle there is nothing beside the library, and the error says what to import.
 */
export async function beside(file: string, entry: string, option: string): Promise<string> {
  let cause: unknown;
  try {
    const { text } = (await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ file)) as { text?: unknown };
    if (typeof text === 'string') return text;
  } catch (error) {
    cause = error;
  }
  throw new Error(`gradloom: init({ ${option} }) did not find its build beside the library, as in a bundle. Add import '${entry}' to the program, or leave ${option} out.`, {
    cause,
  });
}
