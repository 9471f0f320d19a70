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
    file: 'src/multiloss/methods/from-gradients/config.ts',
    before: "const p = perLoss(this.name, 'preference', this.preference, names, 1);",
    after: "const p = perLoss(this.name, 'preference', this.preference, names, 2);",
    why: 'the weights are the same for preferences of any size',
  },
  {
    file: 'src/multiloss/methods/from-gradients/config.ts',
    before: 'const a = (rank < m || this.eps !== undefined ? null : solveDefinite(cosines, p)) ?? pseudoSolve(cosines, p, m, m * (this.eps ?? Number.EPSILON), rank);',
    after: 'const a = (rank <= m || this.eps !== undefined ? null : solveDefinite(cosines, p)) ?? pseudoSolve(cosines, p, m, m * (this.eps ?? Number.EPSILON), rank);',
    why: 'the pseudo-inverse gives the same, later',
  },
  {
    file: 'src/multiloss/methods/from-gradients/imtl-g.ts',
    before: 'const x = rank < m || this.eps !== undefined ? null : solveDefinite(cosines, new Float64Array(m).fill(1));',
    after: 'const x = rank < m || this.eps !== undefined ? null : solveDefinite(cosines, new Float64Array(m).fill(2));',
    why: 'the weights are made to add up to 1 afterwards',
  },
  {
    file: 'src/multiloss/methods/from-gradients/mgda.ts',
    before: 'for (let i = 1; i < m; i++) if ((gw[i] as number) < (gw[row] as number)) row = i;',
    after: 'for (let i = 1; i <= m; i++) if ((gw[i] as number) < (gw[row] as number)) row = i;',
    why: 'behind the end stands nothing, which is less than no number',
  },
  {
    file: 'src/multiloss/methods/from-gradients/mgda.ts',
    before: 'const step = own <= across ? 1 : squared <= across ? 0 : (squared - across) / (squared + own - 2 * across);',
    after: 'const step = own <= across ? 1 : squared < across ? 0 : (squared - across) / (squared + own - 2 * across);',
    why: 'where they are the same the step is 0 over what is not 0',
  },
  {
    file: 'src/multiloss/methods/from-gradients/mgda.ts',
    before: 'if (step < epsilon) break;',
    after: 'if (step <= epsilon) break;',
    why: 'a step of exactly epsilon',
  },
  {
    file: 'src/multiloss/methods/from-gradients/bargaining.ts',
    before: 'return { w: 0 };',
    after: 'return { w: 1 };',
    why: 'a new loss makes the weights due: it is written over',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'this.products = g.slice(row * m, (row + 1) * m);',
    after: 'this.products = g.slice(row * m, (row + 2) * m);',
    why: 'what is longer than m is not read',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'for (let k = 0, at = j * m; k < m; k++, at++) products[k] = (products[k] as number) + s * (g[at] as number);',
    after: 'for (let k = 0, at = j * m; k <= m; k++, at++) products[k] = (products[k] as number) + s * (g[at] as number);',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'for (let k = 0; k < m; k++) w[k] = (w[k] as number) + (mine.weights[k] as number);',
    after: 'for (let k = 0; k <= m; k++) w[k] = (w[k] as number) + (mine.weights[k] as number);',
    why: 'as above',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'for (let i = 0; i < m; i++) {',
    after: 'for (let i = 0; i <= m; i++) {',
    why: 'one more, of no gradient, adds 0 (of PCGrad; of GradVac it fails, which tests show)',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'const cosine = own === 0 || other === 0 ? 0 : Math.min(1, Math.max(-1, (mine.products[j] as number) / own / other));',
    after: 'const cosine = own === 0 || other === 0 ? 0 : Math.min(2, Math.max(-1, (mine.products[j] as number) / own / other));',
    why: 'a cosine above 1 by roundings is above every target',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'if (cosine < target && across > 0 && own > 0 && other > 0) {',
    after: 'if (cosine <= target && across > 0 && own > 0 && other > 0) {',
    why: 'a gradient that is there already moves by 0',
  },
  {
    file: 'src/multiloss/methods/from-gradients/surgery.ts',
    before: 'if (cosine < target && across > 0 && own > 0 && other > 0) {',
    after: 'if (cosine < target && across > 0 && own >= 0 && other > 0) {',
    why: 'of a zero gradient it is 0 that is added',
  },
  {
    file: 'src/multiloss/solve/min-norm.ts',
    before: 'return quadratic(cosines, minNorm(cosines, n), n) <= 1e-14 * n;',
    after: 'return quadratic(cosines, minNorm(cosines, n), n) < 1e-14 * n;',
    why: 'a square of exactly that, which is made of roundings',
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
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0, at = 0; i < k; i++) for (let j = 0; j < k; j++, at++) a[at] = cosines[(rows[i] as number) * n + (rows[j] as number)] as number;',
    after: 'for (let i = 0, at = 0; i <= k; i++) for (let j = 0; j < k; j++, at++) a[at] = cosines[(rows[i] as number) * n + (rows[j] as number)] as number;',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0, at = 0; i < k; i++) for (let j = 0; j < k; j++, at++) a[at] = (a[at] as number) * ((size[i] as number) * (size[j] as number));',
    after: 'for (let i = 0, at = 0; i <= k; i++) for (let j = 0; j < k; j++, at++) a[at] = (a[at] as number) * ((size[i] as number) * (size[j] as number));',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0; i < k; i++) candidate.x[i] = (x[i] as number) + reach * (step[i] as number);',
    after: 'for (let i = 0; i <= k; i++) candidate.x[i] = (x[i] as number) + reach * (step[i] as number);',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0; i < this.k; i++) rhs[i] = (this.diagonal[i] as number) * inverse(x[i] as number, this.beta);',
    after: 'for (let i = 0; i <= this.k; i++) rhs[i] = (this.diagonal[i] as number) * inverse(x[i] as number, this.beta);',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0; i < k; i++) step[i] = Math.max(step[i] as number, (LEAST_LEFT - 1) * (x[i] as number));',
    after: 'for (let i = 0; i <= k; i++) step[i] = Math.max(step[i] as number, (LEAST_LEFT - 1) * (x[i] as number));',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0; i < k; i++) curvature[i] = (curvature[i] as number) + jitter * (diagonal[i] as number);',
    after: 'for (let i = 0; i <= k; i++) curvature[i] = (curvature[i] as number) + jitter * (diagonal[i] as number);',
    why: 'what is written behind the end of an array of numbers is not kept',
  },
  {
    file: 'src/multiloss/solve/fair.ts',
    before: 'for (let i = 0; i < count; i++) rest[i] = (gradient[set[i] as number] as number) - (aStep[set[i] as number] as number);',
    after: 'for (let i = 0; i <= count; i++) rest[i] = (gradient[set[i] as number] as number) - (aStep[set[i] as number] as number);',
    why: 'one more number than is read, or one that is not kept',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'const stride = (n + 3) & ~3;',
    after: 'const stride = (n + 4) & ~3;',
    why: 'longer rows, of which the rest is not read',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'let count = warmStart ? 0 : -1;',
    after: 'let count = warmStart ? 0 : -2;',
    why: 'any number below 0 stands for none',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'let count = warmStart ? 0 : -1;',
    after: 'let count = !(warmStart) ? 0 : -1;',
    why: 'where to start from: the same solution, later',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'if (warmStart) for (const i of all) if ((warmStart[i] as number) > 0) int32View()[set + count++] = i;',
    after: 'if (warmStart) for (const i of all) if ((warmStart[i] as number) >= 0) int32View()[set + count++] = i;',
    why: 'as above',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'if (warmStart) for (const i of all) if ((warmStart[i] as number) > 0) int32View()[set + count++] = i;',
    after: 'if (warmStart) for (const i of all) if ((warmStart[i] as number) > 1) int32View()[set + count++] = i;',
    why: 'as above',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'if (warmStart) for (const i of all) if ((warmStart[i] as number) > 0) int32View()[set + count++] = i;',
    after: 'if (warmStart) for (const i of all) if ((warmStart[i] as number) > 0) ;',
    why: 'as above',
  },
  {
    file: 'src/multiloss/solve/conflict-averse.ts',
    before: 'const isNothing = (w: Float64Array): boolean => quadratic(g, w, n) <= NOTHING * size(w) ** 2;',
    after: 'const isNothing = (w: Float64Array): boolean => quadratic(g, w, n) < NOTHING * size(w) ** 2;',
    why: 'a square of exactly that, which is made of roundings',
  },
  {
    file: 'src/multiloss/solve/conflict-averse.ts',
    before: 'if (length < normEps * Math.sqrt(lengths.reduce((sum, v) => sum + v * v, 0))) return new Float64Array(n);',
    after: 'if (length <= normEps * Math.sqrt(lengths.reduce((sum, v) => sum + v * v, 0))) return new Float64Array(n);',
    why: 'a length of exactly that',
  },
  {
    file: 'src/multiloss/solve/conflict-averse.ts',
    before: 'if (quadratic(g, apart, n) <= (1 + 1e-9) * radius * radius) return normEps === 0 ? safe : new Float64Array(n);',
    after: 'if (quadratic(g, apart, n) < (1 + 1e-9) * radius * radius) return normEps === 0 ? safe : new Float64Array(n);',
    why: 'a square of exactly that',
  },
  {
    file: 'src/multiloss/solve/conflict-averse.ts',
    before: 'if (quadratic(g, apart, n) <= (1 + 1e-9) * radius * radius) return normEps === 0 ? safe : new Float64Array(n);',
    after: 'if (quadratic(g, apart, n) <= (1 + (1000 * 1e-9)) * radius * radius) return normEps === 0 ? safe : new Float64Array(n);',
    why: 'room for roundings: a step that is longer by a millionth',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'return withScratch(4 * (stride + 3) ** 2, (a) => {',
    after: 'return withScratch(5 * (stride + 3) ** 2, (a) => {',
    why: 'a larger scratch buffer, of which the rest is not used',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'return withScratch(4 * (stride + 3) ** 2, (a) => {',
    after: 'return withScratch(4 * (stride + 4) ** 2, (a) => {',
    why: 'a larger scratch buffer, of which the rest is not used',
  },
  {
    file: 'src/multiloss/solve/nonnegative.ts',
    before: 'return withScratch(4 * (stride + 3) ** 2, (a) => {',
    after: 'return withScratch(4 * (stride + 3) ** 3, (a) => {',
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
];
