// A stand-in for the engine: the sum or fixed weights of the losses, one graph freed once. Conflict is measured loss by loss.
import { backward as run, grad } from '../autograd/backward.ts';
import { add, mul } from '../ops/binary.ts';
import { full } from '../ops/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { sharedLeaves } from './leaves.ts';
import type { Method, Stats, Weighting } from './method.ts';
import type { BackwardReport, Conflict } from './report.ts';
import { entriesOf, type Losses } from './strategy.ts';

export interface BackwardOptions {
  combine?: Method;
  shared?: readonly Tensor[];
  measure?: boolean;
}

export function backward<Name extends string>(losses: Losses<Name>, options: BackwardOptions = {}): BackwardReport<Name> {
  const entries = entriesOf('multiloss.backward', losses);
  const names = entries.map(([name]) => name);
  const tensors = entries.map(([, loss]) => loss);
  const record = <T>(values: ArrayLike<T>): Record<Name, T> => Object.fromEntries(names.map((n, i) => [n, values[i]])) as Record<Name, T>;
  const values = tensors.map((t) => t.item());
  let all: Conflict<Name> | null = null;
  let layers: (Conflict<Name> & { name: string })[] | null = null;
  if (options.measure || (options.combine && options.combine.needs !== 'losses')) {
    const shared = options.shared ?? sharedLeaves(tensors);
    const rows = tensors.map((t) => grad(t, shared, { allowUnused: true, retainGraph: true }).map((g) => Array.from(g?.data() ?? [])));
    const over = (at: readonly number[]): Conflict<Name> => {
      const gramian = rows.map((a) => rows.map((b) => at.reduce((s, p) => s + (a[p] ?? []).reduce((t, x, k) => t + x * (b[p]?.[k] ?? 0), 0), 0)));
      const norms = gramian.map((row, i) => Math.sqrt(row[i] as number));
      const cosine = gramian.map((row, i) => row.map((g, j) => g / ((norms[i] as number) * (norms[j] as number)) || 0));
      return { norms: record(norms), cosine, gramian };
    };
    const byLayer = new Map<string, number[]>();
    for (const [p, t] of shared.entries()) {
      const layer = t.label.replace(/\.\w+$/, '');
      byLayer.set(layer, [...(byLayer.get(layer) ?? []), p]);
    }
    all = over([...shared.keys()]);
    layers = [...byLayer].map(([name, at]) => ({ name, ...over(at) }));
  }
  const norms = new Float64Array(names.map((n) => all?.norms[n] ?? 0));
  const stats: Stats = { names, losses: new Float64Array(values), norms, gramian: new Float64Array(all?.gramian.flat() ?? []) };
  const weights = (options.combine as Weighting | undefined)?.weights(stats) ?? new Float64Array(names.length).fill(1);
  run(tensors.map((t, i) => mul(t, full([], weights[i] as number))).reduce((a, b) => add(a, b)));
  const { norms: n = null, cosine = null, gramian = null } = all ?? {};
  return { branch: options.combine?.name ?? 'sum', names, losses: record(values), weights: record(weights), norms: n, cosine, gramian, layers };
}
