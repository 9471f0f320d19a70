// The debug build's guards (`npm run test:guard`): words around each block that nobody may write, and NaN in memory that nobody has filled.
//
//  ┌───────────────────────────────────────────┬───────────┬─────────────┐
//  │ next, previous, bytes: 12 B │ MARK: 52 B  │ the block │ MARK: 64 B  │  NaN up to the end of its class
//  └───────────────────────────────────────────┴───────────┴─────────────┘
//
// A guard that was overwritten ends the program (`unreachable` in `unguard`), a write to free memory as well (in `assertBlank`); `checkGuards` finds the guards of living blocks.

/** Bytes that the guards of a block take. */
export const MARGIN: usize = 128;
const MARK: u32 = 0x5afe5afe;
/** A quiet NaN as float32, 2 143 924 480 as int32: what reads memory before it is filled shows it. */
const NAN: u32 = 0x7fc9b100;
/** Of the living block that was made last. */
let living: usize = 0;

/** Fills memory with NaN. */
export function blank(at: usize, bytes: usize): void {
  for (const end = at + bytes; at < end; at += 4) store<u32>(at, NAN);
}

/** Puts guards around a new block of `bytes` bytes; 0 stays 0. */
export function guard(at: usize, bytes: usize): usize {
  if (!at) return 0;
  const block = at + 64, behind = block + ((bytes + 3) & ~3);
  store<usize>(at, living);
  store<usize>(at, 0, 4);
  store<usize>(at, bytes, 8);
  if (living) store<usize>(living, at, 4);
  living = at;
  for (let i: usize = 12; i < 64; i += 4) store<u32>(at + i, MARK);
  for (let i: usize = 0; i < 64; i += 4) store<u32>(behind + i, MARK);
  blank(block, behind - block);
  return block;
}

function isMarked(at: usize, bytes: usize): bool {
  for (const end = at + bytes; at < end; at += 4) if (load<u32>(at) != MARK) return false;
  return true;
}

/** Checks the guards of a block and takes them away: what it began with. */
export function unguard(block: usize, bytes: usize): usize {
  const at = block - 64;
  if (!isMarked(at + 12, 52)) unreachable();
  if (load<usize>(at, 8) != bytes) unreachable();
  if (!isMarked(block + ((bytes + 3) & ~3), 64)) unreachable();
  const next = load<usize>(at), previous = load<usize>(at, 4);
  if (next) store<usize>(next, previous, 4);
  if (previous) store<usize>(previous, next); else living = next;
  return at;
}

/** Traps where free memory was written to. */
export function assertBlank(at: usize, bytes: usize): void {
  for (const end = at + bytes; at < end; at += 4) if (load<u32>(at) != NAN) unreachable();
}

/** The address of a living block whose guards were overwritten, or 0. */
export function checkGuards(): usize {
  for (let at = living; at; at = load<usize>(at)) {
    if (!isMarked(at + 12, 52) || !isMarked(at + 64 + ((load<usize>(at, 8) + 3) & ~3), 64)) return at + 64;
  }
  return 0;
}
