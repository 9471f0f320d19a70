// Node, Deno and Bun: a program that imports or requires the package and prints what it found.
import { join } from 'node:path';
import { command, jsonLine, type Outcome, project, type Target, tool } from './context.ts';

const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;

/** A program's outcome, and the runtime's version. */
function outcome(file: string, args: readonly string[], versionArgs: readonly string[] = ['--version']): Outcome {
  const found = jsonLine<Outcome>(command(file, args, { cwd: project() }));
  const version = /\d+\.\d+\.\d+/.exec(command(file, versionArgs))?.[0];
  return { ...found, ...(version ? { version } : {}) };
}

/** Relaxed SIMD rounds otherwise: it must run, the bits are its own. */
const relaxed = ({ hash, ...rest }: Outcome): Outcome => ({ ...rest, hash: '', note: `other bits are right here: ${hash}` });
const RELAXED = JSON.stringify({ simd: 'relaxed' });
const THREADS = JSON.stringify({ threads: 2 });

/** Node of a major version. */
export const nodeOf = (major: number): string => tool('runtimes', `node${major}`, 'bin', 'node');

function nodeTargets(major: number): Target[] {
  const node = (): string => nodeOf(major);
  return [
    { name: `Node ${major} import`, run: async () => outcome(node(), ['import.mjs']) },
    { name: `Node ${major} gradloom/worker`, run: async () => outcome(node(), ['worker-run.mjs']) },
    { name: `Node ${major} require`, run: async () => outcome(node(), ['require.cjs']) },
    { name: `Node ${major} import, 2 threads`, run: async () => outcome(node(), ['import.mjs', THREADS]) },
    { name: `Node ${major} require, 2 threads`, run: async () => outcome(node(), ['require.cjs', THREADS]) },
  ];
}

const deno = (): string => tool('runtimes', 'deno', 'bin.cjs');
export const bun = (): string => tool('runtimes', '@oven', `bun-${process.platform}-${arch}`, 'bin', 'bun');
/** What Node is given to run a program in Deno, whose package starts its binary through Node. */
export const denoRun = (): string[] => [deno(), 'run', '--allow-read', '--allow-env'];
const inDeno = (...args: string[]): Outcome => outcome(process.execPath, [...denoRun(), ...args], [deno(), '--version']);

export const processes: Target[] = [
  ...[20, 22, 24, 26].flatMap(nodeTargets),
  { name: 'Deno import', run: async () => inDeno('import.mjs') },
  { name: 'Deno import, 2 threads', run: async () => inDeno('import.mjs', THREADS) },
  { name: 'Deno gradloom/worker', run: async () => inDeno('worker-run.mjs') },
  { name: 'Bun gradloom/worker', run: async () => outcome(bun(), ['worker-run.mjs']) },
  { name: 'Bun import', run: async () => outcome(bun(), ['import.mjs']) },
  { name: 'Bun require', run: async () => outcome(bun(), ['require.cjs']) },
  { name: 'Bun import, 2 threads', run: async () => outcome(bun(), ['import.mjs', THREADS]) },
  { name: 'Node 24 import, relaxed SIMD', run: async () => relaxed(outcome(tool('runtimes', 'node24', 'bin', 'node'), ['import.mjs', RELAXED])) },
  { name: 'Deno import, relaxed SIMD', run: async () => relaxed(inDeno('import.mjs', RELAXED)) },
  { name: 'Bun import, relaxed SIMD', run: async () => relaxed(outcome(bun(), ['import.mjs', RELAXED])) },
  {
    name: 'Bun build',
    run: async () => {
      const out = join(project(), 'out-bun');
      command(bun(), ['build', 'app.mjs', '--target=browser', '--minify', `--outdir=${out}`], { cwd: project() });
      return outcome(bun(), ['-e', `await import('${out}/app.js'); console.log(JSON.stringify(await globalThis.gradloomSmoke()))`]);
    },
  },
];
