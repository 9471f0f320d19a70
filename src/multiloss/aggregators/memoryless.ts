// What methods without a memory share.
import type { Needs, Stats, Weighting } from '../method.ts';

/** A weighting whose every step is like its first. */
export abstract class Memoryless implements Weighting {
  abstract readonly name: string;
  readonly needs: Needs = 'gramian';

  abstract weights(stats: Stats): Float64Array;

  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(_state: Readonly<Record<string, unknown>>): void {}

  reset(): void {}
}
