// Rows of element-wise mathematics, products and linear algebra.
import * as g from 'gradloom';
import type { Tensor } from 'gradloom';
import { erfc, erfinv, lgamma, polygamma, sinc } from '../../src/tensor/special.ts';
import { type Case, once, pair } from './case.ts';

const fmodOf = (a: number, b: number): number => a % b;
/** What the remainders are tried on: no quotient is near a whole number. */
const apart = { domain: [1.3, 1.9] as const, distinct: true };

const special: Case[] = [
  { name: 'asinh', run: g.asinh, reference: Math.asinh },
  { name: 'acosh', run: g.acosh, reference: Math.acosh, domain: [1.5, 4] },
  { name: 'atanh', run: g.atanh, reference: Math.atanh, domain: [-0.8, 0.8] },
  { name: 'erfc', run: g.erfc, reference: erfc },
  { name: 'erfinv', run: g.erfinv, reference: erfinv, domain: [-0.8, 0.8] },
  { name: 'lgamma', run: g.lgamma, reference: lgamma, domain: [0.5, 4] },
  { name: 'lgamma below 0', run: g.lgamma, reference: lgamma, domain: [-0.8, -0.3] },
  { name: 'digamma', run: g.digamma, reference: (x) => polygamma(0, x), domain: [0.7, 4] },
  { name: 'polygamma', run: (x) => g.polygamma(2, x), reference: (x) => polygamma(2, x), domain: [1.5, 4] },
  { name: 'mvlgamma', run: (x) => g.mvlgamma(x, 3), domain: [1.8, 4] },
  { name: 'i0', run: g.i0 },
  { name: 'sinc', run: g.sinc, reference: (x) => sinc(0, x) },
  { name: 'logit', run: (x) => g.logit(x), reference: (x) => Math.log(x / (1 - x)), domain: [0.2, 0.8] },
  { name: 'logit kept within', run: (x) => g.logit(x, 0.3), domain: [0.05, 0.95], kinks: [0.3, 0.7] },
  { name: 'xlogy', run: g.xlogy, shapes: pair, reference: (x, y) => x * Math.log(y), domain: [0.5, 3] },
  { name: 'xlog1py', run: g.xlog1py, shapes: (n) => [[n], []], domain: [0.5, 3] },
  { name: 'exp2', run: g.exp2, reference: (x) => 2 ** x },
  { name: 'log2', run: g.log2, reference: Math.log2, domain: [0.3, 3] },
  { name: 'log10', run: g.log10, reference: Math.log10, domain: [0.3, 3] },
  { name: 'logaddexp2', run: g.logaddexp2, shapes: pair, reference: (a, b) => Math.log2(2 ** a + 2 ** b), distinct: true },
];

const numbers: Case[] = [
  { name: 'copysign', run: g.copysign, shapes: pair, reference: (a, b) => (b < 0 ? -Math.abs(a) : Math.abs(a)), kinks: [0], linear: true },
  { name: 'fmax', run: g.fmax, shapes: pair, reference: Math.max, distinct: true, linear: true },
  { name: 'fmin', run: g.fmin, shapes: pair, reference: Math.min, distinct: true, linear: true },
  { name: 'hypot', run: g.hypot, shapes: pair, reference: Math.hypot, domain: [0.5, 2] },
  { name: 'clampMin', run: (x) => g.clampMin(x, 0.5), reference: (x) => Math.max(x, 0.5), kinks: [0.5], linear: true },
  { name: 'clampMax', run: (x, most) => g.clampMax(x, most), shapes: pair, reference: Math.min, distinct: true, linear: true },
  { name: 'positive', run: g.positive, reference: (x) => x, linear: true },
  { name: 'fmod', run: g.fmod, shapes: pair, reference: fmodOf, ...apart, linear: true },
  { name: 'fmod of a number', run: (x) => g.fmod(x, -0.75), reference: (x) => fmodOf(x, -0.75), kinks: [-1.5, -0.75, 0, 0.75, 1.5], linear: true },
  { name: 'remainder', run: g.remainder, shapes: (n) => [[3, n], [n]], ...apart, linear: true },
  { name: 'floorDivide', run: (x) => g.floorDivide(x, 0.75), reference: (x) => Math.floor(x / 0.75), kinks: [-1.5, -0.75, 0, 0.75, 1.5], linear: true },
  { name: 'divide', run: (x, y) => g.divide(x, y), shapes: pair, reference: (x, y) => x / y, domain: [0.5, 2] },
  { name: 'divide trunc', run: (x) => g.divide(x, 0.75, { roundingMode: 'trunc' }), reference: (x) => Math.trunc(x / 0.75), kinks: [-1.5, -0.75, 0, 0.75, 1.5], linear: true },
  { name: 'trueDivide', run: g.trueDivide, shapes: pair, reference: (x, y) => x / y, domain: [0.5, 2] },
  {
    name: 'round decimals',
    run: (x) => g.round(x, { decimals: 1 }),
    reference: (x) => Math.round(x * 10) / 10,
    kinks: Array.from({ length: 41 }, (_, i) => (i - 20) / 10 + 0.05),
    linear: true,
  },
  { name: 'ldexp', run: (x, n) => g.ldexp(x, n), shapes: pair, reference: (x, n) => x * 2 ** n },
  { name: 'rsub', run: (x, y) => g.rsub(x, y, 2), shapes: pair, reference: (x, y) => y - 2 * x, linear: true },
  { name: 'frac', run: g.frac, reference: (x) => x - Math.trunc(x), kinks: [-2, -1, 0, 1, 2], linear: true },
  { name: 'deg2rad', run: g.deg2rad, reference: (x) => (x * Math.PI) / 180, linear: true },
  { name: 'rad2deg', run: g.rad2deg, domain: [-0.05, 0.05], linear: true },
];

const products: Case[] = [
  { name: 'addbmm', run: (c, a, b) => g.addbmm(c, a, b, { alpha: 0.5, beta: 2 }), shapes: (n) => [[2], [2, 3, n], [2, n, 2]] },
  {
    name: 'baddbmm',
    run: (c, a, b) => g.baddbmm(c, a, b),
    shapes: (n) => [
      [2, 1, 2],
      [2, 3, n],
      [2, n, 2],
    ],
  },
  { name: 'addmv', run: (c, a, v) => g.addmv(c, a, v, { alpha: -1 }), shapes: (n) => [[3], [3, n], [n]] },
  { name: 'addr', run: (c, u, v) => g.addr(c, u, v), shapes: (n) => [[3, n], [3], [n]] },
  { name: 'mv', run: g.mv, shapes: (n) => [[3, n], [n]] },
  { name: 'vdot', run: g.vdot, shapes: pair },
  {
    name: 'inner',
    run: g.inner,
    shapes: (n) => [
      [2, n],
      [3, 2, n],
    ],
  },
  { name: 'kron', run: g.kron, shapes: (n) => [[2, n], [3]] },
  {
    name: 'tensordot',
    run: (a, b) =>
      g.tensordot(a, b, [
        [2, 0],
        [0, 1],
      ]),
    shapes: (n) => [
      [2, 3, n],
      [n, 2, 2],
    ],
  },
  {
    name: 'tensordot of one',
    run: (a, b) => g.tensordot(a, b, 1),
    shapes: (n) => [
      [2, 1],
      [n, 2],
    ],
  },
  {
    name: 'chainMatmul',
    run: (a, b, c) => g.chainMatmul(a, b, c),
    shapes: (n) => [
      [2, n],
      [n, 3],
      [3, 1],
    ],
  },
  {
    name: 'cross',
    run: (a, b) => g.cross(a, b),
    shapes: (n) => [
      [n === 3 ? 1 : n, 3],
      [1, 3],
    ],
  },
];

const { linalg } = g;
const square = (n: number): g.Shape[] => [[2, n, n]];
const tall = (n: number): g.Shape[] => [[n + 1, n]];
/** Symmetric, and positive definite with eigenvalues ≥ 1. */
const definite = (x: Tensor): Tensor =>
  x
    .matmul(x.transpose(-2, -1))
    .mul(0.3)
    .add(g.eye(x.shape.at(-1) as number));
/** Well away from singular, and with eigenvalues and singular values that differ. */
const spread = (x: Tensor): Tensor =>
  x.mul(0.3).add(
    once(`steps ${x.shape.slice(-2)}`, () => g.diag(g.arange(1, 1 + Math.max(...x.shape.slice(-2)))))
      .narrow(0, 0, x.shape.at(-2) as number)
      .narrow(1, 0, x.shape.at(-1) as number),
  );
const symmetric = (x: Tensor): Tensor => spread(x).add(spread(x).transpose(-2, -1)).mul(0.5);

// The sizes of the checks are 1, 3, 5 and 17; the largest would only take long.
const matrices: Case[] = (
  [
    ['det', (x) => linalg.det(spread(x)), square],
    ['slogdet', (x) => linalg.slogdet(spread(x)).logabsdet, square],
    ['inv', (x) => linalg.inv(spread(x)), square],
    [
      'solve',
      (x, b) => linalg.solve(spread(x), b),
      (n) => [
        [2, n, n],
        [n, 3],
      ],
    ],
    [
      'solve right',
      (x, b) => linalg.solve(spread(x), b, { left: false }),
      (n) => [
        [n, n],
        [2, n],
      ],
    ],
    [
      'solve a vector',
      (x, b) => linalg.solve(spread(x), b),
      (n) => [
        [2, n, n],
        [2, n],
      ],
    ],
    ['cholesky', (x) => linalg.cholesky(definite(x)), square],
    ['cholesky upper', (x) => linalg.cholesky(definite(x), { upper: true }), square],
    [
      'choleskySolve',
      (b, x) => linalg.choleskySolve(b, linalg.cholesky(definite(x))),
      (n) => [
        [n, 2],
        [n, n],
      ],
    ],
    [
      'solveTriangular',
      (x, b) => linalg.solveTriangular(spread(x), b, { upper: true }),
      (n) => [
        [n, n],
        [2, n, 1],
      ],
    ],
    [
      'solveTriangular right',
      (x, b) => linalg.solveTriangular(x.mul(0.3), b, { upper: false, left: false, unitriangular: true }),
      (n) => [
        [n, n],
        [2, n],
      ],
    ],
    ['qr', (x) => both(linalg.qr(spread(x))), tall],
    ['qr wide', (x) => both(linalg.qr(spread(x))), (n) => [[2, n, n + 1]]],
    ['eigh', (x) => known(linalg.eigh(symmetric(x)).eigenvectors, linalg.eigh(symmetric(x)).eigenvalues), square],
    ['eigvalsh', (x) => linalg.eigvalsh(symmetric(x)), square],
    ['svd', (x) => ofSingular(spread(x)), tall],
    ['svd wide', (x) => ofSingular(spread(x)), (n) => [[n, n + 1]]],
    ['svdvals', (x) => linalg.svdvals(spread(x)), tall],
    ['pinv', (x) => linalg.pinv(spread(x)), tall],
    ['pinv wide', (x) => linalg.pinv(spread(x)), (n) => [[2, n, n + 1]]],
    [
      'lstsq',
      (x, b) => linalg.lstsq(spread(x), b).solution,
      (n) => [
        [n + 1, n],
        [2, n + 1, 2],
      ],
    ],
    [
      'lstsq residuals',
      (x, b) => linalg.lstsq(spread(x), b).residuals,
      (n) => [
        [n + 1, n],
        [n + 1, 2],
      ],
    ],
    ['matrixExp', (x) => linalg.matrixExp(x.mul(0.5)), square],
    ['matrixPower', (x) => linalg.matrixPower(spread(x), 3), square],
    ['matrixPower −2', (x) => linalg.matrixPower(spread(x), -2), square],
    ['matrixNorm nuc', (x) => linalg.matrixNorm(spread(x), 'nuc'), tall],
    ['matrixNorm 2', (x) => linalg.matrixNorm(spread(x), 2, [1, 0]), tall],
    ['matrixNorm 1', (x) => linalg.matrixNorm(spread(x).add(0.1), 1), tall],
    ['vectorNorm', (x) => linalg.vectorNorm(x, 3, -1), tall],
    ['norm of matrices', (x) => linalg.norm(spread(x), -2), tall],
    [
      'linalg cross',
      (a, b) => linalg.cross(a, b, { dim: 0 }),
      (n) => [
        [3, n],
        [3, n],
      ],
    ],
    ['multiDot', (a, b, c) => linalg.multiDot([a, b, c]), (n) => [[n], [n, 3], [3, 2]]],
  ] as [string, Case['run'], (n: number) => g.Shape[]][]
).map(([name, run, shapes]) => ({ name, run, shapes: (n) => shapes(Math.min(n, 4)) }));

/** q and r in one tensor. */
const both = ({ q, r }: { q: Tensor; r: Tensor }): Tensor => g.cat([q.flatten(), r.flatten().mul(0.7)]);
/** A function of eigenvectors that their signs do not change. */
function known(vectors: Tensor, values: Tensor): Tensor {
  return vectors.mul(values.sin().unsqueeze(-2)).matmul(vectors.transpose(-2, -1));
}
function ofSingular(x: Tensor): Tensor {
  const { u, s, vh } = linalg.svd(x, { fullMatrices: false });
  return g.cat([u.mul(s.sin().unsqueeze(-2)).matmul(vh).flatten(), u.square().flatten()]);
}

export const mathCases: readonly Case[] = [...special, ...numbers, ...products, ...matrices];
