// Rows of what orders, scans, pads and combines arrays.
import * as g from 'gradloom';
import { type Case, index, pair, rows } from './case.ts';

const square = (n: number): number[][] => [[n, n]];

const formulas: Case[] = [
  { name: 'atan', run: g.atan, reference: Math.atan },
  { name: 'asin', run: g.asin, reference: Math.asin, domain: [-0.8, 0.8] },
  { name: 'acos', run: g.acos, reference: Math.acos, domain: [-0.8, 0.8] },
  { name: 'tan', run: g.tan, reference: Math.tan, domain: [-1, 1] },
  { name: 'sinh', run: g.sinh, reference: Math.sinh },
  { name: 'cosh', run: g.cosh, reference: Math.cosh },
  { name: 'atan2', run: g.atan2, shapes: pair, reference: Math.atan2, domain: [0.5, 2] },
  { name: 'atan2 broadcast', run: (y) => g.atan2(y, -1.5), shapes: rows, kinks: [0] },
  { name: 'lerp', run: (a, b, w) => g.lerp(a, b, w), shapes: (n) => [[n], [n], [n]], reference: (a, b, w) => a + w * (b - a) },
  { name: 'addcmul', run: (x, a, b) => g.addcmul(x, a, b, { value: 0.7 }), shapes: (n) => [[n], [n], [n]], reference: (x, a, b) => x + 0.7 * a * b },
  { name: 'addcdiv', run: (x, a, b) => g.addcdiv(x, a, b), shapes: (n) => [[n], [n], [n]], reference: (x, a, b) => x + a / b, domain: [0.5, 2] },
  { name: 'logaddexp', run: g.logaddexp, shapes: pair, reference: (a, b) => Math.log(Math.exp(a) + Math.exp(b)), distinct: true },
  { name: 'nanToNum', run: (x) => g.nanToNum(x), reference: (x) => x, linear: true },
  { name: 'outer', run: g.outer, shapes: (n) => [[n], [3]] },
];

const orders: Case[] = [
  { name: 'flip', run: (x) => x.flip([0, 2]), shapes: (n) => [[2, 3, n]], linear: true },
  { name: 'roll', run: (x) => x.roll([1, -2], [0, 1]), shapes: rows, linear: true },
  { name: 'roll all', run: (x) => x.roll(2), shapes: rows, linear: true },
  { name: 'repeat', run: (x) => x.repeat([2, 1, 3]), shapes: rows, linear: true },
  { name: 'tile', run: (x) => x.tile([2]), shapes: rows, linear: true },
  { name: 'sort', run: (x) => x.sort({ dim: 0, descending: true }).values, shapes: rows, distinct: true, linear: true },
  { name: 'topk', run: (x) => x.topk(2, { dim: 0 }).values, shapes: rows, distinct: true, linear: true },
  { name: 'topk smallest', run: (x) => x.topk(1, { largest: false }).values, shapes: rows, distinct: true, linear: true },
  {
    name: 'scatter',
    run: (x, s) => x.scatter(0, index([2, 0, 1], [1, 3]), s),
    shapes: () => [
      [3, 3],
      [1, 3],
    ],
    linear: true,
  },
  {
    name: 'scatter short',
    run: (x, s) => x.scatter(1, index([2, 0, 1, 2], [2, 2]), s),
    shapes: () => [
      [3, 3],
      [2, 2],
    ],
    linear: true,
  },
  { name: 'pad', run: (x) => g.pad(x, [2, -1, 0, 1], { value: 1.5 }), shapes: (n) => [[2, 3, n + 1]], linear: true },
  { name: 'pad reflect', run: (x) => g.pad(x, [1, 1], { mode: 'reflect' }), shapes: (n) => [[2, n + 1]], linear: true },
  { name: 'pad circular', run: (x) => g.pad(x, [1, 0, 2, 1], { mode: 'circular' }), shapes: rows, linear: true },
];

const matrices: Case[] = [
  { name: 'tril', run: (x) => x.tril(), shapes: square, linear: true },
  { name: 'triu', run: (x) => x.triu(1), shapes: (n) => [[2, 3, n]], linear: true },
  { name: 'diagonal', run: (x) => x.diagonal({ offset: -1, dim1: 2, dim2: 0 }), shapes: (n) => [[3, 2, n]], linear: true },
  { name: 'diagEmbed', run: (x) => x.diagEmbed({ offset: 1, dim1: 0 }), shapes: (n) => [[2, n]], linear: true },
  { name: 'diag', run: (x) => x.diag(-1), linear: true },
  { name: 'diag of a matrix', run: (x) => x.diag(), shapes: rows, linear: true },
  { name: 'trace', run: (x) => x.trace(), shapes: square, linear: true },
  {
    name: 'einsum',
    run: (a, b) => g.einsum('bij,bjk->bik', a, b),
    shapes: (n) => [
      [2, 3, n],
      [2, n, 2],
    ],
  },
  { name: 'einsum three', run: (a, b, c) => g.einsum('ij,jk,i', a, b, c), shapes: (n) => [[3, n], [n, 2], [3]] },
  { name: 'einsum diagonal', run: (a, b) => g.einsum('...ii,i->...', a, b), shapes: () => [[2, 3, 3], [3]] },
  { name: 'einsum outer', run: (a, b) => g.einsum('i,j->ji', a, b), shapes: (n) => [[n], [2]] },
];

const scans: Case[] = [
  { name: 'prod', run: (x) => x.prod(), shapes: () => [[5]] },
  { name: 'prod 0', run: (x) => x.prod(0, true), shapes: rows },
  { name: 'cumsum', run: (x) => x.cumsum(1), shapes: rows, linear: true },
  { name: 'cumprod', run: (x) => x.cumprod(0), shapes: rows },
];

export const arrayCases: readonly Case[] = [...formulas, ...orders, ...matrices, ...scans];
