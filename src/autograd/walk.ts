// One pass for several losses that keeps their gradients apart, for a method that combines them.
//
//   found     what gathered at leaves and at the boundary; for weights of layers the factors of their gradients, not the gradients,
//             unless these are the smaller
//   use       the caller combines rows into one gradient per leaf; only then does anything change, and the graph is freed
import { ones } from '../ops/create.ts';
import { reshape } from '../ops/movement.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Node } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { deferringHooks } from './hooks.ts';
import { Pass, type PassOptions, type Place } from './pass.ts';
import { choose, type Factor, factorProducts, innerProducts, paysKept, type Products, type Rows, stacked } from './rows.ts';

/** What a pass over several losses is to find. */
export interface WalkOptions extends Pick<PassOptions, 'retainGraph' | 'wanted' | 'ends' | 'fills' | 'counts'> {
  /** Whether a leaf's rows may stay factors. */
  readonly factored?: (leaf: Tensor) => boolean;
  /** Whether the inner products of a leaf's (or the boundary's) rows are asked for. */
  readonly measured?: (place: Place, ids: readonly number[]) => boolean;
}

/** What was found. Nothing of it outlives the pass unless it is exposed. */
export class Found {
  readonly rows = new Map<Place, Rows>();
  readonly factors = new Map<Tensor, Factor>();
  readonly gramians = new Map<Place, Products>();
  readonly pass: Pass;
  private readonly options: WalkOptions;

  constructor(options: WalkOptions) {
    this.options = options;
    const { factored } = options;
    this.pass = new Pass((place, rows) => this.keep(place, rows), { ...options, ...(factored && { takes: (...at) => this.keepFactor(...at) }) });
  }

  /** The op that each leaf is first met at: leaves of one op are one layer. */
  get users(): ReadonlyMap<Tensor, Node> {
    const users = new Map<Tensor, Node>();
    for (const node of this.pass.nodes) for (const e of node.edges) if (e instanceof Tensor && !users.has(e)) users.set(e, node);
    return users;
  }

  private keep(place: Place, rows: Rows): void {
    this.rows.set(place, this.pass.hold(rows));
    if (this.options.measured?.(place, rows.ids)) this.measure(place, rows.ids, innerProducts(reshape(stacked(rows), [rows.ids.length, -1])));
  }

  private measure(place: Place, ids: readonly number[], block: Tensor): void {
    block.storage.holds++;
    this.gramians.set(place, { ids, block });
  }

  /** Keeps a weight's gradients as factors where they are only to be measured and combined. Returns whether it did. */
  private keepFactor(node: Node, input: number, rows: Rows): boolean {
    const { outer } = node.op;
    const leaf = node.edges[input];
    if (outer?.input !== input || !(leaf instanceof Tensor) || leaf.meta?.hooks || !leaf.meta?.wantsGrad || this.pass.repeated.has(leaf)) return false;
    const { factored, counts, measured, wanted } = this.options;
    if ((wanted && !wanted.has(leaf)) || !factored?.(leaf)) return false;
    const { ids, values: cotangents } = choose(rows, counts && ((id) => counts(leaf, id)));
    if (ids.length < 2) return false;
    const asked = measured?.(leaf, ids) ?? false;
    if (asked && paysKept(outer, node, cotangents, leaf)) return false;
    cotangents.storage.holds++;
    this.factors.set(leaf, { ids, node, input, cotangents });
    if (asked) this.measure(leaf, ids, factorProducts(outer, node, cotangents, leaf));
    return true;
  }
}

/**
 * Goes through the graph behind the losses and hands what was found to `use`, whose result is returned. Then the graph is freed unless
 * `retainGraph`, and leaves' post-accumulate hooks run. Errors come before anything has changed.
 */
export function withRows<T>(losses: readonly Tensor[], options: WalkOptions, use: (found: Found) => T): T {
  const found = new Found(options);
  const seeds = losses.map((loss, id): Rows => ({ ids: [id], values: ones(loss.sizes) }));
  return deferringHooks(() => found.pass.run(losses, seeds, () => use(found)), noGrad);
}
