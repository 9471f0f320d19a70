// Recurrent layers over sequences: layers above one another, in one or both directions.
import { Module } from '../module/module.ts';
import type { Parameter } from '../module/parameter.ts';
import { add, where } from '../ops/binary.ts';
import { assertFloat } from '../ops/convert.ts';
import { constantList, zeros } from '../ops/create.ts';
import { checkProbability, dropout } from '../ops/dropout.ts';
import { checkIndices } from '../ops/indexing.ts';
import { linear } from '../ops/matmul.ts';
import { cat, inShape, select, stack, transpose, unsqueeze } from '../ops/movement.ts';
import { type CellKind, GATES, recurrence, within } from '../ops/recurrent.ts';
import { assertArity, assertTensor, checkArgument, COUNT, FLAG, type Given, type Kinds, NUMBER, oneOf, optionsBy, optionsOf, orNull, TENSOR } from '../tensor/check.ts';
import { GradloomError, shapeError, shapeText, valueError, valueText } from '../tensor/errors.ts';
import type { Shape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { NATURAL } from './kinds.ts';
import { uniform } from './linear.ts';

/** Options of recurrent layers, with PyTorch's defaults. */
export interface RecurrentOptions {
  /** How many layers lie above one another; default 1. */
  numLayers?: number;
  /** Whether there are biases; default true. */
  bias?: boolean;
  /** Whether inputs and outputs are [N, T, features] instead of [T, N, features]; states stay as they are. Default false. */
  batchFirst?: boolean;
  /** The probability that an output of a layer below another one is dropped, in training; default 0. */
  dropout?: number;
  /** Whether there is a second layer in the other direction beside each; default false. */
  bidirectional?: boolean;
}

/** Options of `RNN`. */
export interface RNNOptions extends RecurrentOptions {
  /** The function of each step; default 'tanh'. */
  nonlinearity?: 'tanh' | 'relu';
}

/** Options of `LSTM`. */
export interface LSTMOptions extends RecurrentOptions {
  /** The size of h where it is not that of c: h is projected to it (Sak et al. 2014, arXiv 1402.1128). Default 0, no projection. */
  projSize?: number;
}

/** Options of a recurrent layer's forward. */
export interface SequenceOptions {
  /**
   * How long each sequence of the batch is, 1 … T, in any order: numbers, or int32 [N]. Behind its end outputs are 0 and the state stays: the last
   * states are those of each sequence's last element, and the other direction begins there, as with `pack_padded_sequence`.
   */
  lengths?: Tensor | readonly number[] | null;
}

/** An LSTM's states: h and c. */
export type LSTMState = readonly [h: Tensor, c: Tensor];

const LAYERS: Kinds<RecurrentOptions> = { numLayers: COUNT, bias: FLAG, batchFirst: FLAG, dropout: NUMBER, bidirectional: FLAG };
const SIMPLE: Kinds<RNNOptions> = { numLayers: COUNT, nonlinearity: /* @__PURE__ */ oneOf('tanh', 'relu'), bias: FLAG, batchFirst: FLAG, dropout: NUMBER, bidirectional: FLAG };
const LONG: Kinds<LSTMOptions> = { numLayers: COUNT, bias: FLAG, batchFirst: FLAG, dropout: NUMBER, bidirectional: FLAG, projSize: NATURAL };
const LENGTHS = { what: 'a list of numbers or an int32 tensor', test: (v: unknown): boolean => Array.isArray(v) || TENSOR.test(v) };
const SEQUENCE: Kinds<SequenceOptions> = { lengths: /* @__PURE__ */ orNull(LENGTHS) };

/** What all three are: weights `weightIhL0`, `weightHhL0`, `biasIhL0`, `biasHhL0` (`weight_ih_l0` … in states), with `Reverse` for the other direction. */
abstract class Recurrent extends Module {
  /** How many numbers come in. */
  readonly inputSize: number;
  /** How many a state has. */
  readonly hiddenSize: number;
  /** How many layers lie above one another. */
  readonly numLayers: number;
  /** Whether there are biases. */
  readonly bias: boolean;
  /** Whether inputs and outputs are [N, T, features]. */
  readonly batchFirst: boolean;
  /** The probability of dropout between layers. */
  readonly dropout: number;
  /** Whether both directions are taken. */
  readonly bidirectional: boolean;
  /** The size that h is projected to, 0 where it is not. */
  readonly projSize: number;
  /** Weights, by layer and direction. */
  readonly [weight: `weight${string}`]: Parameter;
  /** Biases, by layer and direction. */
  readonly [bias: `bias${'Ih' | 'Hh'}${string}`]: Parameter;
  readonly #op: string;
  readonly #kind: CellKind;

  /** @internal */
  constructor(op: string, kind: CellKind, inputSize: number, hiddenSize: number, options: LSTMOptions) {
    super();
    checkArgument(op, 'inputSize', inputSize, COUNT);
    checkArgument(op, 'hiddenSize', hiddenSize, COUNT);
    const { numLayers = 1, bias = true, batchFirst = false, dropout: p = 0, bidirectional = false, projSize = 0 } = options;
    checkProbability(op, p);
    if (projSize >= hiddenSize) throw valueError(op, `projSize must be less than hiddenSize, ${hiddenSize}, got ${projSize}.`);
    this.#op = op;
    this.#kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = p;
    this.bidirectional = bidirectional;
    this.projSize = projSize;
    const [rows, out, bound] = [GATES[kind] * hiddenSize, projSize || hiddenSize, 1 / Math.sqrt(hiddenSize)];
    for (const [layer, suffix] of this.#places()) {
      const shapes: Record<string, Shape> = { weightIh: [rows, layer === 0 ? inputSize : out * (bidirectional ? 2 : 1)], weightHh: [rows, out] };
      if (bias) Object.assign(shapes, { biasIh: [rows], biasHh: [rows] });
      if (projSize > 0) shapes.weightHr = [projSize, hiddenSize];
      for (const [name, shape] of Object.entries(shapes)) Object.assign(this, { [name + suffix]: uniform(shape, bound) });
    }
  }

  /** Layers and directions in order: the layer's number, the end of its parameters' names, whether it goes backwards. */
  *#places(): Generator<[layer: number, suffix: string, reverse: boolean]> {
    for (let layer = 0; layer < this.numLayers; layer++) {
      yield [layer, `L${layer}`, false];
      if (this.bidirectional) yield [layer, `L${layer}Reverse`, true];
    }
  }

  /** Nothing to do here: weights lie as kernels read them. For programs that call it. */
  flattenParameters(): void {
    assertArity('flattenParameters', arguments.length, 0);
  }

  /** @internal Output [T, N, D·P] (or as batchFirst says), and the last states of all layers. */
  protected run(input: Tensor, given: readonly (Tensor | null | undefined)[], options: SequenceOptions | undefined): [output: Tensor, state: Tensor, cell: Tensor | null] {
    const [op, kind, out] = [this.#op, this.#kind, this.projSize || this.hiddenSize];
    const { lengths } = optionsOf(op, options, SEQUENCE);
    assertFloat(op, input);
    if (input.rank !== 2 && input.rank !== 3)
      throw shapeError(op, 'takes [T, N, features], [N, T, features] with batchFirst, or [T, features]', [input.sizes], 'Reshape the input.');
    const single = input.rank === 2;
    const swapped = this.batchFirst && !single;
    let x = single ? unsqueeze(input, 1) : swapped ? transpose(input, 0, 1) : input;
    const [steps, batch, features] = x.sizes as [number, number, number];
    if (features !== this.inputSize) throw shapeError(op, `the input's last size is not inputSize, ${this.inputSize}`, [input.sizes], 'Reshape the input, or check inputSize.');
    if (steps === 0) throw shapeError(op, 'a sequence has at least one element', [input.sizes], 'Leave empty ones out.');
    const places = [...this.#places()];
    const [h0, c0] = [out, this.hiddenSize].map((size, i) => {
      if (i > 0 && kind !== 'lstm') return null;
      const shape = single ? [places.length, size] : [places.length, batch, size];
      return stateOf(op, 'hc'[i] as string, given[i], shape, [places.length, batch, size]);
    }) as [Tensor, Tensor | null];
    const ends = lengths ? lengthsOf(op, lengths, batch, steps) : undefined;
    const inside = ends && within(ends, steps);
    // What stands behind a sequence's end may be anything.
    if (inside) x = where(inside, x, 0);
    const [states, cells]: [Tensor[], Tensor[]] = [[], []];
    let outputs: Tensor[] = [];
    for (const [i, [layer, suffix, reverse]] of places.entries()) {
      const w = (name: string): Tensor | undefined => (this as unknown as Record<string, Parameter | undefined>)[name + suffix];
      const [atInput, atState] = [w('biasIh'), w('biasHh')];
      // A GRU multiplies what the state says, its bias too.
      const bias = atInput && atState && kind !== 'gru' ? add(atInput, atState) : atInput;
      const parts = { c0: c0 ? select(c0, 0, i) : undefined, projection: w('weightHr'), bias: kind === 'gru' ? atState : undefined, lengths: ends };
      const { output, state, cell } = recurrence(kind, linear(x, w('weightIh') as Tensor, bias), w('weightHh') as Tensor, select(h0, 0, i), parts, reverse);
      outputs.push(inside ? where(inside, output, 0) : output);
      states.push(state);
      if (cell) cells.push(cell);
      if (outputs.length < (this.bidirectional ? 2 : 1)) continue;
      x = outputs.length > 1 ? cat(outputs, 2) : (outputs[0] as Tensor);
      outputs = [];
      if (this.dropout > 0 && this.training && layer < this.numLayers - 1) x = dropout(x, { p: this.dropout });
    }
    const together = (list: Tensor[]): Tensor => {
      const all = stack(list);
      return single ? inShape(all, [list.length, all.sizes[2] as number]) : all;
    };
    return [single ? select(x, 1, 0) : swapped ? transpose(x, 0, 1) : x, together(states), cells.length > 0 ? together(cells) : null];
  }
}

/** @internal A state that was given, of the right shape, or zeros. */
export function stateOf(op: string, name: string, given: Tensor | null | undefined, shape: Shape, full: Shape): Tensor {
  if (given === undefined || given === null) return zeros(full as number[]);
  assertTensor(op, given, `the state ${name}`);
  assertFloat(op, given, `the state ${name}`);
  if (given.sizes.join() !== shape.join()) throw shapeError(op, `the state ${name} does not fit`, [given.sizes, shape], `It must be ${shapeText(shape)} here.`);
  return inShape(given, full);
}

/** @internal An LSTM's states, which come as a pair. */
export function pairOf(op: string, given: unknown): readonly (Tensor | null | undefined)[] {
  if (given === undefined || given === null) return [];
  if (Array.isArray(given) && given.length === 2) return given;
  throw new GradloomError('VALUE', op, `the states are a pair [h, c], got ${valueText(given)}. Give both, or leave them out for zeros.`);
}

/** Lengths as int32 [N], each within 1 … steps. */
function lengthsOf(op: string, lengths: Tensor | readonly number[], batch: number, steps: number): Tensor {
  if (lengths instanceof Tensor) {
    if (lengths.rank !== 1 || lengths.size !== batch) throw shapeError(op, 'lengths must have one number per sequence', [lengths.sizes, [batch]], 'Give int32 [N].');
    checkIndices(op, lengths, steps + 1, null, 'length');
    return lengths;
  }
  if (lengths.length !== batch || ![...lengths].every((n) => Number.isInteger(n) && n >= 1 && n <= steps))
    throw valueError(op, `lengths must be ${batch} whole numbers from 1 to ${steps}, one for each sequence, got ${valueText(lengths)}.`);
  return constantList(lengths);
}

/**
 * hₜ = tanh(W_ih·xₜ + b_ih + W_hh·hₜ₋₁ + b_hh), or relu (Elman 1990). Input [T, N, inputSize] or [T, inputSize], the first state
 * [numLayers·D, N, hiddenSize] (zeros unless given) → [outputs [T, N, D·hiddenSize], last states], D = 2 where bidirectional. All weights start
 * uniform in ±1/√hiddenSize, as in PyTorch.
 *
 *     const rnn = new nn.RNN(8, 16, { numLayers: 2 });
 *     const [output, h] = rnn.forward(randn([5, 3, 8])); // [5, 3, 16], [2, 3, 16]
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class RNN extends Recurrent {
  /** The function of each step. */
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(
    inputSize: number,
    hiddenSize: number,
    ...given: Given<
      RNNOptions,
      [numLayers?: number, nonlinearity?: 'tanh' | 'relu', bias?: boolean, batchFirst?: boolean, dropout?: number, bidirectional?: boolean, options?: RNNOptions]
    >
  ) {
    const { nonlinearity = 'tanh', ...options } = optionsBy('RNN', given, SIMPLE);
    super('RNN', nonlinearity, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
  }

  forward(input: Tensor, state?: Tensor | null, options?: SequenceOptions): [output: Tensor, state: Tensor] {
    const [output, last] = this.run(input, [state], options);
    return [output, last];
  }
}

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997): i, f, o = σ(…), g = tanh(…), each of W_ih·xₜ + b_ih + W_hh·hₜ₋₁ + b_hh;
 * cₜ = f·cₜ₋₁ + i·g, hₜ = o·tanh cₜ. Shapes, start and options as those of `RNN`; the states are a pair [h, c], and with
 * `projSize` P outputs and h have P features.
 *
 *     const lstm = new nn.LSTM(8, 16, { batchFirst: true });
 *     const [output, [h, c]] = lstm.forward(randn([3, 5, 8]), null, { lengths: [5, 2, 4] });
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class LSTM extends Recurrent {
  constructor(
    inputSize: number,
    hiddenSize: number,
    ...given: Given<LSTMOptions, [numLayers?: number, bias?: boolean, batchFirst?: boolean, dropout?: number, bidirectional?: boolean, projSize?: number, options?: LSTMOptions]>
  ) {
    super('LSTM', 'lstm', inputSize, hiddenSize, optionsBy('LSTM', given, LONG));
  }

  forward(input: Tensor, state?: LSTMState | null, options?: SequenceOptions): [output: Tensor, state: [h: Tensor, c: Tensor]] {
    const [output, h, c] = this.run(input, pairOf('LSTM', state), options);
    return [output, [h, c as Tensor]];
  }
}

/**
 * Gated recurrent unit (Cho et al. 2014, arXiv 1406.1078): r, z = σ(W_ih·xₜ + b_ih + W_hh·hₜ₋₁ + b_hh), n = tanh(W_in·xₜ + b_in +
 * r·(W_hn·hₜ₋₁ + b_hn)), hₜ = (1 − z)·n + z·hₜ₋₁. Shapes, start and options as those of `RNN`.
 *
 *     const gru = new nn.GRU(8, 16, { bidirectional: true });
 *     const [output, h] = gru.forward(randn([5, 3, 8])); // [5, 3, 32], [2, 3, 16]
 *
 * @throws SHAPE, VALUE, DTYPE
 */
export class GRU extends Recurrent {
  constructor(
    inputSize: number,
    hiddenSize: number,
    ...given: Given<RecurrentOptions, [numLayers?: number, bias?: boolean, batchFirst?: boolean, dropout?: number, bidirectional?: boolean, options?: RecurrentOptions]>
  ) {
    super('GRU', 'gru', inputSize, hiddenSize, optionsBy('GRU', given, LAYERS));
  }

  forward(input: Tensor, state?: Tensor | null, options?: SequenceOptions): [output: Tensor, state: Tensor] {
    const [output, last] = this.run(input, [state], options);
    return [output, last];
  }
}
