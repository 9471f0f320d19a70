// GradDrop and the trimmed mean: what counts is decided element by element.
import { call } from '../../../runtime/call.ts';
import { checkArgument, type Kind, type Kinds, optionsOf } from '../../../tensor/check.ts';
import { GradloomError } from '../../../tensor/errors.ts';
import { dense } from '../../../tensor/op.ts';
import { defaultGenerator } from '../../../tensor/random.ts';
import { keep } from '../../../tensor/scope.ts';
import { empty, type Tensor } from '../../../tensor/tensor.ts';
import type { Aggregator, Stats } from '../method.ts';
import { count, each, type PerLoss, perLoss } from '../../checks.ts';
import { MethodBase } from '../base.ts';
import { vector } from './rows.ts';

abstract class Elementwise extends MethodBase implements Aggregator {
  readonly needs = 'jacobian';

  abstract directions(rows: readonly Tensor[], stats: Stats): Tensor[];
}

/** Options of GradDrop. */
export interface GradDropOptions<Name extends string = string> {
  /**
   * How much of what is dropped passes nevertheless, 0 to 1: a number per loss, in their order or by name; default 0.
   */
  leak?: PerLoss<Name>;
}

const LEAK: Kind = { what: 'from 0 to 1 for each loss, in a list or by name', test: (v) => each(0).test(v) && Object.values(v as object).every((x) => x <= 1) };
const GRAD_DROP: Kinds<GradDropOptions> = { leak: LEAK };

/**
 * Per element either the positive or the negative gradients are dropped, at random with odds that their sums give (Chen
 * et al. 2020, arXiv 2010.06808), to 2⁻¹⁶. The plain sum where all agree. Random numbers come from the generator that
 * `manualSeed` seeds.
 */
export class GradDrop<Name extends string = string> extends Elementwise {
  readonly name = 'GradDrop';
  private readonly leak: PerLoss | undefined;
  private readonly leaks = new Map<string, Tensor>();

  constructor(options?: GradDropOptions<Name>) {
    super();
    this.leak = optionsOf('GradDrop', options, GRAD_DROP, arguments.length).leak;
  }

  directions(rows: readonly Tensor[], { names }: Stats<Name>): Tensor[] {
    const leak = this.leaksOf(names);
    return rows.map((r) => {
      const x = dense(r);
      const [m, n] = r.sizes as [number, number];
      const y = empty([n]);
      call('gradDrop', x.address, leak?.address ?? 0, y.address, m, n, defaultGenerator().address);
      return y;
    });
  }

  /** Made once for each list of losses, so that a captured step finds it where it was. */
  private leaksOf(names: readonly string[]): Tensor | undefined {
    const key = JSON.stringify(names);
    if (this.leak && !this.leaks.has(key)) this.leaks.set(key, keep(vector(perLoss(this.name, 'leak', this.leak, names, 0))));
    return this.leaks.get(key);
  }
}

/** Options of TrimmedMean. */
export interface TrimmedMeanOptions {
  /** k: how many of the largest, and as many of the smallest, are left out of each element's mean. */
  trimNumber: number;
}

const TRIMMED: Kinds<TrimmedMeanOptions> = { trimNumber: count(0) };

/**
 * Per element the mean without the k largest and the k smallest gradients (Yin et al. 2018, arXiv 1803.01498). Takes at
 * least 2k + 1 losses.
 */
export class TrimmedMean extends Elementwise {
  readonly name = 'TrimmedMean';
  private readonly trimNumber: number;

  constructor(options: TrimmedMeanOptions) {
    super();
    this.trimNumber = optionsOf('TrimmedMean', options, TRIMMED, arguments.length).trimNumber;
    checkArgument('TrimmedMean', 'trimNumber', this.trimNumber, TRIMMED.trimNumber);
  }

  directions(rows: readonly Tensor[], { names }: Stats): Tensor[] {
    const [m, k] = [names.length, this.trimNumber];
    if (m < 2 * k + 1) throw new GradloomError('SHAPE', this.name, `with trimNumber ${k} it takes at least ${2 * k + 1} losses, got ${m}. Lower trimNumber.`);
    const scratch = empty([m, 4]);
    return rows.map((r) => {
      const x = dense(r);
      const y = empty([r.sizes[1] as number]);
      call('trimmedMean', x.address, scratch.address, y.address, m, y.size, k);
      return y;
    });
  }
}
