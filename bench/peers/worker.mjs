// The side of a peer, a process or a page, which answers what it is asked (wire.mjs).
//
//   ← { ready: title }
//   → { ask: 'prepare', work, file, entries }   ← { checks } | { cannot: reason }
//   → { ask: 'run', work: name, seconds }       ← { rate }, runs per second
//   → { ask: 'forget' }                         ← { }, all works' memory given back
import { bytesOf, converse } from './wire.mjs';

export { args } from './wire.mjs';

/** Thrown where a library cannot do a work: shown in the table, not an error. */
export class Cannot extends Error {}

/** Seconds before anything counts, by kind: host code is compiled in stages, and a step has more of it than a kernel. */
const WARM_UP = { step: 1, kernel: 0.3 };

/** A few numbers that stand for an array: its mean magnitude, then four elements. */
export function digest(values) {
  let total = 0;
  for (const v of values) total += Math.abs(v);
  const n = values.length;
  return [total / n, ...[0, Math.floor(n / 3), Math.floor((2 * n) / 3), n - 1].map((i) => values[i])];
}

/** Inputs by name, from the file that the bench wrote. */
async function read(file, entries) {
  const all = await bytesOf(file);
  return new Map(
    entries.map(({ name, shape, dtype, offset }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const bytes = all.slice(offset, offset + count * 4);
      return [name, { shape, data: dtype === 'int32' ? new Int32Array(bytes) : new Float32Array(bytes) }];
    }),
  );
}

/** Runs until the time is over, looking at the clock about once a millisecond. */
async function repeat(job, seconds) {
  const start = performance.now();
  const end = start + seconds * 1000;
  let now = start;
  let runs = 0;
  let batch = 1;
  while (now < end) {
    if (job.asynchronous) for (let i = 0; i < batch; i++) await job.run();
    else for (let i = 0; i < batch; i++) job.run();
    runs += batch;
    const before = now;
    now = performance.now();
    if (now - before < 0.5) batch *= 2;
  }
  return (runs / (now - start)) * 1000;
}

/**
 * Answers until the bench ends. `prepare(work, data)` gives a job: `checks`, numbers that all peers must agree on, taken before anything
 * else; `run`, which may return a promise if `asynchronous` is set; and `close`, which gives its memory back.
 */
export async function serve(title, prepare) {
  const jobs = new Map();
  await converse({ ready: title }, async (question) => {
    try {
      if (question.ask === 'prepare') {
        const job = await prepare(question.work, await read(question.file, question.entries));
        await repeat(job, WARM_UP[question.work.kind]);
        jobs.set(question.work.name, job);
        return { checks: job.checks };
      }
      if (question.ask === 'forget') {
        for (const job of jobs.values()) job.close?.();
        jobs.clear();
        return {};
      }
      return { rate: await repeat(jobs.get(question.work), question.seconds) };
    } catch (error) {
      return error instanceof Cannot ? { cannot: error.message } : { error: `${error?.stack ?? error}` };
    }
  });
}
