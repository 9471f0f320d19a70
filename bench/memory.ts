// What training holds: the same after a hundred steps and after ten thousand, and the most that one step needs.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Medians, table } from './table.ts';

interface Held {
  readonly live: number;
  readonly reserved: number;
}

/** Steps after which to look. The larger models need fewer: what leaks, leaks in every step. */
const LOOKS: Readonly<Record<string, readonly [early: number, late: number]>> = { tiny: [100, 10_000] };
const looksOf = (model: string): readonly [early: number, late: number] => LOOKS[model] ?? [20, 100];

const child = fileURLToPath(new URL('./memory-child.ts', import.meta.url));

function measure(model: string, who: string): { first: Held; last: Held; peak: number } {
  const args = ['--import', 'tsx', child, model, who, ...looksOf(model).map(String)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

const kilo = (bytes: number): string => `${(bytes / 1024).toFixed(1)}`;

/** Prints tables; gives bytes by work and who. Sets the exit code where memory grows. */
export function memoryBench(models: readonly string[], everyone: readonly string[]): Medians {
  const medians: Medians = {};
  const rows: string[][] = [];
  for (const model of models) {
    const bytes: Record<string, number> = {};
    const peaks: Record<string, number> = {};
    for (const who of everyone) {
      const { first, last, peak } = measure(model, who);
      const flat = first.live === last.live && first.reserved === last.reserved;
      if (!flat) process.exitCode = 1;
      const looks = looksOf(model)
        .map((n) => n.toLocaleString('en'))
        .join(' → ');
      const change = (early: number, late: number): string => (early === late ? kilo(late) : `${kilo(early)} → ${kilo(late)}`);
      rows.push([model, who, looks, change(first.live, last.live), change(first.reserved, last.reserved), kilo(peak), flat ? 'flat' : 'GROWS']);
      bytes[who] = last.live;
      peaks[who] = peak;
    }
    medians[`memory-${model}`] = bytes;
    medians[`memory-peak-${model}`] = peaks;
  }
  console.log(`\n${table(['memory, KiB', 'who', 'steps', 'live', 'wasm memory', 'most in a step', ''], rows)}`);
  return medians;
}
