// What ends a job: each fault must end it, within its time, with the rank and its host named, and leave no process.
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Flavour, job, nothingLeft, project } from './jobs.ts';
import type { Row } from './main.ts';

interface Fault {
  readonly name: string;
  /** As train.mjs takes it: what, rank, step, where. */
  readonly words: string;
  /** What must stand among the errors. */
  readonly says: RegExp;
  /** Seconds in which the job must have ended. */
  readonly within: number;
  readonly short?: boolean;
}

/** Seconds that a rank waits for others here. */
const TIMEOUT = 5;
const host = hostname();
// The start, the limit, ten seconds for the launcher, and what a busy machine takes.
const HANGS = TIMEOUT + 25;

const FAULTS: readonly Fault[] = [
  {
    name: 'a rank is killed between backward and step',
    words: 'kill 1 6 between',
    says: new RegExp(`rank 1 of 2 on ${host}, pid \\d+, after MPI_\\w+: the process is gone`),
    within: 20,
    short: true,
  },
  { name: 'a rank throws', words: 'throw 1 2 before', says: new RegExp(`rank 1 of 2 on ${host} ends the job with exit code 1[^]*the batch is broken`), within: 20 },
  { name: 'a rank exits with a code', words: 'exit 0 2 after', says: new RegExp(`rank 0 of 2 on ${host} ends the job with exit code 3`), within: 20 },
  {
    name: 'a rank is stopped: the watchdog ends the job',
    words: 'stop 1 3 between',
    says: new RegExp(`rank 0 of 2 on ${host}, pid \\d+, in MPI_\\w+: the other ranks have not come for ${TIMEOUT} s`),
    within: HANGS,
  },
  {
    name: 'a rank loops for ever: the watchdog ends the job',
    words: 'loop 0 3 before',
    says: new RegExp(`rank 1 of 2 on ${host}, pid \\d+, in MPI_\\w+: the other ranks have not come for ${TIMEOUT} s`),
    within: HANGS,
  },
];

export function faults(flavour: Flavour): Row[] {
  return FAULTS.map(({ name, words, says, within, short = false }, i) => ({
    name,
    short,
    run: async () => {
      const file = join(project(), `fault-${flavour.debian}-${i}.run`);
      const { code, errors, seconds } = await job(flavour, 2, ['train.mjs', file, '12', '4', ...words.split(' ')], { env: { MPI_TIMEOUT: String(TIMEOUT) } });
      if (code === 0) throw new Error('the job ended as if nothing had been');
      if (!says.test(errors)) throw new Error(`the job does not say ${says}:\n${errors}`);
      if (seconds > within) throw new Error(`the job took ${seconds.toFixed(1)} s to end, the limit is ${within} s`);
      await nothingLeft();
      return `ended after ${seconds.toFixed(1)} s with code ${code}`;
    },
  }));
}
