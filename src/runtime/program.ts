// A list of kernel calls with their words, to be made again without anything between them: by one call, `replay`
// (assembly/replay.ts, which scripts/replay.mjs writes). Measured against straight calls from JavaScript: 6 % less time
// for the calls of the bench's `tiny`. Host work splits the list: kernels before it, the work, kernels behind it.
import { call, type HostWork } from './call.ts';
import { type Kernel, LENGTH, NUMBER } from './kernel-names.ts';
import { int32View } from './memory.ts';

/** One recorded call. */
export interface KernelCall {
  readonly kernel: Kernel;
  /** As `call` passes them: the kernel's own, zeros behind. */
  readonly words: number[];
}

/** Host work between kernel calls. Its words are addresses, any number of them. */
export interface HostCall {
  readonly kernel: 'host';
  work: HostWork;
  readonly words: number[];
}

export type Instruction = KernelCall | HostCall;

/** Added to a kernel's number where a result ≥ 0 means that the data is bad. */
const CHECKED = 65536;

/** Calls that one `replay` makes, and the host work behind them. */
interface Part {
  /** Position of the first. */
  readonly first: number;
  readonly count: number;
  readonly address: number;
  readonly then: HostCall | null;
}

/** Instructions ready to run. */
export class Program {
  private readonly instructions: readonly Instruction[];
  private readonly list: Part[] = [];
  /** The address of each call's words; 0 for host work. */
  private readonly offsets: number[] = [];

  /**
   * @param checked positions of the calls whose result ≥ 0 means that the data is bad
   * @param allocate gives memory that lasts as long as the program: the address of so many bytes
   */
  constructor(instructions: readonly Instruction[], checked: readonly number[], allocate: (bytes: number) => number) {
    this.instructions = instructions;
    let words: number[] = [];
    let first = 0;
    const end = (at: number, then: HostCall | null): void => {
      const address = words.length > 0 ? allocate(words.length * 4) : 0;
      int32View().set(words, address / 4);
      for (let i = first; i < at; i++) (this.offsets[i] as number) += address;
      this.list.push({ first, count: at - first, address, then });
      words = [];
      first = at + 1;
    };
    instructions.forEach((instruction, i) => {
      this.offsets.push(instruction.kernel === 'host' ? 0 : 4 * (words.length + 1));
      if (instruction.kernel === 'host') end(i, instruction);
      else words.push(NUMBER[instruction.kernel] + (checked.includes(i) ? CHECKED : 0), ...instruction.words.slice(0, LENGTH[instruction.kernel]));
    });
    end(instructions.length, null);
  }

  /** Number of calls, host work included. */
  get length(): number {
    return this.instructions.length;
  }

  /** In how many parts host work splits it. */
  get parts(): number {
    return this.list.length;
  }

  /** Gives a call another word: an address that has moved. */
  set(position: number, word: number, value: number): void {
    const { words } = this.instructions[position] as Instruction;
    words[word] = value;
    const offset = this.offsets[position] as number;
    if (offset > 0) int32View()[offset / 4 + word] = value;
  }

  /**
   * Makes the calls in order. A check that fails ends it: `failed` gets its position, result and first word, and
   * throws.
   */
  run(failed: (position: number, result: number, word: number) => never): void {
    for (const { first, count, address, then } of this.list) {
      const position = count > 0 ? call('replay', address, count) : -1;
      if (position >= 0) {
        // A check only looks: asked again, it gives the same answer.
        const { kernel, words } = this.instructions[first + position] as KernelCall;
        failed(first + position, call(kernel, ...words), words[0] as number);
      }
      then?.work(then.words);
    }
  }
}
