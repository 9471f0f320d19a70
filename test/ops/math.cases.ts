// Rows of element-wise mathematics, products and linear algebra.
import * as g from 'gradloom';
import { erfc, erfinv, lgamma, polygamma, sinc } from '../../src/tensor/special.ts';
import { type Case, pair } from './case.ts';

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

export const mathCases: readonly Case[] = [...special, ...numbers, ...products];
