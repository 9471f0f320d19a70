// npm run bench:mpi [-- --seconds 3] [-- --rounds 3]: two ranks against one at the same total batch, and a step's exchange alone.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundled, FLAVOURS, job, jsonLine, Missing, succeeded } from '../../test/mpi/jobs.ts';
import { median, short, table } from '../table.ts';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } } });
const WORKS = [
  ['mlp', 512],
  ['cnn', 256],
] as const;

const step = bundled(fileURLToPath(new URL('step.mjs', import.meta.url)));
const rows: string[][] = [];
for (const flavour of FLAVOURS) {
  for (const [name, batch] of WORKS) {
    for (const way of ['eager', 'captured']) {
      const times = [1, 2].map((): { step: number[]; average: number[] } => ({ step: [], average: [] }));
      try {
        // One and two by turns, so that a machine that slows down slows both.
        for (let round = 0; round < Number(options.rounds); round++) {
          for (const [i, list] of times.entries()) {
            const ended = succeeded(await job(flavour, i + 1, [step, name, String(batch), options.seconds, way], { limit: 300 }));
            const { stepMs, averageMs } = jsonLine<{ stepMs: number; averageMs: number }>(ended.output);
            list.step.push(stepMs);
            list.average.push(averageMs);
          }
        }
        const [one, two, exchange] = [times[0]?.step, times[1]?.step, times[1]?.average].map((list) => median(list as number[])) as [number, number, number];
        rows.push([flavour.name, name, String(batch), way, short(one), short(two), `${(one / two).toFixed(2)} ×`, short(exchange), `${((100 * exchange) / two).toFixed(0)} %`]);
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        rows.push([flavour.name, name, String(batch), way, error.message]);
      }
      process.stderr.write(`${flavour.name} ${name} ${way}\n`);
    }
  }
}
console.log(table(['MPI', 'model', 'batch', 'way', '1 rank, ms', '2 ranks, ms', 'faster', 'exchange, ms', 'of a step'], rows));
