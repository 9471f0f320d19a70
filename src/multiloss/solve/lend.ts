// Memory of the wasm for a solver's kernels.
import { empty } from '../../tensor/tensor.ts';

/** Lends `numbers` of 8 bytes at an address, and takes them back: the next one finds them in the cache. */
export function lend<T>(numbers: number, use: (address: number) => T): T {
  const { address, storage } = empty([2 * numbers]);
  try {
    return use(address);
  } finally {
    storage.free('a solver');
  }
}
