// Linear memory seen from the host: blocks, and typed views that outlive its growth.
import { call, settle } from './call.ts';
import { instance } from './instance.ts';

let floats = new Float32Array(0);
let ints = new Int32Array(0);
let doubles = new Float64Array(0);
let liveBytes = 0;
let peakBytes = 0;

/** Growing memory detaches every view of it: a detached view has length 0 and is made again. */
function refresh(): void {
  const { buffer } = instance().memory;
  floats = new Float32Array(buffer);
  ints = new Int32Array(buffer);
  doubles = new Float64Array(buffer);
}

/** All of memory as float32. Not to be kept across an allocation. */
export function float32View(): Float32Array {
  settle();
  if (floats.length === 0) refresh();
  return floats;
}

/** All of memory as int32. Not to be kept across an allocation. */
export function int32View(): Int32Array {
  settle();
  if (ints.length === 0) refresh();
  return ints;
}

/** All of memory as float64. Not to be kept across an allocation. */
export function float64View(): Float64Array {
  settle();
  if (doubles.length === 0) refresh();
  return doubles;
}

/**
 * Address of a block of at least `bytes` bytes, 64-byte aligned, contents undefined; 0 where memory cannot grow any
 * more.
 */
export function allocate(bytes: number): number {
  const address = bytes > 0xf0000000 ? 0 : call('alloc', bytes) >>> 0; // addresses above 2 GiB arrive negative
  if (address !== 0) {
    // Shared memory grows without detaching its views: an old one is only too short.
    if (floats.length > 0 && address + bytes > floats.byteLength) refresh();
    liveBytes += bytes;
    if (liveBytes > peakBytes) peakBytes = liveBytes;
  }
  return address;
}

/** Gives a block back, or to who keeps it; `bytes` is what was asked for. */
export function release(address: number, bytes: number, keeper?: { freed(address: number, bytes: number): void } | null): void {
  settle();
  if (keeper) keeper.freed(address, bytes);
  else {
    call('free', address, bytes);
    liveBytes -= bytes;
  }
}

/** What tensors hold now, the most they held since `resetPeak`, and what the wasm has taken from the system. Bytes. */
export function usage(): { live: number; peak: number; reserved: number } {
  return { live: liveBytes, peak: peakBytes, reserved: instance().memory.buffer.byteLength };
}

/** Starts the peak of `usage` anew from what is live. */
export function resetPeak(): void {
  peakBytes = liveBytes;
}
