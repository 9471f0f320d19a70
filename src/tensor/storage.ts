// Who owns which block of memory, and until when.
//
//   no scope open      a block lives as long as JavaScript can reach it (a FinalizationRegistry gives it back)
//   inside a scope     a block is given back when the scope ends, unless it was returned from it or kept; turns of loops leave parameters and buffers alone
//   a scope dissolves  its blocks live on as if no scope had been open: where its loop was abandoned, or where tasks took turns in it
//
// A data loader opens a scope for each turn of its loop, so a training loop needs no bookkeeping.
import { settle } from '../runtime/call.ts';
import { allocate, release, usage } from '../runtime/memory.ts';
import { GradloomError, shapeText, warnOnce } from './errors.ts';
import { recording, refuseWhileRecording } from './recording.ts';
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
  /** Without an owner: what the collector is told. */
  block: Block | null = null;
  /** Uses by a running backward pass, which frees its own intermediate gradients early. */
  holds = 0;
  /** How many tensors have it as their `.grad`. */
  gradients = 0;
  /** Where it is as old as a leaf only by being its `.grad`: what it goes back to when let go of, null for the scope of that moment (autograd/leaf.ts). */
  lender: Scope | null | undefined = undefined;
  /** What ended the owner, once it has. */
  ended = '';
  /** Whether turns of loops leave it alone: parameters and buffers. */
  lasts = false;
  /** Blocks that go where it goes and end with it: what optimizers remember of a parameter. */
  followers: Follower[] | null = null;

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
    if (this.owner === null) unregister(this);
    release(this.address, this.bytes, recording());
    this.address = 0;
    this.ended = why;
    if (this.followers) for (const f of this.followers) f.deref()?.free(why);
  }

  /** Takes a block along. */
  lead(follower: Storage): void {
    moveStorage(follower, this.owner);
    let followers = this.followers ?? [];
    // Those that are gone leave where the count has doubled: looked for each time, n of them that the collector still holds would cost n².
    if ((followers.length & (followers.length - 1)) === 0) followers = followers.filter((f) => f.deref()?.address);
    followers.push(typeof WeakRef === 'undefined' ? { deref: () => follower } : new WeakRef(follower));
    this.followers = followers;
  }
}

/** A hold on a block that keeps nothing alive, where the runtime knows such. */
interface Follower {
  deref(): Storage | undefined;
}

/** What the collector gives back. `loose`: made outside of any scope, and nobody has said that it shall last. `known`: the collector was told. */
interface Block {
  readonly address: number;
  readonly bytes: number;
  loose: boolean;
  known: boolean;
}

/** How loops give memory back. */
const SCOPES = 'Loop over steps(n) or a DataLoader, or wrap each turn in scope(() => …)';
/** Blocks that are loose, and their bytes. */
let looseBlocks = 0;
let looseBytes = 0;
/** From where on a warning is due: 256 MB, in more blocks than a data set has. */
const MANY_BYTES = 2 ** 28;
const MANY_BLOCKS = 8;

// Absent in some edge runtimes of old compatibility dates: there, unscoped blocks live until the process ends.
const registry =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<Block>((block) => {
        release(block.address, block.bytes);
        fasten(block);
      });

/**
 * What the collector is yet to be told of, which costs a microsecond a block: gradients that a step makes and the next one clears need never be
 * told. Told when the job ends, before which nothing is collected, or when many wait.
 */
let untold: Storage[] = [];
const MOST_UNTOLD = 256;

function tell(): void {
  const list = untold;
  untold = [];
  for (const storage of list) {
    const { block } = storage;
    if (!block || block.known) continue;
    block.known = true;
    registry?.register(storage, block, storage);
  }
}

/** Leaves a block to the collector. */
function register(storage: Storage, loose: boolean): void {
  const block = { address: storage.address, bytes: storage.bytes, loose, known: false };
  storage.block = block;
  if (registry) {
    if (untold.length === 0) queueMicrotask(tell);
    if (untold.push(storage) >= MOST_UNTOLD) tell();
  }
  if (!loose) return;
  looseBytes += block.bytes;
  if (++looseBlocks < MANY_BLOCKS || looseBytes < MANY_BYTES) return;
  warnOnce(
    'plain loop',
    `tensors made outside of any scope hold ${Math.floor(looseBytes / 2 ** 20)} MB: a plain loop gives nothing back before the event loop turns. ${SCOPES}; keep(tensor) what shall last.`,
  );
}

function unregister(storage: Storage): void {
  const { block } = storage;
  if (!block) return;
  if (block.known) registry?.unregister(storage);
  fasten(block);
  storage.block = null;
}

/** Counts a block as loose no longer. */
function fasten(block: Block): void {
  if (!block.loose) return;
  block.loose = false;
  looseBytes -= block.bytes;
  looseBlocks--;
}

/** How many jobs of the event loop have passed in which a scope was opened: code of one job belongs to one task. */
let jobs = 0;
let counting = false;

function thisJob(): number {
  if (!counting) {
    counting = true;
    queueMicrotask(() => {
      counting = false;
      jobs++;
    });
  }
  return jobs;
}

/** A stretch of time whose tensors end with it. */
export class Scope {
  /** What it is, for messages: "turn 3 of the DataLoader loop". */
  readonly what: string;
  /** Whether what it owns stays its own whatever happens: a captured step writes there again. */
  pins = false;
  /** Whether parameters and buffers made in it are its own too: a `scope(() => …)`. */
  readonly whole: boolean;
  /** Whether it was closed. */
  ended = false;
  /** Whether loops of several tasks take turns in it: nobody can tell whose its blocks are. */
  shared = false;
  /** The job that opened or resumed it. */
  job = thisJob();
  storages: Storage[] = [];

  constructor(what: string, whole = false) {
    this.what = what;
    this.whole = whole;
  }
}

const stack: Scope[] = [];

/** The scope that owns new blocks, or null. */
let current: Scope | null = null;

/** Opens a scope: blocks made from now on are its own. */
export function openScope(what: string, whole = false): Scope {
  const scope = new Scope(what, whole);
  if (current?.shared) scope.shared = true;
  stack.push(scope);
  current = scope;
  return scope;
}

/** Takes a scope off the stack, wherever it stands there; its blocks are the caller's to deal with. */
export function leaveScope(scope: Scope): void {
  if (scope.storages.length > 0) settle(); // what waits may have been begun in it
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
  scope.job = thisJob();
  stack.push(scope);
  current = scope;
}

/** Ends a scope: what it still owns is given back. */
export function closeScope(scope: Scope): void {
  leaveScope(scope);
  scope.ended = true;
  for (const s of scope.storages) if (s.owner === scope) s.free(scope.what);
  scope.storages = [];
}

/** Ends a turn of a loop. Where another task's turn is open in it or around it, it dissolves: no tensor dies with another task's turn. */
export function endTurn(scope: Scope): void {
  const at = stack.lastIndexOf(scope);
  const waited = scope.job !== jobs;
  if (waited && at >= 0 && at < stack.length - 1) for (let i = at; i < stack.length; i++) (stack[i] as Scope).shared = true;
  if (waited && scope.shared) dissolve(scope);
  else closeScope(scope);
}

/** Takes a scope away: what it owns lives as long as it can be reached. */
export function dissolve(scope: Scope): void {
  leaveScope(scope);
  scope.ended = true;
  scope.pins = false;
  const { storages } = scope;
  scope.storages = [];
  for (const s of storages) if (s.owner === scope) moveStorage(s, null);
}

/** The scope that something holds open. */
export interface Opened {
  scope: Scope | null;
}

const openers =
  typeof FinalizationRegistry === 'undefined'
    ? undefined
    : new FinalizationRegistry<Opened>(({ scope }) => {
        if (scope && !scope.ended) dissolve(scope);
      });

/** Dissolves the scope that `opener` holds open once `opener` cannot be reached any more: an iterator that was abandoned, a captured step. */
export function dissolveWith(opener: object, opened: Opened): void {
  openers?.register(opener, opened);
}

/** Gives a block back before its time. A captured step's own stays: others lie in it. */
export function dispose(storage: Storage): void {
  if (storage.address === 0 || storage.owner?.pins) return;
  if (recording() && storage.owner !== current) {
    refuseWhileRecording('dispose', 'a tensor from outside is given back', 'Dispose it outside; what the step makes goes back by itself.');
  }
  storage.free('dispose()');
}

/** The innermost open scope. */
export function currentScope(): Scope | null {
  return current;
}

/** The scope that parameters made now belong to: the innermost `scope(() => …)` but for `inside`; null where there is none. */
export function lastingScope(inside?: Scope): Scope | null {
  return stack.findLast((s) => s.whole && s !== inside) ?? null;
}

/** Scopes that are open, innermost last. */
export function openScopes(): readonly Scope[] {
  return stack;
}

/** Hands a block to another owner; null keeps it as long as it is reachable. */
export function moveStorage(storage: Storage, owner: Scope | null): void {
  if (storage.block && owner === null) fasten(storage.block);
  if (storage.owner === owner || storage.address === 0 || storage.owner?.pins) return;
  if (storage.owner === null) unregister(storage);
  storage.owner = owner;
  if (owner === null) register(storage, false);
  else owner.storages.push(storage);
  if (!storage.followers) return;
  for (const f of storage.followers) {
    const s = f.deref();
    if (s) moveStorage(s, owner);
  }
}

/** The scope that owns what is made now; where tasks take turns in it and the event loop has turned, none. */
function birthplace(): Scope | null {
  return current?.shared && current.job !== jobs ? null : current;
}

/** A new block, owned by `owner` (default the innermost open scope). `what` and `shape` name the request in the error. */
export function newStorage(bytes: number, what: string, owner?: Scope | null, shape?: Shape): Storage {
  const address = allocate(bytes);
  if (address === 0) {
    const { live, reserved } = usage();
    const mb = (n: number): string => `${(n / 2 ** 20).toFixed(0)} MB`;
    throw new GradloomError(
      'MEMORY',
      shape ? `${what} ${shapeText(shape)}` : what,
      `no room for ${mb(bytes)}: tensors hold ${mb(live)} of the ${mb(reserved)} reserved. Nothing was changed. ${SCOPES}; or use a smaller batch. Memory ends at 128 MB in Cloudflare Workers, at 4 GB elsewhere.`,
    );
  }
  const storage = new Storage(address, bytes);
  const home = owner === undefined ? birthplace() : owner;
  storage.owner = home;
  if (home) home.storages.push(storage);
  else register(storage, owner === undefined);
  recording()?.born(storage);
  return storage;
}
