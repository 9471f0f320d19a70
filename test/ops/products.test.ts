// Matrix products to the bit: whichever way the kernel takes (packed, in place, turned, ragged), each element is the same sum in order.
import { manualSeed, matmul, nn, randn, scope, type Tensor, transpose } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** Elements of k that one block of the kernel sums before it adds to C. */
const BLOCK = 256;

/** C = start + A·B in float32, one element after the other. */
function reference(a: Tensor, b: Tensor, start: Tensor | null): Float32Array {
  const [m, k] = a.shape as [number, number];
  const n = b.shape[1] as number;
  const [x, y, s] = [a.data(), b.data(), start?.data()];
  return Float32Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let c = s ? (s[j] as number) : 0;
    for (let from = 0; from < k; from += BLOCK) {
      let block = 0;
      for (let p = from; p < Math.min(k, from + BLOCK); p++) block = Math.fround(block + Math.fround((x[i * k + p] as number) * (y[p * n + j] as number)));
      c = from > 0 || s ? Math.fround(c + block) : block;
    }
    return c;
  });
}

const bits = (values: ArrayLike<number>): string => Buffer.from(Float32Array.from(values).buffer).toString('hex');

/** m, n, k: narrow ones that are turned (also in several strips), small and large, with edges on every side. */
const SHAPES = [
  ...[1, 2, 3, 5, 8, 10, 12, 13].flatMap((n) => [15, 16, 33].map((m) => [m, n, 7])),
  ...[1, 2, 3, 4].flatMap((k) => [
    [32, 32, k],
    [5, 17, k],
    [40, 3, k],
  ]),
  [300, 3, 20],
  [520, 10, 9],
  [32, 10, 300],
  [20, 1, 600],
  [9, 40, 257],
  [64, 48, 130],
  [70, 33, 20],
  [1, 1, 1],
  [2, 16, 512],
] as [number, number, number][];

test('products of all shapes and orientations, to the bit', () => {
  manualSeed(3);
  for (const [m, n, k] of SHAPES) {
    scope(() => {
      const [a, b] = [randn([m, k]), randn([k, n])];
      const [at, bt] = [transpose(transpose(a, 0, 1).contiguous(), 0, 1), transpose(transpose(b, 0, 1).contiguous(), 0, 1)];
      const expected = bits(reference(a, b, null));
      for (const [x, y, name] of [
        [a, b, ''],
        [at, b, 'Aᵀ'],
        [a, bt, 'Bᵀ'],
        [at, bt, 'Aᵀ Bᵀ'],
      ] as [Tensor, Tensor, string][]) {
        assert.is(bits(matmul(x, y).data()), expected, `${m} × ${k} × ${n} ${name}`);
      }
    });
  }
});

test('a linear layer adds its products to the bias, to the bit', () => {
  manualSeed(4);
  for (const [m, n, k] of SHAPES) {
    scope(() => {
      const [x, w, bias] = [randn([m, k]), randn([n, k]), randn([n])];
      assert.is(bits(nn.functional.linear(x, w, bias).data()), bits(reference(x, transpose(w, 0, 1), bias)), `${m} × ${k} × ${n}`);
    });
  }
});

test.run();
