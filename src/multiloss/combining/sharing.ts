// Which parameters the losses share, which of those the method looks at, and which are resolved together.
import { points } from '../../autograd/backward.ts';
import type { Place } from '../../autograd/pass.ts';
import { Parameter } from '../../module/parameter.ts';
import { GradloomError, valueError, warnOnce } from '../../tensor/errors.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Method } from '../methods/method.ts';
import { type MultiBackwardOptions, OP, checkedPlace, placesOf } from './options.ts';

/** The leaves and nodes that gradients were found at, and the positions of the losses that reach each. */
export type Reached = ReadonlyMap<Place, readonly number[]>;

/** Parameters whose conflict is resolved together. */
export interface Group {
  readonly name: string;
  readonly places: ReadonlySet<Place>;
}

/** Parameters that losses have shared under a method: a step that lacks some of the losses does not make them heads. */
const SHARED = new WeakMap<Method, WeakSet<Place>>();

/**
 * Of what several losses reach, where they can be in conflict: all of it but points by which losses were differentiated
 * (as in a PINN), unless there is nothing else. Parameters are no points.
 */
export function withoutPoints<P extends Place>(reached: readonly P[]): readonly P[] {
  const parameters = reached.filter((p) => p instanceof Parameter || !points.has(p));
  return parameters.length > 0 ? parameters : reached;
}

/** The options that name parameters, checked. */
export class Sharing<Name extends string> {
  /** Where the trunk's one gradient goes on from: the tensor `at`. */
  readonly boundary: Place | null;
  /** Whether a loss may train a leaf; undefined where every loss trains all that it reaches. */
  readonly counts: ((leaf: Tensor, loss: number) => boolean) | undefined;
  /** Whether parameters are named that the method looks at. */
  readonly named: boolean;
  private readonly method: Method;
  private readonly names: readonly Name[];
  private readonly shared: ReadonlySet<Place> | null;
  private readonly on: ReadonlySet<Place> | null;
  private readonly groups: NonNullable<MultiBackwardOptions['groups']>;

  constructor(method: Method, names: readonly Name[], absent: readonly Name[], { shared, on, at, groups = 'model', only = {} }: MultiBackwardOptions<Name>) {
    this.method = method;
    this.names = names;
    this.groups = groups;
    this.shared = shared ? placesOf('shared', shared) : null;
    this.on = on ? placesOf('on', on) : null;
    this.named = on !== undefined;
    const lists: { readonly [K in Name]?: Iterable<Tensor> } = only;
    for (const name of Object.keys(lists)) {
      if (![...names, ...absent].includes(name as Name))
        throw valueError(OP, `\`only\` names the loss '${name}', which is not among ${names.join(', ')}. Where a batch lacks it, give null.`);
    }
    const trained = names.map((name) => (Object.hasOwn(lists, name) && lists[name] ? new Set(lists[name]) : null));
    this.counts = trained.some((set) => set !== null) ? (leaf, loss) => trained[loss]?.has(leaf) ?? true : undefined;
    this.boundary = at ? checkedPlace('at', at) : null;
  }

  /** Where the gradients are combined by the method. */
  sharedOf(reached: Reached): readonly Place[] {
    if (this.boundary && !reached.has(this.boundary)) throw new GradloomError('GRAPH', OP, 'no loss is computed from the tensor `at`. Pass the features that the heads read.');
    const places = [...reached.keys()];
    const known = SHARED.get(this.method) ?? new WeakSet();
    const isShared = (p: Place): boolean => p === this.boundary || (this.shared ? this.shared.has(p) : (reached.get(p) as readonly number[]).length > 1 || known.has(p));
    const reachable = places.filter(isShared);
    const shared = this.shared ? reachable : withoutPoints(reachable);
    if (shared.length === 0 && this.names.length === 1 && !this.shared) return withoutPoints(places);
    if (!this.shared) for (const p of shared) if (p instanceof Tensor) known.add(p);
    SHARED.set(this.method, known);
    this.assertShared(shared, reached);
    return shared;
  }

  /**
   * Refuses losses that share no parameter, and warns of one that shares none with the others: a mistake in the model
   * or the options.
   */
  private assertShared(shared: readonly Place[], reached: Reached): void {
    const { method, names } = this;
    if (method.needs === 'losses' || names.length < 2) return;
    if (shared.length === 0) {
      throw new GradloomError('GRAPH', OP, `the losses ${names.join(', ')} share no parameter for ${method.name} to resolve. Add them, or name some by \`shared\`.`);
    }
    const lonely = names.filter((_, i) => !shared.some((p) => reached.get(p)?.includes(i)));
    for (const name of lonely) warnOnce(`${OP} ${name}`, `${OP}: the loss '${name}' reaches none of the shared parameters. Check detach() and noGrad() on its way.`);
  }

  /** Whether the method looks at the gradients at a place, if it is a shared one. */
  looksAt(place: Place): boolean {
    const { boundary, on } = this;
    return boundary ? place === boundary : on ? on.has(place) : true;
  }

  /** The shared places in the groups that the options ask for. */
  groupsOf(shared: readonly Place[], layers: ReadonlyMap<string, Place[]>): Group[] {
    const { groups } = this;
    const group = (name: string, list: readonly Place[]): Group => ({ name, places: new Set(list) });
    if (groups === 'model') return [group('model', shared)];
    if (groups === 'layer') return Array.from(layers, ([name, list]) => group(name, list));
    if (groups === 'param') return shared.map((p, i) => group((p instanceof Tensor && p.label) || `parameter ${i}`, [p]));
    const given = groups.map((list, i) => group(`group ${i}`, [...placesOf(`groups[${i}]`, list)]));
    const missing = shared.find((p) => !given.some((g) => g.places.has(p)));
    if (missing) throw valueError(OP, `the shared parameter ${missing instanceof Tensor ? missing.describe() : 'of `at`'} is in none of the groups. Name each once.`);
    return given;
  }
}
