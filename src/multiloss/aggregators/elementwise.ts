// GradDrop and the trimmed mean: what counts is decided element by element.
import { call } from '../../runtime/call.ts';
import { GradloomError } from '../../tensor/errors.ts';
import { dense } from '../../tensor/op.ts';
import { defaultGenerator } from '../../tensor/random.ts';
import { keep } from '../../tensor/scope.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../method.ts';
import { checkCount, checkPerLoss, type PerLoss, perLoss } from '../checks.ts';
import { vector } from './rows.ts';

abstract class Elementwise implements Aggregator {
  abstract readonly name: string;
  readonly needs = 'jacobian';

  abstract directions(rows: readonly Tensor[], stats: Stats): Tensor[];

  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(_state: Readonly<Record<string, unknown>>): void {}

  reset(): void {}
}

/** Options of GradDrop. */
export interface GradDropOptions {
  /** How much of what is dropped passes nevertheless, 0 to 1: a number per loss, in their order or by name; 0 unless said. */
  leak?: PerLoss;
}

/**
 * Per element either the positive or the negative gradients are dropped, at random with odds that their sums give (Chen et al. 2020,
 * arXiv 2010.06808), to 2⁻¹⁶. The plain sum where all agree. Random numbers come from the generator that `manualSeed` seeds.
 */
export class GradDrop extends Elementwise {
  readonly name = 'GradDrop';
  private readonly leak: PerLoss | undefined;
  private leaks: Tensor | null = null;

  constructor(options: GradDropOptions = {}) {
    super();
    this.leak = options.leak;
    checkPerLoss(this.name, 'leak', this.leak);
    for (const v of Object.values(this.leak ?? {})) if (v > 1) throw new GradloomError('VALUE', this.name, `leak must be from 0 to 1, got ${v}.`);
  }

  directions(rows: readonly Tensor[], { names }: Stats): Tensor[] {
    // Made once, so that a captured step finds it where it was.
    if (this.leak && this.leaks?.size !== names.length) this.leaks = keep(vector(perLoss(this.name, 'leak', this.leak, names, 0)));
    const leak = this.leaks;
    return rows.map((r) => {
      const x = dense(r);
      const [m, n] = r.shape as [number, number];
      const y = empty([n]);
      call('gradDrop', x.address, leak?.address ?? 0, y.address, m, n, defaultGenerator().address);
      return y;
    });
  }
}

/** Options of TrimmedMean. */
export interface TrimmedMeanOptions {
  /** k: how many of the largest, and as many of the smallest, are left out of each element's mean. */
  trimNumber: number;
}

/** Per element the mean without the k largest and the k smallest gradients (Yin et al. 2018, arXiv 1803.01498). Takes at least 2k + 1 losses. */
export class TrimmedMean extends Elementwise {
  readonly name = 'TrimmedMean';
  private readonly trimNumber: number;

  constructor(options: TrimmedMeanOptions) {
    super();
    this.trimNumber = options.trimNumber;
    checkCount(this.name, 'trimNumber', this.trimNumber, 0);
  }

  directions(rows: readonly Tensor[], { names }: Stats): Tensor[] {
    const [m, k] = [names.length, this.trimNumber];
    if (m < 2 * k + 1) throw new GradloomError('SHAPE', this.name, `with trimNumber ${k} it takes at least ${2 * k + 1} losses, got ${m}. Lower trimNumber.`);
    const scratch = empty([m, 4]);
    return rows.map((r) => {
      const x = dense(r);
      const y = empty([r.shape[1] as number]);
      call('trimmedMean', x.address, scratch.address, y.address, m, y.size, k);
      return y;
    });
  }
}
