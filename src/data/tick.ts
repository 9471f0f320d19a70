// Letting the page live while a loop trains: paint, clicks, messages, an abort.
import { valueError } from '../tensor/errors.ts';
import { checkSignal, type LoopOptions } from '../tensor/scope.ts';
import { leaveScope, openScopes, resumeScope } from '../tensor/storage.ts';

/** Options of `tick`. */
export interface TickOptions extends LoopOptions {
  /** Yields only where the last yield is at least so many milliseconds back; 0 (always) unless said. 8 leaves a page half of each frame. */
  after?: number;
}

interface Host {
  scheduler?: { postTask?(run: () => void, options: { priority: string }): unknown };
  setImmediate?(resume: () => void): unknown;
}

/**
 * One turn of the event loop, by the best way that the runtime has. Not `scheduler.yield`: what follows it comes before timers and
 * frames (measured in Chromium 156: a frame each 116 ms, and a timer of 300 ms that never came); a background task comes after them.
 */
function turnOfEventLoop(): Promise<void> {
  const { scheduler, setImmediate } = globalThis as Host;
  return new Promise((resolve) => {
    if (scheduler?.postTask) scheduler.postTask(resolve, { priority: 'background' });
    else if (setImmediate) setImmediate(resolve);
    else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else setTimeout(resolve, 0); // pages make it wait 4 ms
  });
}

let last = Number.NEGATIVE_INFINITY;

/**
 * `await tick()` in a training loop gives the event loop a turn, so that a page without a worker paints, reacts and can abort. What
 * runs meanwhile is outside of the loop's scopes: tensors that a click handler makes are its own.
 *
 *     for (const step of steps(1000, { signal })) { …; await tick({ after: 8 }); }
 *
 * @throws VALUE where `after` is negative; the signal's reason where it is aborted
 */
export async function tick(options: TickOptions = {}): Promise<void> {
  const { after = 0, signal } = options;
  if (!(after >= 0)) throw valueError('tick', `after must be milliseconds ≥ 0, got ${after}.`);
  checkSignal('tick', signal);
  signal?.throwIfAborted();
  if (performance.now() - last < after) return;
  const open = [...openScopes()];
  for (const scope of open) leaveScope(scope);
  try {
    await turnOfEventLoop();
  } finally {
    for (const scope of open) resumeScope(scope);
    last = performance.now();
  }
  signal?.throwIfAborted();
}
