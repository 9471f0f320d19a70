// Changes the sources in one small way at a time and looks whether the tests that mirror the file notice.
//
//   npm run mutants -- --seed 1 --count 200 --folder autograd     200 mutants of src/autograd, chosen by a seed
//   npm run mutants -- --folder multiloss/solve --only rank.ts    some of one file
//
// Each stands in a copy of the repository, where the test files run one after the other until one fails. What survives is listed; fewer killed
// than --least make the command fail. A survivor wants a test, or less code, or a row in equivalent.ts that says why nothing can tell it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { equivalents } from './equivalent.ts';
import { type Mutant, mutantsOf } from './mutate.ts';

const options = new Command()
  .name('npm run mutants --')
  .option('--seed <n>', 'of the choice', Number, 1)
  .option('--count <n>', 'how many', Number, 200)
  .option('--folder <path>', 'of src', 'autograd')
  .option('--only <word>', 'in the paths of files', '')
  .option('--jobs <n>', 'copies that run side by side', Number, 2)
  .option('--least <share>', 'of the mutants that must be killed', Number, 0.9)
  .parse()
  .opts<{ seed: number; count: number; folder: string; only: string; jobs: number; least: number }>();

const root = fileURLToPath(new URL('../..', import.meta.url));
const filesIn = (folder: string, end: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith(end))
    .map((f) => join(folder, f))
    .sort();

/** The nearest folder of tests with the file's path. */
function mirrorOf(file: string): string {
  let folder = dirname(file).replace(/^src/, 'test');
  while (!existsSync(join(root, folder))) folder = dirname(folder);
  return folder;
}

/** Where a mutant comes in the choice: the same while its file stays, whatever others do. */
const lot = ({ file, start, by }: Mutant): string => createHash('sha256').update(`${options.seed} ${file} ${start} ${by}`).digest('hex');

/** A copy of what tests read. */
function copy(): string {
  const place = mkdtempSync(join(tmpdir(), 'gradloom-mutants-'));
  for (const name of ['src', 'test', 'scripts', 'assembly', 'examples', 'docs', 'package.json', 'tsconfig.json']) cpSync(join(root, name), join(place, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  return place;
}

/** Whether a test file fails in a copy; one that takes ten times as long as it did hangs. */
function fails(place: string, file: string, limit: number): Promise<'no' | 'yes' | 'hangs'> {
  const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: place, stdio: 'ignore' });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve('hangs');
    }, limit);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? 'no' : 'yes');
    });
  });
}

/** How long each test file takes as things are; the quickest, and later those that noticed something, come first. */
async function unchanged(place: string, files: readonly string[]): Promise<Map<string, number>> {
  const times: [string, number][] = [];
  for (const file of files) {
    const begin = performance.now();
    if ((await fails(place, file, 600_000)) !== 'no') throw new Error(`${file} fails without a mutant. Mend it first.`);
    times.push([file, performance.now() - begin]);
  }
  return new Map(times.sort((a, b) => a[1] - b[1]));
}

const all = filesIn(join('src', options.folder), '.ts')
  .filter((file) => file.includes(options.only))
  .flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
const reasonFor = ({ file, before, after }: Mutant): string | undefined => equivalents.find((e) => e.file === file && e.before === before && e.after === after)?.why;
const mutants = all.sort((a, b) => (lot(a) < lot(b) ? -1 : 1)).slice(0, options.count);
const queue = mutants.filter((m) => !reasonFor(m));
const survivors: Mutant[] = [];
const places = Array.from({ length: options.jobs }, copy);
process.on('exit', () => {
  for (const place of places) rmSync(place, { recursive: true, force: true });
});
process.on('SIGINT', () => process.exit(130));

const mirrors = [...new Set(queue.map(({ file }) => mirrorOf(file)))];
const times = await unchanged(places[0] as string, [...new Set(mirrors.flatMap((folder) => filesIn(folder, '.test.ts')))]);
const order = [...times.keys()];

async function run(place: string): Promise<void> {
  for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
    const { file, start, end, by, line, before, after } = mutant;
    const text = readFileSync(join(root, file), 'utf8');
    writeFileSync(join(place, file), text.slice(0, start) + by + text.slice(end));
    let killer = '';
    for (const test of order.filter((f) => f.startsWith(`${mirrorOf(file)}/`))) {
      if ((await fails(place, test, 10 * (times.get(test) as number) + 10_000)) === 'no') continue;
      killer = test;
      order.unshift(...order.splice(order.indexOf(test), 1));
      break;
    }
    writeFileSync(join(place, file), text);
    if (!killer) survivors.push(mutant);
    console.log(`${killer ? 'killed  ' : 'SURVIVED'} ${file}:${line}${killer ? `  by ${killer}` : `\n           ${before}\n           ${after}`}`);
  }
}

const count = queue.length;
await Promise.all(places.map(run));
console.log(
  `\n${all.length} mutants, ${mutants.length} chosen, ${mutants.length - count} of them equivalent; of ${count}, ${count - survivors.length} killed, ${survivors.length} survived`,
);
process.exit(count - survivors.length >= options.least * count ? 0 : 1);
