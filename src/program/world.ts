// What a recorded step relies on in the world around it, and what it changes there beside memory.
import type { Storage } from '../tensor/storage.ts';
import { metaOf, type Tensor } from '../tensor/tensor.ts';
import type { Leaves } from './leaves.ts';
import { eachAddress } from './plan.ts';
import { fail, type Flags, flagsOf, type Recorder, type Reliance } from './recorder.ts';

export class World {
  private readonly tensors: readonly Tensor[];
  /** Of each tensor. */
  private readonly flags: readonly Flags[];
  private readonly reliances: readonly Reliance[];
  private readonly outside: readonly Storage[];
  private readonly leaves: Leaves;
  private readonly writes: readonly (readonly [Storage | Tensor, writer: string])[];
  /** Puts flags as the step leaves them. */
  private readonly settings: (() => void)[] = [];

  /** At the end of the recorded run, before addresses change. */
  constructor(recorder: Recorder, leaves: Leaves) {
    this.leaves = leaves;
    // Gradients may come and go, unless something else in their memory is used too.
    const bare: number[] = [];
    eachAddress(recorder.instructions, (address) => {
      if (!leaves.at(address)) bare.push(address);
      return address;
    });
    const isUsed = ({ address, bytes }: Storage): boolean => bare.some((b) => b >= address && b < address + bytes);
    this.outside = [...recorder.outside].filter((s) => !leaves.in(s) || isUsed(s));
    this.writes = recorder.writes.map(([storage, writer]) => [leaves.in(storage)?.leaf ?? storage, writer]);
    this.tensors = [...recorder.flags.keys()];
    this.flags = [...recorder.flags.values()];
    for (const [t, flags] of recorder.flags) {
      const wantsGrad = t.meta?.wantsGrad ?? false;
      if (wantsGrad === ((flags & 1) === 1)) continue;
      this.settings.push(() => {
        metaOf(t).wantsGrad = wantsGrad;
      });
    }
    this.reliances = [...recorder.reliances.values()];
    for (const { value, current, set } of this.reliances) {
      const now = current() as never;
      if (set && now !== value) this.settings.push(() => set(now));
    }
  }

  /** Whether everything is as the recording found it: null where that can never be again. Runs before each replay. */
  fits(): boolean | null {
    const { tensors, flags } = this;
    for (let i = 0; i < tensors.length; i++) if (flagsOf(tensors[i] as Tensor) !== flags[i]) return false;
    for (const { value, current } of this.reliances) {
      // A flag may come back; a count, or a thing that was replaced, will not.
      if (current() !== value) return typeof value === 'boolean' || typeof value === 'string' ? false : null;
    }
    const fit = this.leaves.fit();
    if (!fit) return fit;
    for (const s of this.outside) {
      if (s.address === 0)
        fail(`a tensor that the step uses ended with ${s.ended}. keep() it, or pass it as an input; where it was replaced, call release() on the captured step.`);
    }
    return true;
  }

  /** After a replay: versions and flags are as after the step. */
  change(): void {
    for (const [t, writer] of this.writes) ('gathered' in t ? t.gathered?.storage : t)?.touch(writer);
    for (const set of this.settings) set();
  }
}
