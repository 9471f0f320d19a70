// One walk over the graph behind some roots, each op once, with all that reaches it summed.
//
//   collect   which ops will run, latest first, and how often each leaf is used
//   verify    nothing freed, nothing modified, nothing ended: errors come before anything changes
//   walk      per op: hooks, its rule, its inputs' gradients added where they belong
//
// Intermediate gradients live in a scope of the pass and are given back as soon as nothing needs them. With createGraph they are
// the user's, and nothing is reused.
import { add } from '../ops/binary.ts';
import { call } from '../runtime/call.ts';
import { FLAG, type Kinds } from '../tensor/check.ts';
import { GradloomError } from '../tensor/errors.ts';
import { dense, nodeOf } from '../tensor/op.ts';
import { closeScope, currentScope, leaveScope, moveStorage, openScope, resumeScope, type Scope } from '../tensor/storage.ts';
import { type Edge, enableGrad, isAnomalyEnabled, Node, noGrad } from '../tensor/tape.ts';
import { assertAlive, type GradientHook, type Hooks, Tensor } from '../tensor/tensor.ts';
import { runHooks } from './hooks.ts';
import { keepGradient } from './leaf.ts';

/** Options that every backward pass has. */
export interface GraphOptions {
  /** Keeps what ops saved, so that the graph can be gone through again. Default: `createGraph`. */
  retainGraph?: boolean;
  /** Records the backward pass itself, for second derivatives. */
  createGraph?: boolean;
}

/** @internal Their kinds. */
export const GRAPH_OPTIONS: Kinds<GraphOptions> = { retainGraph: FLAG, createGraph: FLAG };

/** A place where gradients gather: an op's output, or a leaf. */
export type Place = Node | Tensor;

/** Receives a finished gradient. `exclusive`: its memory is nobody else's, so it may be kept as it is. */
export type Receiver = (place: Place, gradient: Tensor, exclusive: boolean) => void;

let passes = 0;
/** How many passes are at work: a hook may start one inside another. */
let running = 0;

/** Whether a hook of a pass is at work. */
export function insidePass(): boolean {
  return running > 0;
}

/** The ops behind some places, latest first, each marked with the pass's number. Nothing behind an op where the walk ends. */
export function nodesBehind(places: readonly Place[], pass: number, ends?: (node: Node) => boolean): Node[] {
  const nodes: Node[] = [];
  const todo = places.filter((p): p is Node => p instanceof Node);
  while (todo.length > 0) {
    const node = todo.pop() as Node;
    if (node.pass === pass) continue;
    node.pass = pass;
    nodes.push(node);
    if (ends?.(node)) continue;
    for (const e of node.edges) if (e instanceof Node) todo.push(e);
  }
  // An op is recorded after everything that it depends on.
  return nodes.sort((a, b) => b.sequence - a.sequence);
}

/** The ops behind some tensors, all sure to run: none was freed, modified or ended. */
export function survey(roots: readonly Tensor[]): Node[] {
  const nodes = nodesBehind(
    roots.map((t) => nodeOf(t) ?? t),
    ++passes,
  );
  for (const node of nodes) node.verify();
  return nodes;
}

export class Pass {
  readonly #id = ++passes;
  readonly #outer = currentScope();
  #nodes: Node[] = [];
  readonly #uses = new Map<Tensor, number>();
  readonly #gathered = new Map<Tensor, Tensor>();
  /** With `wanted`: the places on a way to it. */
  #active: Set<Edge> | null = null;
  #mine: Scope | null = null;

  readonly #receive: Receiver;
  readonly #wanted: ReadonlySet<Place> | null;
  readonly #options: GraphOptions;

  /** @param wanted the places to find gradients for; null: every leaf */
  constructor(receive: Receiver, wanted: ReadonlySet<Place> | null, options: GraphOptions) {
    this.#receive = receive;
    this.#wanted = wanted;
    this.#options = options;
  }

  /** @param begun an op whose gradient has been through its hooks */
  run(roots: readonly Tensor[], gradients: readonly Tensor[], begun: Node | null = null): void {
    const places = roots.map((t): Place => nodeOf(t) ?? t);
    this.#collect(places);
    for (const node of this.#nodes) if (this.#leadsOn(node)) node.verify();
    for (const leaf of this.#uses.keys()) if (leaf.gathered && (!this.#wanted || this.#wanted.has(leaf))) assertAlive(leaf.gathered, 'backward');
    const { createGraph = false, retainGraph = createGraph } = this.#options;
    const walk = (): void => {
      places.forEach((p, i) => {
        this.#deposit(p, gradients[i] as Tensor);
      });
      for (const p of places) if (p instanceof Tensor) this.#used(p);
      for (const node of this.#nodes) {
        this.#step(node, node === begun);
        if (!retainGraph && this.#leadsOn(node)) node.free();
      }
    };
    // A pass around this one, whose hook started it, goes on with the gradients that it had.
    const around = running > 0 ? this.#nodes.map((node) => node.cotangent) : null;
    if (around) for (const node of this.#nodes) node.cotangent = null;
    if (!createGraph) this.#mine = openScope('a backward pass');
    running++;
    try {
      if (createGraph) enableGrad(walk);
      else noGrad(walk);
    } finally {
      running--;
      for (const node of this.#nodes) node.cotangent = null; // where an error ended the walk
      around?.forEach((dy, i) => {
        (this.#nodes[i] as Node).cotangent = dy;
      });
      if (this.#mine) closeScope(this.#mine);
    }
  }

  #collect(places: readonly Place[]): void {
    const [uses, wanted] = [this.#uses, this.#wanted];
    const nodes = nodesBehind(places, this.#id);
    this.#nodes = nodes;
    if (wanted) {
      this.#active = new Set<Edge>(wanted);
      for (const node of [...nodes].reverse()) if (this.#leadsOn(node)) this.#active.add(node);
    }
    for (const p of places) if (p instanceof Tensor) uses.set(p, (uses.get(p) ?? 0) + 1);
    for (const { edges } of nodes) for (const e of edges) if (e instanceof Tensor) uses.set(e, (uses.get(e) ?? 0) + 1);
  }

  /** Whether the op's inputs need its gradients. */
  #leadsOn(node: Node): boolean {
    const active = this.#active;
    return active === null || node.edges.some((e) => active.has(e));
  }

  #step(node: Node, begun: boolean): void {
    let dy = node.cotangent;
    node.cotangent = null;
    if (dy) {
      if (node.hooks && !begun) dy = this.#callHooks(node.hooks, dy);
      const { retaining } = node;
      if (retaining && !begun) this.outside(() => keepGradient(retaining, dy as Tensor));
      if (this.#wanted?.has(node)) this.#receive(node, dy, false);
      if (this.#leadsOn(node)) this.#propagate(node, dy);
      this.#release(dy);
    }
    for (const e of node.edges) if (e instanceof Tensor) this.#used(e);
  }

  /** Runs the op's rule. What it made and did not hand on is given back at once. */
  #propagate(node: Node, dy: Tensor): void {
    const inner = this.#mine && openScope('a backward pass');
    try {
      const gradients = node.op.backward?.(dy, node) ?? [];
      if (isAnomalyEnabled()) assertNoNaN(node, gradients);
      node.edges.forEach((edge, i) => {
        const g = gradients[i];
        if (g && edge) this.#deposit(edge, g);
      });
    } finally {
      if (inner) {
        leaveScope(inner);
        for (const s of inner.storages) {
          if (s.owner !== inner) continue;
          if (s.holds > 0) moveStorage(s, this.#mine);
          else s.free('a backward pass');
        }
      }
    }
  }

  /** Adds a gradient to what has gathered at a place. */
  #deposit(place: Place, g: Tensor): void {
    if (this.#active && !this.#active.has(place)) return;
    const before = place instanceof Node ? place.cotangent : this.#gathered.get(place);
    let total = g;
    if (before) {
      if (this.#isExclusive(before)) {
        call('add', before.address, dense(g).address, before.address, 1, 1, before.size, 0, 0, 1, 0, 0, 1);
        return;
      }
      total = add(before, g);
      this.#release(before);
    }
    total.storage.holds++;
    if (place instanceof Node) place.cotangent = total;
    else this.#gathered.set(place, total);
  }

  /** Whether nothing but one place of this pass knows the tensor's memory, all of which it covers. */
  #isExclusive(t: Tensor): boolean {
    const { storage } = t;
    return this.#mine !== null && storage.owner === this.#mine && storage.holds === 1 && t.size * 4 === storage.bytes && t.isContiguous();
  }

  /** A leaf was met once more; after the last time its gradient is whole. */
  #used(leaf: Tensor): void {
    const left = (this.#uses.get(leaf) as number) - 1;
    this.#uses.set(leaf, left);
    let g = this.#gathered.get(leaf);
    if (left > 0 || !g) return;
    this.#gathered.delete(leaf);
    if (leaf.hooks) g = this.#callHooks(leaf.hooks, g);
    this.#receive(leaf, g, this.#isExclusive(g));
    this.#release(g);
  }

  /** Hands a gradient to hooks, which may keep it; returns what they leave. */
  #callHooks(hooks: Hooks<GradientHook>, gradient: Tensor): Tensor {
    const g = this.outside(() => runHooks([...hooks.values()], this.expose(gradient)));
    g.storage.holds++;
    this.#release(gradient);
    return g;
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

  /** Hands a gradient to the user: it belongs to the scope around the pass from now on, and is not reused. */
  expose(g: Tensor): Tensor {
    if (this.#mine && g.storage.owner === this.#mine) moveStorage(g.storage, this.#outer);
    return g;
  }

  #release({ storage }: Tensor): void {
    storage.holds--;
    if (storage.holds === 0 && this.#mine && storage.owner === this.#mine) storage.free('a backward pass');
  }
}

/** Throws where an op's rule gave NaN, with the forward's stack: anomaly detection. */
export function assertNoNaN(node: Node, gradients: readonly (Tensor | null)[]): void {
  gradients.forEach((g, i) => {
    if (!g?.data().some(Number.isNaN)) return;
    throw new GradloomError('NONFINITE', 'backward', `${node.op.name} returned NaN in the gradient of its input ${i} (anomaly detection). Its forward ran here:\n${node.stack}`);
  });
}
