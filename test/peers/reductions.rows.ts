// PyTorch's test_reductions.
import * as g from 'gradloom';
import { B, I, L, type Row, t } from './row.ts';

const DATA = [
  [1, -2, 3],
  [4, 5, -6],
];
const AS_TEXT = JSON.stringify(DATA);
const names = [
  ['sum', 'sum'],
  ['mean', 'mean'],
  ['amax', 'amax'],
  ['amin', 'amin'],
  ['logsumexp', 'logsumexp'],
  ['argmax', 'argmax'],
  ['prod', 'prod'],
] as const;

/** Every reduction along each dimension, with and without keeping it. */
const alongDims = names.flatMap(([js, py]) =>
  [0, 1, -1].flatMap((dim) =>
    [false, true].map(
      (keepdim): Row => ({
        name: `${js} along ${dim}${keepdim ? ', kept' : ''}`,
        js: () => (t(DATA) as unknown as Record<string, (dim: number, keepdim: boolean) => unknown>)[js]?.(dim, keepdim),
        py: `t(${AS_TEXT}).${py}(${dim}, ${keepdim ? 'True' : 'False'})`,
      }),
    ),
  ),
);

export const rows: readonly Row[] = [
  ...alongDims,
  { name: 'the sum of nothing is 0', js: () => t([]).sum(), py: 't([]).sum()' },
  { name: 'the mean of nothing is NaN', js: () => t([]).mean(), py: 't([]).mean()' },
  { name: 'bool sums to a count', js: () => B([true, true, false]).sum(), py: 'B([True, True, False]).sum()' },
  { name: 'int32 sums to int32', js: () => I([1, 2]).sum(), py: 'I([1, 2]).sum()' },
  {
    name: 'the gradient of amax is shared between equals',
    js: () => {
      const x = L([1, 3, 3]);
      x.amax().backward();
      return x.grad;
    },
    py: 'x = L([1, 3, 3]); x.amax().backward(); return x.grad',
  },
  { name: 'a dimension out of range is refused', js: () => g.sum(t(DATA), { dim: 2 }), py: `t(${AS_TEXT}).sum(2)` },
];
