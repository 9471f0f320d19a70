// Letting the page live while a loop trains: paint, clicks, messages, an abort.
import { assertArity, type Kinds, NUMBER, optionsOf } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { type LoopOptions, SIGNAL } from '../tensor/scope.ts';
import { leaveScope, openScopes, resumeScope } from '../tensor/storage.ts';

/** Options of `tick`. */
export interface TickOptions extends LoopOptions {
  /** Yields only where the last yield is at least so many milliseconds back; default 0 (always). 8 leaves a page half of each frame. */
  after?: number;
}

const OPTIONS: Kinds<TickOptions> = { signal: SIGNAL, after: NUMBER };

interface Host {
  scheduler?: { postTask?(run: () => void, options: { priority: string }): unknown };
  setImmediate?(resume: () => void): unknown;
}

/**
 * Calls `resume` after one turn of the event loop, by the best way that the runtime has. Not `scheduler.yield`: what follows it comes before timers and
 * frames (measured in Chromium 156: a frame each 116 ms, and a timer of 300 ms that never came); a background task comes after them.
 */
function afterTurn(resume: () => void): void {
  const { scheduler, setImmediate } = globalThis as Host;
  if (scheduler?.postTask) scheduler.postTask(resume, { priority: 'background' });
  else if (setImmediate) setImmediate(resume);
  else if (typeof MessageChannel === 'function') {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  } else setTimeout(resume, 0); // pages make it wait 4 ms
}

let last = Number.NEGATIVE_INFINITY;
/** How many ticks are waiting. */
let waiting = 0;

/**
 * `await tick()` in a training loop gives the event loop a turn, so that a page without a worker paints, reacts and can abort. What
 * runs meanwhile is outside of the loop's scopes: tensors that a click handler or another training loop makes are its own, and no loop
 * ends those of another. That holds for this `await` only: behind another one (a fetch, a timer) a turn's scope stays open, and what
 * other code makes meanwhile without a scope of its own ends with the turn.
 *
 *     for (const step of steps(1000, { signal })) { …; await tick({ after: 8 }); }
 *
 * @throws VALUE where `after` is negative; the signal's reason where it is aborted
 */
export async function tick(options?: TickOptions): Promise<void> {
  assertArity('tick', arguments.length, 1);
  const { after = 0, signal } = optionsOf('tick', options, OPTIONS);
  if (!(after >= 0)) throw valueError('tick', `after must be milliseconds ≥ 0, got ${after}.`);
  signal?.throwIfAborted();
  const open = [...openScopes()];
  const early = performance.now() - last < after;
  if (early && open.length === 0) return;
  for (const scope of open) leaveScope(scope);
  waiting++;
  await new Promise<void>((resolve) => {
    // The scopes come back right before the loop goes on: nothing else runs between.
    const resume = (): void => {
      waiting--;
      for (const scope of open) resumeScope(scope);
      resolve();
    };
    // Within `after` the next microtask will do, unless another loop waits too: then each goes on in a turn of its own.
    if (early && waiting === 1) queueMicrotask(resume);
    else {
      afterTurn(() => {
        last = performance.now();
        resume();
      });
    }
  });
  signal?.throwIfAborted();
}
