// Recurrent layers: all steps of a sequence as one op, so that what the weights get is one product over the steps. What comes from the
// input is a product before it. The op's output is every state, one behind another in time; layers show windows on it.
//
//   forward                      reverse                     (+ the cells' states of an LSTM behind, of the same form)
//   ┌────┬────┬─────┬────┐       ┌────┬─────┬────┬────┐
//   │ h₀ │ h₁ │  …  │ h_T│       │ h₁ │  …  │ h_T│ h₀ │      step t: from place t to t + 1, or from t + 1 to t
//   └────┴────┴─────┴────┘       └────┴─────┴────┴────┘
import { call } from '../runtime/call.ts';
import { apply, copyElements, dense, type Op } from '../tensor/op.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { isGradEnabled } from '../tensor/modes.ts';
import type { Node } from '../tensor/tape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { add, gt, mul, sub, where } from './binary.ts';
import { constantList } from './create.ts';
import { bmm, matmul, mm } from './matmul.ts';
import { cat, chunk, inShape, narrow, select, stack, transpose, unbind } from './movement.ts';
import { expand, sumOver } from './reduce.ts';
import { sigmoid, tanh } from './unary.ts';

/** What a step does: the function of a plain layer, or the kind of gates. */
export type CellKind = 'tanh' | 'relu' | 'lstm' | 'gru';

/** @internal How many blocks of rows its weights have. */
export const GATES: Readonly<Record<CellKind, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 };

/** What a recurrence may have beside the input's part, the weight and the first state. */
export interface RecurrenceParts {
  /** The first state of an LSTM's cells, [N, H]. */
  readonly c0?: Tensor | undefined;
  /** The projection of an LSTM's output, [P, H]. */
  readonly projection?: Tensor | undefined;
  /** A GRU's bias of the state's part, [3H]: the reset gate multiplies it. */
  readonly bias?: Tensor | undefined;
  /** How long each sequence is, int32 [N]; states stay as they are behind its end. */
  readonly lengths?: Tensor | undefined;
}

type Part = keyof RecurrenceParts;
const PARTS: readonly Part[] = ['c0', 'projection', 'bias', 'lengths'];

interface Attrs {
  readonly kind: CellKind;
  readonly reverse: boolean;
  /** The parts that there are: inputs 3, 4 … */
  readonly parts: readonly Part[];
}

/** Sizes: steps, batch, the state that is multiplied, cells, all gates; and where the cells' states begin. */
type Layout = Readonly<Record<'t' | 'n' | 'p' | 'h' | 'g' | 'cells', number>>;

function layoutOf({ kind }: Attrs, gx: Shape, w: Shape): Layout {
  const [t, n, g] = gx as [number, number, number];
  const p = w[1] as number;
  return { t, n, p, h: g / GATES[kind], g, cells: (t + 1) * n * p };
}

/** The input of a part, or undefined. */
const partOf = <T>({ parts }: Attrs, part: Part, input: (i: number) => T): T | undefined => (parts.includes(part) ? input(3 + parts.indexOf(part)) : undefined);

/** Steps in the order in which they are made: of each its time, and where it comes from and goes to. */
function* stepsOf(t: number, reverse: boolean): Generator<[time: number, from: number, to: number]> {
  for (let s = 0; s < t; s++) yield reverse ? [t - 1 - s, t - s, t - 1 - s] : [s, s, s + 1];
}

const recurrenceOp: Op<Attrs> = {
  name: 'recurrence',
  shape: ([gx, w], attrs) => {
    const { t, n, h, cells } = layoutOf(attrs, (gx as Tensor).sizes, (w as Tensor).sizes);
    return [cells + (attrs.kind === 'lstm' ? (t + 1) * n * h : 0)];
  },
  forward: (y, inputs, attrs) => {
    const { kind, reverse } = attrs;
    const [gx, w, h0] = inputs as [Tensor, Tensor, Tensor];
    const { t, n, p, h, g, cells } = layoutOf(attrs, gx.sizes, w.sizes);
    const part = (name: Part): Tensor | undefined => partOf(attrs, name, (i) => inputs[i] as Tensor);
    const [projection, bias, lengths] = [part('projection'), part('bias'), part('lengths')];
    const stateAt = (i: number): number => y.address + 4 * i * n * p;
    const cellAt = (i: number): number => y.address + 4 * (cells + i * n * h);
    const first = reverse ? t : 0;
    const place = (from: Tensor, to: number): void => {
      call('copy', from.address, to, 1, 1, 1, from.size, 0, 0, 0, 1, 0, 0, 0, 1);
    };
    place(h0, stateAt(first));
    const plain = kind === 'tanh' || kind === 'relu';
    const gates = plain ? null : empty([t, n, g]);
    const said = kind === 'gru' ? empty([t, n, g]) : null;
    const out = projection ? empty([t, n, h]) : null;
    place(gx, gates ? gates.address : stateAt(reverse ? 0 : 1));
    if (kind === 'lstm') place(part('c0') as Tensor, cellAt(first));
    const row = 4 * n * g;
    for (const [time, from, to] of stepsOf(t, reverse)) {
      // What the state says is added to what the input says, but to a GRU's bias.
      const sums = said ? said.address + time * row : gates ? gates.address + time * row : stateAt(to);
      call('matmul', n, g, p, stateAt(from), p, 1, w.address, 1, p, sums, g, said ? 0 : 1, bias ? bias.address : 0);
      if (kind === 'lstm') {
        const result = out ? out.address + 4 * time * n * h : stateAt(to);
        call('lstmCell', sums, cellAt(from), cellAt(to), result, n, h);
        if (projection) call('matmul', n, p, h, result, h, 1, projection.address, 1, h, stateAt(to), p, 0, 0);
        if (lengths) call('hold', cellAt(from), cellAt(to), lengths.address, n, h, time);
      } else if (kind === 'gru') call('gruCell', (gates as Tensor).address + time * row, sums, stateAt(from), stateAt(to), n, h);
      else call(kind, sums, sums, n * h);
      if (lengths) call('hold', stateAt(from), stateAt(to), lengths.address, n, p, time);
    }
    return [gates, said, out].filter((x) => x !== null);
  },
  saves: (needs) => needs.map((_, i) => i !== 2),
  savesOutput: true,
  backward: (dy, node) => (isGradEnabled() ? backwardByOps(dy, node) : backwardByKernels(inShape(dy, [1, dy.size]), node).map((g) => g && inShape(g, g.sizes.slice(1)))),
  batched: backwardByKernels,
};

/** Gradients by input, from what a backward found. */
function gradients(node: Node<Attrs>, found: Partial<Record<Part | 'gx' | 'w' | 'h0', () => Tensor>>): (Tensor | null)[] {
  const names = ['gx', 'w', 'h0', ...node.attrs.parts] as const;
  return names.map((name, i) => (node.needs[i] ? (found[name]?.() ?? null) : null));
}

/** States of `width`, or their gradients, from what lies flat: all, those that steps come from, those that they go to. */
function statesOf(flat: Tensor, start: number, t: number, n: number, width: number, reverse: boolean): { all: Tensor; from: Tensor; to: Tensor } {
  const all = inShape(narrow(flat, 0, start, (t + 1) * n * width), [t + 1, n, width]);
  return { all, from: narrow(all, 0, reverse ? 1 : 0, t), to: narrow(all, 0, reverse ? 0 : 1, t) };
}

const flatRows = (x: Tensor): Tensor => inShape(x, [sizeOf(x.sizes.slice(0, -1)), x.sizes.at(-1) as number]);

/** Gradients for k cotangents, dy [k, states]. */
function backwardByKernels(dy: Tensor, node: Node<Attrs>): (Tensor | null)[] {
  const { attrs } = node;
  const { kind, reverse } = attrs;
  const { t, n, p, h, g, cells } = layoutOf(attrs, node.shapes[0] as Shape, node.shapes[1] as Shape);
  const part = (name: Part): Tensor | undefined => partOf(attrs, name, (i) => dense(node.input(i)));
  const [projection, lengths, w, y] = [part('projection'), part('lengths'), dense(node.input(1)), node.output];
  const [k, size] = dy.sizes as [number, number];
  // Gradients of all states, to which each step adds.
  const d = empty(dy.sizes);
  copyElements(dy, d);
  const dgates = empty([k, t, n, g]);
  const dsaid = kind === 'gru' ? empty([k, t, n, g]) : dgates;
  const dout = projection ? empty([n, h]) : null;
  const state = (base: number, i: number): number => base + 4 * i * n * p;
  const cell = (base: number, i: number): number => base + 4 * (cells + i * n * h);
  const row = 4 * n * g;
  for (let i = 0; i < k; i++) {
    const [states, blocks] = [d.address + 4 * i * size, i * t];
    for (const [time, from, to] of [...stepsOf(t, reverse)].reverse()) {
      const [dfrom, dto, dg] = [state(states, from), state(states, to), dgates.address + (blocks + time) * row];
      const ds = dsaid.address + (blocks + time) * row;
      if (lengths) call('holdGrad', dfrom, dto, lengths.address, n, p, time);
      if (kind === 'lstm') {
        if (lengths) call('holdGrad', cell(states, from), cell(states, to), lengths.address, n, h, time);
        if (dout) call('matmul', n, h, p, dto, p, 1, (projection as Tensor).address, h, 1, dout.address, h, 0, 0);
        const gates = node.extra(0).address + time * row;
        call('lstmCellGrad', gates, cell(y.address, from), cell(y.address, to), dout ? dout.address : dto, cell(states, to), dg, cell(states, from), n, h);
      } else if (kind === 'gru') call('gruCellGrad', node.extra(0).address + time * row, node.extra(1).address + time * row, state(y.address, from), dto, dg, ds, dfrom, n, h);
      else call(`${kind}Grad`, dto, state(y.address, to), dg, 1, 1, n * h, 0, 0, 1, 0, 0, 1);
      call('matmul', n, p, g, ds, g, 1, w.address, p, 1, dfrom, p, 1, 0);
    }
  }
  const said = inShape(dsaid, [k, t * n, g]);
  /** Σ over steps of the products of gradients [k, T·N, a] and values [T·N, b]: [k, a, b]. */
  const products = (u: Tensor, v: Tensor): Tensor => bmm(transpose(u, 1, 2), expand(inShape(v, [1, ...v.sizes]), [k, ...v.sizes]));
  /** Gradients of states of a width, [k, …]; of one place in time or of those that steps go to. */
  const gradientOf = (start: number, width: number): Tensor => inShape(narrow(d, 1, start, (t + 1) * n * width), [k, t + 1, n, width]);
  const first = reverse ? t : 0;
  return gradients(node, {
    gx: () => dgates,
    w: () => products(said, flatRows(statesOf(y, 0, t, n, p, reverse).from)),
    h0: () => select(gradientOf(0, p), 1, first),
    c0: () => select(gradientOf(cells, h), 1, first),
    bias: () => sumOver(said, [1]),
    projection: () => products(inShape(narrow(gradientOf(0, p), 1, reverse ? 0 : 1, t), [k, t * n, p]), flatRows(node.extra(1))),
  });
}

/** What steps multiply gradients by, for all of them at once: of the gates, of the state's part where it differs, and of states. */
interface Factors {
  readonly gates: Tensor;
  readonly said?: Tensor;
  readonly state?: Tensor;
  readonly cell?: Tensor;
  readonly out?: Tensor;
}

const slope = (y: Tensor): Tensor => mul(y, sub(1, y));
const slopeOfTanh = (y: Tensor): Tensor => sub(1, mul(y, y));

function factorsOf({ kind }: Attrs, sums: Tensor, said: Tensor, from: Tensor, to: Tensor, cells: { from: Tensor; to: Tensor } | null): Factors {
  if (kind === 'tanh') return { gates: slopeOfTanh(to) };
  if (kind === 'relu') return { gates: where(gt(to, 0), 1, 0) };
  if (kind === 'lstm') {
    const [a, b, c, e] = chunk(sums, 4, 2) as [Tensor, Tensor, Tensor, Tensor];
    const [i, f, g, o] = [sigmoid(a), sigmoid(b), tanh(c), sigmoid(e)];
    const { from: before, to: after } = cells as { from: Tensor; to: Tensor };
    const u = tanh(after);
    return {
      gates: cat([mul(g, slope(i)), mul(before, slope(f)), mul(i, slopeOfTanh(g)), mul(u, slope(o))], 2),
      cell: f,
      out: mul(o, slopeOfTanh(u)),
    };
  }
  const [x0, x1, x2] = chunk(sums, 3, 2) as [Tensor, Tensor, Tensor];
  const [y0, y1, y2] = chunk(said, 3, 2) as [Tensor, Tensor, Tensor];
  const [r, z] = [sigmoid(add(x0, y0)), sigmoid(add(x1, y1))];
  const m = tanh(add(x2, mul(r, y2)));
  const km = mul(sub(1, z), slopeOfTanh(m));
  const [kr, kz] = [mul(mul(km, y2), slope(r)), mul(sub(from, m), slope(z))];
  return { gates: cat([kr, kz, km], 2), said: cat([kr, kz, mul(km, r)], 2), state: z };
}

/** The same by ops, step by step, so that it can be differentiated again. */
function backwardByOps(dy: Tensor, node: Node<Attrs>): (Tensor | null)[] {
  const { attrs } = node;
  const { kind, reverse } = attrs;
  const { t, n, p, h, cells } = layoutOf(attrs, node.shapes[0] as Shape, node.shapes[1] as Shape);
  const part = (name: Part): Tensor | undefined => partOf(attrs, name, (i) => node.input(i));
  const [projection, lengths, bias, w, y] = [part('projection'), part('lengths'), part('bias'), node.input(1), node.output];
  const { from, to } = statesOf(y, 0, t, n, p, reverse);
  const said = matmul(from, transpose(w, 0, 1));
  const sums = kind === 'gru' ? node.input(0) : add(node.input(0), said);
  const lstm = kind === 'lstm';
  const k = factorsOf(attrs, sums, bias ? add(said, bias) : said, from, to, lstm ? statesOf(y, cells, t, n, h, reverse) : null);
  const dstates = unbind(statesOf(dy, 0, t, n, p, reverse).all, 0);
  const dcells = lstm ? unbind(statesOf(dy, cells, t, n, h, reverse).all, 0) : [];
  const [dgates, dsaid, dto] = [0, 0, 0].map(() => new Array<Tensor>(t)) as [Tensor[], Tensor[], Tensor[]];
  const more = (list: Tensor[], i: number, x: Tensor): void => {
    list[i] = add(list[i] as Tensor, x);
  };
  for (const [time, a, b] of [...stepsOf(t, reverse)].reverse()) {
    const at = (x: Tensor): Tensor => select(x, 0, time);
    let [dh, dc] = [dstates[b] as Tensor, dcells[b]];
    if (lengths) {
      const lasts = inShape(gt(lengths, time), [n, 1]);
      more(dstates, a, where(lasts, 0, dh));
      dh = where(lasts, dh, 0);
      if (dc) {
        more(dcells, a, where(lasts, 0, dc));
        dc = where(lasts, dc, 0);
      }
    }
    dto[time] = dh;
    let wide: Tensor;
    if (dc) {
      const dout = projection ? mm(dh, projection) : dh;
      const u = add(dc, mul(dout, at(k.out as Tensor)));
      more(dcells, a, mul(u, at(k.cell as Tensor)));
      wide = cat([u, u, u, dout], 1);
    } else wide = kind === 'gru' ? cat([dh, dh, dh], 1) : dh;
    dgates[time] = mul(wide, at(k.gates));
    dsaid[time] = k.said ? mul(wide, at(k.said)) : dgates[time];
    more(dstates, a, mm(dsaid[time], w));
    if (k.state) more(dstates, a, mul(dh, at(k.state)));
  }
  const first = reverse ? t : 0;
  const all = flatRows(stack(dsaid));
  return gradients(node, {
    gx: () => stack(dgates),
    w: () => mm(transpose(all, 0, 1), flatRows(from)),
    h0: () => dstates[first] as Tensor,
    c0: () => dcells[first] as Tensor,
    bias: () => sumOver(all, [0]),
    projection: () => {
      const [, , , o] = chunk(sums, 4, 2) as [Tensor, Tensor, Tensor, Tensor];
      const out = mul(sigmoid(o), tanh(statesOf(y, cells, t, n, h, reverse).to));
      return mm(transpose(flatRows(stack(dto)), 0, 1), flatRows(out));
    },
  });
}

/** @internal Which places of time lie within their sequences: bool [T, N, 1]. */
export function within(lengths: Tensor, steps: number): Tensor {
  const times = constantList(Array.from({ length: steps }, (_, i) => i));
  return gt(inShape(lengths, [1, lengths.size, 1]), inShape(times, [steps, 1, 1]));
}

/**
 * @internal One layer in one direction: gx [T, N, gates·H] what the input says (with the biases, but a GRU's of the state), w
 * [gates·H, P], h0 [N, P]. All sizes fit, T ≥ 1. → the states [T, N, P], the last one [N, P], and the last of the cells [N, H].
 */
export function recurrence(kind: CellKind, gx: Tensor, w: Tensor, h0: Tensor, given: RecurrenceParts, reverse = false): { output: Tensor; state: Tensor; cell: Tensor | null } {
  const parts = PARTS.filter((name) => given[name]);
  const attrs: Attrs = { kind, reverse, parts };
  const { t, n, p, h, cells } = layoutOf(attrs, gx.sizes, w.sizes);
  const y = apply(recurrenceOp, [gx, w, h0, ...parts.map((name) => given[name] as Tensor)], attrs);
  const { all, to } = statesOf(y, 0, t, n, p, reverse);
  const last = reverse ? 0 : t;
  return { output: to, state: select(all, 0, last), cell: kind === 'lstm' ? select(statesOf(y, cells, t, n, h, reverse).all, 0, last) : null };
}
