// Where the buffers of a recorded step go when it is replayed: buffers that never live at one time share memory.
import { ADDRESSES, FAMILY } from '../runtime/kernel-names.ts';
import type { Instruction } from '../runtime/program.ts';

/** A stretch of memory. */
export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** A block that the recorded step used, and when. */
export interface Span extends Block {
  /** Positions of the first and last call that name it; −1 where none does. */
  first: number;
  last: number;
  /** Where it goes, from the start of the arena, in bytes. */
  offset: number;
  /** The block whose place it takes over, written by the very call that reads that one last. */
  heir?: Span;
}

/** The block that a block goes with in the end. */
function rootOf(span: Span): Span {
  return span.heir ? rootOf(span.heir) : span;
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
export function blockAt<B extends Block>(spans: readonly B[], address: number): B | undefined {
  let low = 0;
  let high = spans.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = spans[middle] as B;
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

/** The places of an element-by-element call's inputs that its output may overwrite, and of the output. */
function inPlace({ kernel, words }: Instruction): { inputs: number[]; output: number } | null {
  if (kernel === 'host') return null;
  if (FAMILY[kernel] === 'unary') return { inputs: [0], output: 1 };
  if (FAMILY[kernel] !== 'binary' || words[3] !== 1 || words[4] !== 1) return null;
  return { inputs: [0, 1].filter((i) => words[8 + 3 * i] === 1), output: 2 };
}

/**
 * Lets the output of an element-by-element call take the place of an input of its size that is read there for the last time. Lifetimes
 * must be known.
 */
export function inherit(spans: readonly Span[], instructions: readonly Instruction[]): void {
  instructions.forEach((instruction, position) => {
    const places = inPlace(instruction);
    if (!places) return;
    const blockOf = (place: number): Span | undefined => {
      const address = (instruction.words[place] as number) >>> 0;
      const span = blockAt(spans, address);
      return span?.address === address ? span : undefined;
    };
    const output = blockOf(places.output);
    if (!output || output.heir || output.first !== position) return;
    for (const place of places.inputs) {
      const input = blockOf(place);
      const root = input && rootOf(input);
      if (!root || root.bytes !== output.bytes || root.last !== position) continue;
      output.heir = root;
      root.last = output.last;
      return;
    }
  });
}

/**
 * Places blocks so that those alive at one time do not overlap: the largest first, each at the lowest gap that fits. Returns the size of
 * the arena in bytes.
 */
export function place(spans: readonly Span[]): number {
  const placed: Span[] = [];
  let size = 0;
  for (const span of spans.filter((s) => !s.heir).sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
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
  for (const span of spans) span.offset = rootOf(span).offset;
  return size;
}
