// gradloom's side: `eager`, or with the argument `captured` each step recorded once and replayed; behind it, how many threads.
import { init } from 'gradloom';
import type { Data } from '../data.ts';
import { kernelOf } from '../kernels.ts';
import { capture, stepOf } from '../steps.ts';
import type { Work } from '../works.ts';
import { args, Cannot, digest, type Job, serve } from './worker.mjs';

const captured = args[0] === 'captured';
const threads = Number(args[1] ?? 1);

function prepare(work: Work, data: Data): Job {
  if (captured && !capture) throw new Cannot('this build has no capture');
  if (work.kind === 'step') {
    const step = stepOf(work, data, captured);
    return { checks: [step(), step(), step()].flat(), run: step };
  }
  const kernel = kernelOf(work, data);
  const results = kernel.results();
  return { checks: results.reverse().flatMap((r) => digest(r)), run: kernel.run };
}

if (threads > 1) await init({ threads });
await serve(`gradloom ${captured ? 'captured' : 'eager'}${threads > 1 ? `, ${threads} threads` : ''}`, prepare);
