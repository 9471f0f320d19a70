// One walk over the graph behind m losses that carries a gradient for each of them: what the losses share is read once, and its products
// are one larger product. A head, which a single loss reaches, costs what it does in an ordinary pass.
//
//   walk      per op: the rows that reached it, its rule for all of them, its inputs' rows
//   found     what gathered at leaves and at the boundary; for weights of layers the factors of their gradients, not the gradients,
//             unless these are the smaller
//   finish    the caller combines rows into one gradient per leaf; only then does anything change, and the graph is freed
import { ones } from '../ops/create.ts';
import { inShape, reshape, select, stack } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { nodeOf } from '../tensor/op.ts';
import { settle } from '../tensor/pending.ts';
import { closeScope, currentScope, leaveScope, moveStorage, openScope, resumeScope, type Scope } from '../tensor/storage.ts';
import { isAnomalyEnabled, Node, noGrad, seenWith } from '../tensor/tape.ts';
import { type GradientHook, type Hooks, Tensor } from '../tensor/tensor.ts';
import { deferringHooks, runHooks } from './hooks.ts';
import { keepGradient } from './leaf.ts';
import { assertNoNaN, nodesBehind, type Place } from './pass.ts';
import { choose, type Factor, factorProducts, innerProducts, merge, paysKept, type Products, type Rows, stacked, withNeeds } from './rows.ts';

/** What a walk found. */
export interface Found {
  readonly rows: ReadonlyMap<Place, Rows>;
  readonly factors: ReadonlyMap<Tensor, Factor>;
  readonly gramians: ReadonlyMap<Place, Products>;
  /** The op that a leaf was first met at: leaves of one op are one layer. */
  readonly users: ReadonlyMap<Tensor, Node>;
  /** Runs what may call the user's code: what it makes belongs to the scope around the walk. */
  readonly outside: <T>(fn: () => T) => T;
}

/** What a walk is to find. */
export interface WalkOptions {
  /** Keeps what ops saved. */
  readonly retainGraph?: boolean;
  /** Leaves to find rows for; every one unless said. */
  readonly wanted?: ReadonlySet<Place>;
  /** Ops whose output is an end of the walk: rows gather there and go no further. */
  readonly boundary?: ReadonlySet<Node>;
  /** Whether a leaf's rows may stay factors. */
  readonly factored?: (leaf: Tensor) => boolean;
  /** Whether the inner products of a leaf's (or the boundary's) rows are asked for. */
  readonly measured?: (place: Place, ids: readonly number[]) => boolean;
  /** Which losses count for a leaf; all unless said. */
  readonly counts?: (leaf: Tensor, id: number) => boolean;
}

let walks = 0;

class Walk {
  private readonly id = --walks; // passes count up, walks down: an op knows who met it last
  private nodes: Node[] = [];
  /** How often a leaf is still to be met; and those that are met more than once. */
  private readonly uses = new Map<Tensor, number>();
  private readonly repeated = new Set<Tensor>();
  private readonly gathered = new Map<Place, Rows[]>();
  private active: Set<Place> | null = null;
  private readonly retained: [Tensor, Rows][] = [];
  readonly found = {
    rows: new Map<Place, Rows>(),
    factors: new Map<Tensor, Factor>(),
    gramians: new Map<Place, Products>(),
    users: new Map<Tensor, Node>(),
    outside: <T>(fn: () => T): T => this.outside(fn),
  };

  private readonly mine: Scope;
  private readonly outer: Scope | null;
  private readonly options: WalkOptions;

  constructor(mine: Scope, outer: Scope | null, options: WalkOptions) {
    this.mine = mine;
    this.outer = outer;
    this.options = options;
  }

  run(roots: readonly Tensor[]): void {
    const places = roots.map((t): Place => nodeOf(t) ?? t);
    this.collect(places);
    for (const node of this.nodes) if (this.leadsOn(node)) node.verify();
    places.forEach((p, id) => {
      this.deposit(p, { ids: [id], values: ones((roots[id] as Tensor).sizes) });
    });
    for (const p of places) if (p instanceof Tensor) this.used(p);
    for (const node of this.nodes) this.step(node);
  }

  /** Ends the walk: tensors that retain their gradient get the sum of their rows, and ops let go of what they saved. */
  finish(): void {
    for (const [t, { ids, values }] of this.retained) {
      const g = ids.length === 1 ? values : sum(values, { dim: 0 });
      this.outside(() => keepGradient(t, g));
    }
    if (!this.options.retainGraph) for (const node of this.nodes) if (this.leadsOn(node)) node.free();
  }

  private isBoundary(place: Place): boolean {
    return place instanceof Node && (this.options.boundary?.has(place) ?? false);
  }

  private collect(places: readonly Place[]): void {
    const { uses } = this;
    this.nodes = nodesBehind(places, this.id, (node) => this.isBoundary(node));
    const { nodes } = this;
    if (this.options.wanted) {
      this.active = new Set<Place>(this.options.wanted);
      for (const node of [...nodes].reverse()) if (this.leadsOn(node)) this.active.add(node);
    }
    for (const p of places) if (p instanceof Tensor) uses.set(p, (uses.get(p) ?? 0) + 1);
    for (const node of nodes) {
      if (this.isBoundary(node)) continue;
      for (const e of node.edges) {
        if (!(e instanceof Tensor)) continue;
        if (uses.has(e)) this.repeated.add(e);
        uses.set(e, (uses.get(e) ?? 0) + 1);
        if (!this.found.users.has(e)) this.found.users.set(e, node);
      }
    }
  }

  private leadsOn(node: Node): boolean {
    const { active } = this;
    if (this.isBoundary(node)) return false;
    return active === null || node.edges.some((e) => e !== null && active.has(e));
  }

  private step(node: Node): void {
    let rows = this.take(node);
    if (rows) {
      if (node.hooks) rows = this.callHooks(node.hooks, rows);
      if (node.retaining) this.retained.push([node.retaining, this.hold(rows)]);
      if (this.isBoundary(node) || this.options.wanted?.has(node)) this.keep(node, rows);
      if (this.leadsOn(node)) this.propagate(node, rows);
      this.release(rows.values);
    }
    if (this.isBoundary(node)) return;
    for (const e of node.edges) if (e instanceof Tensor) this.used(e);
  }

  /** Runs the op's rule for every row. What it made and did not hand on is given back at once. */
  private propagate(node: Node, rows: Rows): void {
    const inner = openScope('a backward pass');
    try {
      const wants = node.needs.map((n, i) => n && !this.keepFactor(node, i, rows));
      if (!wants.includes(true)) return;
      const gradients = this.gradients(node, rows, wants);
      if (isAnomalyEnabled()) assertNoNaN(node, gradients);
      gradients.forEach((values, i) => {
        const edge = node.edges[i];
        if (values && edge) this.deposit(edge, { ids: rows.ids, values });
      });
    } finally {
      leaveScope(inner);
      for (const s of inner.storages) {
        if (s.owner !== inner) continue;
        if (s.holds > 0) moveStorage(s, this.mine);
        else s.free('a backward pass');
      }
    }
  }

  private gradients(node: Node, { ids, values: dy }: Rows, wants: readonly boolean[]): readonly (Tensor | null)[] {
    const { backward, batched } = node.op;
    if (!backward) return [];
    if (ids.length === 1) return backward(dy, withNeeds(node, wants));
    const k = ids.length;
    if (typeof batched === 'function') return batched(dy, node, wants);
    if (batched === 'same') {
      const shapes = node.shapes.map((shape) => [k, ...new Array<number>(Math.max(0, dy.rank - 1 - shape.length)).fill(1), ...shape]);
      const wide = seenWith(node, wants, shapes);
      return backward(dy, wide).map((g, i) => g && inShape(g, [k, ...(node.shapes[i] as readonly number[])]));
    }
    const single = ids.map((_, i) => backward(select(dy, 0, i), withNeeds(node, wants)));
    return node.edges.map((_, i) => {
      const column = single.map((list) => list[i] ?? null);
      return column.some((g) => g === null) ? null : stack(column as Tensor[]);
    });
  }

  /** Keeps a weight's gradients as factors where they are only to be measured and combined. Returns whether it did. */
  private keepFactor(node: Node, input: number, rows: Rows): boolean {
    const { outer } = node.op;
    const leaf = node.edges[input];
    if (outer?.input !== input || !(leaf instanceof Tensor) || leaf.hooks || !leaf.wantsGrad || this.repeated.has(leaf)) return false;
    if (this.active && !this.active.has(leaf)) return false;
    const { factored, counts, measured } = this.options;
    if (!factored?.(leaf)) return false;
    const chosen = choose(rows, counts && ((id) => counts(leaf, id)));
    if (chosen.ids.length < 2) return false;
    const cotangents = chosen.values;
    const asked = measured?.(leaf, chosen.ids) ?? false;
    if (asked && paysKept(outer, node, cotangents, leaf)) return false;
    cotangents.storage.holds++;
    this.found.factors.set(leaf, { ids: chosen.ids, node, input, cotangents });
    if (asked) {
      const block = factorProducts(outer, node, cotangents, leaf);
      block.storage.holds++;
      this.found.gramians.set(leaf, { ids: chosen.ids, block });
    }
    return true;
  }

  private deposit(place: Place, rows: Rows): void {
    if (this.active && !this.active.has(place)) return;
    rows.values.storage.holds++;
    const list = this.gathered.get(place);
    if (list) list.push(rows);
    else this.gathered.set(place, [rows]);
  }

  /** What gathered at a place, as one block; held once. */
  private take(place: Place): Rows | null {
    const list = this.gathered.get(place);
    if (!list) return null;
    this.gathered.delete(place);
    if (list.length === 1) return list[0] as Rows;
    const merged = merge(list);
    merged.values.storage.holds++;
    for (const { values } of list) this.release(values);
    return merged;
  }

  /** A leaf was met once more; after the last time its rows are whole. */
  private used(leaf: Tensor): void {
    const left = (this.uses.get(leaf) as number) - 1;
    this.uses.set(leaf, left);
    if (left > 0) return;
    let rows = this.take(leaf);
    if (!rows) return;
    const { counts } = this.options;
    const chosen = choose(rows, counts && ((id) => counts(leaf, id)));
    if (chosen !== rows) {
      chosen.values.storage.holds++;
      this.release(rows.values);
      rows = chosen;
    }
    if (leaf.hooks && rows.ids.length > 0) rows = this.callHooks(leaf.hooks, rows);
    // A leaf that was frozen since forward gets no gradient.
    if (leaf.wantsGrad && rows.ids.length > 0) this.keep(leaf, rows);
    this.release(rows.values);
  }

  private hold(rows: Rows): Rows {
    rows.values.storage.holds++;
    return rows;
  }

  private keep(place: Place, rows: Rows): void {
    this.found.rows.set(place, this.hold(rows));
    if (!this.options.measured?.(place, rows.ids)) return;
    const k = rows.ids.length;
    const block = innerProducts(reshape(stacked(rows), [k, -1]));
    block.storage.holds++;
    this.found.gramians.set(place, { ids: rows.ids, block });
  }

  /** Hands each loss's gradient on its own to hooks, which may keep it; returns what they leave. */
  private callHooks(hooks: Hooks<GradientHook>, { ids, values }: Rows): Rows {
    const one = ids.length === 1;
    const list = [...hooks.values()];
    if (values.storage.owner === this.mine) moveStorage(values.storage, this.outer);
    const left = this.outside(() => {
      const seen = one ? [values] : ids.map((_, i) => select(values, 0, i));
      const rows = seen.map((g) => runHooks(list, g));
      if (rows.every((g, i) => g === seen[i])) return values;
      return one ? (rows[0] as Tensor) : stack(rows);
    });
    left.storage.holds++;
    this.release(values);
    return { ids, values: left };
  }

  private outside<T>(fn: () => T): T {
    leaveScope(this.mine);
    try {
      return fn();
    } finally {
      resumeScope(this.mine);
    }
  }

  private release({ storage }: Tensor): void {
    storage.holds--;
    if (storage.holds === 0 && storage.owner === this.mine) storage.free('a backward pass');
  }
}

/**
 * Walks the graph behind the losses and hands what was found to `use`, whose result is returned. Nothing found outlives that call unless it is
 * moved to the scope around it; then the graph is freed unless `retainGraph`, and leaves' post-accumulate hooks run. Errors come before
 * anything has changed.
 */
export function withRows<T>(losses: readonly Tensor[], options: WalkOptions, use: (found: Found, outer: Scope | null) => T): T {
  settle();
  return deferringHooks(() => {
    const outer = currentScope();
    const mine = openScope('a backward pass');
    try {
      return noGrad(() => {
        const walk = new Walk(mine, outer, options);
        walk.run(losses);
        const result = use(walk.found, outer);
        walk.finish();
        return result;
      });
    } finally {
      closeScope(mine);
    }
  }, noGrad);
}
