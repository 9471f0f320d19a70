// gradloom's own kernels and training steps: `npm run bench [-- --json] [--rounds 3] [--only regex]`.
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import { ceiling, hasCeiling } from './ceiling/measure.ts';
import { dataOf } from './data.ts';
import { kernelOf } from './kernels.ts';
import { memoryBench } from './memory.ts';
import { multilossBench } from './multiloss.ts';
import { startup } from './startup.ts';
import { capture, stepOf } from './steps.ts';
import { type Medians, median, printJson, quantile, short, table } from './table.ts';
import { isProduct, type Work, WORKS } from './works.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    time: { type: 'string', default: '300' },
    only: { type: 'string', default: '' },
  },
});
const rounds = Number(options.rounds);
const only = new RegExp(options.only);
const ways = capture ? ['eager', 'captured'] : ['eager'];

/** Milliseconds before anything counts, by kind: host code is compiled in stages, and a step has more of it than a kernel. */
const WARM_UP = { step: 1000, kernel: 300 };

/** Rates of every single run, by who. */
type Rates = Map<string, number[]>;

async function measure(work: Work): Promise<Rates> {
  const data = dataOf(work);
  const jobs: [who: string, job: () => unknown][] = work.kind === 'step' ? ways.map((who) => [who, stepOf(work, data, who === 'captured')]) : [['eager', kernelOf(work, data).run]];
  const rates: Rates = new Map();
  const put = (who: string, list: readonly number[]): void => void rates.set(who, [...(rates.get(who) ?? []), ...list]);
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({ time: Number(options.time), iterations: 8, warmup: round === 0, warmupTime: WARM_UP[work.kind], retainSamples: true, throws: true });
    for (const [who, job] of jobs) bench.add(who, job);
    for (const { name, result } of await bench.run()) {
      if (result.state === 'completed')
        put(
          name,
          (result.latency.samples ?? []).map((ms) => (1000 / ms) * work.amount),
        );
    }
    if (isProduct(work) && hasCeiling()) put('ceiling', [ceiling(0.2)]);
  }
  return rates;
}

/** Seconds with a fitting prefix. */
function time(seconds: number): string {
  if (seconds >= 1) return `${short(seconds)} s`;
  return seconds >= 1e-3 ? `${short(seconds * 1e3)} ms` : `${short(seconds * 1e6)} µs`;
}

function rowsOf(work: Work, rates: Rates): string[][] {
  return Array.from(rates, ([who, list], i) => [
    i === 0 ? work.name : '',
    who,
    short(median(list)),
    `${short(quantile(list, 0.1))} – ${short(quantile(list, 0.9))}`,
    work.unit,
    who === 'ceiling' ? '' : time(work.amount / median(list)),
  ]);
}

const medians: Medians = {};
const rows: string[][] = [];
for (const work of WORKS.filter(({ name }) => only.test(name))) {
  process.stderr.write(`${work.name} …\n`);
  const rates = await measure(work);
  rows.push(...rowsOf(work, rates));
  medians[work.name] = Object.fromEntries(Array.from(rates, ([who, list]) => [who, median(list)]));
}
if (rows.length > 0) console.log(table(['work', 'who', 'median', 'p10 – p90', '', 'a run takes'], rows));

const models = WORKS.filter((work) => work.kind === 'step' && work.passes === 1 && only.test(`memory-${work.name}`));
if (models.length > 0) {
  Object.assign(
    medians,
    memoryBench(
      models.map((work) => work.name),
      ways,
    ),
  );
}
if (only.test('multiloss')) {
  process.stderr.write('multiloss …\n');
  const ratios = multilossBench(rounds);
  Object.assign(medians, ratios);
  const line = ([name, ways]: [string, Record<string, number>]): string[] => [name, ...Object.values(ways).map(short)];
  console.log(
    `\ntime of a step with K losses, as a multiple of a summed step's\n${table(['work', 'sum', 'independent', 'apart', 'jacobian', 'upgrad', 'graddrop', 'trimmedmean'], Object.entries(ratios).map(line))}`,
  );
}
if (only.test('startup')) medians['startup'] = startup(['eager']);
if (options.json) printJson(medians);
