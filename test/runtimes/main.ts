// npm run test:runtimes [-- --only REGEX]: the packed library in every runtime that this machine has or npm brings, as one table.
// Exit code 1 where a row failed or ended in other bits. What was missing is skipped and said, never passed.
import { Command } from 'commander';
import { browsers } from './browsers.ts';
import { bundled } from './bundlers.ts';
import { Missing, type Target } from './context.ts';
import { copies } from './copies.ts';
import { edges } from './edges.ts';
import { processes } from './processes.ts';
import { resumed } from './resumed.ts';
import { HASH } from './smoke.mjs';

const { only } = new Command().option('--only <regex>', 'run the rows whose name matches, for example "Node 20|Deno"').parse().opts<{ only?: string }>();
const wanted = only === undefined ? /./ : new RegExp(only, 'i');
const targets: Target[] = [...processes, ...edges, ...browsers, ...resumed, ...bundled, ...copies].filter(({ name }) => wanted.test(name));
const counts = { passed: 0, failed: 0, skipped: 0 };
const rows: string[][] = [['runtime', 'version', 'result', 'import ms', 'first step ms', 'row s', 'final hash', 'note']];
const reasons: string[] = [];
// Clocks that stand still while a program runs (workerd) say nothing.
const ms = (n: number | undefined): string => (n ? n.toFixed(1) : '–');

for (const { name, run } of targets) {
  const start = performance.now();
  const seconds = (): string => ((performance.now() - start) / 1000).toFixed(1);
  try {
    const { hash, importMs, firstStepMs, version = '', note = '' } = await run();
    if (hash && hash !== HASH) throw new Error(`other bits: ${hash}, expected ${HASH}`);
    counts.passed++;
    rows.push([name, version, 'ok', ms(importMs), ms(firstStepMs), seconds(), hash || '–', note]);
  } catch (error) {
    const { message } = error as Error;
    const missing = error instanceof Missing;
    counts[missing ? 'skipped' : 'failed']++;
    rows.push([name, '', missing ? 'skipped' : 'FAILED', '–', '–', seconds(), '–', missing ? message : 'see below']);
    if (!missing) reasons.push(`FAILED ${name}: ${(error as Error).stack ?? message}`);
  }
  console.error(`${counts.passed + counts.failed + counts.skipped}/${targets.length} ${name}`);
}

const widths = (rows[0] as string[]).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
console.log(
  `\n${rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`,
);
for (const reason of reasons) console.log(reason);
console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
process.exit(counts.failed > 0 || targets.length === 0 ? 1 : 0);
