// Size-class free lists on raw linear memory. Blocks are 64-byte aligned and carry no header: the caller passes the size back.
//
//  ┌──────────────┬──────────────────┬──────────────────────────────────────┐
//  │ static data  │ heads: i32[128]  │ blocks, bump-allocated up to `top` … │
//  └──────────────┴──────────────────┴──────────────────────────────────────┘
//                   one list a class   a free block's first word is the next
//
// Four classes an octave: a block wastes at most a quarter of itself.

const CLASSES: i32 = 128;
const heads: usize = memory.data(CLASSES * 4, 16);
let top: usize = (__heap_base + 63) & ~63;

@inline function classOf(bytes: usize): i32 {
  const s = <u32>max<usize>(bytes, 64) - 1;
  const octave = 31 - clz<u32>(s);
  return (octave << 2) + <i32>((s >> (octave - 2)) & 3) - 20;
}

@inline function sizeOf(c: i32): usize {
  const octave = (c + 20) >> 2;
  const quarters = ((c + 20) & 3) + 1;
  return ((<usize>1 << octave) + (<usize>quarters << (octave - 2)) + 63) & ~63;
}

/** Address of a block of at least `bytes` bytes (contents undefined), or 0 where memory cannot grow. */
export function alloc(bytes: usize): usize {
  const c = classOf(bytes);
  const slot = heads + (<usize>c << 2);
  const head = load<usize>(slot);
  if (head) {
    store<usize>(slot, load<usize>(head));
    return head;
  }
  const block = top;
  const end = <u64>block + <u64>sizeOf(c);
  const capacity = <u64>memory.size() << 16;
  if (end > capacity) {
    const pages = <i32>((end - capacity + 0xffff) >> 16);
    // A quarter more than there is, so that growing (which detaches every view) stays rare; less where that is refused.
    if (memory.grow(max(pages, memory.size() >> 2)) < 0 && memory.grow(pages) < 0) return 0;
  }
  top = <usize>end;
  return block;
}

/** Returns a block to its list; `bytes` is what was asked for. */
export function free(block: usize, bytes: usize): void {
  const slot = heads + (<usize>classOf(bytes) << 2);
  store<usize>(block, load<usize>(slot));
  store<usize>(slot, block);
}
