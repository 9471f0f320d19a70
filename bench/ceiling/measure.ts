// The compiled loop, as one more that takes part.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The same loop in both encodings of its instructions. */
const binaries = ['./build/sse', './build/vex'].map(path);

/** Whether `npm run bench:ceiling` has compiled it here. */
export function hasCeiling(): boolean {
  return binaries.every((binary) => existsSync(binary));
}

/** Compiles it where there is a compiler. */
export function buildCeiling(): void {
  if (!hasCeiling()) spawnSync(process.execPath, [path('./run.mjs'), '--build'], { stdio: 'ignore' });
}

/** GFLOP/s of the best register tile in the better encoding. */
export function ceiling(seconds: number): number {
  const rates = binaries.map((binary) => Object.values<number>(JSON.parse(execFileSync(binary, [`${seconds / binaries.length}`], { encoding: 'utf8' }))));
  return Math.max(...rates.flat());
}
