// A recorded step up to where its own blocks lie: what a later run is compared with.
import { ADDRESSES, type Kernel, LENGTH } from '../runtime/kernel-names.ts';
import { release } from '../runtime/memory.ts';
import type { Instruction } from '../runtime/program.ts';
import { constantAt } from '../ops/create.ts';
import type { RecordedMethod } from '../tensor/recording.ts';
import { callingLine } from '../tensor/line.ts';
import type { Storage } from '../tensor/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Block, blockAt } from './plan.ts';
import { type MethodUse, Recorder } from './recorder.ts';

/** A block whose address may be another one in the next run. */
export interface Movable extends Block {
  /** Which leaf's gradient it was before the step, by position; undefined: the step took the block itself. */
  readonly leaf?: number;
  /** Whether later runs may find the very same block: a constant that the recording was the first to use. */
  readonly stays?: boolean;
}

/** A location in memory: an offset in a block, or an address (block −1). */
export interface Location {
  readonly block: number;
  readonly at: number;
}

/**
 * A call: of each word the block that it lies in, −1 where it is no address or one that stays; and its offset there, or
 * itself.
 */
interface Call {
  readonly kernel: Kernel | 'host';
  readonly words: readonly number[];
  readonly blocks: readonly number[];
}

const isAddress = (kernel: Kernel | 'host', word: number): boolean => kernel === 'host' || ((ADDRESSES[kernel] >>> word) & 1) === 1;

/**
 * How a method differs from the recorded one. One that the step makes anew each time is the same if it is made alike
 * and remembers nothing.
 */
function differenceOf(recorded: MethodUse, { method, names, before }: MethodUse): string {
  if (recorded.names !== names) return `takes the losses ${names}, where ${recorded.names} were recorded`;
  if (recorded.method === method) return '';
  if (Object.getPrototypeOf(recorded.method) !== Object.getPrototypeOf(method) || recorded.before !== before) return 'takes another method than was recorded';
  return JSON.stringify(recorded.method.stateDict?.()) === JSON.stringify(method.stateDict?.())
    ? ''
    : 'takes a method that is made in the step and remembers. Make it once, outside';
}

export class Signature {
  /** Sorted by address; they do not overlap. */
  readonly blocks: readonly Movable[];
  readonly calls: readonly Call[];
  private readonly index: ReadonlyMap<Movable, number>;

  constructor(blocks: readonly Movable[], instructions: readonly Instruction[]) {
    this.blocks = [...blocks].sort((a, b) => a.address - b.address);
    this.index = new Map(this.blocks.map((b, i) => [b, i]));
    this.calls = instructions.map((instruction) => {
      const { kernel } = instruction;
      const length = kernel === 'host' ? instruction.words.length : LENGTH[kernel];
      const locations = instruction.words.slice(0, length).map((word, i) => (isAddress(kernel, i) ? this.locationOf(word >>> 0) : { block: -1, at: word }));
      return { kernel, words: locations.map((p) => p.at), blocks: locations.map((p) => p.block) };
    });
  }

  locationOf(address: number): Location {
    const block = blockAt(this.blocks, address);
    return block ? { block: this.index.get(block) as number, at: address - block.address } : { block: -1, at: address };
  }
}

/** Listens to a later run of the step, which runs as it is, and finds the first thing that is not as recorded. */
export class Comparison extends Recorder {
  /** What differs, and where; '' while nothing does. */
  difference = '';
  private readonly first: Recorder;
  private readonly signature: Signature;
  /** Of each movable block: the block of this run that matches it. */
  private readonly matches: (Block | undefined)[];
  private readonly met = new Set<Block>();
  /** Blocks taken in this run and not given back, by address. */
  private readonly live: Block[] = [];

  /** @param gradients where the leaves' gradients lie now, for those that were there before the recorded step */
  constructor(first: Recorder, signature: Signature, inputs: readonly Tensor[], gradients: readonly (number | undefined)[]) {
    super(inputs, first.numbers);
    this.first = first;
    this.signature = signature;
    this.matches = signature.blocks.map(({ leaf, bytes }) => (leaf === undefined ? undefined : { address: gradients[leaf] as number, bytes }));
  }

  override born(storage: Storage): void {
    super.born(storage);
    const { address, bytes } = storage;
    const end = address + Math.max(bytes, 1);
    // What was given back unseen (inside host work) is not there any more.
    const at = this.live.findIndex((b) => b.address + Math.max(b.bytes, 1) > address);
    const from = at < 0 ? this.live.length : at;
    let to = from;
    while (to < this.live.length && (this.live[to] as Block).address < end) to++;
    this.live.splice(from, to - from, { address, bytes });
  }

  /** Nothing waits: memory is used as in a plain run. */
  override freed(address: number, bytes: number): void {
    const at = this.live.findIndex((b) => b.address === address);
    if (at >= 0) this.live.splice(at, 1);
    release(address, bytes);
  }

  /** Whether an address of this run is where a recorded location is now. */
  isAt(address: number, { block, at }: Location): boolean {
    const own = blockAt(this.live, address);
    if (block < 0) return address === at && !own;
    const known = this.matches[block];
    if (known) return address === known.address + at && (own === undefined || own === known);
    const recorded = this.signature.blocks[block] as Movable;
    const found = own ?? (recorded.stays ? recorded : undefined);
    if (!found || found.address + at !== address || this.met.has(found)) return false;
    this.met.add(found);
    this.matches[block] = found;
    return true;
  }

  protected override push(instruction: Instruction): void {
    const position = this.instructions.length;
    super.push(instruction);
    if (this.difference || this.isEarly) return;
    const what = this.compare(instruction, position);
    if (what) this.difference = `${instruction.kernel}${callingLine()} ${what}`;
  }

  override method(method: RecordedMethod, names: readonly string[]): void {
    super.method(method, names);
    if (this.difference) return;
    const at = this.methods.length - 1;
    const [recorded, now] = [this.first.methods[at], this.methods[at] as MethodUse];
    const what = recorded ? this.silently(() => differenceOf(recorded, now)) : 'is called once more than was recorded';
    if (what) this.difference = `multiloss.backward${callingLine()} ${what}`;
  }

  /** How a call differs from the recorded one; '' where it does not. */
  private compare(instruction: Instruction, position: number): string {
    const { kernel, words } = instruction;
    const recorded = this.signature.calls[position];
    if (!recorded) return 'is called behind the last call that was recorded: the step takes another branch, or loops more often';
    if (recorded.kernel !== kernel) return `is called where ${recorded.kernel} was recorded: the step takes another branch`;
    if (recorded.words.length > words.length || (kernel === 'host' && recorded.words.length < words.length)) return 'takes more or fewer tensors than were recorded';
    for (let i = 0; i < recorded.words.length; i++) {
      const [word, was] = [words[i] as number, recorded.words[i] as number];
      const location = { block: recorded.blocks[i] as number, at: was };
      if (!isAddress(kernel, i)) {
        if (word !== was) return kernel === 'fill' ? 'writes another number than was recorded' : 'has other sizes, numbers or flags than were recorded';
      } else if (!this.isAt(word >>> 0, location)) {
        const { numbers } = this;
        const [now, before] = [constantAt(word >>> 0, numbers), location.block < 0 ? constantAt(was, numbers) : undefined];
        return now !== undefined && before !== undefined ? `takes the number ${now}, where ${before} was recorded` : 'takes another tensor than was recorded';
      }
    }
    return '';
  }
}
