// Fuzzes the whole public surface, which it enumerates itself: good and bad arguments, from one seed.
//
//   npm run fuzz -- --seed 1 --calls 200000       so many calls
//   npm run fuzz -- --seed 1 --minutes 5          as many as fit
//   npm run fuzz -- --seed 1 --from 1234 --calls 1   one call again
//
// The wasm gets 256 MB at most. A call may return or throw a GradloomError (or what its callback threw). A trap, a call of over 5 s, a host error, a tensor changed that the call was not given,
// an option that does not exist and is not refused, or a next operation that goes wrong is a finding; any makes the command fail.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import type { Fault, Finding } from './calls.ts';
import { type Callable, surface } from './surface.ts';
import type { Job } from './worker.ts';

const LIMIT_MS = 5000; // of the process's time: others may have the machine
const DEAD_MS = 60_000; // by the clock, for one that waits
const PART = 5000;
const options = new Command()
  .name('npm run fuzz --')
  .option('--seed <n>', 'of the calls', Number, 1)
  .option('--calls <n>', 'how many', Number, 20000)
  .option('--from <n>', 'number of the first call', Number, 0)
  .option('--minutes <m>', 'ends after so many minutes instead', Number)
  .option('--only <regex>', 'names of what to call', '')
  .option('--wasm <file>', 'another build of the kernels; build/kernels.guard.wasm where it is', 'build/kernels.guard.wasm')
  .parse()
  .opts<{ seed: number; calls: number; from: number; minutes?: number; only: string; wasm: string }>();

const root = fileURLToPath(new URL('../..', import.meta.url));
const wasm = capped(readFileSync([options.wasm, 'build/kernels.wasm'].map((name) => root + name).find(existsSync) as string));
// Calls may write files: into a folder of their own.
const folder = mkdtempSync(join(tmpdir(), 'gradloom-fuzz-'));
process.env.TSX_TSCONFIG_PATH = `${root}tsconfig.json`; // 'gradloom' is the sources, wherever the process stands
process.chdir(folder);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const began = performance.now();
const findings: Finding[] = [];
const counts: Record<string, number> = {};
let size = 0;

/** The wasm with a memory of 4096 pages at most: the limits stand in section 5 as flag, least and most. */
function capped(bytes: Uint8Array): Uint8Array {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  for (;;) {
    const id = bytes[at++];
    const size = number();
    if (id === 5) break;
    at += size;
  }
  at += 2;
  number();
  bytes.set([0x80, 0xa0, 0x00], at);
  return bytes;
}

/** Runs calls [first, end); returns where to go on: `end`, or behind a call that did not end. */
async function part(callables: Callable[], first: number, end: number): Promise<number> {
  const progress = new SharedArrayBuffer(4);
  const at = new Int32Array(progress);
  Atomics.store(at, 0, first);
  const job: Job = { surface: callables, seed: options.seed, only: options.only, first, end, wasm, progress };
  const boot = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => { register(); return import(${JSON.stringify(new URL('./worker.ts', import.meta.url).href)}); })`;
  const worker = new Worker(boot, { eval: true, workerData: job });
  return new Promise((resolve) => {
    const spent = (): number => process.cpuUsage().user / 1000;
    let [last, since, clock] = [-1, spent(), performance.now()];
    const crash = (fault: Fault, what: string): void => {
      clearInterval(watch);
      void worker.terminate();
      const call = Atomics.load(at, 0);
      findings.push({ call, fault, what });
      resolve(call + 1);
    };
    const watch = setInterval(() => {
      const now = Atomics.load(at, 0);
      if (now !== last) [last, since, clock] = [now, spent(), performance.now()];
      else if (spent() - since > LIMIT_MS + (last === first ? 20_000 : 0) || performance.now() - clock > DEAD_MS)
        crash('hang', `did not end within ${LIMIT_MS / 1000} s; again with --from ${now} --calls 1`);
    }, 100);
    worker.on('message', (m: { finding?: Finding; counts?: Record<string, number>; size?: number }) => {
      if (m.finding) {
        findings.push(m.finding);
        console.error(`call ${m.finding.call}: ${m.finding.fault}: ${m.finding.what.slice(0, 400)}`);
      }
      if (!m.counts) return;
      for (const [k, n] of Object.entries(m.counts)) counts[k] = (counts[k] ?? 0) + n;
      size = m.size ?? size;
      clearInterval(watch);
      void worker.terminate();
      resolve(end);
    });
    worker.on('error', (error) => crash('crash', `${error}`));
  });
}

const callables = surface();
const bar = new SingleBar({ format: '{bar} {percentage}% | {value}/{total} calls | {findings} findings', noTTYOutput: false });
const total = options.minutes ? Number.POSITIVE_INFINITY : options.calls;
if (process.stderr.isTTY) bar.start(options.minutes ? 1e6 : total, 0, { findings: 0 });
const end = options.from + total;
for (let at = options.from; at < end; ) {
  if (options.minutes && performance.now() - began > options.minutes * 60_000) break;
  at = await part(callables, at, Math.min(at + PART, end));
  bar.update(at - options.from, { findings: findings.length });
}
bar.stop();

const kinds = new Map<string, Finding[]>();
for (const f of findings) {
  const key = `${f.fault}  ${f.what.replace(/\(.*$/s, '')}`;
  kinds.set(key, [...(kinds.get(key) ?? []), f]);
}
for (const [key, list] of [...kinds].sort()) console.log(`${key}  ×${list.length}\n    call ${list[0]?.call}: ${list[0]?.what.slice(0, 300)}`);
console.log(`\n${size} functions, methods, constructors and properties; seed ${options.seed}`);
console.log(
  Object.entries(counts)
    .map(([k, n]) => `${k} ${n}`)
    .join(', '),
);
const by = (fault: Fault): number => findings.filter((f) => f.fault === fault).length;
console.log((['trap', 'hang', 'host error', 'foreign write', 'ignored option', 'next operation', 'crash'] as Fault[]).map((f) => `${f} ${by(f)}`).join(', '));
process.exit(findings.length > 0 ? 1 : 0);
