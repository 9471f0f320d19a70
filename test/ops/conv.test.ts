// Convolution and its gradients against sums in float64, at sizes that take every way and every ragged edge of the kernels.
import { manualSeed, nn, randn, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

type Two = readonly [number, number];

interface Case {
  image: readonly [number, number, number, number];
  outputs: number;
  kernel: Two;
  stride?: Two;
  padding?: Two;
  dilation?: Two;
  groups?: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'whole tiles': { image: [2, 3, 8, 8], outputs: 4, kernel: [3, 3], padding: [1, 1] },
  'rows of whole tiles': { image: [2, 3, 5, 16], outputs: 3, kernel: [3, 3], padding: [1, 1] },
  'rows of whole tiles in a wider image': { image: [1, 2, 6, 36], outputs: 5, kernel: [2, 3], dilation: [2, 2], groups: 1 },
  'rows of whole tiles with groups': { image: [2, 4, 4, 34], outputs: 6, kernel: [3, 5], padding: [0, 1], groups: 2 },
  'more positions than dots take at once': { image: [1, 2, 24, 23], outputs: 5, kernel: [3, 3], padding: [1, 1] },
  'odd everything': { image: [3, 5, 5, 7], outputs: 3, kernel: [3, 3], padding: [1, 1] },
  'one of each': { image: [1, 1, 3, 3], outputs: 1, kernel: [2, 2] },
  'few positions': { image: [2, 2, 3, 4], outputs: 5, kernel: [3, 2] },
  'a kernel as large as the image': { image: [2, 3, 4, 5], outputs: 6, kernel: [4, 5] },
  'more rows than a block takes': { image: [2, 23, 6, 7], outputs: 5, kernel: [3, 3], padding: [1, 1] },
  'many outputs': { image: [2, 2, 5, 5], outputs: 40, kernel: [3, 3], padding: [1, 1] },
  'many inputs': { image: [2, 40, 5, 5], outputs: 2, kernel: [3, 3], padding: [1, 1] },
  'rows of one pixel': { image: [2, 2, 9, 1], outputs: 3, kernel: [3, 1], padding: [1, 0] },
  'one row': { image: [2, 3, 1, 19], outputs: 2, kernel: [1, 5], padding: [0, 2] },
  'more padding than the kernel reaches': { image: [2, 2, 4, 5], outputs: 3, kernel: [2, 3], padding: [3, 4] },
  'a kernel in the padding alone': { image: [1, 1, 2, 2], outputs: 2, kernel: [2, 2], padding: [1, 1], dilation: [3, 3] },
  dilation: { image: [2, 2, 9, 8], outputs: 3, kernel: [3, 2], padding: [1, 2], dilation: [2, 3] },
  groups: { image: [2, 6, 6, 5], outputs: 4, kernel: [3, 3], padding: [1, 1], groups: 2 },
  depthwise: { image: [2, 5, 6, 6], outputs: 5, kernel: [3, 3], padding: [1, 1], groups: 5 },
  'stride along rows': { image: [2, 2, 6, 9], outputs: 4, kernel: [3, 3], stride: [1, 2], padding: [1, 1] },
  'stride down columns': { image: [2, 2, 9, 6], outputs: 4, kernel: [3, 3], stride: [2, 1], padding: [1, 1] },
  pointwise: { image: [2, 3, 5, 5], outputs: 4, kernel: [1, 1] },
  'pointwise with padding': { image: [2, 3, 5, 5], outputs: 4, kernel: [1, 1], padding: [1, 1] },
};

/** Σ of products and Σ of their sizes, by place. */
class Sums {
  readonly total: Float64Array;
  readonly size: Float64Array;
  /** The most products that one place has. */
  terms = 0;
  private readonly count: Int32Array;

  constructor(n: number) {
    this.total = new Float64Array(n);
    this.size = new Float64Array(n);
    this.count = new Int32Array(n);
  }

  add(at: number, product: number): void {
    this.total[at] = (this.total[at] as number) + product;
    this.size[at] = (this.size[at] as number) + Math.abs(product);
    const count = (this.count[at] as number) + 1;
    this.count[at] = count;
    this.terms = Math.max(this.terms, count);
  }

  /** Any order of n rounded products and sums lies within (n + 2) · 2⁻²⁴ of the sizes' sum; what is not finite is exactly so. */
  check(actual: ArrayLike<number>, what: string): void {
    assert.is(actual.length, this.total.length, `${what}: size`);
    for (let i = 0; i < actual.length; i++) {
      const [is, should] = [actual[i] as number, this.total[i] as number];
      const fits = Number.isFinite(should) ? Math.abs(is - should) <= (this.terms + 2) * 2 ** -24 * (this.size[i] as number) : Object.is(is, should);
      assert.ok(fits, `${what}[${i}]: ${is}, should be ${should}`);
    }
  }
}

/** Checks y, dx and dw for a cotangent dy. */
function check(name: string, { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1, ...c }: Case, spoil?: (x: Float32Array, dy: Float32Array) => void): void {
  const [n, channels, h, w] = c.image;
  const [kh, kw] = c.kernel;
  const perGroup = channels / groups;
  manualSeed(7);
  const leaf = (values: Float32Array, shape: readonly number[]): Tensor => tensor(values, { shape, requiresGrad: true });
  const xs = randn(c.image).data() as Float32Array;
  const out = (size: number, axis: 0 | 1): number => Math.floor((size + 2 * padding[axis] - dilation[axis] * ((c.kernel[axis] as number) - 1) - 1) / stride[axis]) + 1;
  const [oh, ow] = [out(h, 0), out(w, 1)];
  const dys = randn([n, c.outputs, oh, ow]).data() as Float32Array;
  spoil?.(xs, dys);
  const x = leaf(xs, c.image);
  const weight = randn([c.outputs, perGroup, kh, kw], { requiresGrad: true });
  const bias = randn([c.outputs], { requiresGrad: true });
  const ws = weight.data() as Float32Array;
  const bs = bias.data() as Float32Array;

  const y = new Sums(dys.length);
  const dx = new Sums(xs.length);
  const dw = new Sums(ws.length);
  for (let image = 0, at = 0; image < n; image++) {
    for (let o = 0; o < c.outputs; o++) {
      const first = Math.floor(o / (c.outputs / groups)) * perGroup;
      for (let p = 0; p < oh * ow; p++, at++) {
        y.add(at, bs[o] as number);
        for (let j = 0; j < perGroup * kh * kw; j++) {
          const row = Math.floor(p / ow) * stride[0] + (Math.floor(j / kw) % kh) * dilation[0] - padding[0];
          const column = (p % ow) * stride[1] + (j % kw) * dilation[1] - padding[1];
          const inside = row >= 0 && row < h && column >= 0 && column < w;
          const from = ((image * channels + first + Math.floor(j / (kh * kw))) * h + row) * w + column;
          const place = o * perGroup * kh * kw + j;
          // Padding is a zero that is multiplied too.
          const pixel = inside ? (xs[from] as number) : 0;
          y.add(at, pixel * (ws[place] as number));
          dw.add(place, pixel * (dys[at] as number));
          if (inside) dx.add(from, (dys[at] as number) * (ws[place] as number));
        }
      }
    }
  }
  const result = nn.functional.conv2d(x, weight, bias, { stride, padding, dilation, groups });
  assert.equal(result.shape, [n, c.outputs, oh, ow]);
  y.check(result.data(), `${name}: y`);
  result.backward({ gradient: tensor(dys, { shape: result.shape }) });
  dx.check((x.grad as Tensor).data(), `${name}: dx`);
  dw.check((weight.grad as Tensor).data(), `${name}: dw`);
}

for (const [name, c] of Object.entries(CASES)) test(`${name}: value and gradients`, () => check(name, c));

test('what is not finite reaches those who see it, and nobody else', () => {
  const spoil = (x: Float32Array, dy: Float32Array): void => {
    x[3] = Number.POSITIVE_INFINITY;
    x[x.length - 1] = Number.NaN;
    dy[dy.length - 2] = Number.NEGATIVE_INFINITY;
    dy[1] = Number.NaN;
  };
  for (const name of ['whole tiles', 'rows of whole tiles', 'odd everything', 'few positions', 'dilation', 'groups', 'stride down columns'])
    check(name, CASES[name] as Case, spoil);
});

test.run();
