// The allocator alone, on an instance of its own.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../seeded.ts';

interface Memory {
  alloc(bytes: number): number;
  free(block: number, bytes: number): void;
  memory: WebAssembly.Memory;
}
const module = new WebAssembly.Module(readFileSync(new URL('../../build/kernels.wasm', import.meta.url)));
const fresh = (): Memory => new WebAssembly.Instance(module).exports as unknown as Memory;

/** Takes and gives back at random, at most `most` bytes at a time; returns the peak and what is reserved. Each block has bytes of its own. */
function churn(seed: number, turns: number, sizeOf: (u: number) => number, most: number): { peak: number; reserved: number } {
  const { alloc, free, memory } = fresh();
  const next = seeded(seed);
  const live: { at: number; bytes: number; mark: number }[] = [];
  let held = 0;
  let peak = 0;
  const words = (): Int32Array => new Int32Array(memory.buffer);
  for (let turn = 0; turn < turns; turn++) {
    if (next() < 0.55 && held < most) {
      const bytes = sizeOf(next());
      const at = alloc(bytes) >>> 0;
      assert.ok(at > 0 && at % 64 === 0);
      live.push({ at, bytes, mark: turn });
      words().fill(turn, at / 4, (at + bytes) / 4);
      held += bytes;
      peak = Math.max(peak, held);
    } else if (live.length > 0) {
      const [block] = live.splice(Math.floor(next() * live.length), 1) as [(typeof live)[0]];
      const mine = words().subarray(block.at / 4, (block.at + block.bytes) / 4);
      if (!mine.every((w) => w === block.mark)) assert.unreachable(`turn ${turn}: another wrote into a block of ${block.bytes} bytes`);
      free(block.at, block.bytes);
      held -= block.bytes;
    }
  }
  return { peak, reserved: memory.buffer.byteLength };
}

test('blocks never overlap, whatever is taken and given back', () => {
  for (let seed = 1; seed <= 20; seed++) churn(seed, 3000, (u) => 4 * Math.ceil(u ** 6 * 40_000), 2 ** 22);
});

test('memory of any sizes is used again: at most twice its peak is reserved', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { peak, reserved } = churn(seed, 6000, (u) => 4 * Math.ceil(2 ** (6 + 12 * u)), 2 ** 24);
    assert.ok(reserved <= 2 * peak + 2 ** 21, `${reserved} bytes reserved for a peak of ${peak}`);
  }
});

test('many small blocks become a large one', () => {
  const { alloc, free, memory } = fresh();
  const blocks = Array.from({ length: 10_000 }, () => alloc(1000));
  const reserved = memory.buffer.byteLength;
  const order = seeded(1);
  for (const at of blocks.sort(() => order() - 0.5)) free(at, 1000);
  assert.ok(alloc(9e6) > 0);
  assert.is(memory.buffer.byteLength, reserved);
});

test('a block that was given back is the next of its class', () => {
  const { alloc, free } = fresh();
  const at = alloc(5000);
  alloc(5000);
  free(at, 5000);
  assert.is(alloc(5100), at);
});

test('what does not fit is 0, from 3.5 to 4 GB too, and takes nothing', () => {
  const { alloc, memory } = fresh();
  const before = memory.buffer.byteLength;
  for (const bytes of [0xe0000001, 0xe8000000, 0xf0000001, 0xffffffc0, 0xffffffff]) assert.is(alloc(bytes), 0);
  assert.is(memory.buffer.byteLength, before);
  const [a, b] = [alloc(64), alloc(64)];
  assert.ok(a > 0 && b === a + 64);
});

test.run();
