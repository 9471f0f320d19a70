// What a method is: it looks at some of what is known of a step's losses and says how much each counts. Who computes
// gradients and who applies them is not its business (backward.ts), so a method is a few lines of its paper's
// mathematics.
import type { Kind } from '../../tensor/check.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/**
 * What a method must be given, which is its price. 'losses': one backward pass, as for a sum. 'norms' and 'gramian': a
 * pass that carries every loss's gradient through the network, without the weights' gradients of each. 'jacobian':
 * those as well.
 */
export type Needs = 'losses' | 'norms' | 'gramian' | 'jacobian';

/** How large the elements of each loss's gradient are, [m] each. */
export interface Elements {
  /** max|gᵢ| */
  readonly largest: Float64Array;
  /** The mean of |gᵢ|. */
  readonly mean: Float64Array;
}

/** What is known of one step's m losses, in their order. float64. */
export interface Stats<Name extends string = string> {
  /** What the step calls its losses. */
  readonly names: readonly Name[];
  /** The losses' values, [m]. */
  readonly losses: Float64Array;
  /** ‖gᵢ‖ over the parameters that the method looks at, [m]. Zeros where the method needs 'losses' only. */
  readonly norms: Float64Array;
  /** Gᵢⱼ = ⟨gᵢ, gⱼ⟩, row by row, [m · m]. Of two independent batches (`other`) ⟨gᵢ, g'ⱼ⟩, not symmetric. */
  readonly gramian: Float64Array;
  /** Over the same parameters; there where a weighting needs 'jacobian'. */
  readonly elements?: Elements;
  /**
   * How many directions the gradients have: what depends on others by no more than roundings counts as depending.
   * Unknown where left out.
   */
  readonly rank?: number;
  /** Losses that the step names and does not have. */
  readonly absent?: readonly Name[];
  /** Whose rows an Aggregator gets, in their order; unknown where left out. */
  readonly parameters?: readonly Tensor[];
}

// biome-ignore lint/suspicious/noExplicitAny: a method of whatever losses serves any, and any serves there
export type AnyLoss = any;

/** What remembers something from step to step has these three. */
export interface Stateful {
  /** What it remembers, as plain data (JSON). */
  stateDict(): Record<string, unknown>;
  /** Takes up what `stateDict` gave. */
  loadStateDict(state: Readonly<Record<string, unknown>>): void;
  /** Forgets what it learned: the next step is like the first. */
  reset(): void;
}

/** What every method has: a name, and a state if it remembers something. */
interface Named extends Partial<Stateful> {
  /** As in its paper; stands in reports. */
  readonly name: string;
}

/**
 * A differentiable function of the losses: its derivatives are the weights, and what it learns gets gradients of its
 * own.
 */
export interface Scalarizer<Name extends string = AnyLoss> extends Named {
  /** The losses' values are enough. */
  readonly needs: 'losses';
  /** One scalar from the losses, each a scalar that requires a gradient; made of ops. */
  readonly combine: (losses: readonly Tensor[], names: readonly Name[]) => Tensor;
  /** Refuses losses that its formula cannot take, by name. */
  assert?(losses: Float64Array, names: readonly string[]): void;
  /** A loss of the step that `combine` was called for is not finite: what goes on from step to step goes back by one. */
  refused?(): void;
  /** What it learns: to be given to an optimizer beside the model's. */
  parameters(): Tensor[];
}

/** Weights from numbers, computed on the host in float64. */
export interface Weighting<Name extends string = AnyLoss> extends Named {
  /** What it must be given. */
  readonly needs: Needs;
  /**
   * What parameters of single losses (heads) get; where left out, 'unweighted' of a method that needs 'gramian', else
   * 'weighted'.
   */
  readonly heads?: 'unweighted' | 'weighted';
  /** Where given, the method tells eigenvalues from 0 itself, and gets the Gramian as it was computed. */
  readonly eps?: number | undefined;
  /** One weight per loss: the step's gradient is Σ wᵢ·gᵢ. */
  readonly weights: (stats: Stats<Name>) => Float64Array;
}

/** A weighting around another method. */
export interface Wrapped<Name extends string = AnyLoss> extends Weighting<Name> {
  /** What it and the method inside remember, as plain data (JSON). */
  stateDict(): Record<string, unknown>;
  /** Takes up what `stateDict` gave. */
  loadStateDict(state: Readonly<Record<string, unknown>>): void;
  /** Forgets what both learned. */
  reset(): void;
}

/** A direction from every loss's gradient itself, where no weights say it. */
export interface Aggregator<Name extends string = AnyLoss> extends Named {
  /** The gradients themselves. */
  readonly needs: 'jacobian';
  /**
   * Directions from Jacobians, parameter by parameter: `rows[p]` is [m, n] for a parameter of n elements, the result
   * [n] for each. Made of ops and kernel calls; runs under noGrad. What it keeps between steps are kept tensors.
   */
  readonly directions: (rows: readonly Tensor[], stats: Stats<Name>) => Tensor[];
}

/** How several losses become one step. With `Name`: one that knows losses of these names. */
export type Method<Name extends string = AnyLoss> = Scalarizer<Name> | Weighting<Name> | Aggregator<Name>;

const isFunction = (method: object, key: string): boolean => typeof (method as Record<string, unknown>)[key] === 'function';

/** A method, as options take it. */
export const METHOD: Kind = {
  what:
    "a method, such as new multiloss.UPGrad(); one of your own has weights (needs 'losses', 'norms', 'gramian' or 'jacobian'), " +
    "directions ('jacobian') or combine ('losses'), and both or none of stateDict, loadStateDict",
  test: (v) => {
    if (typeof v !== 'object' || v === null || isFunction(v, 'stateDict') !== isFunction(v, 'loadStateDict')) return false;
    const { needs } = v as Partial<Method>;
    if (isFunction(v, 'combine')) return needs === 'losses';
    if (isFunction(v, 'directions')) return needs === 'jacobian';
    return isFunction(v, 'weights') && ['losses', 'norms', 'gramian', 'jacobian'].includes(needs as string);
  },
};

/** What parameters of single losses get. */
export const headsOf = (method: Method): 'unweighted' | 'weighted' =>
  (method as Partial<Weighting>).heads ?? (isAggregator(method) || method.needs === 'gramian' ? 'unweighted' : 'weighted');

/** Whether the method is a function of the losses. */
export const isScalarizer = (method: Method): method is Scalarizer => isFunction(method, 'combine');
/** Whether the method makes a direction from gradients. */
export const isAggregator = (method: Method): method is Aggregator => isFunction(method, 'directions');
