// The report of a backward pass over several losses: how much each counted, and how their gradients agreed.
import { refuseWhileRecording } from '../../tensor/recording.ts';
import { atRank, roundedProducts } from '../solve/rank.ts';
import type { Report } from '../strategy.ts';

/**
 * Norms, cosines and inner products of the losses' gradients over some parameters. Rows and columns are in the order of `names`.
 */
export interface Conflict<Name extends string = string> {
  /** ‖gᵢ‖. */
  readonly norms: Readonly<Record<Name, number>>;
  /** cos(gᵢ, gⱼ), [m][m]; 0 where a gradient is zero. */
  readonly cosine: readonly (readonly number[])[];
  /** ⟨gᵢ, gⱼ⟩, [m][m]. */
  readonly gramian: readonly (readonly number[])[];
}

/** A layer's part of it: the parameters of one module. */
export interface LayerConflict<Name extends string = string> extends Conflict<Name> {
  /** The module's path ("trunk.0"), or the op that its parameters meet in. */
  readonly name: string;
}

/**
 * What `multiloss.backward` did, of the losses that the step had. In a captured step the numbers are those of the
 * latest replay.
 */
export interface BackwardReport<Name extends string = string> extends Report<Name> {
  /** The losses that the step had, in their order. */
  readonly names: readonly Name[];
  /** The losses' values. */
  readonly losses: Readonly<Record<Name, number>>;
  /** Over all shared parameters; null where the method needs the losses only and `measure` was not asked for. */
  readonly norms: Readonly<Record<Name, number>> | null;
  /** cos(gᵢ, gⱼ), [m][m]; 0 where a gradient is zero. null where norms are. */
  readonly cosine: readonly (readonly number[])[] | null;
  /** ⟨gᵢ, gⱼ⟩, [m][m]. null where norms are. */
  readonly gramian: readonly (readonly number[])[] | null;
  /** How many directions the gradients have: fewer than there are losses where one holds nothing that others do not. */
  readonly rank: number | null;
  /** The same, layer by layer. */
  readonly layers: readonly LayerConflict<Name>[] | null;
  /** Weights where conflict is resolved in several groups of parameters (`groups`); `weights` is their mean then. */
  readonly groups: readonly { readonly name: string; readonly weights: Readonly<Record<Name, number>> }[];
}

/** √Gᵢᵢ. */
export function normsOf(gramian: Float64Array, m: number): Float64Array {
  return new Float64Array(m).map((_, i) => Math.sqrt(Math.max(gramian[i * (m + 1)] as number, 0)));
}

const KEYS: readonly (keyof BackwardReport)[] = ['branch', 'names', 'losses', 'weights', 'norms', 'cosine', 'gramian', 'rank', 'layers', 'groups'];

/** What a report shows as its own: the numbers by name, not where they lie. */
const VIEW: ProxyHandler<BackwardReport> = {
  ownKeys: () => KEYS as string[],
  getOwnPropertyDescriptor: (report, key) => (KEYS.includes(key as keyof BackwardReport) ? { enumerable: true, configurable: true, value: report[key as 'names'] } : undefined),
};

/** A report that reads numbers where the step leaves them. */
export class LiveReport<Name extends string> implements BackwardReport<Name> {
  readonly branch: string;
  readonly names: readonly Name[];
  /** [m] each. */
  readonly lossValues: Float64Array;
  readonly weightValues: Float64Array;
  /** Of the whole and of each layer, [m · m]; empty where nothing was measured. */
  total: Float64Array | null = null;
  layerProducts: { name: string; gramian: Float64Array }[] = [];
  groupWeights: { name: string; weights: Float64Array }[] = [];

  constructor(branch: string, names: readonly Name[]) {
    this.branch = branch;
    this.names = names;
    this.lossValues = new Float64Array(names.length);
    this.weightValues = new Float64Array(names.length);
  }

  /** Makes room for inner products, of the whole and of each layer. */
  measure(layers: Iterable<string>): void {
    const m = this.names.length;
    this.total = new Float64Array(m * m);
    this.layerProducts = Array.from(layers, (name) => ({ name, gramian: new Float64Array(m * m) }));
  }

  get losses(): Record<Name, number> {
    return this.record(this.lossValues);
  }
  get weights(): Record<Name, number> {
    return this.record(this.weightValues);
  }
  get norms(): Record<Name, number> | null {
    return this.total && this.record(normsOf(this.total, this.names.length));
  }
  get cosine(): number[][] | null {
    return this.total && this.cosines(this.total);
  }
  get gramian(): number[][] | null {
    return this.total && this.matrix(this.total);
  }
  get rank(): number | null {
    const m = this.names.length;
    return this.total && atRank(this.total, m, roundedProducts(m)).rank;
  }
  get layers(): LayerConflict<Name>[] | null {
    if (!this.total) return null;
    const m = this.names.length;
    return this.layerProducts.map(({ name, gramian }) => ({ name, norms: this.record(normsOf(gramian, m)), cosine: this.cosines(gramian), gramian: this.matrix(gramian) }));
  }
  get groups(): { name: string; weights: Record<Name, number> }[] {
    return this.groupWeights.map(({ name, weights }) => ({ name, weights: this.record(weights) }));
  }

  /**
   * The numbers as they are now, as a plain object: for lines of JSON and for keeping over steps of a captured program.
   */
  toJSON(): BackwardReport<Name> {
    const { branch, names, losses, weights, norms, cosine, gramian, rank, layers, groups } = this;
    return { branch, names, losses, weights, norms, cosine, gramian, rank, layers, groups };
  }

  /** As console.log shows it in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): BackwardReport<Name> {
    return this.toJSON();
  }

  /** The same, of which spreading and Object.keys see what is documented. */
  shown(): BackwardReport<Name> {
    return new Proxy<BackwardReport<Name>>(this, VIEW as ProxyHandler<BackwardReport<Name>>);
  }

  private record(values: Float64Array): Record<Name, number> {
    refuseWhileRecording('report', 'a number is read', 'Return the report from the step, and read it after the call.');
    return Object.fromEntries(this.names.map((name, i) => [name, values[i]])) as Record<Name, number>;
  }

  private matrix(values: Float64Array): number[][] {
    refuseWhileRecording('report', 'a number is read', 'Return the report from the step, and read it after the call.');
    const m = this.names.length;
    return this.names.map((_, i) => [...values.subarray(i * m, (i + 1) * m)]);
  }

  private cosines(gramian: Float64Array): number[][] {
    const norms = normsOf(gramian, this.names.length);
    return this.matrix(gramian).map((row, i) =>
      row.map((g, j) => {
        const scale = (norms[i] as number) * (norms[j] as number);
        return scale > 0 ? Math.max(-1, Math.min(1, g / scale)) : 0;
      }),
    );
  }
}
