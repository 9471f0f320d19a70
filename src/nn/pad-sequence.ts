// Sequences of unequal lengths as one batch: PyTorch's torch.nn.utils.rnn.
import { full } from '../ops/create.ts';
import { cat, stack } from '../ops/movement.ts';
import { assertTensor, FLAG, type Given, type Kinds, NUMBER, oneOf, optionsBy, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `padSequence`, with PyTorch's defaults. */
export interface PadSequenceOptions {
  /** [N, T, …] rather than [T, N, …]; default false. */
  batchFirst?: boolean;
  /** What stands in the empty places; default 0. */
  paddingValue?: number;
  /** On which side; default 'right'. */
  paddingSide?: 'right' | 'left';
}

const OPTIONS: Kinds<PadSequenceOptions> = { batchFirst: FLAG, paddingValue: NUMBER, paddingSide: oneOf('right', 'left') };

/**
 * Sequences [Tᵢ, …] as one tensor [T, N, …], or [N, T, …] with `batchFirst`, where T is the longest (`torch.nn.utils.rnn.pad_sequence`). Gradients flow to each.
 * `RNN`, `LSTM` and `GRU` take the lengths beside it: `forward(x, undefined, { lengths })`.
 *
 * @example
 * const x = nn.utils.padSequence(rows.map((r) => tensor(r)), { batchFirst: true });
 * const lengths = rows.map((r) => r.length);
 * @throws SHAPE where sequences differ behind their first dimension; DTYPE where their types do
 */
export function padSequence(
  sequences: readonly Tensor[],
  ...given: Given<PadSequenceOptions, [batchFirst?: boolean, paddingValue?: number, paddingSide?: 'right' | 'left']>
): Tensor {
  const op = 'padSequence';
  const { batchFirst = false, paddingValue = 0, paddingSide = 'right' } = optionsBy(op, given, OPTIONS);
  if (!Array.isArray(sequences) || sequences.length === 0) throw valueError(op, `takes a list of tensors, got ${valueText(sequences)}.`);
  for (const [i, s] of sequences.entries()) assertTensor(op, s, `sequence ${i}`);
  const [first] = sequences as [Tensor];
  const inner = first.sizes.slice(1);
  for (const s of sequences) {
    if (s.rank === 0 || !sameShape(s.sizes.slice(1), inner))
      throw shapeError(op, 'sequences [T, …] must have one shape behind their first dimension', [first.sizes, s.sizes], 'Only the first may differ.');
    if (s.dtype !== first.dtype) throw new GradloomError('DTYPE', op, `sequences must have one type, got ${first.dtype} and ${s.dtype}. Convert one.`);
  }
  const longest = Math.max(...sequences.map((s) => s.sizes[0] as number));
  const padded = sequences.map((s) => {
    const missing = longest - (s.sizes[0] as number);
    if (missing === 0) return s;
    const padding = full([missing, ...inner], first.dtype === 'bool' ? paddingValue !== 0 : paddingValue, { dtype: first.dtype });
    return cat(paddingSide === 'right' ? [s, padding] : [padding, s], 0);
  });
  return stack(padded, batchFirst ? 0 : 1);
}
