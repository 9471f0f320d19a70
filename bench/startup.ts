// From import to the losses of the first training step, each time in a new process.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { median, quantile, short, table } from './table.ts';

const RUNS = 7;
const SCRIPTS: Readonly<Record<string, string>> = { eager: './peers/startup/gradloom.mjs', 'jax-js': './peers/startup/jax.mjs' };

/** Prints a table; gives the median milliseconds. gradloom is taken from dist/, as it is installed. */
export function startup(everyone: readonly string[]): Record<string, number> {
  if (!existsSync(new URL('../dist/node.js', import.meta.url))) {
    console.log('\nstartup: dist/ is not there, and sources compiled on the way would not be fair. Run `npm run build` first.');
    return {};
  }
  const times = new Map(everyone.map((who) => [who, [] as number[]]));
  for (let run = 0; run < RUNS; run++) {
    for (const [who, list] of times) {
      const script = fileURLToPath(new URL(SCRIPTS[who] as string, import.meta.url));
      list.push(Number(execFileSync(process.execPath, [script], { encoding: 'utf8' })));
    }
  }
  const rows = Array.from(times, ([who, list]) => [who, short(median(list)), `${short(quantile(list, 0.1))} – ${short(quantile(list, 0.9))}`]);
  console.log(`\n${table(['startup, ms', 'median', 'p10 – p90'], rows)}`);
  return Object.fromEntries(Array.from(times, ([who, list]) => [who, median(list)]));
}
