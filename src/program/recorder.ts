// What a recording of a step gathers: the calls at the seam, and what the floors below tell it.
import type { HostWork, Tracer } from '../runtime/call.ts';
import type { Kernel } from '../runtime/kernel-names.ts';
import type { Instruction } from '../runtime/program.ts';
import type { LeafUse, Recording } from '../tensor/recording.ts';
import type { Storage } from '../tensor/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Not kernels of a step, but the allocator's. */
const ALLOCATOR = new Set<Kernel>(['alloc', 'free']);

/** Listens while the step runs. */
export class Recorder implements Recording, Tracer {
  readonly instructions: Instruction[] = [];
  readonly checks = new Map<number, (result: number, address: number) => Error>();
  readonly storages: Storage[] = [];
  readonly returned: { address: number; bytes: number }[] = [];
  readonly outside = new Set<Storage>();
  readonly writes: [Storage, string][] = [];
  readonly repeats: (() => void)[] = [];
  readonly leaves = new Map<Tensor, { use: LeafUse; before: Tensor | null }>();
  private readonly mine = new Set<Storage>();

  call(kernel: Kernel, words: readonly number[]): void {
    if (!ALLOCATOR.has(kernel)) this.instructions.push({ kernel, words: [...words] });
  }
  host(work: HostWork, addresses: readonly number[]): void {
    this.instructions.push({ kernel: 'host', work, words: [...addresses] });
  }
  born(storage: Storage): void {
    this.storages.push(storage);
    this.mine.add(storage);
  }
  freed(address: number, bytes: number): void {
    this.returned.push({ address, bytes });
  }
  used(storage: Storage): void {
    if (!this.mine.has(storage)) this.outside.add(storage);
  }
  wrote(storage: Storage, writer: string): void {
    if (!this.mine.has(storage)) this.writes.push([storage, writer]);
  }
  leaf(t: Tensor, use: LeafUse): void {
    if (!this.mine.has(t.storage) && !this.leaves.has(t)) this.leaves.set(t, { use, before: t.gradient });
  }
  repeat(work: () => void): void {
    this.repeats.push(work);
  }
  check(error: (result: number, address: number) => Error): void {
    this.checks.set(this.instructions.length - 1, error);
  }
}
