// npm run test:flower [-- --only REGEX] [--short] [--slow]: clients of every runtime on a real Flower SuperLink, as one table.
// Installs flwr from PyPI into build/flower/venv (FLOWER_VENV: elsewhere). What is missing is said and counted as skipped, never as passed.
import { Command } from 'commander';
import { Missing } from '../runtimes/context.ts';
import { averages } from './rows/averages.ts';
import { faults } from './rows/faults.ts';
import { fleet } from './rows/fleet.ts';
import { losses } from './rows/losses.ts';
import { security } from './rows/security.ts';

const { only, short, slow } = new Command()
  .option('--only <regex>', 'run the rows whose name matches')
  .option('--short', 'run the few rows that say most')
  .option('--slow', "run those too that wait for Flower's own limit of 180 s")
  .parse()
  .opts<{ only?: string; short?: boolean; slow?: boolean }>();
const wanted = new RegExp(only ?? '.', 'i');
const rows = [...averages, ...losses, ...security, ...faults, ...fleet].filter((row) => wanted.test(row.name) && (!short || row.short) && (slow || !row.slow));
const counts = { passed: 0, failed: 0, skipped: 0 };

for (const { name, run } of rows) {
  const start = performance.now();
  const said = (word: string, note: string): void => console.log(`${word} ${name}  ${((performance.now() - start) / 1000).toFixed(0)} s  ${note}`);
  try {
    const note = await run();
    counts.passed++;
    said('ok  ', note);
  } catch (error) {
    const missing = error instanceof Missing;
    counts[missing ? 'skipped' : 'failed']++;
    said(missing ? 'skip' : 'FAIL', missing ? error.message : ((error as Error).stack ?? String(error)));
  }
}
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
process.exit(counts.failed > 0 || rows.length === 0 ? 1 : 0);
