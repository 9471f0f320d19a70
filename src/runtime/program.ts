// A list of kernel calls with their words, to be made again without anything between them.
import { instance } from './instance.ts';
import type { Kernel } from './kernel-names.ts';

/** Words of one call: `call` takes at most 14. */
export const WORDS = 14;

/** One recorded call. */
export interface Instruction {
  readonly kernel: Kernel;
  /** WORDS of them, zeros after the kernel's own, as `call` passes them. */
  readonly words: number[];
}

/** Words of a record in the tables of `sgdAll` and `adamAll` (assembly/kernels/update.ts): those of one call, zeros behind. */
export const RECORD = 10;

/** Instructions ready to run. */
export class Program {
  private readonly functions: ((...words: number[]) => number)[];
  /** The words of all calls, WORDS each. */
  private readonly words: Int32Array;
  private readonly checked: Uint8Array;

  /** @param checked positions of the calls whose result ≥ 0 means that the data is bad */
  constructor(instructions: readonly Instruction[], checked: readonly number[]) {
    const kernels = instance();
    this.functions = instructions.map(({ kernel }) => kernels[kernel]);
    this.words = Int32Array.from(instructions.flatMap(({ words }) => words));
    this.checked = new Uint8Array(instructions.length);
    for (const i of checked) this.checked[i] = 1;
  }

  /** Number of calls. */
  get length(): number {
    return this.functions.length;
  }

  /** Makes the calls in order. A check that fails ends it: `failed` gets its position, result and first word, and throws. */
  run(failed: (position: number, result: number, word: number) => never): void {
    const { functions, words: w, checked } = this;
    for (let i = 0, at = 0; i < functions.length; i++, at += WORDS) {
      const result = (functions[i] as (...words: number[]) => number)(
        w[at] as number,
        w[at + 1] as number,
        w[at + 2] as number,
        w[at + 3] as number,
        w[at + 4] as number,
        w[at + 5] as number,
        w[at + 6] as number,
        w[at + 7] as number,
        w[at + 8] as number,
        w[at + 9] as number,
        w[at + 10] as number,
        w[at + 11] as number,
        w[at + 12] as number,
        w[at + 13] as number,
      );
      if (checked[i] && result >= 0) failed(i, result, w[at] as number);
    }
  }
}
