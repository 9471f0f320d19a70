// A list of kernel calls with their words, to be made again without anything between them: by one call, `replay` (assembly/replay.ts,
// which scripts/replay.mjs writes). Measured against straight calls from JavaScript: 6 % less time for the calls of the bench's `tiny`.
import { call } from './call.ts';
import { type Kernel, LENGTH, NUMBER } from './kernel-names.ts';
import { int32View } from './memory.ts';

/** One recorded call. */
export interface Instruction {
  readonly kernel: Kernel;
  /** As `call` passes them: the kernel's own, zeros behind. */
  readonly words: number[];
}

/** Added to a kernel's number where a result ≥ 0 means that the data is bad. */
const CHECKED = 65536;

/** Instructions ready to run. */
export class Program {
  private readonly instructions: readonly Instruction[];
  private readonly address: number;

  /**
   * @param checked positions of the calls whose result ≥ 0 means that the data is bad
   * @param room gives memory that lasts as long as the program: the address of so many bytes
   */
  constructor(instructions: readonly Instruction[], checked: readonly number[], room: (bytes: number) => number) {
    this.instructions = instructions;
    const words = instructions.flatMap(({ kernel, words }, i) => [NUMBER[kernel] + (checked.includes(i) ? CHECKED : 0), ...words.slice(0, LENGTH[kernel])]);
    this.address = room(words.length * 4);
    int32View().set(words, this.address / 4);
  }

  /** Number of calls. */
  get length(): number {
    return this.instructions.length;
  }

  /** Makes the calls in order. A check that fails ends it: `failed` gets its position, result and first word, and throws. */
  run(failed: (position: number, result: number, word: number) => never): void {
    const position = call('replay', this.address, this.instructions.length);
    if (position < 0) return;
    // A check only looks: asked again, it gives the same answer.
    const { kernel, words } = this.instructions[position] as Instruction;
    failed(position, call(kernel, ...words), words[0] as number);
  }
}
