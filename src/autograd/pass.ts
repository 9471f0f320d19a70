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
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { dense, nodeOf } from '../tensor/op.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { sameShape } from '../tensor/shape.ts';
import { closeScope, currentScope, leaveScope, moveStorage, openScope, resumeScope, type Scope } from '../tensor/storage.ts';
import { type Edge, enableGrad, isAnomalyEnabled, Node, noGrad } from '../tensor/tape.ts';
import { type GradientHook, Tensor } from '../tensor/tensor.ts';

/** Options that every walk has. */
export interface GraphOptions {
  /** Keeps what ops saved, so that the graph can be gone through again. Default: `createGraph`. */
  retainGraph?: boolean;
  /** Records the backward pass itself, for second derivatives. */
  createGraph?: boolean;
}

/** A place where gradients gather: an op's output, or a leaf. */
export type Place = Node | Tensor;

/** Receives a finished gradient. `exclusive`: its memory is nobody else's, so it may be kept as it is. */
export type Receiver = (place: Place, gradient: Tensor, exclusive: boolean) => void;

let passes = 0;

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
  private readonly id = ++passes;
  private readonly outer = currentScope();
  private nodes: Node[] = [];
  private readonly uses = new Map<Tensor, number>();
  private readonly gathered = new Map<Tensor, Tensor>();
  /** With `wanted`: the places on a way to it. */
  private active: Set<Edge> | null = null;
  private mine: Scope | null = null;

  private readonly receive: Receiver;
  private readonly wanted: ReadonlySet<Place> | null;
  private readonly options: GraphOptions;

  /** @param wanted the places to find gradients for; null: every leaf */
  constructor(receive: Receiver, wanted: ReadonlySet<Place> | null, options: GraphOptions) {
    this.receive = receive;
    this.wanted = wanted;
    this.options = options;
  }

  run(roots: readonly Tensor[], gradients: readonly Tensor[]): void {
    const places = roots.map((t): Place => nodeOf(t) ?? t);
    this.collect(places);
    for (const node of this.nodes) if (this.leadsOn(node)) node.verify();
    const { createGraph = false, retainGraph = createGraph } = this.options;
    const walk = (): void => {
      places.forEach((p, i) => {
        this.deposit(p, gradients[i] as Tensor);
      });
      for (const p of places) if (p instanceof Tensor) this.used(p);
      for (const node of this.nodes) {
        this.step(node);
        if (!retainGraph) node.free();
      }
    };
    if (!createGraph) this.mine = openScope('a backward pass');
    try {
      if (createGraph) enableGrad(walk);
      else noGrad(walk);
    } finally {
      for (const node of this.nodes) node.cotangent = null; // where an error ended the walk
      if (this.mine) closeScope(this.mine);
    }
  }

  private collect(places: readonly Place[]): void {
    const { uses, wanted } = this;
    const nodes = nodesBehind(places, this.id);
    this.nodes = nodes;
    if (wanted) {
      this.active = new Set<Edge>(wanted);
      for (const node of [...nodes].reverse()) if (this.leadsOn(node)) this.active.add(node);
    }
    for (const p of places) if (p instanceof Tensor) uses.set(p, (uses.get(p) ?? 0) + 1);
    for (const { edges } of nodes) for (const e of edges) if (e instanceof Tensor) uses.set(e, (uses.get(e) ?? 0) + 1);
  }

  /** Whether the op's inputs need its gradients. */
  private leadsOn(node: Node): boolean {
    const { active } = this;
    return active === null || node.edges.some((e) => active.has(e));
  }

  private step(node: Node): void {
    let dy = node.cotangent;
    node.cotangent = null;
    if (dy) {
      if (node.hooks) dy = this.callHooks(node.hooks, dy);
      if (node.retaining) this.retain(node.retaining, dy);
      if (this.wanted?.has(node)) this.receive(node, dy, false);
      if (this.leadsOn(node)) this.propagate(node, dy);
      this.release(dy);
    }
    for (const e of node.edges) if (e instanceof Tensor) this.used(e);
  }

  /** Runs the op's rule. What it made and did not hand on is given back at once. */
  private propagate(node: Node, dy: Tensor): void {
    const inner = this.mine && openScope('a backward pass');
    try {
      const gradients = node.op.backward?.(dy, node) ?? [];
      if (isAnomalyEnabled()) assertNoNaN(node, gradients);
      node.edges.forEach((edge, i) => {
        const g = gradients[i];
        if (g && edge) this.deposit(edge, g);
      });
    } finally {
      if (inner) {
        leaveScope(inner);
        for (const s of inner.storages) {
          if (s.owner !== inner) continue;
          if (s.holds > 0) moveStorage(s, this.mine);
          else s.free('a backward pass');
        }
      }
    }
  }

  /** Adds a gradient to what has gathered at a place. */
  private deposit(place: Place, g: Tensor): void {
    if (this.active && !this.active.has(place)) return;
    const before = place instanceof Node ? place.cotangent : this.gathered.get(place);
    let total = g;
    if (before) {
      if (this.isExclusive(before)) {
        call('add', before.address, dense(g).address, before.address, 1, 1, before.size, 0, 0, 1, 0, 0, 1);
        return;
      }
      total = add(before, g);
      this.release(before);
    }
    total.storage.holds++;
    if (place instanceof Node) place.cotangent = total;
    else this.gathered.set(place, total);
  }

  /** Whether nothing but one place of this pass knows the tensor's memory, all of which it covers. */
  private isExclusive(t: Tensor): boolean {
    const { storage } = t;
    return this.mine !== null && storage.owner === this.mine && storage.holds === 1 && t.size * 4 === storage.bytes && t.isContiguous();
  }

  /** A leaf was met once more; after the last time its gradient is whole. */
  private used(leaf: Tensor): void {
    const left = (this.uses.get(leaf) as number) - 1;
    this.uses.set(leaf, left);
    let g = this.gathered.get(leaf);
    if (left > 0 || !g) return;
    this.gathered.delete(leaf);
    if (leaf.hooks) g = this.callHooks(leaf.hooks, g);
    this.receive(leaf, g, this.isExclusive(g));
    if (leaf.accumulateHooks) {
      refuseWhileRecording('registerPostAccumulateGradHook', 'a hook runs', 'Remove it, or compute in the step what it computes.');
      this.outside(() => {
        for (const hook of [...(leaf.accumulateHooks ?? [])]) hook(leaf);
      });
    }
    this.release(g);
  }

  /** Runs hooks in order; a tensor that one returns takes the gradient's place. */
  private callHooks(hooks: ReadonlySet<GradientHook>, gradient: Tensor): Tensor {
    refuseWhileRecording('registerHook', 'a hook runs', 'Remove it, or compute in the step what it computes.');
    let g = this.expose(gradient);
    this.outside(() => {
      for (const hook of [...hooks]) {
        const replaced = hook(g);
        if (!replaced) continue;
        if (!sameShape(replaced.shape, g.shape))
          throw shapeError('registerHook', 'a hook returned another shape', [replaced.shape, g.shape], "Return a gradient of the tensor's shape.");
        this.release(g);
        replaced.storage.holds++;
        g = replaced;
      }
    });
    return g;
  }

  /** Runs user code: what it makes belongs to the scope around the pass. */
  private outside(fn: () => void): void {
    if (this.mine) leaveScope(this.mine);
    try {
      fn();
    } finally {
      if (this.mine) resumeScope(this.mine);
    }
  }

  /** Hands a gradient to the user: it belongs to the scope around the pass from now on, and is not reused. */
  expose(g: Tensor): Tensor {
    if (this.mine && g.storage.owner === this.mine) moveStorage(g.storage, this.outer);
    return g;
  }

  /** A non-leaf that keeps its gradient. */
  private retain(t: Tensor, g: Tensor): void {
    if (t.gradient)
      this.outside(() => {
        t.gradient = add(t.gradient as Tensor, g);
      });
    else t.gradient = this.expose(g);
  }

  private release({ storage }: Tensor): void {
    storage.holds--;
    if (storage.holds === 0 && this.mine && storage.owner === this.mine) storage.free('a backward pass');
  }
}

/** Throws where an op's rule gave NaN, with the forward's stack: anomaly detection. */
export function assertNoNaN(node: Node, gradients: readonly (Tensor | null)[]): void {
  gradients.forEach((g, i) => {
    if (!g?.data().some(Number.isNaN)) return;
    throw new GradloomError(
      'NONFINITE',
      'backward',
      `${node.op.name} returned NaN in the gradient of its input ${i} (anomaly detection). Its forward ran here:\n${node.stack ?? '(detection was off then)'}`,
    );
  });
}
