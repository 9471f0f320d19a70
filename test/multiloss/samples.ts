// Jacobians to try methods on: of every rank and scale, with zero, double and opposed rows.
import fc from 'fast-check';
import type { multiloss } from 'gradloom';
import { seeded } from '../seeded.ts';

export type Rows = number[][];

export const inner = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, k) => sum + v * (b[k] as number), 0);
export const length = (a: readonly number[]): number => Math.sqrt(inner(a, a));
export const longest = (rows: Rows): number => Math.max(...rows.map(length));

/** What a method is told of a Jacobian. */
export function statsOf(rows: Rows, losses: readonly number[] = rows.map(() => 1)): multiloss.Stats {
  return {
    names: rows.map((_, i) => `loss${i + 1}`),
    losses: Float64Array.from(losses),
    norms: Float64Array.from(rows, length),
    gramian: Float64Array.from(rows.flatMap((a) => rows.map((b) => inner(a, b)))),
  };
}

export const gramianOf = (rows: Rows): Float64Array => statsOf(rows).gramian;

const element = fc.integer({ min: -8, max: 8 }).map((v) => v / 4);

/** m rows of n small numbers. */
export const rowsOf = (m: number, n: number): fc.Arbitrary<Rows> => fc.array(fc.array(element, { minLength: n, maxLength: n }), { minLength: m, maxLength: m });

/** Rows of any rank: 1 to 6 of 1 to 8 elements, some of them zero, double, opposed or sums of others. */
export const anyRows: fc.Arbitrary<Rows> = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 8 }))
  .chain(([m, n]) => fc.tuple(rowsOf(m, n), fc.array(fc.constantFrom('as it is', 'zero', 'double', 'opposed', 'sum'), { minLength: m, maxLength: m })))
  .map(([rows, kinds]) => {
    const out: Rows = [];
    rows.forEach((row, i) => {
      const before = out[i - 1];
      const first = out[0];
      const kind = kinds[i];
      if (kind === 'zero') out.push(row.map(() => 0));
      else if (kind === 'double' && before) out.push([...before]);
      else if (kind === 'opposed' && before) out.push(before.map((v) => -0.5 * v));
      else if (kind === 'sum' && before && first) out.push(before.map((v, k) => v + (first[k] as number)));
      else out.push(row);
    });
    return out;
  });

/** Independent rows, seldom badly conditioned: a diagonal of 3 above small numbers. */
export const independentRows: fc.Arbitrary<Rows> = fc
  .integer({ min: 2, max: 6 })
  .chain((m) => rowsOf(m, m + 1))
  .map((rows) => rows.map((row, i) => row.map((v, k) => v / 4 + (k === i ? 3 : 0))));

export const scaled = (rows: Rows, by: number): Rows => rows.map((row) => row.map((v) => v * by));

/** 17 to 40 rows of any rank, whose lengths differ by up to 10^spread: enough rows that QL is taken where lengths are alike. */
export const manyRows = fc.tuple(fc.integer({ min: 17, max: 40 }), fc.constantFrom(0.2, 0.6, 1, 3), fc.constantFrom(0, 1, 6), fc.integer()).map(([m, share, spread, seed]) => {
  let state = seed | 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
  const n = Math.max(2, Math.round(m * share));
  return Array.from({ length: m }, (_, i) => Array.from({ length: n }, () => next() * 10 ** (((i % 5) / 5) * spread)));
});

/** Numbers of a seed, normal ones. */
export function normals(seed: number): () => number {
  const uniform = seeded(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** So many orthonormal vectors of n numbers, the given ones first. */
function orthonormal(count: number, n: number, given: Rows, normal: () => number): Rows {
  const out = given.map((v) => v.map((x) => x / length(v)));
  while (out.length < count) {
    let v = Array.from({ length: n }, normal);
    for (let turn = 0; turn < 2; turn++) for (const u of out) v = v.map((x, k) => x - inner(u, v) * (u[k] as number)); // biome-ignore format: one line
    out.push(v.map((x) => x / length(v)));
  }
  return out;
}

/**
 * Which positive combinations of a Jacobian's rows are 0. 'strong': one with all weights > 0. 'strictly weak': one with weights ≥ 0, but none with all > 0.
 * 'not weak': none. 'normal': whatever comes.
 */
export type Kind = 'strong' | 'strictly weak' | 'not weak' | 'normal';

/** A float32 Jacobian of a kind: m rows of n numbers and a rank. `least`: ‖Jᵀw‖ ≥ Σ leastᵢ·wᵢ for all w ≥ 0; zeros where there is no bound. */
export function ofKind(kind: Kind, m: number, n: number, rank: number, normal: () => number): { rows: Rows; least: number[] } {
  const positive = Array.from({ length: m }, () => Math.abs(normal()) + 0.05);
  const split = 1 + Math.floor((Math.abs(normal()) * m) / 3) % Math.max(m - 1, 1); // biome-ignore format: one line
  const [first, rest] = [positive.map((v, i) => (i < split ? v : 0)), positive.map((v, i) => (i < split ? 0 : v))];
  const given = { strong: [positive], 'strictly weak': [first, rest], 'not weak': [positive], normal: [] }[kind];
  const hidden = kind === 'strong' || kind === 'strictly weak' ? 1 : 0;
  const left = orthonormal(rank + hidden, m, given, normal).slice(hidden);
  const right = orthonormal(rank, n, [], normal);
  const lengths = Array.from({ length: rank }, () => Math.abs(normal()));
  const rows = Array.from({ length: m }, (_, i) => Array.from({ length: n }, (_c, k) => Math.fround(lengths.reduce((s, v, r) => s + v * ((left[r] as number[])[i] as number) * ((right[r] as number[])[k] as number), 0)))); // biome-ignore format: one line
  const bounded = kind === 'strictly weak' || kind === 'not weak';
  return { rows, least: (left[0] as number[]).map((v) => (bounded ? v * (lengths[0] as number) : 0)) };
}
