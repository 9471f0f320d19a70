// What a backward pass over several losses can be told.
import type { Place } from '../autograd/pass.ts';
import { GradloomError, valueError } from '../tensor/errors.ts';
import { nodeOf, requiresGrad } from '../tensor/op.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { Method } from './method.ts';
import type { Losses } from './strategy.ts';

/** The function's name, for messages. */
export const OP = 'multiloss.backward';

/** Where conflict is resolved: over all parameters at once, layer by layer, parameter by parameter, or in groups of the caller's. */
export type Groups = 'model' | 'layer' | 'param' | readonly (readonly Tensor[])[];

/** Options of `multiloss.backward`. */
export interface MultiBackwardOptions<Name extends string = string> {
  /** How the losses become one step; their sum unless said. */
  combine?: Method;
  /** The parameters whose gradients are combined: those that two or more losses reach unless given. */
  shared?: Iterable<Tensor>;
  /**
   * What other parameters (task heads) receive: their losses' own gradient, or that times the loss's weight. 'weighted' unless said where the
   * method needs losses, norms or elements (it scales the losses); 'unweighted' where it resolves directions (as TorchJD's mtl_backward).
   */
  heads?: 'unweighted' | 'weighted';
  /** For a loss: the only parameters that it trains. */
  only?: { readonly [K in Name]?: Iterable<Tensor> };
  groups?: Groups;
  /**
   * A tensor between trunk and heads: gradients are compared and combined there and go on as one (MGDA-UB, Sener & Koltun 2018; EnCodec's balancer).
   * One pass through the trunk, whatever the number of losses.
   */
  at?: Tensor;
  /** The parameters that the method looks at (GradNorm's last shared layer); all shared ones unless given. Its weights act on all. */
  on?: Iterable<Tensor>;
  /** The same losses of an independent batch, for methods that need an unbiased Gramian (MoDo, SDMGrad): Gᵢⱼ = ⟨gᵢ, g'ⱼ⟩. */
  other?: Losses<Name>;
  /** Whether to measure norms and cosines also where the method does not need them. */
  measure?: boolean;
  /** Keeps the graph for another pass. */
  retainGraph?: boolean;
}

/** The place of a tensor that an option names. */
export function placeOf(option: string, t: Tensor): Place {
  if (!(t instanceof Tensor) || !requiresGrad(t))
    throw new GradloomError('GRAPH', OP, `\`${option}\`: ${t instanceof Tensor ? t.describe() : typeof t} does not require a gradient. Pass tensors of the losses' graph.`);
  return nodeOf(t) ?? t;
}

/** The places of the tensors that an option names. */
export function placesOf(option: string, list: Iterable<Tensor>): Set<Place> {
  const places = new Set([...list].map((t) => placeOf(option, t)));
  if (places.size === 0) throw valueError(OP, `\`${option}\` is empty. Leave it out, or name at least one tensor.`);
  return places;
}
