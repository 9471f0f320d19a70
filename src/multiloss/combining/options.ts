// The options of a backward pass over several losses.
import { type Place, placeOf } from '../../autograd/pass.ts';
import { ANY, either, FLAG, isListOf, type Kind, type Kinds, oneOf, TENSOR, valueText } from '../../tensor/check.ts';
import { GradloomError, valueError } from '../../tensor/errors.ts';
import { requiresGrad } from '../../tensor/op.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { type AnyLoss, METHOD, type Method } from '../methods/method.ts';
import { OBJECT } from '../state.ts';
import type { Losses } from '../strategy.ts';

/** The function's name, for messages. */
export const OP = 'multiloss.backward';

/**
 * Where conflict is resolved: over all parameters at once, layer by layer, parameter by parameter, or in groups of the
 * caller's.
 */
export type Groups = 'model' | 'layer' | 'param' | readonly (readonly Tensor[])[];

/** Options of `multiloss.backward`. */
export interface MultiBackwardOptions<Name extends string = string> {
  /** How the losses become one step; default their sum. */
  combine?: Method<string extends Name ? AnyLoss : Name>;
  /**
   * The parameters whose gradients are combined; default those that two or more losses reach, in this step or in one
   * before with the same method, without points by which a loss was differentiated (as in a PINN). Of a single loss all
   * that it reaches.
   */
  shared?: Iterable<Tensor>;
  /**
   * What other parameters (task heads) receive: their losses' own gradient, or that times the loss's weight. Default
   * 'weighted' where the method needs losses, norms or elements (it scales the losses); 'unweighted' where it resolves
   * directions (as TorchJD's mtl_backward) or divides by lengths (`normalize`, EnCodecBalancer).
   */
  heads?: 'unweighted' | 'weighted';
  /**
   * For a loss: the only parameters that it trains. A loss that is absent may be among them where it is given as null.
   */
  only?: { readonly [K in Name]?: Iterable<Tensor> };
  /** Where conflict is resolved; default 'model', all parameters at once. */
  groups?: Groups;
  /**
   * A tensor between trunk and heads: gradients are compared and combined there and go on as one (MGDA-UB, Sener &
   * Koltun 2018; EnCodec's balancer). One pass through the trunk, whatever the number of losses.
   */
  at?: Tensor;
  /**
   * The parameters that the method looks at (GradNorm's last shared layer); default all shared ones. Its weights act on
   * all.
   */
  on?: Iterable<Tensor>;
  /**
   * The same losses of an independent batch, for methods that need an unbiased Gramian (MoDo, SDMGrad): Gᵢⱼ = ⟨gᵢ,
   * g'ⱼ⟩.
   */
  other?: Losses<Name>;
  /** Whether to measure norms and cosines also where the method does not need them. */
  measure?: boolean;
  /** Keeps the graph for another pass. */
  retainGraph?: boolean;
}

/** A list of tensors, or anything else that can be iterated. */
export const TENSORS: Kind = {
  what: 'a list of tensors',
  test: (v) => typeof v === 'object' && v !== null && !(v instanceof Tensor) && typeof (v as Iterable<unknown>)[Symbol.iterator] === 'function',
};
const LISTS: Kind = { what: 'lists of tensors', test: (v) => isListOf(v, TENSORS.test) };

/** The options of `multiloss.backward` besides the method. */
export const WITHOUT_COMBINE: Kinds<Omit<MultiBackwardOptions, 'combine'>> = {
  shared: TENSORS,
  heads: oneOf('unweighted', 'weighted'),
  only: { what: 'an object { loss: a list of tensors }', test: (v) => OBJECT.test(v) && Object.values(v as object).every((list) => list === undefined || TENSORS.test(list)) },
  groups: either(oneOf('model', 'layer', 'param'), LISTS),
  at: TENSOR,
  on: TENSORS,
  other: ANY,
  measure: FLAG,
  retainGraph: FLAG,
};

/** All of its options. */
export const BACKWARD: Kinds<MultiBackwardOptions> = { combine: METHOD, ...WITHOUT_COMBINE };

/** The place of a tensor that an option names. */
export function checkedPlace(option: string, t: Tensor): Place {
  if (!(t instanceof Tensor) || !requiresGrad(t))
    throw new GradloomError('GRAPH', OP, `\`${option}\`: ${t instanceof Tensor ? t.describe() : valueText(t)} does not require a gradient. Pass tensors of the losses' graph.`);
  return placeOf(t);
}

/** The places of the tensors that an option names. */
export function placesOf(option: string, list: Iterable<Tensor>): Set<Place> {
  const places = new Set([...list].map((t) => checkedPlace(option, t)));
  if (places.size === 0) throw valueError(OP, `\`${option}\` is empty. Leave it out, or name at least one tensor.`);
  return places;
}
