// The backward engine: one pass over the graph behind some roots, each op once, with all that reaches it.
//
//   collect   which ops will run, latest first, and how often each leaf is used
//   verify    nothing freed, nothing modified, nothing ended: errors come before anything changes
//   walk      per op: hooks, its rule, its inputs' gradients added where they belong
//   finish    what waited for the whole pass; then ops let go of what they saved
//
// It carries batches of cotangents (rows.ts), a row for each loss that the caller keeps apart: what the losses share is read once, and its
// products are one larger product. An ordinary backward pass has one row everywhere, and streams: a leaf's gradient is handed on, and given
// back, as soon as it is whole. Where a method waits for all rows (`then`), nothing of the user's changes before it is done.
//
// Intermediate gradients live in a scope of the pass and are given back as soon as nothing needs them. With createGraph they are
// the user's, and nothing is reused.
import { add } from '../ops/binary.ts';
import { select, stack } from '../ops/movement.ts';
import { sum } from '../ops/reduce.ts';
import { call, settle } from '../runtime/call.ts';
import { FLAG, type Kinds } from '../tensor/check.ts';
import { dense, nodeOf } from '../tensor/op.ts';
import { closeScope, currentScope, leaveScope, moveStorage, openScope, resumeScope, type Scope, type Storage } from '../tensor/storage.ts';
import { enableGrad, noGrad } from '../tensor/modes.ts';
import { Node } from '../tensor/tape.ts';
import { assertAlive, type GradientHook, type Hooks, Tensor } from '../tensor/tensor.ts';
import { runHooks } from './hooks.ts';
import { accumulate, keepGradient } from './leaf.ts';
import { choose, gradientsOf, merge, type Rows, sameIds } from './rows.ts';

/** Options that every backward pass has. */
export interface GraphOptions {
  /** Keeps what ops saved, so that the graph can be gone through again. Default: `createGraph`. */
  retainGraph?: boolean | undefined;
  /** Records the backward pass itself, for second derivatives. */
  createGraph?: boolean | undefined;
}

/** @internal Their kinds. */
export const GRAPH_OPTIONS: Kinds<GraphOptions> = { retainGraph: FLAG, createGraph: FLAG };

/** A place where gradients gather: an op's output, or a leaf. */
export type Place = Node | Tensor;

/** Receives a place's finished rows. `exclusive`: their memory is nobody else's, so it may be kept as it is. */
export type Receiver = (place: Place, rows: Rows, exclusive: boolean) => void;

/** What a pass is to do. */
export interface PassOptions extends GraphOptions {
  /** The places to find gradients for; default every leaf. */
  readonly wanted?: ReadonlySet<Place> | null | undefined;
  /** Whether what is received is added to `.grad`. */
  readonly fills?: boolean;
  /** Ops whose output is an end of the pass: rows gather there and go no further. */
  readonly ends?: ReadonlySet<Node> | undefined;
  /** Which losses count for a leaf; default all. */
  readonly counts?: ((leaf: Tensor, id: number) => boolean) | undefined;
  /** Asked before a rule runs whether someone takes over the gradient of this input, which is not formed then. */
  readonly takes?: (node: Node, input: number, rows: Rows) => boolean;
  /** An op whose gradient has been through its hooks. */
  readonly begun?: Node | null;
  /** It was asked for before, when nothing watched it: hooks and flags that were set since are not its own. */
  readonly waited?: boolean;
}

/** What a pass knows of a place. */
class Gathering {
  /** How often a leaf is still to be met. */
  uses = 0;
  /** What has gathered, summed as it came. */
  rows: Rows | null = null;
  /** What came of other losses since, to be merged with it. */
  others: Rows[] | null = null;
}

let passes = 0;
/** How many passes are at work: a hook may start one inside another. */
let running = 0;

/** Whether a hook of a pass is at work. */
export function insidePass(): boolean {
  return running > 0;
}

/** The ops behind some places, latest first, each marked with the pass's number. Nothing behind an op where the pass ends. */
function nodesBehind(places: readonly Place[], pass: number, ends?: ReadonlySet<Node>): Node[] {
  const nodes: Node[] = [];
  const todo = places.filter((p): p is Node => p instanceof Node);
  while (todo.length > 0) {
    const node = todo.pop() as Node;
    if (node.pass === pass) continue;
    node.pass = pass;
    nodes.push(node);
    if (ends?.has(node)) continue;
    for (const e of node.edges) if (e instanceof Node) todo.push(e);
  }
  // An op is recorded after everything that it depends on.
  return nodes.sort((a, b) => b.sequence - a.sequence);
}

/** The ops behind some tensors, all sure to run: none was freed, modified or ended. */
export function survey(roots: readonly Tensor[]): Node[] {
  const nodes = nodesBehind(roots.map(placeOf), ++passes);
  for (const node of nodes) node.verify();
  return nodes;
}

/** Where the gradient of a tensor gathers. */
export const placeOf = (t: Tensor): Place => nodeOf(t) ?? t;

export class Pass {
  /** The ops that it goes through, latest first. */
  nodes: readonly Node[] = [];
  /** Leaves that it meets more than once. */
  readonly repeated = new Set<Tensor>();
  readonly #gatherings = new Map<Place, Gathering>();
  /** With `wanted`: the places on a way to it. */
  #active: Set<Place> | null = null;
  /** Gradients that tensors between keep, where the pass waits. */
  #kept: (() => void)[] | null = null;
  #mine: Scope | null = null;
  #outer: Scope | null = null;
  readonly #receive: Receiver;
  readonly #options: PassOptions;

  constructor(receive: Receiver, options: PassOptions) {
    this.#receive = receive;
    this.#options = options;
  }

  /** @param then what waits for all rows: it runs while they are there, before anything of the user's changes */
  run<T>(roots: readonly Tensor[], rows: readonly Rows[], then?: () => T): T {
    const { createGraph = false, retainGraph = createGraph, fills, wanted } = this.#options;
    settle();
    const places = roots.map(placeOf);
    this.#collect(places);
    for (const node of this.nodes) if (this.#leadsOn(node)) node.verify();
    if (fills) for (const leaf of this.#gatherings.keys()) if (leaf instanceof Tensor && leaf.gathered && (!wanted || wanted.has(leaf))) assertAlive(leaf.gathered, 'backward');
    if (then) this.#kept = [];
    this.#outer = currentScope();
    if (!createGraph) this.#mine = openScope('a backward pass');
    running++;
    try {
      return (createGraph ? enableGrad : noGrad)(() => {
        places.forEach((p, i) => {
          this.#deposit(p, rows[i] as Rows);
        });
        for (const p of places) if (p instanceof Tensor) this.#used(p);
        for (const node of this.nodes) this.#step(node);
        const result = then?.() as T;
        for (const keep of this.#kept ?? []) keep();
        if (!retainGraph) for (const node of this.nodes) if (this.#leadsOn(node)) node.free();
        return result;
      });
    } finally {
      running--;
      if (this.#mine) closeScope(this.#mine);
    }
  }

  #endsAt(node: Node): boolean {
    return this.#options.ends?.has(node) ?? false;
  }

  #collect(places: readonly Place[]): void {
    const { wanted, ends } = this.#options;
    const nodes = nodesBehind(places, ++passes, ends);
    this.nodes = nodes;
    if (wanted) {
      this.#active = new Set(wanted);
      for (let i = nodes.length - 1; i >= 0; i--) if (this.#leadsOn(nodes[i] as Node)) this.#active.add(nodes[i] as Node);
    }
    for (const p of places) if (p instanceof Tensor) this.#meet(p);
    for (const node of nodes) if (!this.#endsAt(node)) for (const e of node.edges) if (e instanceof Tensor) this.#meet(e);
  }

  #meet(leaf: Tensor): void {
    if (++this.#at(leaf).uses > 1) this.repeated.add(leaf);
  }

  #at(place: Place): Gathering {
    const known = this.#gatherings.get(place);
    if (known) return known;
    const at = new Gathering();
    this.#gatherings.set(place, at);
    return at;
  }

  /** Whether the op's inputs need its gradients. */
  #leadsOn(node: Node): boolean {
    const active = this.#active;
    if (this.#endsAt(node)) return false;
    return active === null || node.edges.some((e) => e !== null && active.has(e));
  }

  #step(node: Node): void {
    let rows = this.#take(node);
    if (rows) {
      const { begun, wanted, waited } = this.#options;
      const heard = node !== begun && !waited;
      if (node.hooks && heard) rows = this.#callHooks(node.hooks, rows);
      if (node.retaining && heard) this.#keepGradient(node.retaining, rows);
      if (wanted?.has(node) || this.#endsAt(node)) this.#receive(node, rows, false);
      if (this.#leadsOn(node)) this.#propagate(node, rows);
      this.#release(rows.values);
    }
    if (this.#endsAt(node)) return;
    for (const e of node.edges) if (e instanceof Tensor) this.#used(e);
  }

  /** Hands an op's rows on to its inputs. What is made on the way and not kept is given back at once. */
  #propagate(node: Node, rows: Rows): void {
    const made = this.#mine?.storages ?? [];
    const before = made.length;
    this.#runRule(node, rows);
    for (let i = before; i < made.length; i++) {
      const s = made[i] as Storage;
      if (s.holds === 0 && s.owner === this.#mine) s.free('a backward pass');
    }
  }

  /** Runs the op's rule for every row. */
  #runRule(node: Node, rows: Rows): void {
    const { takes, createGraph } = this.#options;
    const wants = takes ? untaken(node, rows, takes) : node.needs;
    if (takes && !wants.includes(true)) return;
    const gradients = gradientsOf(node, rows, wants, createGraph);
    for (let i = 0; i < node.edges.length; i++) {
      const [edge, g] = [node.edges[i], gradients[i]];
      if (g && edge) this.#deposit(edge, { ids: rows.ids, values: g });
    }
  }

  /** Adds rows to what has gathered at a place. */
  #deposit(place: Place, rows: Rows): void {
    if (this.#active && !this.#active.has(place)) return;
    const at = this.#at(place);
    const before = at.rows;
    if (before && (at.others || !sameIds(before, rows))) {
      at.others ??= [];
      at.others.push(this.hold(rows));
      return;
    }
    let total = rows;
    if (before) {
      const [a, b] = [before.values, rows.values];
      if (this.#isExclusive(a)) {
        call('add', a.address, dense(b).address, a.address, 1, 1, a.size, 0, 0, 1, 0, 0, 1);
        return;
      }
      total = { ids: rows.ids, values: add(a, b) };
      this.#release(a);
    }
    at.rows = this.hold(total);
  }

  /** What gathered at a place, as one batch; held once. */
  #take(place: Place): Rows | null {
    const at = this.#gatherings.get(place);
    if (!at?.rows) return null;
    const { rows, others } = at;
    at.rows = at.others = null;
    if (!others) return rows;
    const all = [rows, ...others];
    const merged = this.hold(merge(all));
    for (const { values } of all) this.#release(values);
    return merged;
  }

  /** Whether nothing but one place of this pass knows the tensor's memory, all of which it covers. */
  #isExclusive(t: Tensor): boolean {
    const { storage } = t;
    return this.#mine !== null && storage.owner === this.#mine && storage.holds === 1 && t.size * 4 === storage.bytes && t.isContiguous();
  }

  /** A leaf was met once more; after the last time its rows are whole. */
  #used(leaf: Tensor): void {
    if (--this.#at(leaf).uses > 0) return;
    let rows = this.#take(leaf);
    if (!rows) return;
    const { counts, waited } = this.#options;
    if (counts) rows = this.#counted(leaf, rows, counts);
    if (rows.ids.length > 0) {
      if (leaf.meta?.hooks && !waited) rows = this.#callHooks(leaf.meta?.hooks, rows);
      // A leaf that was frozen since forward gets no gradient.
      if (leaf.meta?.wantsGrad || waited) this.#receive(leaf, rows, this.#isExclusive(rows.values));
    }
    this.#release(rows.values);
  }

  /** The rows that count for a leaf. */
  #counted(leaf: Tensor, rows: Rows, counts: NonNullable<PassOptions['counts']>): Rows {
    const chosen = this.hold(choose(rows, (id) => counts(leaf, id)));
    this.#release(rows.values);
    return chosen;
  }

  /** A tensor between keeps the sum of its rows: now, or when the method that the pass waits for is done. */
  #keepGradient(t: Tensor, rows: Rows): void {
    const keep = (): void => {
      const g = rows.ids.length === 1 ? rows.values : sum(rows.values, { dim: 0 });
      this.outside(() => keepGradient(t, g));
    };
    if (this.#kept) {
      this.hold(rows);
      this.#kept.push(keep);
    } else keep();
  }

  /** Hands each loss's gradient on its own to hooks, which may keep it; returns what they leave. */
  #callHooks(hooks: Hooks<GradientHook>, { ids, values }: Rows): Rows {
    const list = [...hooks.values()];
    this.expose(values);
    const left = this.outside(() => {
      if (ids.length === 1) return runHooks(list, values);
      const seen = ids.map((_, i) => select(values, 0, i));
      const rows = seen.map((g) => runHooks(list, g));
      return rows.every((g, i) => g === seen[i]) ? values : stack(rows);
    });
    const rows = this.hold({ ids, values: left });
    this.#release(values);
    return rows;
  }

  /** Runs user code: what it makes belongs to the scope around the pass. */
  outside<T>(fn: () => T): T {
    if (this.#mine) leaveScope(this.#mine);
    try {
      return fn();
    } finally {
      if (this.#mine) resumeScope(this.#mine);
    }
  }

  /** Hands a tensor to the user: it belongs to the scope around the pass from now on, and is not reused. */
  expose(t: Tensor): Tensor {
    if (this.#mine && t.storage.owner === this.#mine) moveStorage(t.storage, this.#outer);
    return t;
  }

  /** Keeps rows until they are released, or the pass ends. */
  hold(rows: Rows): Rows {
    rows.values.storage.holds++;
    return rows;
  }

  #release({ storage }: Tensor): void {
    storage.holds--;
    if (storage.holds === 0 && this.#mine && storage.owner === this.#mine) storage.free('a backward pass');
  }
}

/** Which inputs' gradients the rule is asked for: those that `takes` leaves. */
function untaken(node: Node, rows: Rows, takes: NonNullable<PassOptions['takes']>): boolean[] {
  return node.needs.map((n, i) => n && !takes(node, i, rows));
}

/** All that comes from any root is one row: ordinary passes add it up. */
const ALL: readonly number[] = [0];
const asRow = (values: Tensor): Rows => ({ ids: ALL, values });

/** A pass that adds to `.grad`: of every leaf, or of those that are wanted. */
export function fill(roots: readonly Tensor[], gradients: readonly Tensor[], options: PassOptions): void {
  const outside = (fn: () => void): void => pass.outside(fn);
  const pass: Pass = new Pass(
    (place, { values }, exclusive) => {
      if (place instanceof Tensor) accumulate(place, values, exclusive, options.createGraph ?? false, options.waited ? null : outside);
    },
    { ...options, fills: true },
  );
  pass.run(roots, gradients.map(asRow));
}
