// `gradloom/worker`: a training loop in a worker, driven from the page as an async iterator. No wasm and no tensors pass here: values
// are what structured cloning takes (numbers, typed arrays, plain objects).
//
//   page    next ──▶ worker runs its generator to the next yield ──▶ value ──▶ page     one value at a time: nothing piles up
//           return ▶ the generator's finally blocks run, its scopes end

/** What the page asks for, and what the worker answers. */
type Request = { gradloom: 'start'; input: unknown } | { gradloom: 'next' } | { gradloom: 'return' };
type Answer = { gradloom: 'value'; value: unknown } | { gradloom: 'done'; value: unknown } | { gradloom: 'error'; error: unknown };

/** A worker of a page, Deno or Bun, or of Node's worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  addEventListener?(type: 'message' | 'error', listener: (event: { data?: unknown; message?: string }) => void): void;
  removeEventListener?(type: 'message' | 'error', listener: (event: { data?: unknown; message?: string }) => void): void;
  on?(type: 'message' | 'error', listener: (value: never) => void): unknown;
  off?(type: 'message' | 'error', listener: (value: never) => void): unknown;
}

/** Options of `run`. */
export interface RunOptions {
  /** Ends the run: the pending turn rejects with the signal's reason at once, and the worker's generator is closed at its next yield. */
  signal?: AbortSignal;
}

/** A run in a worker: iterate to drive it; `break` ends it. */
export interface Run<Value, Result> extends AsyncGenerator<Value, Result, undefined> {}

interface Waiting {
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

/** Connects answers and errors of a worker; returns what disconnects them. */
function listen(worker: WorkerLike, answered: (answer: Answer) => void, failed: (reason: unknown) => void): () => void {
  if (worker.addEventListener && worker.removeEventListener) {
    const onMessage = (event: { data?: unknown }): void => answered(event.data as Answer);
    const onError = (event: { message?: string }): void => failed(new Error(`gradloom/worker: the worker failed: ${event.message || 'its script did not load'}.`));
    worker.addEventListener('message', onMessage);
    worker.addEventListener('error', onError);
    return () => {
      worker.removeEventListener?.('message', onMessage);
      worker.removeEventListener?.('error', onError);
    };
  }
  worker.on?.('message', answered as (value: never) => void);
  worker.on?.('error', failed as (value: never) => void);
  return () => {
    worker.off?.('message', answered as (value: never) => void);
    worker.off?.('error', failed as (value: never) => void);
  };
}

/**
 * Runs the generator that the worker's script gave to `serve`, with `input`, and yields what it yields; the result is what it returns.
 * One run at a time per worker.
 *
 *     const worker = new Worker(new URL('./train.js', import.meta.url), { type: 'module' });
 *     for await (const { loss } of run(worker, { epochs: 10 })) draw(loss);
 *
 * @throws what the generator throws (structured cloning keeps name and message), the signal's reason once aborted
 */
export async function* run<Value = unknown, Result = unknown>(worker: WorkerLike, input?: unknown, options: RunOptions = {}): Run<Value, Result> {
  const { signal } = options;
  signal?.throwIfAborted();
  let waiting: Waiting | null = null;
  let broken: { reason: unknown } | null = null;
  const fail = (reason: unknown): void => {
    broken = { reason };
    waiting?.reject(reason);
  };
  const stop = listen(
    worker,
    (answer) => {
      if (typeof answer === 'object' && answer !== null && 'gradloom' in answer) waiting?.resolve(answer);
    },
    fail,
  );
  const onAbort = (): void => fail((signal as AbortSignal).reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const ask = (request: Request): Promise<Answer> =>
    new Promise<Answer>((resolve, reject) => {
      if (broken) reject(broken.reason);
      waiting = { resolve, reject };
      worker.postMessage(request);
    });
  let ended = false;
  try {
    let answer = await ask({ gradloom: 'start', input });
    while (answer.gradloom === 'value') {
      yield answer.value as Value;
      answer = await ask({ gradloom: 'next' });
    }
    ended = true;
    if (answer.gradloom === 'error') throw answer.error;
    return answer.value as Result;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!ended) worker.postMessage({ gradloom: 'return' } satisfies Request);
    stop();
  }
}

/** What runs in the worker: a generator function of the page's input; each yield is a turn of the page's loop. */
export type Job<Input> = (input: Input) => Iterator<unknown, unknown, undefined> | AsyncIterator<unknown, unknown, undefined>;

interface Port {
  postMessage(message: unknown): void;
  listen(handle: (request: Request) => void): void;
}

/** The line to the page: the worker's global scope, or Node's parentPort. */
function portOfThisWorker(): Port {
  const scope = globalThis as unknown as {
    process?: {
      versions?: { node?: string };
      getBuiltinModule?(name: string): { parentPort: { on(type: string, handle: (request: Request) => void): void; postMessage(m: unknown): void } | null };
    };
    WorkerGlobalScope?: unknown;
    postMessage?(message: unknown): void;
    addEventListener(type: 'message', listener: (event: { data: Request }) => void): void;
  };
  const parent = typeof scope.WorkerGlobalScope === 'undefined' ? scope.process?.getBuiltinModule?.('node:worker_threads')?.parentPort : null;
  if (parent) return { postMessage: (m) => parent.postMessage(m), listen: (handle) => parent.on('message', handle) };
  if (typeof scope.WorkerGlobalScope === 'undefined' || !scope.postMessage) {
    throw new Error('gradloom/worker: serve belongs in the script of a worker. In the page, call run(worker, input).');
  }
  return { postMessage: (m) => scope.postMessage?.(m), listen: (handle) => scope.addEventListener('message', ({ data }) => handle(data)) };
}

/**
 * In a worker's script: says what a run does. The job is a generator function; it trains, yields what the page shall see, and returns
 * the result. Between yields the page is free, so yield every few steps; a page that leaves its loop closes the generator there.
 *
 *     serve(function* ({ epochs }) {
 *       for (const step of steps(epochs * 100)) { …; if (step % 10 === 0) yield { step, loss: loss.item() }; }
 *       return checkpoint.saveSafetensors(model.stateDict());
 *     });
 */
export function serve<Input>(job: Job<Input>): void {
  const port = portOfThisWorker();
  let running: ReturnType<Job<Input>> | null = null;
  const failed = (error: unknown): void => {
    running = null;
    port.postMessage({ gradloom: 'error', error } satisfies Answer);
  };
  // Requests are answered in order: a new run starts after the last one has closed.
  let last: Promise<void> = Promise.resolve();
  const answer = async (request: Request): Promise<void> => {
    try {
      if (request.gradloom === 'return') {
        const closing = running;
        running = null;
        await closing?.return?.();
        return;
      }
      if (request.gradloom === 'start') running = job(request.input as Input);
      if (!running) return;
      const { done, value } = await running.next();
      if (done) running = null;
      port.postMessage({ gradloom: done ? 'done' : 'value', value } satisfies Answer);
    } catch (error) {
      failed(error);
    }
  };
  port.listen((request) => {
    if (typeof request === 'object' && request !== null && 'gradloom' in request) last = last.then(() => answer(request));
  });
}
