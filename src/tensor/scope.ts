// Scopes as users meet them: nobody writes dispose() in a training loop.
import { resetPeak, usage } from '../runtime/memory.ts';
import { assertArity, assertTensor, checkArgument, FLAG, type Kind, type Kinds, optionsOf, TEXT } from './check.ts';
import { closeScope, dissolveWith, endTurn, lastingScope, moveStorage, type Opened, openScope, openScopes, type Scope } from './storage.ts';
import { callNow } from './sync.ts';
import type { Node } from './tape.ts';
import { nodeOf } from './op.ts';
import { refuseWhileRecording } from './recording.ts';
import { Tensor } from './tensor.ts';

/** @internal The method of a module that gives its parameters and buffers. */
export const HELD = Symbol('held');
/** What holds tensors: a module. */
export interface Holder {
  [HELD](): Iterable<Tensor>;
}
const isHolder = (value: object): value is Holder => typeof (value as Partial<Holder>)[HELD] === 'function';

/** Moves a tensor, its gradient and what its graph holds to another owner; parameters and buffers to `lasting`. */
function move(tensor: Tensor, from: Scope | null, owner: Scope | null, lasting: Scope | null): void {
  tensor.storage.lender = undefined; // lasts as told, whoever lets go of it as a gradient
  const seen = new Set<Tensor | Node>();
  const todo: (Tensor | Node | null)[] = [tensor];
  while (todo.length > 0) {
    const next = todo.pop();
    if (!next || seen.has(next)) continue;
    seen.add(next);
    if (next instanceof Tensor) {
      const { storage, gradient } = next;
      const home = storage.lasts ? lasting : owner;
      const { meta } = next;
      if (meta && (from === null || meta.born === from)) meta.born = owner;
      for (const s of [storage, gradient?.storage]) if (s && (from === null || s.owner === from)) moveStorage(s, home);
      todo.push(gradient, nodeOf(next));
    } else {
      // One by one: a stack of many tensors has more edges than a call takes arguments.
      for (const edge of next.edges) todo.push(edge);
      for (const saved of next.savedTensors()) todo.push(saved);
    }
  }
}

/** Adds every tensor in a value to `found`: itself, or inside modules, arrays, maps and objects. */
function collect(value: unknown, found: Tensor[], seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Tensor) found.push(value);
  else if (!ArrayBuffer.isView(value) && !seen.has(value)) {
    seen.add(value);
    if (isHolder(value)) for (const t of value[HELD]()) found.push(t);
    for (const v of value instanceof Map || value instanceof Set ? value.values() : Object.values(value)) collect(v, found, seen);
  }
}

/**
 * Runs `fn` and gives back every tensor made inside it, models too, except those that it returns (also inside modules, arrays and objects,
 * with the graph behind them) and those kept by `keep`. Gradients and optimizer state go with their parameters. Synchronous.
 */
export function scope<T>(fn: () => T, what = 'a scope(() => …)'): T {
  assertArity('scope', arguments.length, 2);
  checkArgument('scope', 'what', what, TEXT);
  const mine = openScope(what, true);
  const depth = openScopes().length;
  try {
    const result = callNow('scope', fn, 'a scope');
    const outer = openScopes()[depth - 2] ?? null;
    if (typeof result === 'object') {
      const found: Tensor[] = [];
      collect(result, found, new Set());
      const lasting = lastingScope(mine);
      for (const t of found) move(t, mine, outer, lasting);
    }
    return result;
  } finally {
    const open = openScopes();
    while (open.length > depth) closeScope(open[open.length - 1] as Scope); // iterators left open inside
    closeScope(mine);
  }
}

/** Makes a tensor (with its gradient and graph), or a module with its parameters and buffers, outlive every scope: it lives as long as the program can reach it. Returns it. */
export function keep<T extends Tensor | { parameters(): Iterable<Tensor> }>(tensor: T): T {
  assertArity('keep', arguments.length, 1);
  const isModule = typeof tensor === 'object' && tensor !== null && isHolder(tensor);
  if (!isModule) assertTensor('keep', tensor);
  refuseWhileRecording('keep', 'a tensor is kept', 'Return it from the step, and keep what the call gives.');
  for (const t of isModule ? tensor[HELD]() : [tensor as Tensor]) outlive(t);
  return tensor;
}

/** @internal `keep` for what the library itself makes to last. */
export function outlive<T extends Tensor>(tensor: T): T {
  move(tensor, null, null, null);
  return tensor;
}

/** Options of loops. */
export interface LoopOptions {
  /** Ends the loop: once aborted, the next turn throws the signal's reason, after the last turn's tensors have been given back. */
  signal?: AbortSignal;
}

/** @internal An AbortSignal, of whatever realm. */
export const SIGNAL: Kind = { what: 'an AbortSignal (the signal of an AbortController)', test: (v) => typeof (v as AbortSignal | null)?.throwIfAborted === 'function' };
const LOOP: Kinds<LoopOptions> = { signal: SIGNAL };
const MEMORY: Kinds<MemoryOptions> = { resetPeak: FLAG };
const COUNT: Kind = { what: 'a whole number ≥ 0, or Infinity', test: (v) => v === Number.POSITIVE_INFINITY || (Number.isSafeInteger(v) && (v as number) >= 0) };

/**
 * Counts 0 … n − 1 and opens a scope for each turn, for training loops without a data loader:
 * `for (const step of steps(1000)) { … }`. Leaving by break or throw ends the turn's scope too; where the iterator is abandoned instead,
 * the collector takes over. Loops of several async tasks hand over by `await tick()`, which sets each task's scopes aside; behind another
 * `await`, a turn that finds another task's turn open leaves its tensors to the collector.
 *
 * @param n how many turns, its `length`: for a progress bar; Infinity for a loop that ends by break
 */
export function steps(n: number, options?: LoopOptions): Generator<number, void, undefined> & { readonly length: number } {
  assertArity('steps', arguments.length, 2);
  checkArgument('steps', 'n', n, COUNT);
  const { signal } = optionsOf('steps', options, LOOP);
  return Object.assign(
    loop((opened) => count(n, signal, opened)),
    { length: n },
  );
}

function* count(n: number, signal: AbortSignal | undefined, opened: Opened): Generator<number, void, undefined> {
  for (let i = 0; i < n; i++) {
    signal?.throwIfAborted();
    yield* turn(`turn ${i} of the steps(${n}) loop`, opened, () => i);
  }
}

/** @internal An iterator whose turns have scopes: the open one dissolves where the iterator is abandoned. */
export function loop<T>(make: (opened: Opened) => Generator<T, void, undefined>): Generator<T, void, undefined> {
  const opened: Opened = { scope: null };
  const iterator = make(opened);
  dissolveWith(iterator, opened);
  return iterator;
}

/** @internal One turn of a loop: opens a scope, yields what `make` makes in it, and ends the scope when the loop comes back or leaves. */
export function* turn<T>(what: string, opened: Opened, make: () => T): Generator<T, void, undefined> {
  const mine = openScope(what);
  opened.scope = mine;
  try {
    yield make();
  } finally {
    opened.scope = null;
    endTurn(mine);
  }
}

/** Options of `memory`. */
export interface MemoryOptions {
  /** Whether the peak starts anew from what is live. */
  resetPeak?: boolean;
}

/** Bytes that tensors hold now, the most they held since the last `resetPeak`, and what is reserved from the system. */
export function memory(options?: MemoryOptions): { live: number; peak: number; reserved: number } {
  assertArity('memory', arguments.length, 1);
  const { resetPeak: anew } = optionsOf('memory', options, MEMORY);
  const now = usage();
  if (anew) resetPeak();
  return now;
}
