// Attention and recurrence, which have no operator of opset 18 of their form, by smaller ones.
import type { CellKind } from '../../../ops/recurrent.ts';
import { valueError } from '../../../tensor/errors.ts';
import type { Value } from '../../graph.ts';
import type { Emitter } from '../emitter.ts';
import type { Size } from '../sizes.ts';
import type { OpRow } from './row.ts';

const causalMask = (e: Emitter, rows: number, columns: number): string =>
  e.constant(
    Array.from({ length: rows * columns }, (_, i) => Number(i % columns <= Math.floor(i / columns))),
    'bool',
    [rows, columns],
  );

/** All heads at once: softmax(q·kᵀ/√d + mask)·v; a query that sees nothing gives 0. */
export const attentionNode: OpRow = (e, x, { inputs, output, attrs: { heads, batchFirst, causal, packed }, what }) => {
  const shape = e.shape(inputs[0] as Value);
  const [width] = e.fixed([shape[2] as Size], what).map((n) => n / (packed ? 3 : 1)) as [number];
  const d = width / heads;
  const [first] = x as [string];
  const parts = packed ? e.many('Split', [first], { axis: 2, num_outputs: 3 }, 3) : x.slice(0, 3);
  const shapes = packed ? [shape, shape, shape] : inputs.slice(0, 3).map((v) => e.shape(v));
  const [q, k, v] = parts.map((part, i) => {
    const [a, b] = shapes[i] as [Size, Size];
    return e.node('Transpose', [e.node('Reshape', [part, e.reshaping([a, b, heads, d])])], { perm: batchFirst ? [0, 2, 1, 3] : [1, 2, 0, 3] });
  }) as [string, string, string];
  let scores = e.node('MatMul', [e.node('Mul', [q, e.scalar(1 / Math.sqrt(d))]), e.node('Transpose', [k], { perm: [0, 1, 3, 2] })]);
  const mask = x[packed ? 1 : 3];
  const low = e.scalar(Number.NEGATIVE_INFINITY);
  if (mask) scores = e.node('Add', [scores, mask]);
  if (causal) {
    const [l, s] = e.fixed([shape[batchFirst ? 1 : 0] as Size, (shapes[1] as readonly Size[])[batchFirst ? 1 : 0] as Size], what) as [number, number];
    scores = e.node('Where', [causalMask(e, l, s), scores, low]);
  }
  let weights: string;
  if (mask) {
    const sees = e.node('Greater', [e.node('ReduceMax', [scores, e.ints([-1])], { keepdims: 1 }), low]);
    const zero = e.scalar(0);
    weights = e.node('Where', [sees, e.node('Softmax', [e.node('Where', [sees, scores, zero])], { axis: -1 }), zero]);
  } else weights = e.node('Softmax', [scores], { axis: -1 });
  const y = e.node('Transpose', [e.node('MatMul', [weights, v])], { perm: batchFirst ? [0, 2, 1, 3] : [2, 0, 1, 3] });
  return e.node('Reshape', [y, e.reshaping(e.shape(output))]);
};

/** Longer sequences are not written step by step. */
const MOST_STEPS = 64;

/** Steps one by one: cells, projections, and what no operator has. The output is every state, then every cell's, as in ops/recurrent.ts. */
export const recurrenceNode: OpRow = (e, x, { inputs, attrs, what }) => {
  const { kind, reverse, parts } = attrs as { kind: CellKind; reverse: boolean; parts: readonly string[] };
  const [gx, w, h0] = x as [string, string, string];
  const part = (name: string): string | undefined => (parts.includes(name) ? x[3 + parts.indexOf(name)] : undefined);
  const [steps] = e.fixed([e.shape(inputs[0] as Value)[0] as Size], what) as [number];
  if (steps > MOST_STEPS) throw valueError('toOnnx', `${what}: ${steps} steps are too many to write one by one; a layer without projSize is written as one operator.`);
  const [weight, projection, lengths] = [e.node('Transpose', [w], { perm: [1, 0] }), part('projection'), part('lengths')];
  const out = projection && e.node('Transpose', [projection], { perm: [1, 0] });
  const held = lengths && e.node('Unsqueeze', [lengths, e.ints([1])]);
  const states = new Array<string>(steps + 1);
  const cells = new Array<string>(steps + 1);
  const first = reverse ? steps : 0;
  states[first] = h0;
  cells[first] = part('c0') ?? '';
  for (let s = 0; s < steps; s++) {
    const [time, from, to] = reverse ? [steps - 1 - s, steps - s, steps - 1 - s] : [s, s, s + 1];
    const [h, c] = [states[from] as string, cells[from] as string];
    const said = e.node('Gather', [gx, e.scalar(time, 'int32')], { axis: 0 });
    let own = e.node('MatMul', [h, weight]);
    let next: string;
    let cell = '';
    if (kind === 'lstm') {
      const [i, f, g, o] = e.many('Split', [e.node('Add', [said, own])], { axis: 1, num_outputs: 4 }, 4) as [string, string, string, string];
      const sigmoid = (gate: string): string => e.node('Sigmoid', [gate]);
      cell = e.node('Add', [e.node('Mul', [sigmoid(f), c]), e.node('Mul', [sigmoid(i), e.node('Tanh', [g])])]);
      next = e.node('Mul', [sigmoid(o), e.node('Tanh', [cell])]);
      if (out) next = e.node('MatMul', [next, out]);
    } else if (kind === 'gru') {
      const bias = part('bias');
      if (bias) own = e.node('Add', [own, bias]);
      const [xs, hs] = [said, own].map((all) => e.many('Split', [all], { axis: 1, num_outputs: 3 }, 3)) as [string[], string[]];
      const [r, z] = [0, 1].map((i) => e.node('Sigmoid', [e.node('Add', [xs[i] as string, hs[i] as string])])) as [string, string];
      const n = e.node('Tanh', [e.node('Add', [xs[2] as string, e.node('Mul', [r, hs[2] as string])])]);
      // (1 − z)·n + z·h
      next = e.node('Add', [n, e.node('Mul', [z, e.node('Sub', [h, n])])]);
    } else next = e.node(kind === 'relu' ? 'Relu' : 'Tanh', [e.node('Add', [said, own])]);
    if (held) {
      const goes = e.node('Greater', [held, e.scalar(time, 'int32')]);
      next = e.node('Where', [goes, next, h]);
      if (cell) cell = e.node('Where', [goes, cell, c]);
    }
    states[to] = next;
    cells[to] = cell;
  }
  const flat = (list: readonly string[]): string => e.node('Reshape', [e.node('Concat', list, { axis: 0 }), e.ints([-1])]);
  return kind === 'lstm' ? e.node('Concat', [flat(states), flat(cells)], { axis: 0 }) : flat(states);
};
