// Compiles ceiling.c and prints this machine's 128-bit limit: `npm run bench:ceiling [-- --json] [--rounds N]`.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, 'build');

/** Both without 256-bit vectors and without fused multiply-add; the loop is written with 128-bit intrinsics. */
const ENCODINGS = { sse: ['-msse4.2', '-mno-avx'], vex: ['-mavx', '-mno-avx2', '-mno-fma'] };

const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' }, build: { type: 'boolean' } } });

if (process.arch !== 'x64' || spawnSync('gcc', ['--version']).status !== 0) {
  console.log(`bench:ceiling needs gcc on an x64 machine; this is ${process.arch}${process.arch === 'x64' ? ' without gcc' : ''}. Nothing was measured.`);
  if (values.json) console.log('{}');
  process.exit(0);
}
mkdirSync(build, { recursive: true });
for (const [name, flags] of Object.entries(ENCODINGS)) {
  execFileSync('gcc', ['-O3', ...flags, '-ffp-contract=off', '-o', join(build, name), join(here, 'ceiling.c')], { stdio: 'inherit' });
}
if (values.build) process.exit(0);

console.log('128-bit multiply + add, no FMA, one thread, operands in L1: GFLOP/s by encoding and register tile');
const best = [];
for (let round = 0; round < Number(values.rounds); round++) {
  let most = 0;
  for (const name of Object.keys(ENCODINGS)) {
    const tiles = JSON.parse(execFileSync(join(build, name), ['0.5'], { encoding: 'utf8' }));
    const cells = Object.entries(tiles).map(([tile, rate]) => `${tile} ${rate.toFixed(1)}`);
    console.log(`  ${name}  ${cells.join('   ')}`);
    most = Math.max(most, ...Object.values(tiles));
  }
  best.push(most);
}
best.sort((x, y) => x - y);
const median = best[Math.floor(best.length / 2)];
console.log(`median of the best over ${best.length} rounds: ${median.toFixed(1)} GFLOP/s (${best[0].toFixed(1)} – ${best.at(-1).toFixed(1)})`);
if (values.json) console.log(JSON.stringify({ ceiling: { ceiling: Number(median.toPrecision(5)) } }));
