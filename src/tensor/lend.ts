// Memory for the length of a call.
import { empty } from './tensor.ts';

/** Lends `floats` of 4 bytes at an address, and takes them back: the next one finds them in the cache. */
export function lend<T>(floats: number, use: (address: number) => T): T {
  const { address, storage } = empty([floats]);
  try {
    return use(address);
  } finally {
    storage.free('what lent it');
  }
}
