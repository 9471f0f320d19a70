/**
 * A training loop in a worker, driven from the page as an async iterator. No wasm and no tensors pass here: values are what structured
 * cloning takes (numbers, typed arrays, plain objects).
 * @module gradloom/worker
 */
//   page    next ──▶ worker runs its generator to the next yield ──▶ value ──▶ page     one value at a time: nothing piles up
//           return ▶ the generator's finally blocks run, its scopes end

/** What the page asks for. Each run has a number, so that what an ended run still sends is told apart. */
interface Request {
  gradloom: 'start' | 'next' | 'return';
  run: string;
  input?: unknown;
}

/** What the worker answers: a yielded value, the result, or what was thrown. */
interface Answer {
  gradloom: 'value' | 'done' | 'error';
  run: string;
  value: unknown;
  /** What cloning takes from an error: its name, and the code and op of a GradloomError. */
  also?: Record<string, string>;
}

/** What `addEventListener` or `on` takes. */
// biome-ignore lint/suspicious/noExplicitAny: the listeners of DOM and Node have no common type
export type WorkerListener = (given: any) => void;

/** A worker of a page, Deno or Bun, or of Node's worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  addEventListener?(type: string, listener: WorkerListener): void;
  removeEventListener?(type: string, listener: WorkerListener): void;
  on?(type: string, listener: WorkerListener): unknown;
  off?(type: string, listener: WorkerListener): unknown;
}

/** Options of `run`. */
export interface RunOptions {
  /** Ends the run: the pending turn rejects with the signal's reason at once, and the worker's generator is closed at its next yield. */
  signal?: AbortSignal;
}

/** Connects messages and errors of a worker; returns what disconnects them. */
function listen(worker: WorkerLike, answered: (message: unknown) => void, failed: (reason: unknown) => void): () => void {
  const inPage = worker.addEventListener !== undefined;
  const onMessage = inPage ? (event: { data: unknown }): void => answered(event.data) : answered;
  const onError = inPage ? ({ message }: { message?: string }): void => failed(new Error(`gradloom/worker: the worker failed: ${message || 'its script did not load'}`)) : failed;
  const [on, off] = inPage ? (['addEventListener', 'removeEventListener'] as const) : (['on', 'off'] as const);
  worker[on]?.('message', onMessage);
  worker[on]?.('error', onError);
  return () => {
    worker[off]?.('message', onMessage);
    worker[off]?.('error', onError);
  };
}

const own = Math.random().toString(36).slice(2); // tells this program's runs from another's on a shared worker
let runs = 0;

/**
 * Runs the generator that the worker's script gave to `serve`, with `input`, and yields what it yields; the result is what it returns.
 * Iterating drives it, leaving the loop ends it. One run at a time per worker.
 *
 *     const worker = new Worker(new URL('./train.js', import.meta.url), { type: 'module' });
 *     for await (const { loss } of run(worker, { epochs: 10 })) draw(loss);
 *
 * @throws what the generator throws (a GradloomError as an Error with its name, code and op), the signal's reason once aborted, the
 * worker's failure
 */
export async function* run<Value = unknown, Result = unknown>(worker: WorkerLike, input?: unknown, options: RunOptions = {}): AsyncGenerator<Value, Result, undefined> {
  const { signal } = options;
  signal?.throwIfAborted();
  const id = `${own}-${++runs}`;
  let settle: { resolve(answer: Answer): void; reject(reason: unknown): void } | null = null;
  let broken: { reason: unknown } | null = null;
  const fail = (reason: unknown): void => {
    broken = { reason };
    settle?.reject(reason);
  };
  const stop = listen(
    worker,
    (message) => {
      const answer = message as Answer | null;
      if (answer?.gradloom && answer.run === id) settle?.resolve(answer);
    },
    fail,
  );
  const onAbort = (): void => fail((signal as AbortSignal).reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const ask = (request: Request): Promise<Answer> =>
    new Promise<Answer>((resolve, reject) => {
      if (broken) reject(broken.reason);
      settle = { resolve, reject };
      worker.postMessage(request);
    });
  let ended = false;
  try {
    let answer = await ask({ gradloom: 'start', run: id, input });
    while (answer.gradloom === 'value') {
      yield answer.value as Value;
      answer = await ask({ gradloom: 'next', run: id });
    }
    ended = true;
    if (answer.gradloom === 'error') throw Object.assign(answer.value as object, answer.also);
    return answer.value as Result;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!ended) worker.postMessage({ gradloom: 'return', run: id } satisfies Request);
    stop();
  }
}

/** What runs in the worker: a generator function of the page's input; each yield is a turn of the page's loop. */
export type Job<Input> = (input: Input) => Iterator<unknown, unknown, undefined> | AsyncIterator<unknown, unknown, undefined>;

/** The line to the page. */
interface Port {
  postMessage(message: Answer): void;
  listen(handle: (request: Request | null) => void): void;
}

interface WorkerScope {
  WorkerGlobalScope?: unknown;
  postMessage?(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: Request | null }) => void): void;
  process?: {
    getBuiltinModule?(name: string): { parentPort: { on(type: 'message', handle: (request: Request | null) => void): void; postMessage(message: Answer): void } | null };
  };
}

/** The worker's global scope, or Node's parentPort. */
function portOfThisWorker(): Port {
  const scope = globalThis as unknown as WorkerScope;
  if (scope.WorkerGlobalScope !== undefined) {
    return { postMessage: (m) => scope.postMessage?.(m), listen: (handle) => scope.addEventListener('message', ({ data }) => handle(data)) };
  }
  const parent = scope.process?.getBuiltinModule?.('node:worker_threads').parentPort;
  if (!parent) throw new Error('gradloom/worker: serve belongs in the script of a worker. In the page, call run(worker, input).');
  return { postMessage: (m) => parent.postMessage(m), listen: (handle) => parent.on('message', handle) };
}

/** An error that can be sent, with what cloning would lose. */
function cloneable(error: unknown): { value: Error; also: Record<string, string> } {
  const { name = 'Error', message = String(error), stack, ...rest } = (error ?? {}) as Partial<Error>;
  const value = error instanceof Error && error.cause === undefined ? error : new Error(message);
  if (stack) value.stack = stack;
  const also = Object.entries({ name, ...rest }).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { value, also: Object.fromEntries(also) };
}

/**
 * In a worker's script: says what a run does. The job is a generator function; it trains, yields what the page shall see, and returns
 * the result. A page that leaves its loop closes the generator at a yield, so yield every few steps.
 *
 *     serve(function* ({ epochs }) {
 *       for (const step of steps(epochs * 100)) { …; if (step % 10 === 0) yield { step, loss: loss.item() }; }
 *       return checkpoint.saveSafetensors(model.stateDict());
 *     });
 */
export function serve<Input>(job: Job<Input>): void {
  const port = portOfThisWorker();
  let running: { run: string; turns: ReturnType<Job<Input>> } | null = null;
  const close = async (): Promise<void> => {
    const { turns } = running ?? {};
    running = null;
    await turns?.return?.();
  };
  const answer = async ({ gradloom, run, input }: Request): Promise<void> => {
    try {
      if (gradloom === 'start') {
        await close(); // a page that went away left it open
        running = { run, turns: job(input as Input) };
      }
      if (running?.run !== run) {
        if (gradloom === 'return') return;
        throw new Error('gradloom/worker: the run has ended: a later one started on the same worker. Await its end first, or use a worker for each.');
      }
      if (gradloom === 'return') return await close();
      const { done, value } = await running.turns.next();
      if (done) running = null;
      port.postMessage({ gradloom: done ? 'done' : 'value', run, value });
    } catch (error) {
      if (running?.run === run) running = null;
      port.postMessage({ gradloom: 'error', run, ...cloneable(error) });
    }
  };
  let last: Promise<void> = Promise.resolve(); // requests are answered one after the other
  port.listen((request) => {
    if (request?.gradloom) last = last.then(() => answer(request));
  });
}
