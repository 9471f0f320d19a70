// What methods without a memory share.
import type { Needs, Stats, Weighting } from '../method.ts';
import { Stateless } from '../stateless.ts';

/** A weighting whose every step is like its first. */
export abstract class Memoryless extends Stateless implements Weighting {
  /** What it must be told. */
  readonly needs: Needs = 'gramian';

  /** One weight per loss. */
  abstract weights(stats: Stats): Float64Array;
}
