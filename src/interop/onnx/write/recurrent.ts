// LSTM, GRU and RNN as one operator for each layer. Weights stand in the file as in the state dict; nodes bring their gates into ONNX's order.
import { type CellKind, GATES } from '../../../ops/recurrent.ts';
import type { RNN } from '../../../nn/recurrent.ts';
import { isPlainObject } from '../../../tensor/check.ts';
import { Value } from '../../graph.ts';
import { type Emitter, valuesIn } from '../emitter.ts';
import type { LayerRow } from './row.ts';

/** Where ONNX's gates stand among PyTorch's: i o f c among i f g o; z r h among r z n. */
const ORDER: Readonly<Record<CellKind, readonly number[]>> = { lstm: [0, 3, 1, 2], gru: [1, 0, 2], tanh: [0], relu: [0] };

/** @internal */
export const recurrentLayer: LayerRow = (e, { x, shape, set, state, call }) => {
  const { className, module } = call;
  const { numLayers, bidirectional, batchFirst, hiddenSize, projSize, dropout } = module as RNN;
  const kind: CellKind = className === 'LSTM' ? 'lstm' : className === 'GRU' ? 'gru' : (set.nonlinearity ?? nonlinearityOf(call.module));
  const rest = call.inputs.slice(1);
  const options = rest.find((v) => isPlainObject(v) && !(v instanceof Value)) as { lengths?: unknown } | undefined;
  const states = valuesIn(rest.filter((v) => v !== options));
  if (projSize > 0 || shape.length !== 3 || (states.length > 0 && states.length !== (kind === 'lstm' ? 2 : 1))) return null;
  const lengths = options?.lengths ?? null;
  const sequence = lengths instanceof Value ? e.of(lengths) : Array.isArray(lengths) ? e.constant(lengths as number[], 'int32') : '';
  const directions = bidirectional ? ['', '_reverse'] : [''];
  const [h0, c0] = states.map(([, v]) => e.of(v));
  let y = batchFirst ? e.node('Transpose', [x], { perm: [1, 0, 2] }) : x;
  const [ends, cells]: [string[], string[]] = [[], []];
  for (let layer = 0; layer < numLayers; layer++) {
    const parameter = (name: string, end: string): string | null => state(`${name}_l${layer}${end}`);
    const weights = ['weight_ih', 'weight_hh'].map((name) => directions.map((end) => parameter(name, end)));
    if (weights.flat().includes(null)) return null;
    const [w, r] = weights.map((list) =>
      stacked(
        e,
        list.map((name) => inOrder(e, name as string, kind, hiddenSize)),
      ),
    ) as [string, string];
    const biases = directions.map((end) => [parameter('bias_ih', end), parameter('bias_hh', end)]);
    const b = biases.flat().includes(null)
      ? ''
      : stacked(
          e,
          biases.map((pair) =>
            e.node(
              'Concat',
              pair.map((name) => inOrder(e, name as string, kind, hiddenSize)),
              { axis: 0 },
            ),
          ),
        );
    const part = (all: string | undefined): string => {
      if (all === undefined) return '';
      const n = directions.length;
      return numLayers === 1 ? all : e.node('Slice', [all, e.ints([layer * n]), e.ints([(layer + 1) * n]), e.ints([0])]);
    };
    const inputs = [y, w, r, b, sequence, part(h0), ...(kind === 'lstm' ? [part(c0)] : [])];
    while (inputs.at(-1) === '') inputs.pop();
    const attributes = {
      hidden_size: hiddenSize,
      direction: bidirectional ? 'bidirectional' : 'forward',
      linear_before_reset: kind === 'gru' ? 1 : undefined,
      activations: kind === 'relu' ? directions.map(() => 'Relu') : undefined,
    };
    const [all, h, c] = e.many(kind === 'lstm' ? 'LSTM' : kind === 'gru' ? 'GRU' : 'RNN', inputs, attributes, kind === 'lstm' ? 3 : 2) as [string, string, string];
    ends.push(h);
    if (c) cells.push(c);
    // [T, directions, N, H] → [T, N, directions·H]
    y = bidirectional ? e.node('Reshape', [e.node('Transpose', [all], { perm: [0, 2, 1, 3] }), e.ints([0, 0, -1])]) : e.node('Squeeze', [all, e.ints([1])]);
    if (dropout > 0 && module.training && layer < numLayers - 1) y = e.node('Dropout', [y, e.scalar(dropout), e.scalar(1, 'bool')]);
  }
  const joined = (list: string[]): string => (list.length === 1 ? (list[0] as string) : e.node('Concat', list, { axis: 0 }));
  const output = batchFirst ? e.node('Transpose', [y], { perm: [1, 0, 2] }) : y;
  return [output, joined(ends), ...(cells.length > 0 ? [joined(cells)] : [])];
};

const nonlinearityOf = (module: unknown): CellKind => (module as { nonlinearity?: CellKind }).nonlinearity ?? 'tanh';

/** Rows by gates in ONNX's order. */
function inOrder(e: Emitter, name: string, kind: CellKind, hidden: number): string {
  if (GATES[kind] === 1) return name;
  const places = ORDER[kind].flatMap((gate) => Array.from({ length: hidden }, (_, i) => gate * hidden + i));
  return e.node('Gather', [name, e.constant(places, 'int32')], { axis: 0 });
}

/** Directions in a dimension in front. */
function stacked(e: Emitter, list: readonly string[]): string {
  const parts = list.map((name) => e.node('Unsqueeze', [name, e.ints([0])]));
  return parts.length === 1 ? (parts[0] as string) : e.node('Concat', parts, { axis: 0 });
}
