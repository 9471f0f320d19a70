// Numbers of the host in tensors' memory: the one place above `runtime` where they are written and read by address.
import { float32View, float64View } from '../runtime/memory.ts';
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
  writeFloats(t.address, values);
  t.storage.touch(writer);
}

/** Host numbers beside the losses, at addresses of their own: a captured step reads there what they are at each replay. */
export class HostNumbers {
  private readonly blocks = new Map<string, Tensor>();

  /** A tensor of one shape for each key, filled one after another from `numbers`, which is asked anew before each replay. */
  tensors(keys: readonly string[], shape: readonly number[], numbers: () => Float64Array): Tensor[] {
    const blocks = keys.map((key) => {
      const block = this.blocks.get(key) ?? empty(shape, 'float32', null);
      this.blocks.set(key, block);
      return block;
    });
    const write = (): void => {
      const values = numbers();
      blocks.forEach(({ address, size }, i) => {
        writeFloats(address, values.subarray(i * size, (i + 1) * size));
      });
    };
    write();
    recording()?.repeat(write);
    return blocks;
  }

  /** A vector with a number for each of the losses. */
  vector(names: readonly string[], numbers: () => Float64Array): Tensor {
    return this.tensors([JSON.stringify(names)], [names.length], numbers)[0] as Tensor;
  }
}
