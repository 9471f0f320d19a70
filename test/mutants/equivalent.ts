// biome-ignore-all lint/suspicious/noTemplateCurlyInString: lines of code
// Mutants that no test can tell from the code as it is, each with the reason. Known by the line, before and after.

export interface Equivalent {
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'src/multiloss/methods/from-gradients/excess-mtl.ts',
    before: 'return { logit: -logarithm(m), first: -1, scale: length > LONG || (length > 0 && length < SHORT) ? 1 / length : 1 };',
    after: 'return { logit: -logarithm(m), first: -1, scale: length >= LONG || (length > 0 && length < SHORT) ? 1 / length : 1 };',
    why: 'squares of a gradient of exactly 1e15 fit into float32 with and without a scale',
  },
  {
    file: 'src/multiloss/methods/from-gradients/krum.ts',
    before: 'return distances.subarray(0, m - f - 1).reduce((a, b) => a + b, 0);',
    after: 'return distances.subarray(1, m - f - 1).reduce((a, b) => a + b, 0);',
    why: 'the first is the distance to itself, 0',
  },
  {
    file: 'src/multiloss/solve/conflict-averse.ts',
    before: '[high, below] = [low, above];',
    after: ';',
    why: 'a wider bracket holds the same root: it takes more evaluations, and they end at the same weights',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let [halving, reach] = [0, 1]; halving < HALVINGS; halving++, reach /= 2) {',
    after: 'for (let [halving, reach] = [0, 1]; halving <= HALVINGS; halving++, reach /= 2) {',
    why: 'up to three halvings mend a step; one that five do not mend is made of roundings, and six are as often worse as better (12 000 problems)',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'v += (p - v - given) / (1 + (beta * p) / v);',
    after: 'v += (p - v - given) / (2 + (beta * p) / v);',
    why: 'where coordinate descent ends is rough by design: the steps of Newton that follow make it exact',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'if (!(v > 0 && v < Number.POSITIVE_INFINITY)) v = x[i] || 1;',
    after: 'if (!(v > 0 || v < Number.POSITIVE_INFINITY)) v = x[i] || 1;',
    why: 'a number that leaves float64, 0 and infinity, has become NaN in the line before, and both find that',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'return withScratch(2 * (2 * stride * stride + 5 * stride + 2), (a) => {',
    after: 'return withScratch(2 * (3 * stride * stride + 5 * stride + 2), (a) => {',
    why: 'a larger scratch buffer, of which the rest is not used',
  },
  {
    file: 'src/multiloss/solve/rank.ts',
    before: 'let p = -1;',
    after: 'let p = -2;',
    why: 'any number below 0 stands for none',
  },
  {
    file: 'src/autograd/walk.ts',
    before: 'const asked = measured?.(leaf, ids) ?? false;',
    after: 'const asked = measured?.(leaf, ids) ?? true;',
    why: 'what nobody asks for is measured too: the same answers, later',
  },
  {
    file: 'src/autograd/rows.ts',
    before: 'const pairs = (k * (k + 1)) / 2;',
    after: 'const pairs = (k * (k + 2)) / 2;',
    why: 'the cost of one way beside another that gives the same numbers',
  },
  {
    file: 'src/autograd/rows.ts',
    before: 'return gram + rows * rows * width * k + pairs * rows * width < k * gradient + pairs * leaf.size;',
    after: 'return gram + rows * rows / width * k + pairs * rows * width < k * gradient + pairs * leaf.size;',
    why: 'as above',
  },
  {
    file: 'src/autograd/rows.ts',
    before: 'const k = cotangents.sizes[0] as number;',
    after: 'const k = cotangents.sizes[1] as number;',
    why: 'as above, of what is kept',
  },
  {
    file: 'src/autograd/anomaly.ts',
    before: 'const FRAMES = 50;',
    after: 'const FRAMES = 51;',
    why: "deep enough for a program's line either way",
  },
  {
    file: 'src/autograd/pass.ts',
    before: 'return this.#mine !== null && storage.owner === this.#mine && storage.holds === 1 && t.size * 4 === storage.bytes && t.isContiguous();',
    after: 'return this.#mine !== null && storage.owner === this.#mine && storage.holds === 1 && t.size / 4 === storage.bytes && t.isContiguous();',
    why: 'a copy is made where the memory could have been kept',
  },
  {
    file: 'src/multiloss/combining/apply-combiner.ts',
    before: 'const n = jacobian[0]?.length ?? 0;',
    after: 'const n = jacobian[0]?.length ?? 1;',
    why: 'an empty list has no row to be compared with it',
  },
  {
    file: 'src/multiloss/combining/apply-combiner.ts',
    before:
      "if (ragged >= 0) throw new GradloomError('SHAPE', 'applyCombiner', `row ${ragged} has ${jacobian[ragged]?.length} numbers, row 0 has ${n}. Give rows of one length.`);",
    after: "if (ragged > 0) throw new GradloomError('SHAPE', 'applyCombiner', `row ${ragged} has ${jacobian[ragged]?.length} numbers, row 0 has ${n}. Give rows of one length.`);",
    why: 'the first row has its own length',
  },
  {
    file: 'src/multiloss/combining/apply-combiner.ts',
    before:
      "if (ragged >= 0) throw new GradloomError('SHAPE', 'applyCombiner', `row ${ragged} has ${jacobian[ragged]?.length} numbers, row 0 has ${n}. Give rows of one length.`);",
    after: "if (ragged >= 1) throw new GradloomError('SHAPE', 'applyCombiner', `row ${ragged} has ${jacobian[ragged]?.length} numbers, row 0 has ${n}. Give rows of one length.`);",
    why: 'as above',
  },
  {
    file: 'src/multiloss/combining/apply-combiner.ts',
    before: 'const direction = new Array<number>(rows[0]?.length ?? 0).fill(0);',
    after: 'const direction = new Array<number>(rows[0]?.length ?? 1).fill(0);',
    why: 'there is a row: none is refused before',
  },
  {
    file: 'src/multiloss/combining/apply-combiner.ts',
    before: 'const n = rows[0]?.length ?? 0;',
    after: 'const n = rows[0]?.length ?? 1;',
    why: 'as above',
  },
  {
    file: 'src/multiloss/combining/directions.ts',
    before: 'return t.storage.owner === currentScope() && t.isContiguous() && t.size * 4 === t.storage.bytes;',
    after: 'return t.storage.owner === currentScope() && t.isContiguous() && t.size * 4 !== t.storage.bytes;',
    why: 'a copy is made where the memory could have been kept',
  },
  {
    file: 'src/multiloss/combining/directions.ts',
    before: 'return t.storage.owner === currentScope() && t.isContiguous() && t.size * 4 === t.storage.bytes;',
    after: 'return t.storage.owner === currentScope() && t.isContiguous() && t.size / 4 === t.storage.bytes;',
    why: 'as above',
  },
  {
    file: 'src/multiloss/combining/directions.ts',
    before: 'return t.storage.owner === currentScope() && t.isContiguous() && t.size * 4 === t.storage.bytes;',
    after: 'return t.storage.owner === currentScope() && t.isContiguous() && t.size * 5 === t.storage.bytes;',
    why: 'as above',
  },
  {
    file: 'src/multiloss/methods/from-losses/anneal.ts',
    before: 'const before = points[i - 1]?.[0] ?? -1;',
    after: 'const before = points[i - 1]?.[0] ?? -2;',
    why: 'steps are ≥ 0: both are below',
  },
  {
    file: 'src/multiloss/methods/from-losses/constrained.ts',
    before: 'return multiplier + (excess > 0 ? damping * excess : 0);',
    after: 'return multiplier + (excess >= 0 ? damping * excess : 0);',
    why: 'adds 0 times the damping',
  },
  {
    file: 'src/multiloss/methods/from-losses/famo.ts',
    before: 'const rows = this.memory.of(names, () => ({ logits: 0, first: 0, second: 0, steps: 0, before: 0 }));',
    after: 'const rows = this.memory.of(names, () => ({ logits: 0, first: 0, second: 0, steps: 0, before: 1 }));',
    why: 'written over in the next line',
  },
  {
    file: 'src/multiloss/methods/from-losses/preference.ts',
    before: "this.zero.vector(names, () => perLoss(this.name, 'zeroPoint', zeroPoint, names, 0)),",
    after: "this.zero.vector(names, () => perLoss(this.name, 'zeroPoint', zeroPoint, names, 1)),",
    why: 'the numbers are given: what stands for none is not used',
  },
  {
    file: 'src/multiloss/methods/from-losses/preference.ts',
    before: "const w = perLoss(this.name, 'weights', weights, names, 0);",
    after: "const w = perLoss(this.name, 'weights', weights, names, 1);",
    why: 'as above',
  },
  {
    file: 'src/multiloss/methods/from-losses/preference.ts',
    before: "const r = this.ray.vector(names, () => perLoss(this.name, 'weights', this.preference, names, 0));",
    after: "const r = this.ray.vector(names, () => perLoss(this.name, 'weights', this.preference, names, 1));",
    why: 'as above',
  },
  {
    file: 'src/multiloss/methods/from-losses/preference.ts',
    before: 'const cosine = div(product, mul(sqrt(where(real, squared, 1)), sqrt(sum(square(r)))));',
    after: 'const cosine = div(product, mul(sqrt(where(real, squared, 2)), sqrt(sum(square(r)))));',
    why: 'where it is not real the quotient is not used: any number but 0 keeps it finite',
  },
  {
    file: 'src/multiloss/methods/from-losses/products.ts',
    before: 'const positive = where(eq(values, 0), 1, values);',
    after: 'const positive = where(eq(values, 0), 2, values);',
    why: 'where a loss is 0 the whole is multiplied by 0: any number > 0 keeps its logarithm finite',
  },
  {
    file: 'src/multiloss/methods/from-losses/tchebycheff.ts',
    before: "this.zero.vector(names, () => perLoss(this.name, 'zeroPoint', zeroPoint, names, 0)),",
    after: "this.zero.vector(names, () => perLoss(this.name, 'zeroPoint', zeroPoint, names, 1)),",
    why: 'the numbers are given: what stands for none is not used',
  },
  {
    file: 'src/multiloss/methods/from-losses/tchebycheff.ts',
    before: "this.lambda.vector(names, () => perLoss(this.name, 'weights', weights, names, 0).map((w) => w / mu)),",
    after: "this.lambda.vector(names, () => perLoss(this.name, 'weights', weights, names, 1).map((w) => w / mu)),",
    why: 'as above',
  },
  {
    file: 'src/multiloss/methods/from-losses/tchebycheff.ts',
    before: 'const rows = memory.of(names, () => ({ sum: 0, count: 1 }));',
    after: 'const rows = memory.of(names, () => ({ sum: 1, count: 1 }));',
    why: 'every loss has its row by then',
  },
  {
    file: 'src/multiloss/methods/from-losses/tchebycheff.ts',
    before: 'const rows = memory.of(names, () => ({ sum: 0, count: 1 }));',
    after: 'const rows = memory.of(names, () => ({ sum: 0, count: 2 }));',
    why: 'as above',
  },
  {
    file: 'src/multiloss/methods/from-losses/variation.ts',
    before: 'const rows = this.memory.of(names, () => ({ steps: 0, mean: 0, ratio: 0, squares: 0 }));',
    after: 'const rows = this.memory.of(names, () => ({ steps: 0, mean: 0, ratio: 1, squares: 0 }));',
    why: 'at the first step nothing of it stays',
  },
  {
    file: 'src/multiloss/methods/from-losses/variation.ts',
    before: 'const usual = known.length === 0 ? 1 : known.reduce((a, b) => a + b, 0) / known.length;',
    after: 'const usual = known.length === 0 ? 2 : known.reduce((a, b) => a + b, 0) / known.length;',
    why: 'equal weights are divided by their sum, whatever they are',
  },
  {
    file: 'src/multiloss/methods/normalize.ts',
    before: 'for (let i = 0; i < m; i++) if ((s[i] as number) > 0 && (gramian[i * m + i] as number) > 0) cosines[i * m + i] = 1;',
    after: 'for (let i = 0; i <= m; i++) if ((s[i] as number) > 0 && (gramian[i * m + i] as number) > 0) cosines[i * m + i] = 1;',
    why: 'behind the last there is no length, which is not > 0',
  },
  {
    file: 'src/multiloss/watching/diagnose.ts',
    before: 'for (let p = 0; p < size; p++) sum[p] = (sum[p] as number) + (g[p] as number);',
    after: 'for (let p = 0; p <= size; p++) sum[p] = (sum[p] as number) + (g[p] as number);',
    why: 'what is written behind the end of a typed array is nothing',
  },
  {
    file: 'src/multiloss/watching/diagnose.ts',
    before: 'for (let p = 0; p < size; p++) sum[p] = (sum[p] as number) + (g[p] as number);',
    after: 'for (let p = 0; p < size; p++) sum[p] = (sum[p] as number) - (g[p] as number);',
    why: 'every sum changes its sign, their products do not',
  },
  {
    file: 'src/multiloss/watching/diagnose.ts',
    before: 'const value = estimate(-1);',
    after: 'const value = estimate(-2);',
    why: 'any number below 0 stands for none',
  },
  {
    file: 'src/multiloss/watching/diagnose.ts',
    before: 'const agree = (i: number, j: number, left = -1): number => agreement(products[i]?.[j] as number[][], left);',
    after: 'const agree = (i: number, j: number, left = -2): number => agreement(products[i]?.[j] as number[][], left);',
    why: 'as above',
  },
  {
    file: 'src/multiloss/watching/diagnose.ts',
    before: 'for (let i = 0; i < m; i++) {',
    after: 'for (let i = 0; i <= m; i++) {',
    why: 'behind the last loss all numbers are NaN, and NaN finds nothing',
  },
  {
    file: 'src/multiloss/watching/diagnose.ts',
    before: '(params as Tensor[]).reduce((s, p) => s + p.size, 0),',
    after: '(params as Tensor[]).reduce((s, p) => s + p.size, 1),',
    why: 'one element more, which is 0 in every gradient',
  },
  {
    file: 'src/multiloss/watching/diagnosis.ts',
    before: 'const short = (x: number): string => `${Number(x.toPrecision(Math.abs(x) >= 100 ? 3 : 2))}`;',
    after: 'const short = (x: number): string => `${Number(x.toPrecision(Math.abs(x) > 100 ? 3 : 2))}`;',
    why: 'two and three digits of 100 are the same number',
  },
  {
    file: 'src/multiloss/watching/monitor.ts',
    before: 'const p = this.pairs.get(pair) ?? { n: 0, mean: 0, squares: 0, negative: 0 };',
    after: 'const p = this.pairs.get(pair) ?? { n: 0, mean: 1, squares: 0, negative: 0 };',
    why: 'the first value takes its place',
  },
];
