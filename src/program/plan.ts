// Where the buffers of a recorded step go when it is replayed: buffers that never live at one time share memory.
import { ADDRESSES, FAMILY } from '../runtime/kernel-names.ts';
import type { Instruction } from '../runtime/program.ts';

/** A stretch of memory. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** A block that the recorded step used, and when. */
export interface LiveInterval extends Block {
  /** Positions of the first and last call that name it; −1 where none does. */
  first: number;
  last: number;
  /** Where it goes, from the start of the arena, in bytes. */
  offset: number;
  /** The block whose memory it reuses: the call that writes this one is the last that reads that one. */
  reuses?: LiveInterval;
}

/** The block that a block goes with in the end. */
function rootOf(interval: LiveInterval): LiveInterval {
  return interval.reuses ? rootOf(interval.reuses) : interval;
}

/** What blocks are aligned to, as the allocator aligns them. */
const ALIGNMENT = 64;
const aligned = (bytes: number): number => Math.ceil(Math.max(bytes, 1) / ALIGNMENT) * ALIGNMENT;

/** Runs over every word that is an address: `change` may give it a new value. */
export function eachAddress(instructions: readonly Instruction[], change: (address: number, position: number, word: number) => number): void {
  instructions.forEach(({ kernel, words }, position) => {
    const mask = kernel === 'host' ? -1 : ADDRESSES[kernel];
    for (let i = 0; i < words.length; i++) {
      if (kernel === 'host' || (mask >>> i) & 1) words[i] = change((words[i] as number) >>> 0, position, i);
    }
  });
}

/** The block that an address lies in; blocks are sorted by address and do not overlap. */
export function blockAt<B extends Block>(intervals: readonly B[], address: number): B | undefined {
  let low = 0;
  let high = intervals.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const interval = intervals[middle] as B;
    if (address < interval.address) high = middle - 1;
    else if (address >= interval.address + Math.max(interval.bytes, 1)) low = middle + 1;
    else return interval;
  }
  return undefined;
}

/** Fills in each block's first and last use. */
export function findLifetimes(intervals: readonly LiveInterval[], instructions: readonly Instruction[]): void {
  eachAddress(instructions, (address, position) => {
    const interval = blockAt(intervals, address);
    if (interval) {
      if (interval.first < 0) interval.first = position;
      interval.last = Math.max(interval.last, position);
    }
    return address;
  });
}

/** The places of an element-by-element call's inputs that its output may overwrite, and of the output. */
function inPlace({ kernel, words }: Instruction): { inputs: number[]; output: number } | null {
  if (kernel === 'host') return null;
  if (FAMILY[kernel] === 'unary') return { inputs: [0], output: 1 };
  if (FAMILY[kernel] !== 'binary' || words[3] !== 1 || words[4] !== 1) return null;
  return { inputs: [0, 1].filter((i) => words[8 + 3 * i] === 1), output: 2 };
}

/**
 * Lets the output of an element-by-element call reuse the memory of an input of its size that is read there for the
 * last time. Lifetimes must be known.
 */
export function reuseInPlace(intervals: readonly LiveInterval[], instructions: readonly Instruction[]): void {
  instructions.forEach((instruction, position) => {
    const places = inPlace(instruction);
    if (!places) return;
    const blockOf = (word: number): LiveInterval | undefined => {
      const address = (instruction.words[word] as number) >>> 0;
      const interval = blockAt(intervals, address);
      return interval?.address === address ? interval : undefined;
    };
    const output = blockOf(places.output);
    if (!output || output.reuses || output.first !== position) return;
    for (const word of places.inputs) {
      const input = blockOf(word);
      const root = input && rootOf(input);
      if (!root || root.bytes !== output.bytes || root.last !== position) continue;
      output.reuses = root;
      root.last = output.last;
      return;
    }
  });
}

/**
 * Places blocks so that those alive at one time do not overlap: the largest first, each at the lowest gap that fits.
 * Returns the size of the arena in bytes.
 */
export function allocate(intervals: readonly LiveInterval[]): number {
  const placed: LiveInterval[] = [];
  let size = 0;
  for (const interval of intervals.filter((s) => !s.reuses).sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const neighbours = placed.filter((o) => o.first <= interval.last && interval.first <= o.last).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const o of neighbours) {
      if (offset + aligned(interval.bytes) <= o.offset) break;
      offset = Math.max(offset, o.offset + aligned(o.bytes));
    }
    interval.offset = offset;
    placed.push(interval);
    size = Math.max(size, offset + aligned(interval.bytes));
  }
  for (const interval of intervals) interval.offset = rootOf(interval).offset;
  return size;
}
