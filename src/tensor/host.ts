// Numbers of the host in tensors' memory: the one place above `runtime` where they are written and read by address.
import { float32View, float64View } from '../runtime/memory.ts';
import { settle } from './pending.ts';
import { recording } from './recording.ts';
import { empty, type Tensor } from './tensor.ts';

/** The n float32 numbers at an address, as they are now. */
export const floatsAt = (address: number, n: number): Float32Array => float32View().slice(address / 4, address / 4 + n);

/** The n float64 numbers at an address, as they are now. */
export const doublesAt = (address: number, n: number): Float64Array => float64View().slice(address / 8, address / 8 + n);

/** Writes float32 numbers at an address. */
export function writeFloats(address: number, values: ArrayLike<number>): void {
  float32View().set(values, address / 4);
}

/** Overwrites a float32 tensor's numbers. @param writer who does, for errors about graphs that need the old ones */
export function overwrite(t: Tensor, values: ArrayLike<number>, writer: string): void {
  settle();
  writeFloats(t.address, values);
  t.storage.touch(writer);
}

/** Host numbers beside the losses, at addresses of their own: a captured step reads there what they are at each replay. */
export class HostNumbers {
  private readonly blocks = new Map<string, Tensor>();

  /** A tensor [n], found anew before each replay. @param key vectors under one key and of one length have one address */
  vector(key: string, numbers: () => ArrayLike<number>): Tensor {
    const now = numbers();
    const block = this.blockOf(`${now.length} ${key}`, [now.length]);
    this.write(now, numbers, (values) => writeFloats(block.address, values));
    return block;
  }

  /** A scalar for each name, found anew before each replay. */
  scalars(names: readonly string[], numbers: () => ArrayLike<number>): Tensor[] {
    const now = numbers();
    const blocks = names.map((name) => this.blockOf(name, []));
    this.write(now, numbers, (values) => {
      blocks.forEach((block, i) => {
        writeFloats(block.address, [values[i] as number]);
      });
    });
    return blocks;
  }

  private write(now: ArrayLike<number>, numbers: () => ArrayLike<number>, write: (values: ArrayLike<number>) => void): void {
    settle();
    write(now);
    recording()?.repeat(() => write(numbers()));
  }

  private blockOf(key: string, shape: readonly number[]): Tensor {
    const block = this.blocks.get(key) ?? empty(shape, 'float32', null);
    this.blocks.set(key, block);
    return block;
  }
}
