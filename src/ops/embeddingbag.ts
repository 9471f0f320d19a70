// Sums, means and maxima of rows of a table, bag by bag.
import { assertTensor, FLAG, type Kinds, oneOf, optionsBy, orNull, TENSOR, WHOLE } from '../tensor/check.ts';
import { GradloomError, shapeError, valueError } from '../tensor/errors.ts';
import { sameShape } from '../tensor/shape.ts';
import { noGrad } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { div, eq, gt, logicalAnd, maximum, mul, ne, sub, where } from './binary.ts';
import { asFloat, assertFloat } from './convert.ts';
import { arange, full } from './create.ts';
import { rowsAt, TABLE, type TableOptions } from './embedding.ts';
import { checkIndices, gather, indexAdd, indexSelect } from './indexing.ts';
import { cat, flatten, narrow, reshape } from './movement.ts';
import { expand } from './reduce.ts';
import { cumsum } from './scan.ts';
import { clamp } from './unary.ts';

/** Options of `embeddingBag`, with PyTorch's defaults. */
export interface EmbeddingBagOptions extends TableOptions {
  /** What a bag's rows come to; default 'mean'. An empty bag gives zeros. */
  mode?: 'sum' | 'mean' | 'max';
  /** A factor for each index, of its shape, with mode 'sum'. */
  perSampleWeights?: Tensor | null;
  /** Whether the offsets end with the number of indices; default false. */
  includeLastOffset?: boolean;
  /** An index that counts in no bag and whose row gets no gradient; may count from the end. */
  paddingIdx?: number | null;
}

const KINDS: Kinds<EmbeddingBagOptions> = {
  mode: /* @__PURE__ */ oneOf('sum', 'mean', 'max'),
  perSampleWeights: /* @__PURE__ */ orNull(TENSOR),
  includeLastOffset: FLAG,
  paddingIdx: /* @__PURE__ */ orNull(WHOLE),
  ...TABLE,
};

/** For each index of a list the number of its bag, and the bags' number. */
function bagsOf(op: string, count: number, offsets: Tensor, includeLast: boolean): { bag: Tensor; bags: number; starts: Tensor } {
  if (offsets.rank !== 1) throw shapeError(op, 'offsets have one dimension', [offsets.sizes], 'Flatten them.');
  checkIndices(op, offsets, count + 1, null, 'offset');
  const bags = (offsets.sizes[0] as number) - (includeLast ? 1 : 0);
  if (bags < 0) throw valueError(op, 'with includeLastOffset there is at least one offset, the number of indices. Give it.');
  const starts = narrow(offsets, 0, 0, bags);
  if (bags > 0) checkIndices(op, narrow(starts, 0, 0, 1), 1, null, 'first offset');
  // How many bags have begun: ones where they begin, added up.
  const begun = cumsum(indexAdd(full([count + 1], 0, { dtype: 'int32' }), 0, starts, full([bags], 1, { dtype: 'int32' })), 0);
  return { bag: sub(narrow(begun, 0, 0, count), 1), bags, starts };
}

/** For each bag and column the place of its first largest element in rows [count, d], where `seen`; bags stand one behind another. */
function largestOf(rows: Tensor, seen: Tensor | null, bag: Tensor, starts: Tensor): Tensor {
  const [count, d] = rows.sizes as [number, number];
  let value = seen ? where(reshape(seen, [count, 1]), rows, Number.NEGATIVE_INFINITY) : rows;
  let place = expand(reshape(arange(count), [count, 1]), [count, d]);
  // After steps of 1, 2, 4, … each element knows the largest of its bag from itself on.
  for (let step = 1; step < count; step *= 2) {
    const left = count - step;
    const ahead = (t: Tensor): Tensor => narrow(t, 0, step, left);
    const same = reshape(eq(narrow(bag, 0, 0, left), ahead(bag)), [left, 1]);
    const better = logicalAnd(same, gt(ahead(value), narrow(value, 0, 0, left)));
    const next = (t: Tensor): Tensor => cat([where(better, ahead(t), narrow(t, 0, 0, left)), narrow(t, 0, left, step)], 0);
    [value, place] = [next(value), next(place)];
  }
  return indexSelect(place, 0, clamp(starts, { max: count - 1 }));
}

/**
 * Rows of a table, brought together in bags: `embedding` and a sum, mean or maximum over each bag. index int32 [B, n] has bags of n; a list [L]
 * has those that begin at the `offsets` [B], the first at 0. weight [n, d] → [B, d]. By position: offsets, mode, perSampleWeights,
 * includeLastOffset, paddingIdx.
 *
 * @throws INDEX where an index or offset is out of range
 */
export function embeddingBag(
  index: Tensor,
  weight: Tensor,
  offsets?: Tensor | null,
  ...given: [mode?: 'sum' | 'mean' | 'max' | EmbeddingBagOptions, perSampleWeights?: Tensor | null, includeLastOffset?: boolean, paddingIdx?: number | null]
): Tensor {
  const op = 'embeddingBag';
  const options = optionsBy(op, given, KINDS);
  const { mode = 'mean', perSampleWeights, includeLastOffset = false, paddingIdx } = options;
  assertTensor(op, index, 'the index');
  assertTensor(op, weight, 'the weight');
  assertFloat(op, weight, 'weight');
  if (weight.rank !== 2) throw shapeError(op, 'the weight must be [numEmbeddings, embeddingDim]', [weight.sizes], 'Reshape it.');
  if (index.rank !== 1 && index.rank !== 2) throw shapeError(op, 'the index must be a list with offsets or [B, n]', [index.sizes], 'Reshape it.');
  if ((index.rank === 1) !== !!offsets) throw valueError(op, `${index.rank === 1 ? 'a list of indices needs offsets' : '[B, n] has its bags, and takes no offsets'}.`);
  if (offsets) assertTensor(op, offsets, 'offsets');
  if (options.scaleGradByFreq && mode === 'max') throw valueError(op, "scaleGradByFreq goes with modes 'sum' and 'mean'. Leave it out.");
  if (perSampleWeights) {
    assertFloat(op, perSampleWeights, 'perSampleWeights');
    if (mode !== 'sum') throw valueError(op, `perSampleWeights go with mode 'sum', not with '${mode}'. Leave them out.`);
    if (!sameShape(perSampleWeights.sizes, index.sizes))
      throw shapeError(op, 'there must be a weight for each index', [index.sizes, perSampleWeights.sizes], 'Give them one shape.');
  }
  const rowCount = weight.sizes[0] as number;
  if (typeof paddingIdx === 'number' && (paddingIdx < -rowCount || paddingIdx >= rowCount))
    throw new GradloomError('INDEX', op, `paddingIdx ${paddingIdx} is out of range: the weight has ${rowCount} rows. Count from 0, or from −1 at the end.`);
  if (includeLastOffset && !offsets) throw valueError(op, 'includeLastOffset goes with offsets. Leave it out.');
  const flat = flatten(index);
  checkIndices(op, flat, rowCount);
  const count = flat.size;
  const width = index.rank === 2 ? (index.sizes[1] as number) : 0;
  const starts = offsets ?? mul(arange(index.sizes[0] as number), width);
  const { bag, bags, starts: firsts } = bagsOf(op, count, starts, includeLastOffset);
  if (bags === 0 && count > 0) throw valueError(op, `${count} indices lie in no bag: there are no offsets. Begin with an offset of 0.`);
  const seen = typeof paddingIdx === 'number' ? ne(flat, paddingIdx < 0 ? paddingIdx + rowCount : paddingIdx) : null;
  const rows = rowsAt(op, weight, flat, options);
  const sums = (parts: Tensor): Tensor => indexAdd(full([bags, ...parts.sizes.slice(1)], 0), 0, bag, parts);
  const filled = (): Tensor => noGrad(() => sums(seen ? asFloat(seen) : full([count], 1)));
  if (mode === 'max' && count > 0) {
    const chosen = gather(
      rows,
      0,
      noGrad(() => largestOf(rows, seen, bag, firsts)),
    );
    return where(reshape(gt(filled(), 0), [bags, 1]), chosen, 0);
  }
  const factors = perSampleWeights ? reshape(perSampleWeights, [count, 1]) : null;
  const weighted = factors ? mul(rows, factors) : rows;
  const total = sums(seen ? where(reshape(seen, [count, 1]), weighted, 0) : weighted);
  return mode !== 'mean' ? total : div(total, reshape(maximum(filled(), 1), [bags, 1]));
}
