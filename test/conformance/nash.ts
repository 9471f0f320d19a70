const inner = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, k) => sum + v * (b[k] as number), 0);

/**
 * Whether weights solve Nash's equations G·w = k/w for some k ≥ 0, to 1 %: a clipped solution does with k ≠ 1. TorchJD's solver often
 * returns its start instead, which does not: then the recorded direction is not Nash-MTL's and ours is checked by the equations alone.
 */
export function solvesNash(jacobian: readonly number[][], w: readonly number[]): boolean {
  const direction = (jacobian[0] as number[]).map((_, k) => jacobian.reduce((sum, row, i) => sum + (w[i] as number) * (row[k] as number), 0));
  // A zero gradient takes part in no bargain.
  const rows = jacobian.map((row, i) => [row, w[i] as number] as const).filter(([row]) => row.some((v) => v !== 0));
  if (w.length !== jacobian.length || rows.every(([, v]) => v === 0)) return w.length === jacobian.length;
  const gains = rows.map(([row, v]) => v * inner(row, direction));
  return Math.max(...gains) - Math.min(...gains) <= 0.01 * Math.abs(Math.max(...gains));
}
