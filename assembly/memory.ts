// Free lists on raw linear memory. Blocks are 64-byte aligned and carry no header: the caller passes the size back.
//
//  ┌──────────────┬────────────────┬──────────────┬──────────────────────────────────────┐
//  │ static data  │ heads: i32[128]│ gaps: i32[128]│ blocks, bump-allocated up to `top` … │
//  └──────────────┴────────────────┴──────────────┴──────────────────────────────────────┘
//
//   heads[c]   free blocks of the size of class c, last freed first: each begins with the address of the next
//   gaps[c]    free stretches of at least that size: the address of the next, and the size in bytes
//
// Four classes an octave: a block wastes at most a quarter of itself. Where a class has no block, one is cut from a gap. Where none is long
// enough and memory would have to grow, free neighbours are merged into gaps first: what was freed in one size serves every other.
import { assertBlank, blank, guard, MARGIN, unguard } from "./guard";

const CLASSES: i32 = 128;
const heads: usize = memory.data(CLASSES * 4, 16);
const gaps: usize = memory.data(CLASSES * 4, 16);
/** Sorted lists of 2ⁱ nodes, for `merge`; behind them a word to hang a list on. */
const runs: usize = memory.data(33 * 4, 16);
let top: usize = (__heap_base + 63) & ~63;

@inline function classOf(bytes: usize): i32 {
  const s = <u32>max<usize>(bytes, 64) - 1;
  const octave = 31 - clz<u32>(s);
  return (octave << 2) + <i32>((s >> (octave - 2)) & 3) - 20;
}

/** 2³² for the last class, which no block can have. */
@inline function sizeOf(c: i32): u64 {
  const octave = (c + 20) >> 2;
  const quarters = ((c + 20) & 3) + 1;
  return ((<u64>1 << octave) + (<u64>quarters << (octave - 2)) + 63) & ~63;
}

/** Files a free stretch, a multiple of 64 bytes, under the largest class that it holds. */
function leave(gap: usize, size: usize): void {
  let c = classOf(size);
  if (sizeOf(c) > size) c--;
  const slot = gaps + (<usize>c << 2);
  store<usize>(gap, load<usize>(slot));
  store<usize>(gap, size, 4);
  store<usize>(slot, gap);
}

/** A block cut from the front of a gap, or 0. */
function cut(c: i32): usize {
  const size = <usize>sizeOf(c);
  for (let slot = gaps + (<usize>c << 2); slot < gaps + (CLASSES << 2); slot += 4) {
    const gap = load<usize>(slot);
    if (!gap) continue;
    store<usize>(slot, load<usize>(gap));
    const rest = load<usize>(gap, 4) - size;
    if (rest) leave(gap + size, rest);
    if (isDefined(GUARD)) assertBlank(gap + 8, size - 8);
    return gap;
  }
  return 0;
}

/** A block from the memory behind `top`, or 0 where it ends before. */
function bump(c: i32): usize {
  const block = top, end = <u64>block + sizeOf(c);
  if (end > <u64>memory.size() << 16 || end > 0xffffffc0) return 0;
  top = <usize>end;
  return block;
}

/** Two lists in order of address as one. */
function join(a: usize, b: usize): usize {
  const start = runs + 128;
  let last = start;
  while (a && b) {
    const next = min(a, b);
    if (next == a) a = load<usize>(a); else b = load<usize>(b);
    store<usize>(last, next);
    last = next;
  }
  store<usize>(last, a | b);
  return load<usize>(start);
}

/** Sorts a free stretch in: lists of equal length are joined, as binary addition carries. */
function sort(node: usize): void {
  store<usize>(node, 0);
  let run = runs;
  for (; load<usize>(run); run += 4) {
    node = join(load<usize>(run), node);
    store<usize>(run, 0);
  }
  store<usize>(run, node);
}

/** Makes gaps of all that is free, neighbours in one; what ends at `top` lowers it. n log n in free stretches. */
function merge(): void {
  for (let c = 0; c < CLASSES; c++) {
    const offset = <usize>c << 2;
    for (let node = load<usize>(heads + offset); node;) {
      const next = load<usize>(node);
      store<usize>(node, <usize>sizeOf(c), 4);
      sort(node);
      node = next;
    }
    for (let node = load<usize>(gaps + offset); node;) {
      const next = load<usize>(node);
      sort(node);
      node = next;
    }
    store<usize>(heads + offset, 0);
    store<usize>(gaps + offset, 0);
  }
  let gap: usize = 0;
  for (let run = runs; run < runs + 128; run += 4) {
    gap = join(gap, load<usize>(run));
    store<usize>(run, 0);
  }
  while (gap) {
    let next = load<usize>(gap), size = load<usize>(gap, 4);
    while (next && next == gap + size) {
      const node = next;
      size += load<usize>(node, 4);
      next = load<usize>(node);
      if (isDefined(GUARD)) blank(node, 8);
    }
    if (gap + size == top) top = gap; else leave(gap, size);
    gap = next;
  }
}

/** Where the class has no block: from a gap, from behind `top`, from what merging makes, or from the system. */
function find(c: i32): usize {
  if (sizeOf(c) > 0xf0000000) return 0;
  let block = cut(c);
  if (!block) block = bump(c);
  if (block) return block;
  merge();
  block = cut(c);
  if (!block) block = bump(c);
  if (block) return block;
  const pages = <i32>((<u64>top + sizeOf(c) - (<u64>memory.size() << 16) + 0xffff) >> 16);
  // A quarter more than there is, so that growing (which detaches every view) stays rare; less where that is refused.
  if (memory.grow(max(pages, memory.size() >> 2)) < 0 && memory.grow(pages) < 0) return 0;
  return bump(c);
}

@inline function take(bytes: usize): usize {
  const c = classOf(bytes);
  const slot = heads + (<usize>c << 2);
  const head = load<usize>(slot);
  if (!head) return find(c);
  store<usize>(slot, load<usize>(head));
  if (isDefined(GUARD)) assertBlank(head + 4, <usize>sizeOf(c) - 4);
  return head;
}

/** Address of a block of at least `bytes` bytes (contents undefined), or 0 where memory cannot grow. @host */
export function alloc(bytes: usize): usize {
  if (isDefined(GUARD)) return guard(take(bytes + MARGIN), bytes);
  return take(bytes);
}

/** Returns a block to its list; `bytes` is what was asked for. @host */
export function free(block: usize, bytes: usize): void {
  if (isDefined(GUARD)) {
    block = unguard(block, bytes);
    bytes += MARGIN;
    blank(block, <usize>sizeOf(classOf(bytes)));
  }
  const slot = heads + (<usize>classOf(bytes) << 2);
  store<usize>(block, load<usize>(slot));
  store<usize>(slot, block);
}
