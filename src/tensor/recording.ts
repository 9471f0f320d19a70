// What a recording of a step must hear from the levels below it. One recording at a time; none unless `capture` runs.
import { callHost, type HostWork } from '../runtime/call.ts';

/** How a leaf's `.grad` was first met: read, added to, or set. */
export type LeafUse = 'read' | 'added' | 'set';

/** What a recording must know of a multi-loss method. */
export interface RecordedMethod {
  stateDict?(): unknown;
}

/** A block of memory, or a tensor, as this file knows it: those who are told of it know the rest (program/recorder.ts). */
interface Held {
  readonly address: number;
}

export interface Recording {
  /** Throws: the step does what a replay could not do again. */
  refuse(op: string, why: string, remedy: string): never;
  /** A block was taken. */
  born(storage: Held): void;
  /** A block was given back: the recording keeps it until its end, so that no address stands for two things. */
  freed(address: number, bytes: number): void;
  /** A tensor's address was asked for. */
  used(storage: Held): void;
  /** A block was written to in place. */
  wrote(storage: Held, writer: string): void;
  /** A tensor's gradient is about to be read or changed. */
  leaf(t: Held, use: LeafUse): void;
  /** A tensor was made. What becomes of it is the step's own business. */
  made(t: Held): void;
  /** Whether a tensor requires a gradient is looked at, or about to be set. */
  asked(t: Held): void;
  /**
   * The step goes by what `current` gives, which no replay sees: where it has changed, the plain step runs. Called
   * before the step changes it. `set` puts back a flag that the step itself sets. Said once for each owner.
   */
  rely(owner: object, current: () => unknown, set?: (value: never) => void): void;
  /** Which method host work goes by, and for losses of which names: the same in every run of one step. */
  method(method: RecordedMethod, names: readonly string[]): void;
  /**
   * An optimizer steps, or clears gradients, by what its groups say, and by `version`, which grows where what it
   * remembers changes.
   */
  groups(owner: object, version: () => number, groups: readonly { params: readonly Held[] }[], numbers: (group: never) => readonly number[]): void;
  /** What the host must not set inside the step, since replays read it as it is then: options of an optimizer. */
  steady(current: () => unknown): void;
  /** State is being made that later runs find: this run counts as a plain one, and the next is recorded. */
  early(): void;
  /** A tensor of host numbers that follow from a text: made once, unrecorded, and alive as long as the recording. */
  kept<T>(key: string, make: () => T): T;
  /** Host work that each replay must repeat first: hyper-parameters written to memory. */
  repeat(work: () => void): void;
  /** The last call's result ≥ 0 means bad data: what to throw then, given the result and the call's first word. */
  check(error: (result: number, address: number) => Error): void;
}

let current: Recording | null = null;

/** The recording that is running, or null. */
export function recording(): Recording | null {
  return current;
}

/** Starts or ends a recording. */
export function setRecording(next: Recording | null): void {
  current = next;
}

let handed: object[] | null = null;

/** Hands the host an object that later replays fill: a report. */
export function hand(object: object): void {
  handed?.push(object);
}

/** Runs a step, and gives what it handed out beside its result. */
export function collectHanded<T>(run: () => T): [result: T, handed: readonly object[]] {
  const [before, mine] = [handed, [] as object[]];
  handed = mine;
  try {
    return [run(), mine];
  } finally {
    handed = before;
  }
}

let hooksChanged = 0;

/** Modules' hooks were added or removed: every captured step looks again. */
export function noteHooks(): void {
  hooksChanged++;
}

/** How often `noteHooks` was called. */
export function hookChanges(): number {
  return hooksChanged;
}

/**
 * Host work on tensors' memory in the middle of a step: `work` gets their addresses, in order, and may read and write
 * there. A captured step repeats it in its place, which splits its program in two. It must take what changes between
 * steps from memory or from its own state.
 */
export function hostStep(tensors: readonly Held[], work: HostWork): void {
  const addresses = tensors.map((t) => t.address);
  callHost((at) => {
    const listening = current;
    current = null;
    try {
      work(at);
    } finally {
      current = listening;
    }
  }, addresses);
}

/** Refuses, while recording, what a replay could not do again. Before anything has happened. */
export function refuseWhileRecording(op: string, why: string, remedy: string): void {
  current?.refuse(op, why, remedy);
}
