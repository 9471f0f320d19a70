// npm run test:mpi [-- --only REGEX] [-- --short]: gradloom/mpi under Open MPI and MPICH, as one table. Exit code 1 where a row failed.
// What was missing is skipped and said, never passed.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makers } from '../multiloss/makers.ts';
import { root } from '../runtimes/context.ts';
import { faults } from './faults.ts';
import { FLAVOURS, type Flavour, job, jsonLine, Missing, project, succeeded } from './jobs.ts';
import { networks } from './networks.ts';
import { restarts } from './restarts.ts';

/** One row of the table; gives what to say beside it. */
export interface Row {
  readonly name: string;
  /** Whether it is part of the short form. */
  readonly short?: boolean;
  run(): Promise<string>;
}

interface Checks {
  checks: number;
  failures: number;
  version: string;
}
interface Compared {
  size: number;
  results: Record<string, { gradients: number; weights: number; parameters: number; hash: string; error?: string }>;
}

/** Hashes of methods by number of ranks and batch: the same under every MPI. */
const bits = new Map<string, string>();

async function basics(flavour: Flavour, ranks: number, ...words: string[]): Promise<string> {
  const { checks, failures, version } = jsonLine<Checks>(succeeded(await job(flavour, ranks, ['basics.mjs', ...words])).output);
  if (failures !== 0) throw new Error(`${failures} of ${ranks} × ${checks} checks failed`);
  return `${checks} checks on each rank, ${version}`;
}

/**
 * What n ranks may be off one process with the whole batch, by length: means of means are rounded in another order, by some float32 ulps (6e-8) each,
 * and 100 steps add that up. Weights come of differences of these: of a variance of ratios near 1 for CoV.
 */
const TOLERANCES = { gradients: 1e-5, parameters: 1e-5, weights: 1e-3 };
/** SDMGrad descends 20 times by 10 slopes, which makes much of what is rounded. */
const TOLERANT: Readonly<Record<string, typeof TOLERANCES>> = { SDMGrad: { ...TOLERANCES, gradients: 1e-3, weights: 1e-2 } };

async function several(flavour: Flavour, ranks: Parameters<typeof job>[1], batch: number, steps: number, ...only: string[]): Promise<string> {
  const ended = succeeded(await job(flavour, ranks, ['several.mjs', String(batch), String(steps), ...only], { limit: 240 }));
  const { size, results } = jsonLine<Compared>(ended.output);
  const entries = Object.entries(results);
  const missing = (only.length > 0 ? only : Object.keys(makers)).filter((name) => !results[name]);
  if (missing.length > 0) throw new Error(`nothing was said of ${missing.join(', ')}`);
  for (const [name, result] of entries) {
    const { hash, error } = result;
    if (error) throw new Error(`${name}: ${error}`);
    for (const [what, tolerance] of Object.entries(TOLERANT[name] ?? TOLERANCES)) {
      const found = result[what as keyof typeof TOLERANCES];
      // What is NaN comes as null.
      if (!(typeof found === 'number' && found < tolerance)) throw new Error(`${name}: ${what} are apart by ${found}`);
    }
    if (!/^[0-9a-f]{8}$/.test(hash)) throw new Error(`${name}: the hash is ${hash}`);
    const key = `${name}, ${size} ranks, batch ${batch}, ${steps} steps`;
    if ((bits.get(key) ?? hash) !== hash) throw new Error(`${key}: other bits than under the other MPI or runtime: ${hash}, ${bits.get(key)}`);
    bits.set(key, hash);
  }
  const most = Math.max(...entries.map(([, r]) => r.gradients));
  return `${entries.length} methods, gradients within ${most.toExponential(1)}`;
}

/** The program in docs/mpi.md, twice: the second run goes on from the first one's checkpoint, which is its end. */
async function guide(flavour: Flavour): Promise<string> {
  const [, program] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs', 'mpi.md'), 'utf8')) ?? [];
  writeFileSync(join(project(), 'guide.mjs'), program as string);
  rmSync(join(project(), 'run.safetensors'), { force: true });
  const said = [];
  for (let i = 0; i < 2; i++)
    said.push(
      succeeded(await job(flavour, 2, ['guide.mjs']))
        .output.trim()
        .split('\n')
        .filter((l) => /^\d/.test(l)).length,
    );
  if (said.join() !== '4,0') throw new Error(`it printed ${said.join(' and ')} lines instead of 4 and 0`);
  return 'ran, and went on';
}

const rows: Row[] = FLAVOURS.flatMap((flavour) => {
  const row = (name: string, run: () => Promise<string>, short = false): Row => ({ name: `${flavour.name}: ${name}`, short, run });
  return [
    row('every call, 1 rank', () => basics(flavour, 1)),
    row('every call, 2 ranks', () => basics(flavour, 2), true),
    row('every call, 3 ranks', () => basics(flavour, 3)),
    row('every call, 2 ranks of 2 threads', () => basics(flavour, 2, '2')),
    row('several losses, 2 ranks', () => several(flavour, 2, 24, 3), true),
    row('several losses, 4 ranks', () => several(flavour, 4, 24, 3)),
    row('several losses, 4 ranks with unequal batches', () => several(flavour, 4, 26, 3)),
    row("the guide's program", () => guide(flavour)),
    row('UPGrad over 100 steps, 4 ranks', () => several(flavour, 4, 24, 100, 'UPGrad')),
    ...(['node', 'bun', 'deno'] as const).map((runtime) => row(`the same bits, 2 ranks in ${runtime}`, () => several(flavour, [[runtime, 2]], 24, 4, 'PCGrad'))),
    row('one job of 2 ranks in Node, 1 in Deno, 1 in Bun', () =>
      several(
        flavour,
        [
          ['node', 2],
          ['deno', 1],
          ['bun', 1],
        ],
        24,
        100,
        'UPGrad',
      ),
    ),
    ...faults(flavour).map((fault) => row(fault.name, fault.run, fault.short)),
    ...restarts(flavour).map((restart) => row(restart.name, restart.run, restart.short)),
    ...networks(flavour).map((network) => row(network.name, network.run)),
  ];
});

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' }, short: { type: 'boolean', default: false } } });
const wanted = rows.filter(({ name, short }) => new RegExp(options.only, 'i').test(name) && (!options.short || short));
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const { name, run } of wanted) {
  const start = performance.now();
  const [state, said] = await run().then(
    (note) => ['passed', note] as const,
    (error: Error) => (error instanceof Missing ? (['skipped', error.message] as const) : (['failed', error.stack ?? error.message] as const)),
  );
  counts[state]++;
  console.log(`${state.padEnd(8)}${name.padEnd(62)}${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${said}`);
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
process.exit(counts.failed > 0 || wanted.length === 0 ? 1 : 0);
