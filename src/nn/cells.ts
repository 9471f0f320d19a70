// One step of a recurrent layer as a module, for programs that write the loop themselves.
import { Module } from '../module/module.ts';
import type { Parameter } from '../module/parameter.ts';
import { add } from '../ops/binary.ts';
import { assertFloat } from '../ops/convert.ts';
import { linear } from '../ops/matmul.ts';
import { select, unsqueeze } from '../ops/movement.ts';
import { type CellKind, GATES, recurrence } from '../ops/recurrent.ts';
import { checkArgument, COUNT, FLAG, type Given, type Kinds, oneOf, optionsBy } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { uniform } from './linear.ts';
import { type LSTMState, pairOf, stateOf } from './recurrent.ts';

/** Options of `LSTMCell` and `GRUCell`. */
export interface CellOptions {
  /** Whether there are biases; default true. */
  bias?: boolean;
}

/** Options of `RNNCell`. */
export interface RNNCellOptions extends CellOptions {
  /** The function; default 'tanh'. */
  nonlinearity?: 'tanh' | 'relu';
}

const CELL: Kinds<CellOptions> = { bias: FLAG };
const SIMPLE: Kinds<RNNCellOptions> = { bias: FLAG, nonlinearity: /* @__PURE__ */ oneOf('tanh', 'relu') };

/** What all three are. */
abstract class Cell extends Module {
  /** What multiplies the input, [gates·hiddenSize, inputSize]. */
  readonly weightIh: Parameter;
  /** What multiplies the state, [gates·hiddenSize, hiddenSize]. */
  readonly weightHh: Parameter;
  /** Added to the input's part, [gates·hiddenSize]. */
  readonly biasIh: Parameter | null;
  /** Added to the state's part, [gates·hiddenSize]. */
  readonly biasHh: Parameter | null;
  /** How many numbers come in. */
  readonly inputSize: number;
  /** How many a state has. */
  readonly hiddenSize: number;
  readonly #op: string;
  readonly #kind: CellKind;

  /** @internal */
  constructor(op: string, kind: CellKind, inputSize: number, hiddenSize: number, bias = true) {
    super();
    checkArgument(op, 'inputSize', inputSize, COUNT);
    checkArgument(op, 'hiddenSize', hiddenSize, COUNT);
    this.#op = op;
    this.#kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const [rows, bound] = [GATES[kind] * hiddenSize, 1 / Math.sqrt(hiddenSize)];
    this.weightIh = uniform([rows, inputSize], bound);
    this.weightHh = uniform([rows, hiddenSize], bound);
    this.biasIh = bias ? uniform([rows], bound) : null;
    this.biasHh = bias ? uniform([rows], bound) : null;
  }

  /** @internal */
  protected run(input: Tensor, given: readonly (Tensor | null | undefined)[]): [state: Tensor, cell: Tensor | null] {
    const [op, kind] = [this.#op, this.#kind];
    assertFloat(op, input);
    if ((input.rank !== 1 && input.rank !== 2) || input.sizes.at(-1) !== this.inputSize)
      throw shapeError(op, `takes [N, ${this.inputSize}] or [${this.inputSize}]`, [input.sizes], 'Reshape the input, or check inputSize.');
    const single = input.rank === 1;
    const shape = [...input.sizes.slice(0, -1), this.hiddenSize];
    const full = single ? [1, this.hiddenSize] : shape;
    const h0 = stateOf(op, 'h', given[0], shape, full);
    const c0 = kind === 'lstm' ? stateOf(op, 'c', given[1], shape, full) : undefined;
    const { weightIh, weightHh, biasIh, biasHh } = this;
    const gru = kind === 'gru';
    const x = unsqueeze(single ? unsqueeze(input, 0) : input, 0);
    const gx = linear(x, weightIh, !gru && biasIh && biasHh ? add(biasIh, biasHh) : biasIh);
    const { state, cell } = recurrence(kind, gx, weightHh, h0, { c0, bias: gru ? (biasHh ?? undefined) : undefined });
    return single ? [select(state, 0, 0), cell && select(cell, 0, 0)] : [state, cell];
  }
}

/**
 * tanh(W_ih·x + b_ih + W_hh·h + b_hh), or relu: a step of `RNN`. Input [N, inputSize] or [inputSize], state [N, hiddenSize] (zeros unless
 * given) → state.
 *
 *     const cell = new nn.RNNCell(8, 16);
 *     const h = cell.forward(randn([3, 8])); // [3, 16]
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class RNNCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...given: Given<RNNCellOptions, [bias?: boolean, nonlinearity?: 'tanh' | 'relu']>) {
    const { bias, nonlinearity = 'tanh' } = optionsBy('RNNCell', given, SIMPLE);
    super('RNNCell', nonlinearity, inputSize, hiddenSize, bias);
  }

  forward(input: Tensor, state?: Tensor | null): Tensor {
    return this.run(input, [state])[0];
  }
}

/**
 * A step of `LSTM`: input and a pair of states [h, c] (zeros unless given) → the next pair.
 *
 *     const [h, c] = new nn.LSTMCell(8, 16).forward(randn([3, 8]));
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...given: Given<CellOptions, [bias?: boolean]>) {
    super('LSTMCell', 'lstm', inputSize, hiddenSize, optionsBy('LSTMCell', given, CELL).bias);
  }

  forward(input: Tensor, state?: LSTMState | null): [h: Tensor, c: Tensor] {
    return this.run(input, pairOf('LSTMCell', state)) as [Tensor, Tensor];
  }
}

/**
 * A step of `GRU`: input and state (zeros unless given) → the next state.
 *
 *     const h = new nn.GRUCell(8, 16).forward(randn([3, 8]));
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...given: Given<CellOptions, [bias?: boolean]>) {
    super('GRUCell', 'gru', inputSize, hiddenSize, optionsBy('GRUCell', given, CELL).bias);
  }

  forward(input: Tensor, state?: Tensor | null): Tensor {
    return this.run(input, [state])[0];
  }
}
