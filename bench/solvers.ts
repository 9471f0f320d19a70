// What each multi-loss method costs on the host for m losses, without any gradients: `npx tsx bench/solvers.ts [m …]`. Microseconds,
// the best of several rounds for each of 8 Gramians, their mean and the slowest of them: of long random rows (wide), of rows of rank m/2
// (low rank), and of lengths from 1e-4 to 1e4 (skew). A new method each time, so nothing is warm-started but the machine's code.
import { manualSeed, multiloss as M, randn, scope } from 'gradloom';

const METHODS: Readonly<Record<string, () => M.Weighting>> = {
  UPGrad: () => new M.UPGrad(),
  DualProj: () => new M.DualProj(),
  MGDA: () => new M.MGDA(),
  PCGrad: () => new M.PCGrad(),
  GradVac: () => new M.GradVac(),
  CAGrad: () => new M.CAGrad(),
  IMTLG: () => new M.IMTLG(),
  NashMTL: () => new M.NashMTL(),
  'FairGrad(2)': () => new M.FairGrad({ alpha: 2 }),
  AlignedMTL: () => new M.AlignedMTL(),
  ConFIG: () => new M.ConFIG(),
  SDMGrad: () => new M.SDMGrad(),
};

/** Runs until a method's code is compiled. */
const WARM = 60;

const KINDS: Readonly<Record<string, (m: number) => { columns: number; scale: (row: number) => number }>> = {
  wide: () => ({ columns: 1000, scale: () => 1 }),
  'low rank': (m) => ({ columns: Math.max(2, m >> 1), scale: () => 1 }),
  skew: (m) => ({ columns: 2 * m, scale: (row) => 10 ** ((row % 9) - 4) }),
};

function statsOf(m: number, { columns, scale }: ReturnType<(typeof KINDS)[string]>): M.Stats {
  const rows = scope(() => randn([m, columns]).toArray() as number[][]).map((row, i) => row.map((v) => v * scale(i)));
  const gramian = Float64Array.from(rows.flatMap((a) => rows.map((b) => a.reduce((sum, v, k) => sum + v * (b[k] as number), 0))));
  const norms = Float64Array.from(rows, (_, i) => Math.sqrt(gramian[i * m + i] as number));
  return { names: rows.map((_, i) => `loss${i}`), losses: new Float64Array(m).fill(1), norms, gramian };
}

manualSeed(1);
const sizes = process.argv.slice(2).map(Number);
const table: Record<string, Record<string, string>> = {};
for (const [kind, shape] of Object.entries(KINDS)) {
  for (const m of sizes.length > 0 ? sizes : [4, 16, 64]) {
    const samples = Array.from({ length: 8 }, () => statsOf(m, shape(m)));
    const column: Record<string, string> = {};
    for (const [name, make] of Object.entries(METHODS)) {
      const best = samples.map(() => Number.POSITIVE_INFINITY);
      for (let i = 0; i < WARM; i++) make().weights(samples[i % samples.length] as M.Stats);
      for (let round = 0; round < 400 / m; round++) {
        samples.forEach((stats, i) => {
          const start = performance.now();
          make().weights(stats);
          best[i] = Math.min(best[i] as number, performance.now() - start);
        });
      }
      const text = (ms: number): string => (1000 * ms).toFixed(ms < 0.01 ? 1 : 0);
      column[name] = `${text(best.reduce((a, b) => a + b) / best.length)} ≤ ${text(Math.max(...best))}`;
    }
    table[`${kind} ${m}`] = column;
  }
}
const columns = Object.keys(table);
console.log(['method', ...columns].join(' | '));
for (const name of Object.keys(METHODS)) console.log([name, ...columns.map((c) => table[c]?.[name] ?? '')].join(' | '));
