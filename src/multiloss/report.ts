// What one backward pass over several losses tells: how much each counted, and how their gradients stood to one another.
import type { Report } from './strategy.ts';

/** How the losses' gradients stand to one another over some parameters. Rows and columns are in the order of `names`. */
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
  /** The module's path ("trunk.0"), or a parameter's label. */
  readonly name: string;
}

/** What `multiloss.backward` did. In a captured step the numbers are those of the latest replay. */
export interface BackwardReport<Name extends string = string> extends Report<Name> {
  readonly names: readonly Name[];
  /** The losses' values. */
  readonly losses: Readonly<Record<Name, number>>;
  /** Over all shared parameters; null where the method needs the losses only and `measure` was not asked for. */
  readonly norms: Readonly<Record<Name, number>> | null;
  readonly cosine: readonly (readonly number[])[] | null;
  readonly gramian: readonly (readonly number[])[] | null;
  /** The same, layer by layer. */
  readonly layers: readonly LayerConflict<Name>[] | null;
}
