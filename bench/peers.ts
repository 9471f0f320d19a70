// The same work on gradloom and its peers, side by side: `npm run bench:peers [-- --json] [--rounds 5] [--only regex] [--who regex] [--dist] [--busy]`.
// --busy: beside a process that keeps one core busy all the time.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { install, startPeers } from './peer.ts';
import { type Cell, Comparison } from './rounds.ts';
import { startup } from './startup.ts';
import { capture } from './steps.ts';
import { type Medians, printJson } from './table.ts';
import { type Work, WORKS } from './works.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.3' },
    only: { type: 'string', default: '' },
    who: { type: 'string', default: '' },
    dist: { type: 'boolean', default: false },
    busy: { type: 'boolean', default: false },
  },
});
const only = new RegExp(options.only);
const named = new RegExp(options.who);

/** All works side by side. */
async function compare(works: readonly Work[]): Promise<Medians> {
  const { peers, absent } = await startPeers(named, capture !== undefined, options.dist);
  const comparison = new Comparison(peers, Number(options.rounds), Number(options.seconds));
  for (const [who, reason] of absent) comparison.reasons.set(who, reason);
  const busy = options.busy ? spawn(process.execPath, ['-e', 'for (;;);']) : undefined;
  try {
    await comparison.run(works);
  } finally {
    busy?.kill();
  }
  comparison.printMedians(works);
  // How much longer a step takes with two backward passes over a retained graph than with one over the weighted sum.
  const ratio: Cell = (work, who) => {
    const [one, two] = [comparison.medians[work.operation]?.[who], comparison.medians[work.name]?.[who]];
    return one === undefined || two === undefined ? undefined : `${(one / two).toFixed(2)} ×`;
  };
  comparison.print(
    'two passes / one',
    works.filter((work) => work.passes === 2),
    ratio,
  );
  comparison.printReasons();
  return comparison.medians;
}

async function main(): Promise<void> {
  install();
  const works = WORKS.filter((work) => only.test(work.name));
  const medians = works.length > 0 ? await compare(works) : {};
  if (only.test('startup')) medians['startup'] = startup(['eager', 'jax-js'].filter((who) => named.test(who)));
  if (options.json) printJson(medians);
}

main().catch((error: unknown) => {
  console.error(`bench:peers: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});
