// Scratch buffers: memory for the length of a call.
import { teamSize } from '../runtime/instance.ts';
import { empty } from './tensor.ts';

/** Runs `use` with the address of a scratch buffer of so many 4-byte words for each thread of the team, and frees it: the next one finds it in the cache. */
export function withScratch<T>(words: number, use: (address: number) => T): T {
  const { address, storage } = empty([forTeam(words)]);
  try {
    return use(address);
  } finally {
    storage.free('its kernel call');
  }
}

/** @internal The words of so many for each thread of the team, each at an address that vectors like. */
export const forTeam = (words: number): number => teamSize() * Math.ceil(words / 4) * 4;
