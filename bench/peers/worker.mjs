// The side of a peer's process: asked in JSON lines on stdin, it answers in JSON lines on stdout.
//
//   ← { ready: title }
//   → { ask: 'prepare', work, file, entries }   ← { checks } | { cannot: reason }
//   → { ask: 'run', work: name, seconds }       ← { rate }, runs per second
//   → { ask: 'forget' }                         ← { }, all works' memory given back
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

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

/** Inputs by name, from the file that the parent wrote. */
function read(file, entries) {
  const { buffer, byteOffset } = readFileSync(file);
  return new Map(
    entries.map(({ name, shape, dtype, offset }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const bytes = buffer.slice(byteOffset + offset, byteOffset + offset + count * 4);
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
 * Answers until stdin ends. `prepare(work, data)` gives a job: `checks`, numbers that all peers must agree on, taken before anything
 * else; `run`, which may return a promise if `asynchronous` is set; and `close`, which gives its memory back.
 */
export async function serve(title, prepare) {
  // Libraries greet on stdout, which belongs to the answers.
  console.log = console.info = console.warn = console.error;
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  const jobs = new Map();
  say({ ready: title });
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    try {
      if (question.ask === 'prepare') {
        const job = await prepare(question.work, read(question.file, question.entries));
        await repeat(job, WARM_UP[question.work.kind]);
        jobs.set(question.work.name, job);
        say({ checks: job.checks });
      } else if (question.ask === 'forget') {
        for (const job of jobs.values()) job.close?.();
        jobs.clear();
        say({});
      } else say({ rate: await repeat(jobs.get(question.work), question.seconds) });
    } catch (error) {
      say(error instanceof Cannot ? { cannot: error.message } : { error: `${error?.stack ?? error}` });
    }
  }
}
