// Where the buffers of a recorded step go when it is replayed: buffers that never live at one time share memory.
import { ADDRESSES } from '../runtime/kernel-names.ts';
import type { Instruction } from '../runtime/program.ts';

/** A block that the recorded step used, and when. */
export interface Span {
  readonly address: number;
  readonly bytes: number;
  /** Positions of the first and last call that name it; −1 where none does. */
  first: number;
  last: number;
  /** Where it goes, from the start of the arena, in bytes. */
  offset: number;
}

/** What blocks are aligned to, as the allocator aligns them. */
const ALIGNMENT = 64;
const aligned = (bytes: number): number => Math.ceil(Math.max(bytes, 1) / ALIGNMENT) * ALIGNMENT;

/** Runs over every word that is an address: `change` may give it a new value. */
export function eachAddress(instructions: readonly Instruction[], change: (address: number, position: number) => number): void {
  instructions.forEach(({ kernel, words }, position) => {
    for (let mask = ADDRESSES[kernel], i = 0; mask !== 0; mask >>>= 1, i++) {
      if (mask & 1) words[i] = change((words[i] as number) >>> 0, position);
    }
  });
}

/** The block that an address lies in; blocks are sorted by address and do not overlap. */
export function blockAt(spans: readonly Span[], address: number): Span | undefined {
  let low = 0;
  let high = spans.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = spans[middle] as Span;
    if (address < span.address) high = middle - 1;
    else if (address >= span.address + Math.max(span.bytes, 1)) low = middle + 1;
    else return span;
  }
  return undefined;
}

/** Fills in each block's first and last use. */
export function findLifetimes(spans: readonly Span[], instructions: readonly Instruction[]): void {
  eachAddress(instructions, (address, position) => {
    const span = blockAt(spans, address);
    if (span) {
      if (span.first < 0) span.first = position;
      span.last = Math.max(span.last, position);
    }
    return address;
  });
}

/**
 * Places blocks so that those alive at one time do not overlap: the largest first, each at the lowest gap that fits. Returns the size of
 * the arena in bytes.
 */
export function place(spans: readonly Span[]): number {
  const placed: Span[] = [];
  let size = 0;
  for (const span of [...spans].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const neighbours = placed.filter((o) => o.first <= span.last && span.first <= o.last).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const o of neighbours) {
      if (offset + aligned(span.bytes) <= o.offset) break;
      offset = Math.max(offset, o.offset + aligned(o.bytes));
    }
    span.offset = offset;
    placed.push(span);
    size = Math.max(size, offset + aligned(span.bytes));
  }
  return size;
}
