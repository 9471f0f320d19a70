// The reference's backward passes: of one root or more, and of several losses whose gradients a method weighs.
import { add, clone, full, nodeOf, Ref, RefNode, Refusal, requires, scale, withMode } from './tensor.ts';

export type Place = Ref | RefNode;

export interface PassOptions {
  readonly retainGraph?: boolean;
  readonly createGraph?: boolean;
  /** The only places to find gradients for. */
  readonly wanted?: ReadonlySet<Place>;
}

export const placeOf = (t: Ref): Place => nodeOf(t) ?? t;

/** Ops behind some places, latest first. */
function nodesBehind(places: readonly Place[]): RefNode[] {
  const nodes = new Set<RefNode>();
  const todo = [...places];
  while (todo.length > 0) {
    const next = todo.pop();
    if (!(next instanceof RefNode) || nodes.has(next)) continue;
    nodes.add(next);
    for (const e of next.edges) if (e) todo.push(e);
  }
  return [...nodes].sort((a, b) => b.sequence - a.sequence);
}

/** Whether gradients flow from one tensor to another. */
export const reaches = (root: Ref, t: Ref): boolean => {
  const place = placeOf(root);
  return place === placeOf(t) || nodesBehind([place]).some((n) => n.edges.includes(placeOf(t)));
};

/** One pass. `receive` gets the gradients of leaves, and of what is wanted. */
export function pass(roots: readonly Ref[], seeds: readonly Ref[], options: PassOptions, receive: (place: Place, g: Ref) => void): void {
  const { createGraph = false, retainGraph = createGraph, wanted } = options;
  const places = roots.map(placeOf);
  const nodes = nodesBehind(places);
  const active = wanted ? new Set<Place>(wanted) : null;
  const leadsOn = (node: RefNode): boolean => !active || node.edges.some((e) => e && active.has(e));
  for (const node of [...nodes].reverse()) if (active && leadsOn(node)) active.add(node);
  const uses = new Map<Ref, number>();
  for (const p of [...places, ...nodes.flatMap((n) => n.edges)]) if (p instanceof Ref) uses.set(p, (uses.get(p) ?? 0) + 1);
  for (const node of nodes) if (leadsOn(node)) node.verify();

  const gathered = new Map<Place, Ref>();
  const deposit = (place: Place, g: Ref): void => {
    if (active && !active.has(place)) return;
    const before = gathered.get(place);
    gathered.set(place, before ? add(before, g) : g);
  };
  const used = (leaf: Ref): void => {
    const left = (uses.get(leaf) as number) - 1;
    uses.set(leaf, left);
    const g = gathered.get(leaf);
    if (left === 0 && g) receive(leaf, throughHooks(leaf, g));
  };
  withMode(createGraph, () => {
    places.forEach((p, i) => {
      deposit(p, seeds[i] as Ref);
    });
    for (const p of places) if (p instanceof Ref) used(p);
    for (const node of nodes) {
      let dy = gathered.get(node);
      if (dy) {
        dy = throughHooks(node, dy);
        if (node.retaining) keep(node.retaining, dy);
        if (wanted?.has(node)) receive(node, dy);
        if (leadsOn(node)) {
          node.verify();
          const gradients = node.backward(dy);
          node.edges.forEach((e, i) => {
            const g = gradients[i];
            if (e && g) deposit(e, g);
          });
        }
      }
      if (!retainGraph && leadsOn(node) && node.saved.length > 0) node.freed = true;
      for (const e of node.edges) if (e instanceof Ref) used(e);
    }
  });
}

function throughHooks({ hooks }: Place, gradient: Ref): Ref {
  let g = gradient;
  for (const hook of [...hooks]) g = hook.run(g) ?? g;
  return g;
}

/** A tensor between keeps its gradient. */
function keep(t: Ref, g: Ref): void {
  t.grad = t.grad ? add(t.grad, g) : clone(g);
}

/** Adds to a leaf's .grad: in place, unless a graph is made. */
function accumulate(leaf: Ref, g: Ref, createGraph: boolean): boolean {
  if (!leaf.wants) return false;
  const old = leaf.grad;
  if (!old) leaf.grad = clone(g);
  else if (createGraph) leaf.grad = add(old, g);
  else {
    const sum = add(old, g).values;
    sum.forEach((v, i) => {
      old.memory.data[old.at[i] as number] = v;
    });
    old.memory.version++;
  }
  return true;
}

const runPostHooks = (leaf: Ref): void => {
  for (const hook of [...leaf.postHooks]) hook.run(leaf);
};

/** `backward`: with inputs, those that are no leaves keep their gradients. */
export function backward(roots: readonly Ref[], seeds: readonly (Ref | null)[], options: PassOptions & { inputs?: readonly Ref[] }): void {
  for (const t of [...roots, ...(options.inputs ?? [])]) if (!requires(t)) throw new Refusal('GRAPH', 'does not require a gradient');
  const starts = roots.map((t, i) => startOf(t, seeds[i]));
  for (const t of options.inputs ?? []) retain(t);
  const wanted = options.inputs && new Set(options.inputs.map(placeOf));
  pass(roots, starts, { ...options, wanted }, (place, g) => {
    if (place instanceof Ref && accumulate(place, g, options.createGraph ?? false)) runPostHooks(place);
  });
}

function startOf(t: Ref, seed: Ref | null | undefined): Ref {
  if (seed) return seed;
  if (t.at.length !== 1) throw new Refusal('GRAPH', 'implied only for one element');
  return full(t.shape, 1);
}

export function retain(t: Ref): void {
  const node = nodeOf(t);
  if (!node) return;
  node.retaining = t;
  t.retains = true;
}

/** `autograd.grad`, with null for what is not reached. */
export function grad(root: Ref, inputs: readonly Ref[], options: PassOptions): (Ref | null)[] {
  for (const t of [root, ...inputs]) if (!requires(t)) throw new Refusal('GRAPH', 'does not require a gradient');
  const places = inputs.map(placeOf);
  const found = new Map<Place, Ref>();
  pass([root], [startOf(root, null)], { ...options, wanted: new Set(places) }, (place, g) => {
    found.set(place, g);
  });
  return places.map((p) => found.get(p) ?? null);
}

/**
 * `multiloss.backward` with given weights, where a method looks at gradients: those of each loss on its own, hooks included; then shared leaves
 * get the weighted sum, others their loss's own gradient; post-accumulate hooks run when all is there.
 */
export function severalLosses(losses: readonly Ref[], weights: readonly number[], options: PassOptions): void {
  for (const t of losses) if (!requires(t)) throw new Refusal('GRAPH', 'does not require a gradient');
  const nodes = nodesBehind(losses.map(placeOf));
  for (const node of nodes) node.verify();
  // Which losses a leaf meets is read from the graph, so that a refusal changes nothing.
  const reached = losses.map((loss) => new Set([placeOf(loss), ...nodesBehind([placeOf(loss)]).flatMap((n) => n.edges)]));
  const leaves = [...new Set(reached.flatMap((set) => [...set]))].filter((e) => e instanceof Ref && e.wants);
  if (!leaves.some((leaf) => reached.filter((set) => set.has(leaf)).length > 1)) throw new Refusal('UNSHARED', 'nothing to resolve');
  const rows = new Map<Ref, Map<number, Ref>>();
  losses.forEach((loss, id) => {
    pass([loss], [full(loss.shape, 1)], { retainGraph: true }, (place, g) => {
      if (!(place instanceof Ref) || !place.wants) return;
      const row = rows.get(place) ?? new Map<number, Ref>();
      rows.set(place, row.set(id, g));
    });
  });
  withMode(false, () => {
    for (const [leaf, row] of rows) {
      const parts = [...row].map(([id, g]) => (row.size > 1 ? scale(g, weights[id] as number) : g));
      accumulate(
        leaf,
        parts.reduce((a, b) => add(a, b)),
        false,
      );
    }
    if (!options.retainGraph) for (const node of nodes) if (node.saved.length > 0) node.freed = true;
    for (const leaf of rows.keys()) runPostHooks(leaf);
  });
}
