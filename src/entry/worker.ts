/**
 * A training loop in a worker, driven from the page as an async iterator. No wasm and no tensors pass here: values are what structured
 * cloning takes (numbers, typed arrays, plain objects).
 * @module gradloom/worker
 */
import { GradloomError } from '../runtime/errors.ts';

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
  /** In Node: −1 once the worker has ended. */
  readonly threadId?: number;
  /** Sends a message. */
  postMessage(message: unknown): void;
  /** Listens, in a page. */
  addEventListener?(type: string, listener: WorkerListener): void;
  /** Ends that. */
  removeEventListener?(type: string, listener: WorkerListener): void;
  /** Listens, in Node. */
  on?(type: string, listener: WorkerListener): unknown;
  /** Ends that. */
  off?(type: string, listener: WorkerListener): unknown;
}

/** Options of `run`. */
export interface RunOptions {
  /**
   * Ends the run: the pending turn rejects with the signal's reason at once, and the worker's generator is closed at its next yield. In a
   * page, abort it as well where `worker.terminate()` is called: browsers do not tell of that.
   */
  signal?: AbortSignal;
}

/** What an error or a value says, whatever it is. */
function textOf(value: unknown): string {
  if (value instanceof Error) return value.message || value.name;
  if (typeof value !== 'object' || value === null) return String(value);
  const { message } = value as { message?: unknown };
  if (typeof message === 'string') return message;
  try {
    return JSON.stringify(value).slice(0, 200);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const workerError = (op: string, message: string, cause?: unknown): GradloomError => new GradloomError('WORKER', op, message, cause === undefined ? undefined : { cause });

/** How one listens to a worker and stops to: in a page, in Node. */
const METHODS = [
  ['addEventListener', 'removeEventListener'],
  ['on', 'off'],
] as const;
const methodsOf = (worker: WorkerLike) => METHODS.find((pair) => pair.every((key) => typeof worker[key] === 'function'));

/** Connects messages and failures of a worker; returns what disconnects them. */
function listen(worker: WorkerLike, answered: (message: unknown) => void, failed: (reason: unknown) => void): () => void {
  const [on, off] = methodsOf(worker) as (typeof METHODS)[number];
  const inPage = on !== 'on';
  const ended = (code: unknown): void =>
    failed(workerError('run', `the worker ended${typeof code === 'number' ? ` with exit code ${code}` : ''} before its run did. Start a new worker.`));
  const listeners: Record<string, WorkerListener> = {
    message: inPage ? (event: { data: unknown }) => answered(event.data) : answered,
    // Node hands over what the worker threw, pages an event.
    error: inPage
      ? (event: { message?: string }) => failed(workerError('run', `the worker failed: ${event.message || 'its script did not load'}`))
      : (reason: unknown) => failed(reason instanceof Error ? reason : workerError('run', `the worker failed: ${textOf(reason)}`, reason)),
    messageerror: () => failed(workerError('run', 'a message of the worker could not be read here. Yield numbers, typed arrays, plain objects.')),
    exit: ended, // Node
    close: (event: { code?: unknown } | undefined) => ended(event?.code), // Bun
  };
  for (const [type, listener] of Object.entries(listeners)) worker[on]?.(type, listener);
  if (worker.threadId === -1) ended(undefined);
  return () => {
    for (const [type, listener] of Object.entries(listeners)) worker[off]?.(type, listener);
  };
}

/** What the worker threw: a GradloomError is one here too. */
function asThrown({ value, also = {} }: Answer): unknown {
  const error = Object.assign(value as Error, also);
  return also.name === 'GradloomError' ? Object.setPrototypeOf(error, GradloomError.prototype) : error;
}

const own = Math.random().toString(36).slice(2); // tells this program's runs from another's on a shared worker
let runs = 0;

/**
 * Runs the generator that the worker's script gave to `serve`, with `input`, and yields what it yields; the result is what it returns.
 * Iterating drives it, leaving the loop ends it. One run at a time per worker.
 *
 *     const worker = new Worker(new URL('./train.js', import.meta.url), { type: 'module' });
 *     for await (const { loss } of run<typeof train>(worker, { epochs: 10 })) draw(loss);
 *
 * where `train` is the generator function, of which the page imports the type only: `import type { train } from './train.js'`.
 *
 * @throws what the generator throws (a GradloomError with its code and op), the signal's reason once aborted, WORKER where the worker fails,
 * ends, or `input` or a value cannot be sent. A page is not told of `worker.terminate()`: abort the signal there
 */
export function run<J extends Job<never>>(worker: WorkerLike, input: Parameters<J>[0], options?: RunOptions): AsyncGenerator<Yielded<J>, Returned<J>, undefined>;
/** The same where the job's type is not at hand: what it yields and returns is said, or unknown. */
export function run<Value = unknown, Result = unknown>(
  worker: WorkerLike,
  input?: Value extends Job<never> ? never : unknown,
  options?: RunOptions,
): AsyncGenerator<Value, Result, undefined>;
export async function* run(worker: WorkerLike, input?: unknown, options: RunOptions = {}): AsyncGenerator<unknown, unknown, undefined> {
  if (typeof worker?.postMessage !== 'function' || !methodsOf(worker))
    throw new GradloomError('VALUE', 'run', `takes a Worker, got ${textOf(worker)}. Make one: new Worker(url, { type: 'module' }).`);
  const { signal, ...others } = (options ?? {}) as RunOptions & Record<string, unknown>;
  for (const key in others) throw new GradloomError('VALUE', 'run', `there is no option '${key}'. It takes signal; what the worker needs goes into input.`);
  if (arguments.length > 3 || typeof options !== 'object' || options === null || (signal !== undefined && typeof signal?.throwIfAborted !== 'function')) {
    throw new GradloomError('VALUE', 'run', 'options are an object { signal }, an AbortSignal. What the worker needs goes into input.');
  }
  signal?.throwIfAborted();
  const id = `${own}-${++runs}`;
  let settle: { resolve(answer: Answer): void; reject(reason: unknown): void } | null = null;
  let broken: { reason: unknown } | null = null;
  const fail = (reason: unknown): void => {
    broken ??= { reason };
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
      if (broken) return reject(broken.reason);
      settle = { resolve, reject };
      try {
        worker.postMessage(request);
      } catch (cause) {
        reject(workerError('run', `the input cannot be sent: ${textOf(cause)}. Pass numbers, text, typed arrays, plain objects and lists; tensors as tensor.data().`, cause));
      }
    });
  let ended = false;
  try {
    let answer = await ask({ gradloom: 'start', run: id, input });
    while (answer.gradloom === 'value') {
      yield answer.value;
      answer = await ask({ gradloom: 'next', run: id });
    }
    ended = true;
    if (answer.gradloom === 'error') throw asThrown(answer);
    return answer.value;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!ended) worker.postMessage({ gradloom: 'return', run: id } satisfies Request);
    stop();
  }
}

/** What runs in the worker: a generator function of the page's input; each yield is a turn of the page's loop. */
export type Job<Input> = (input: Input) => Iterator<unknown, unknown, undefined> | AsyncIterator<unknown, unknown, undefined>;

// biome-ignore-start lint/suspicious/noExplicitAny: whatever a generator takes and gives
/** What a job yields. */
export type Yielded<J extends Job<never>> = ReturnType<J> extends Iterator<infer Value, any, any> | AsyncIterator<infer Value, any, any> ? Value : never;
/** What a job returns at its end. */
export type Returned<J extends Job<never>> = ReturnType<J> extends Iterator<any, infer Result, any> | AsyncIterator<any, infer Result, any> ? Awaited<Result> : never;
// biome-ignore-end lint/suspicious/noExplicitAny: –

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
  if (!parent) throw workerError('serve', 'serve belongs in the script of a worker. In the page, call run(worker, input).');
  return { postMessage: (m) => parent.postMessage(m), listen: (handle) => parent.on('message', handle) };
}

/** An error that can be sent, with what cloning would lose. */
function cloneable(error: unknown): { value: Error; also: Record<string, string> } {
  const message = textOf(error);
  // Cloning keeps the class of the language's own errors; a cause may be what cannot be cloned, and a DOMException becomes an empty object.
  const whole = error instanceof Error && error.cause === undefined && Object.prototype.toString.call(error) === '[object Error]';
  const value = whole ? error : new Error(message);
  const { name = 'Error', stack, ...rest } = (typeof error === 'object' && error !== null ? error : {}) as Partial<Error>;
  if (stack) value.stack = stack;
  const also = Object.entries({ name, ...rest }).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { value, also: Object.fromEntries(also) };
}

/** Whether a value is a tensor, or a short list or object with one in it: cloning would send its fields. */
function holdsTensor(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if ('storage' in value && 'strides' in value) return true;
  return depth < 2 && !(Array.isArray(value) && value.length > 100) && Object.values(value).some((v) => holdsTensor(v, depth + 1));
}

/**
 * In a worker's script: says what a run does. The job is a generator function; it trains, yields what the page shall see, and returns
 * the result. A page that leaves its loop closes the generator at a yield, so yield every few steps. Values are cloned: numbers, text, typed
 * arrays, plain objects and lists of such.
 *
 *     serve(function* ({ epochs }) {
 *       for (const step of steps(epochs * 100)) { …; if (step % 10 === 0) yield { step, loss: loss.item() }; }
 *       return checkpoint.saveSafetensors(model.stateDict());
 *     });
 */
export function serve<Input>(job: Job<Input>): void {
  if (typeof job !== 'function' || arguments.length > 1)
    throw new GradloomError('VALUE', 'serve', `takes a generator function, got ${textOf(job)}. Write serve(function* (input) { … }).`);
  const port = portOfThisWorker();
  let running: { run: string; turns: ReturnType<Job<Input>> } | null = null;
  const send = (answer: Answer): void => {
    try {
      if (holdsTensor(answer.value)) throw new Error('it holds a tensor, which stays in its worker');
      port.postMessage(answer);
    } catch (cause) {
      throw workerError(
        'serve',
        `what the job ${answer.gradloom === 'done' ? 'returns' : 'yields'} cannot be sent: ${textOf(cause)}. Send loss.item(), tensor.data() and the like.`,
      );
    }
  };
  const close = async (): Promise<void> => {
    const { turns } = running ?? {};
    running = null;
    await turns?.return?.();
  };
  const answer = async ({ gradloom, run, input }: Request): Promise<void> => {
    try {
      if (gradloom === 'start') {
        await close(); // a page that went away left it open
        const turns = job(input as Input);
        if (typeof turns?.next !== 'function') throw new GradloomError('VALUE', 'serve', 'the job must be a generator function. Write serve(function* (input) { … }).');
        running = { run, turns };
      }
      if (running?.run !== run) {
        if (gradloom === 'return') return;
        throw workerError('run', 'it has ended: a later one started on the same worker. Await its end first, or use a worker for each.');
      }
      if (gradloom === 'return') return await close();
      const { done, value } = await running.turns.next();
      if (done) running = null;
      send({ gradloom: done ? 'done' : 'value', run, value });
    } catch (error) {
      port.postMessage({ gradloom: 'error', run, ...cloneable(error) });
      if (running?.run === run) await close().catch(() => {}); // where the job goes on, it ends here; what that throws comes too late
    }
  };
  let last: Promise<void> = Promise.resolve(); // requests are answered one after the other
  port.listen((request) => {
    if (request?.gradloom) last = last.then(() => answer(request));
  });
}
