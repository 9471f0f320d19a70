// Recurrent layers. ONNX's gates come in another order than PyTorch's, and weights of both directions lie in one tensor.
import { add, where } from '../../../ops/binary.ts';
import { zeros } from '../../../ops/create.ts';
import { checkIndices } from '../../../ops/indexing.ts';
import { linear } from '../../../ops/matmul.ts';
import { cat, chunk, select, stack, transpose } from '../../../ops/movement.ts';
import { type CellKind, GATES, recurrence, within } from '../../../ops/recurrent.ts';
import type { DType } from '../../../tensor/dtype.ts';
import { shapeText } from '../../../tensor/errors.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { NodeView } from '../node.ts';
import { onTensors, type Rule, type Rules } from './rule.ts';

/** Where PyTorch's gates stand among ONNX's: i f g o among i o f c; r z n among z r h. */
const GATE_ORDER: Readonly<Record<CellKind, readonly number[]>> = { lstm: [0, 2, 3, 1], gru: [1, 0, 2], tanh: [0], relu: [0] };

const ordered = (kind: CellKind, w: Tensor): Tensor => {
  const blocks = chunk(w, GATES[kind], 0);
  return blocks.length === 1 ? w : cat(GATE_ORDER[kind].map((i) => blocks[i] as Tensor));
};

/** Which function the steps have, by the names of the activations: only the usual ones are offered. */
function kindOf(node: NodeView, directions: number): CellKind {
  const names = node.texts('activations').map((name) => name.toLowerCase());
  const all = (...usual: string[]): boolean =>
    names.length === 0 ||
    names.join() ===
      Array.from({ length: directions }, () => usual)
        .flat()
        .join();
  if (node.op === 'LSTM' && all('sigmoid', 'tanh', 'tanh')) return 'lstm';
  if (node.op === 'GRU' && all('sigmoid', 'tanh')) return 'gru';
  if (node.op === 'RNN' && all('tanh')) return 'tanh';
  if (node.op === 'RNN' && all('relu')) return 'relu';
  throw node.error(`activations ${names.join(', ')} are not offered.`);
}

type Parts = Readonly<Record<'x' | 'w' | 'r', Tensor> & Record<'b' | 'lengths' | 'h0' | 'c0', Tensor | undefined>>;

/** Throws unless all sizes fit: the kernels rely on it. */
function check(
  node: NodeView,
  { x, w, r, b, lengths, h0, c0 }: Parts,
  [steps, batch, directions, hidden, gates]: readonly [number, number, number, number, number],
  batchFirst: boolean,
): void {
  const states = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const rows: [string, Tensor | undefined, readonly number[], DType][] = [
    ['X', x, [steps, batch, w.sizes[2] ?? -1], 'float32'],
    ['W', w, [directions, gates, x.sizes[2] ?? -1], 'float32'],
    ['R', r, [directions, gates, hidden], 'float32'],
    ['B', b, [directions, 2 * gates], 'float32'],
    ['sequence_lens', lengths, [batch], 'int32'],
    ['initial_h', h0, states, 'float32'],
    ['initial_c', c0, states, 'float32'],
  ];
  if (steps === 0 || hidden < 1) throw node.error(`a sequence and a state have at least one element, got ${steps} and ${hidden}.`);
  for (const [name, t, shape, dtype] of rows)
    if (t && (t.dtype !== dtype || t.sizes.join() !== shape.join())) throw node.error(`${name} must be ${dtype} ${shapeText(shape)}, got ${t.describe()}.`);
  if (lengths) checkIndices(node.label, lengths, steps + 1, null, 'length');
}

const recurrent: Rule = {
  inputs: [3, 8],
  outputs: 3,
  weights: [1, 2, 3],
  make: (node) => {
    const direction = node.word('direction', 'forward', 'reverse', 'bidirectional');
    const directions = direction === 'bidirectional' ? 2 : 1;
    const kind = kindOf(node, directions);
    const [hidden, batchFirst] = [node.int('hidden_size'), node.int('layout', 0) !== 0];
    if (node.has('clip')) throw node.error('clip is not offered.');
    if (node.op === 'LSTM') node.only('input_forget', 0);
    if (node.op === 'GRU') node.only('linear_before_reset', 1, 0);
    if (node.inputs[7]) throw node.error('peepholes are not offered.');
    return onTensors((...inputs) => {
      const [input, w, r, b, lengths, h0, c0] = inputs as [Tensor, Tensor, Tensor, ...(Tensor | undefined)[]];
      if (input.rank !== 3) throw node.error(`X must be [T, N, features], got ${input.describe()}.`);
      const x = batchFirst ? transpose(input, 0, 1) : input;
      const [steps, batch] = x.sizes as [number, number];
      check(node, { x, w, r, b, lengths, h0, c0 }, [steps, batch, directions, hidden, GATES[kind] * hidden], batchFirst);
      const inside = lengths && within(lengths, steps);
      const clean = inside ? where(inside, x, 0) : x;
      /** States of one direction; zeros where none are given. */
      const start = (states: Tensor | undefined, d: number): Tensor => (states ? select(states, batchFirst ? 1 : 0, d) : zeros([batch, hidden]));
      const [outputs, states, cells]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
      for (let d = 0; d < directions; d++) {
        const [wi, wh] = [w, r].map((t) => ordered(kind, select(t, 0, d))) as [Tensor, Tensor];
        const [bi, bh] = b ? (chunk(select(b, 0, d), 2, 0).map((t) => ordered(kind, t)) as [Tensor, Tensor]) : [undefined, undefined];
        // A GRU multiplies what the state says, its bias too.
        const bias = bi && bh && kind !== 'gru' ? add(bi, bh) : bi;
        const parts = { c0: kind === 'lstm' ? start(c0, d) : undefined, bias: kind === 'gru' ? bh : undefined, lengths };
        const { output, state, cell } = recurrence(kind, linear(clean, wi, bias), wh, start(h0, d), parts, d === 1 || direction === 'reverse');
        outputs.push(inside ? where(inside, output, 0) : output);
        states.push(state);
        if (cell) cells.push(cell);
      }
      // [T, directions, N, H], or [N, T, directions, H] where the batch comes first.
      const y = stack(outputs, 1);
      const all = [batchFirst ? transpose(transpose(y, 1, 2), 0, 1) : y, stack(states, batchFirst ? 1 : 0)];
      return cells.length > 0 ? [...all, stack(cells, batchFirst ? 1 : 0)] : all;
    });
  },
};

/** @internal Rows by operator. */
export const recurrentRules: Rules = {
  GRU: { ...recurrent, note: 'sigmoid and tanh, linear_before_reset 1, without clip' },
  LSTM: { ...recurrent, note: 'sigmoid, tanh and tanh, without clip, peepholes and input_forget' },
  RNN: { ...recurrent, note: 'tanh or relu, without clip' },
};
