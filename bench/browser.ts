// gradloom and jax-js in headless Chromium, with and without threads, a page for each: `npm run bench:browser [-- --json] [--rounds 5] [--seconds 0.3]
// [--only regex] [--who regex] [--threads 2] [--dist]`.
import { parseArgs } from 'node:util';
import { chromium } from '../test/runtimes/browsers.ts';
import { command } from '../test/runtimes/context.ts';
import { Pages, type Way } from './pages.ts';
import { install } from './peer.ts';
import { type Cell, Comparison } from './rounds.ts';
import { type Medians, printJson } from './table.ts';
import { WORKS } from './works.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.3' },
    only: { type: 'string', default: '^(tiny|mlp|cnn)$' },
    who: { type: 'string', default: '' },
    threads: { type: 'string', default: '2' },
    dist: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);

const WAYS: readonly Way[] = [1, threads].flatMap((n) => {
  const who = (name: string): string => (n === 1 ? name : `${name}-threads`);
  return [
    { who: who('eager'), program: 'gradloom.page.ts', args: ['eager', `${n}`], threads: n, takes: () => true },
    { who: who('captured'), program: 'gradloom.page.ts', args: ['captured', `${n}`], threads: n, takes: ({ kind }) => kind === 'step' },
    { who: who('jax-js'), program: 'jax.mjs', args: [`${n}`], threads: n, takes: () => true },
  ] satisfies Way[];
});

/** Columns of the table of ratios: whose steps per second, over whose. */
const RATIOS = new Map(
  [
    ['captured', 'jax-js'],
    ['captured-threads', 'jax-js-threads'],
    ['eager', 'jax-js'],
    ['eager-threads', 'jax-js-threads'],
    ['captured-threads', 'captured'],
    ['eager-threads', 'eager'],
    ['jax-js-threads', 'jax-js'],
  ].map((pair) => [pair.join(' / '), pair]),
);

async function compare(): Promise<Medians> {
  const version = command(chromium().file, ['--version']).trim();
  const works = WORKS.filter((work) => work.passes === 1 && new RegExp(options.only).test(work.name));
  const ways = WAYS.filter(({ who }) => new RegExp(options.who).test(who));
  if (!(Number.isInteger(threads) && threads >= 2)) throw new Error(`--threads must be a whole number of at least 2, it is ${options.threads}.`);
  if (works.length === 0 || ways.length === 0) throw new Error('no work or nobody fits --only and --who.');
  const { pages, peers } = await Pages.open(ways, options.dist);
  const comparison = new Comparison(peers, Number(options.rounds), Number(options.seconds));
  try {
    console.log(`${version}, headless; ${pages.userAgent}`);
    await comparison.run(works);
  } finally {
    pages.end();
  }
  comparison.printMedians(works);
  const ratio: Cell = ({ name }, column) => {
    const [one, other] = (RATIOS.get(column) ?? []).map((who) => comparison.medians[name]?.[who]);
    return one === undefined || other === undefined ? undefined : `${(one / other).toFixed(2)} ×`;
  };
  comparison.print('ratio', works, ratio, [...RATIOS.keys()]);
  comparison.printReasons();
  return comparison.medians;
}

// Browsers are ended as the process exits, which an interrupt alone would not do.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
install();
const medians = await compare().catch((error: unknown) => {
  console.error(`bench:browser: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});
if (medians && options.json) printJson(medians);
