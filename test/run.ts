// Runs every *.test.ts in a process of its own and closes with one line: N passed, N failed. A file that runs no test fails.
// `npm test -- scope hooks` runs the files whose names contain one of the words, `--name <pattern>` the tests whose names match.
// A test that cannot run here says why by naming itself "… (skipped: reason)" through `test.skip`; skips are counted, never passed.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals: wanted } = parseArgs({ options: { guard: { type: 'boolean' }, name: { type: 'string' } }, allowPositionals: true });
const { guard, name } = values; // guard: on the debug build, see guard.ts
const loaded = ['tsx', ...(guard ? ['./test/guard.ts'] : []), ...(name ? ['./test/named.ts'] : [])].flatMap((m) => ['--import', m]);
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.test.ts') && !f.includes('node_modules') && (wanted.length === 0 || wanted.some((w) => f.includes(w))))
  .sort();
const totals = { passed: 0, failed: 0, skipped: 0 };

/** One file's counts, from uvu's summary. */
async function run(file: string): Promise<void> {
  const child = spawn(process.execPath, [...loaded, join('test', file)], { cwd: root, env: { ...process.env, FORCE_COLOR: '0', ...(name && { TEST_NAME: name }) } });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number>((resolve) => child.on('close', (c) => resolve(c ?? 1)));
  const count = (word: string): number => Number(new RegExp(`${word}:\\s+(\\d+)`).exec(output)?.[1] ?? 0);
  const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped')];
  const empty = total + skipped === 0;
  if (name && empty && code === 0) return;
  const failed = Math.max(total - passed, code !== 0 || empty ? 1 : 0);
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  const state = failed > 0 ? 'FAIL' : 'ok  ';
  console.log(`${state} ${file}  ${passed} passed${skipped > 0 ? `, ${skipped} skipped` : ''}${empty ? '  (no test ran: is test.run() missing?)' : ''}`);
  if (failed > 0) console.log(output.replace(/^/gm, '     | '));
}

const queue = [...files];
const lane = async (): Promise<void> => {
  for (let file = queue.shift(); file; file = queue.shift()) await run(file);
};
await Promise.all(Array.from({ length: availableParallelism() }, lane));
console.log(`\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`);
process.exit(totals.failed > 0 || totals.passed + totals.skipped === 0 ? 1 : 0);
