// Who owns which block of memory, and until when.
//
//   no scope open      a block lives as long as JavaScript can reach it (a FinalizationRegistry gives it back)
//   inside a scope     a block is given back when the scope ends, unless it was returned from it or kept
//
// A data loader opens a scope for each turn of its loop, so a training loop needs no bookkeeping.
import { allocate, release, usage } from '../runtime/memory.ts';
import { GradloomError, shapeText } from './errors.ts';
import { settle } from './pending.ts';
import { recording } from './recording.ts';
import type { Shape } from './shape.ts';

/** A block of memory with its version counter; tensors that are views of one another share it. */
export class Storage {
  /** Byte address, 0 once given back. */
  address: number;
  readonly bytes: number;
  /** Writes in place so far: what backward saved must still be at the version it saved. */
  version = 0;
  /** What wrote last, for the error that a stale version causes. */
  writer = '';
  /** The scope that gives it back; null: as long as it is reachable. */
  owner: Scope | null = null;
  /** Uses by a running backward pass, which frees its own intermediate gradients early. */
  holds = 0;
  /** How many tensors have it as their `.grad`. */
  gradients = 0;
  /** Where it is as old as a leaf only by being its `.grad`: what it goes back to when let go of, null for the scope of that moment (autograd/leaf.ts). */
  lender: Scope | null | undefined = undefined;
  /** What ended the owner, once it has. */
  ended = '';

  constructor(address: number, bytes: number) {
    this.address = address;
    this.bytes = bytes;
  }

  /** Records a write in place. */
  touch(writer: string): void {
    this.version++;
    this.writer = writer;
    recording()?.wrote(this, writer);
  }

  /** Gives the block back. */
  free(why: string): void {
    if (this.address === 0) return;
    if (this.owner === null) registry?.unregister(this);
    const recorder = recording();
    if (recorder) recorder.freed(this.address, this.bytes);
    else release(this.address, this.bytes);
    this.address = 0;
    this.ended = why;
  }
}

interface Block {
  address: number;
  bytes: number;
}

// Absent in some edge runtimes of old compatibility dates: there, unscoped blocks live until the process ends.
const registry = typeof FinalizationRegistry === 'undefined' ? undefined : new FinalizationRegistry<Block>(({ address, bytes }) => release(address, bytes));

/** A stretch of time whose tensors end with it. */
export class Scope {
  /** What it is, for messages: "turn 3 of the DataLoader loop". */
  readonly what: string;
  /** Whether what it owns stays its own whatever happens: a captured step writes there again. */
  pins = false;
  /** Whether it was closed. */
  ended = false;
  storages: Storage[] = [];

  constructor(what: string) {
    this.what = what;
  }
}

const stack: Scope[] = [];

/** The scope that owns new blocks, or null. */
let current: Scope | null = null;

/** Opens a scope: blocks made from now on are its own. */
export function openScope(what: string): Scope {
  current = new Scope(what);
  stack.push(current);
  return current;
}

/** Takes a scope off the stack, wherever it stands there; its blocks are the caller's to deal with. */
export function leaveScope(scope: Scope): void {
  if (stack[stack.length - 1] === scope) stack.pop();
  else {
    const at = stack.lastIndexOf(scope);
    if (at < 0) return;
    stack.splice(at, 1);
  }
  current = stack[stack.length - 1] ?? null;
}

/** Puts a scope that was left back on top of the stack, unless it was closed meanwhile. */
export function resumeScope(scope: Scope): void {
  if (scope.ended) return;
  stack.push(scope);
  current = scope;
}

/** Ends a scope: what it still owns is given back. */
export function closeScope(scope: Scope): void {
  settle();
  leaveScope(scope);
  scope.ended = true;
  for (const s of scope.storages) if (s.owner === scope) s.free(scope.what);
  scope.storages = [];
}

/** The innermost open scope. */
export function currentScope(): Scope | null {
  return current;
}

/** Scopes that are open, innermost last. */
export function openScopes(): readonly Scope[] {
  return stack;
}

/** Hands a block to another owner; null keeps it as long as it is reachable. */
export function moveStorage(storage: Storage, owner: Scope | null): void {
  if (storage.owner === owner || storage.address === 0 || storage.owner?.pins) return;
  if (storage.owner === null) registry?.unregister(storage);
  storage.owner = owner;
  if (owner === null) registry?.register(storage, { address: storage.address, bytes: storage.bytes }, storage);
  else owner.storages.push(storage);
}

/** A new block, owned by `owner` (the innermost open scope unless said). `what` and `shape` name the request in the error. */
export function newStorage(bytes: number, what: string, owner: Scope | null = current, shape?: Shape): Storage {
  const address = allocate(bytes);
  if (address === 0) {
    const { live, reserved } = usage();
    const mb = (n: number): string => `${(n / 2 ** 20).toFixed(0)} MB`;
    throw new GradloomError(
      'MEMORY',
      shape ? `${what} ${shapeText(shape)}` : what,
      `no room for ${mb(bytes)}: tensors hold ${mb(live)} of the ${mb(reserved)} reserved. Nothing was changed. Loop over a DataLoader or steps(n), ` +
        'or wrap the work in scope(() => …), so that each turn gives its tensors back; or use a smaller batch. Memory ends at 128 MB in Cloudflare Workers, at 4 GB elsewhere.',
    );
  }
  const storage = new Storage(address, bytes);
  storage.owner = owner;
  if (owner) owner.storages.push(storage);
  else registry?.register(storage, { address, bytes }, storage);
  recording()?.born(storage);
  return storage;
}
