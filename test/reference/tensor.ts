// A reference for autograd in float64, written for clearness: a tensor is a list of positions in a memory, so that every view is an index map,
// and every op goes element by element. It shares no code with the library and follows PyTorch's rules.

export type Shape = readonly number[];
export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** What the library would throw: its error's code. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string, why: string) {
    super(`${code}: ${why}`);
    this.code = code;
  }
}

class Memory {
  readonly data: number[];
  /** Writes in place so far. */
  version = 0;
  constructor(data: number[]) {
    this.data = data;
  }
}

export interface Hook {
  readonly id: number;
  readonly run: (g: Ref) => Ref | undefined;
}

let sequence = 0;
let gradMode = true;
/** The largest number that was met: roundings are relative to it. */
export const met = { largest: 1 };

/** An op's record: where gradients go, and how. */
export class RefNode {
  readonly edges: readonly (RefNode | Ref | null)[];
  readonly backward: (dy: Ref) => readonly (Ref | null)[];
  readonly sequence = sequence++;
  readonly saved: readonly (readonly [Memory, number])[];
  freed = false;
  hooks: Hook[] = [];
  retaining: Ref | null = null;

  constructor(edges: RefNode['edges'], saved: readonly Ref[], backward: RefNode['backward']) {
    this.edges = edges;
    this.saved = saved.map((t) => [t.memory, t.memory.version]);
    this.backward = backward;
  }

  /** Throws unless what was saved is there and as it was. */
  verify(): void {
    if (this.freed) throw new Refusal('GRAPH', 'a second time');
    if (this.saved.some(([memory, version]) => memory.version !== version)) throw new Refusal('VERSION', 'modified in place');
  }
}

export class Ref {
  readonly memory: Memory;
  readonly shape: Shape;
  /** Where in memory each element lies, row by row. */
  readonly at: readonly number[];
  node: RefNode | null = null;
  wants = false;
  grad: Ref | null = null;
  retains = false;
  hooks: Hook[] = [];
  postHooks: { readonly id: number; readonly run: (leaf: Ref) => void }[] = [];
  /** What it is a view of, and how often that had been written to when `node` was made. */
  base: Ref | null = null;
  seen = 0;
  generation = 0;

  constructor(memory: Memory, shape: Shape, at: readonly number[]) {
    this.memory = memory;
    this.shape = shape;
    this.at = at;
  }

  get values(): number[] {
    return this.at.map((i) => this.memory.data[i] as number);
  }
}

export function fresh(shape: Shape, data: readonly number[]): Ref {
  for (const v of data) met.largest = Math.max(met.largest, Number.isFinite(v) ? Math.abs(v) : Infinity);
  return new Ref(
    new Memory([...data]),
    shape,
    data.map((_, i) => i),
  );
}

export const full = (shape: Shape, value: number): Ref => fresh(shape, new Array<number>(sizeOf(shape)).fill(value));

export function withMode<T>(on: boolean, fn: () => T): T {
  const before = gradMode;
  gradMode = on;
  try {
    return fn();
  } finally {
    gradMode = before;
  }
}

/** Gives a tensor a new place in the graph: kept gradients follow, hooks do not. */
function putNode(t: Ref, node: RefNode | null): void {
  if (t.retains) {
    if (t.node?.retaining === t) t.node.retaining = null;
    if (node) node.retaining = t;
  }
  t.node = node;
}

/** A tensor's node; a view's is made anew where its base was written to. */
export function nodeOf(t: Ref): RefNode | null {
  const { base } = t;
  if (base && t.seen !== base.generation) {
    t.seen = base.generation;
    const map = windowOn(base, t);
    putNode(t, requires(base) ? new RefNode([edgeOf(base)], [], (dy) => [scatter(dy, map, base.shape)]) : null);
  }
  return t.node;
}

export const requires = (t: Ref): boolean => t.wants || nodeOf(t) !== null;
export const isLeaf = (t: Ref): boolean => nodeOf(t) === null;
const edgeOf = (t: Ref): RefNode | Ref | null => nodeOf(t) ?? (t.wants ? t : null);

/** Which elements of its base a view shows. */
function windowOn(base: Ref, view: Ref): number[] {
  const place = new Map(base.at.map((p, i) => [p, i]));
  return view.at.map((p) => place.get(p) as number);
}

/** Records an op. `saved`: what backward reads. */
function record(y: Ref, inputs: readonly Ref[], saved: readonly Ref[], backward: RefNode['backward']): Ref {
  if (gradMode && inputs.some(requires)) putNode(y, new RefNode(inputs.map(edgeOf), saved, backward));
  return y;
}

// Movement: y[i] = x[map[i]], and its transpose.

/** A copy of some elements. */
export function gather(x: Ref, map: readonly number[], shape: Shape): Ref {
  const { values } = x;
  return record(
    fresh(
      shape,
      map.map((i) => values[i] as number),
    ),
    [x],
    [],
    (dy) => [scatter(dy, map, x.shape)],
  );
}

/** Zeros with x added at some places. */
export function scatter(x: Ref, map: readonly number[], shape: Shape): Ref {
  const data = new Array<number>(sizeOf(shape)).fill(0);
  x.values.forEach((v, i) => {
    (data[map[i] as number] as number) += v;
  });
  return record(fresh(shape, data), [x], [], (dy) => [gather(dy, map, x.shape)]);
}

/** A window on the same memory. */
export function view(x: Ref, map: readonly number[], shape: Shape): Ref {
  const y = new Ref(
    x.memory,
    shape,
    map.map((i) => x.at[i] as number),
  );
  record(y, [x], [], (dy) => [scatter(dy, map, x.shape)]);
  y.base = x.base ?? x;
  y.seen = y.base.generation;
  return y;
}

export const detach = (x: Ref): Ref => new Ref(x.memory, x.shape, x.at);
export const clone = (x: Ref): Ref => gather(x, [...x.at.keys()], x.shape);

export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new Refusal('SHAPE', `${a} and ${b}`);
    return m === 1 ? n : m;
  });
}

/** Which element of `from` each element of the larger shape `to` repeats. */
export function broadcastMap(from: Shape, to: Shape): number[] {
  const lead = to.length - from.length;
  return Array.from({ length: sizeOf(to) }, (_, flat) => {
    let [rest, step, at] = [flat, 1, 0];
    for (let dim = to.length - 1; dim >= 0; dim--) {
      const i = rest % (to[dim] as number);
      rest = Math.floor(rest / (to[dim] as number));
      const n = dim >= lead ? (from[dim - lead] as number) : 1;
      if (n > 1) at += i * step;
      step *= n;
    }
    return at;
  });
}

// Arithmetic

function unary(f: (x: number) => number, saves: 'input' | 'output' | 'factor' | 'nothing', rule: (dy: Ref, x: Ref, y: Ref) => Ref): (x: Ref) => Ref {
  return (x) => {
    const y = fresh(x.shape, x.values.map(f));
    // A factor is saved as well: it makes a second pass an error, and no write can change it.
    return record(y, [x], saves === 'input' ? [x] : saves === 'output' ? [y] : saves === 'factor' ? [full([], 0)] : [], (dy) => [rule(dy, x, y)]);
  };
}

function binary(
  f: (a: number, b: number) => number,
  saves: (needs: readonly boolean[]) => readonly boolean[],
  rule: (dy: Ref, a: Ref, b: Ref, needs: readonly boolean[]) => (Ref | null)[],
): (a: Ref, b: Ref) => Ref {
  return (a, b) => {
    const shape = broadcastShape(a.shape, b.shape);
    const maps = [broadcastMap(a.shape, shape), broadcastMap(b.shape, shape)] as const;
    const [x, z] = [a.values, b.values];
    const y = fresh(
      shape,
      maps[0].map((i, k) => f(x[i] as number, z[maps[1][k] as number] as number)),
    );
    const needs = [requires(a), requires(b)];
    const kept = saves(needs);
    return record(
      y,
      [a, b],
      [a, b].filter((_, i) => kept[i]),
      (dy) => rule(dy, gather(a, maps[0], shape), gather(b, maps[1], shape), needs).map((g, i) => g && scatter(g, maps[i] as number[], [a, b][i]?.shape as Shape)),
    );
  };
}

const nothing = (): boolean[] => [false, false];
export const scale = (x: Ref, c: number): Ref =>
  unary(
    (v) => v * c,
    'factor',
    (dy) => scale(dy, c),
  )(x);
export const shift = (x: Ref, c: number): Ref =>
  unary(
    (v) => v + c,
    'nothing',
    (dy) => clone(dy),
  )(x);
export const neg = unary(
  (v) => -v,
  'nothing',
  (dy) => neg(dy),
);
export const exp = unary(Math.exp, 'output', (dy, _, y) => mul(dy, y));
export const sin = unary(Math.sin, 'input', (dy, x) => mul(dy, cos(x)));
export const cos = unary(Math.cos, 'input', (dy, x) => neg(mul(dy, sin(x))));
export const tanh = unary(Math.tanh, 'output', (dy, _, y) => mul(dy, shift(neg(mul(y, y)), 1)));
export const sigmoid = unary(
  (v) => 1 / (1 + Math.exp(-v)),
  'output',
  (dy, _, y) => mul(dy, mul(y, shift(neg(y), 1))),
);
export const square = unary(
  (v) => v * v,
  'input',
  (dy, x) => mul(dy, scale(x, 2)),
);
export const add = binary(
  (a, b) => a + b,
  nothing,
  (dy) => [dy, dy],
);
export const sub = binary(
  (a, b) => a - b,
  nothing,
  (dy) => [dy, neg(dy)],
);
export const mul = binary(
  (a, b) => a * b,
  ([a, b]) => [b as boolean, a as boolean],
  (dy, a, b, needs) => [needs[0] ? mul(dy, b) : null, needs[1] ? mul(dy, a) : null],
);
export const div = binary(
  (a, b) => a / b,
  ([, b]) => [b as boolean, true],
  (dy, a, b, needs) => [needs[0] ? div(dy, b) : null, needs[1] ? neg(div(mul(dy, a), mul(b, b))) : null],
);

/** Sum over some dimensions, which are kept with size 1; `map`: where each element goes. */
export const sumInto = (x: Ref, map: readonly number[], shape: Shape): Ref => scatter(x, map, shape);

/** [n, k] × [k, m]. */
export function matmul(a: Ref, b: Ref): Ref {
  const [[n, k], [k2, m]] = [a.shape, b.shape] as [[number, number], [number, number]];
  if (k !== k2) throw new Refusal('SHAPE', 'inner sizes');
  const [x, z] = [a.values, b.values];
  const data = Array.from({ length: n * m }, (_, f) => {
    let s = 0;
    for (let i = 0; i < k; i++) s += (x[Math.floor(f / m) * k + i] as number) * (z[i * m + (f % m)] as number);
    return s;
  });
  const [needsA, needsB] = [requires(a), requires(b)];
  const saved = [needsB ? a : null, needsA ? b : null].filter((t) => t !== null);
  return record(fresh([n, m], data), [a, b], saved, (dy) => [needsA ? matmul(dy, turned(b)) : null, needsB ? matmul(turned(a), dy) : null]);
}

/** The transpose of a matrix, copied. */
function turned(x: Ref): Ref {
  const [n, m] = x.shape as [number, number];
  return gather(
    x,
    Array.from({ length: n * m }, (_, f) => (f % n) * m + Math.floor(f / n)),
    [m, n],
  );
}

// Writing in place

/** t's value and place in the graph in other memory. */
function snapshot(t: Ref): Ref {
  const y = withMode(false, () => clone(t));
  y.node = nodeOf(t);
  y.wants = t.wants;
  return y;
}

/** t ← value(t), which may broadcast. `over`: whether the old value does not enter. */
export function write(t: Ref, value: (t: Ref) => Ref, over: boolean): void {
  const { base } = t;
  if (new Set(t.at).size < t.at.length) throw new Refusal('INPLACE', 'expanded');
  if (gradMode && t.wants) throw new Refusal('INPLACE', 'a leaf');
  if (gradMode && base?.wants && !nodeOf(base)) throw new Refusal('INPLACE', 'a view of a leaf');
  let x = value(gradMode ? snapshot(t) : t);
  if (sizeOf(broadcastShape(x.shape, t.shape)) !== sizeOf(t.shape)) throw new Refusal('SHAPE', 'does not fit');
  if (x.shape.join() !== t.shape.join()) x = gather(x, broadcastMap(x.shape, t.shape), t.shape);
  const tracked = gradMode && (requires(t) || requires(x));
  x.values.forEach((v, i) => {
    t.memory.data[t.at[i] as number] = v;
  });
  t.memory.version++;
  if (!tracked) return;
  const owner = base ?? t;
  if (owner === t && requires(x) && !over) putNode(t, nodeOf(x));
  else {
    const map = windowOn(owner, t);
    const before = edgeOf(owner);
    const needed = requires(x);
    const outside = full(owner.shape, 1);
    for (const i of map) outside.memory.data[i] = 0;
    putNode(owner, new RefNode([before, edgeOf(x)], [], (dy) => [before && mul(dy, outside), needed ? gather(dy, map, t.shape) : null]));
  }
  owner.generation++;
  if (t.retains) nodeOf(t);
}
