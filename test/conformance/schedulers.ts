// One case of a scheduler: the groups' rates after each of its steps, and their momentum.
import { nn, optim, zeros } from 'gradloom';
import { call, type Row } from './bind.ts';
import { compareNumbers, Mismatch, TOLERANCES } from './compare.ts';
import { decodeRecord } from './decode.ts';

export interface SchedulerCase {
  kwargs: Record<string, unknown>;
  baseLrs: number[];
  momentum?: number;
  /** Per step and group, from before the first step on; one number where there is one group. */
  lrs: (number | number[])[];
  momenta?: number[][];
  /** What each step is told, where it watches a metric. */
  metrics?: number[];
}

export function runScheduler(
  row: Row<Pick<optim.lrScheduler.ReduceLROnPlateau, 'step' | 'getLastLr'>>,
  { kwargs, baseLrs, momentum = 0, lrs, momenta, metrics }: SchedulerCase,
): number {
  const groups = baseLrs.map((lr) => ({ params: [new nn.Parameter(zeros([1]))], lr }));
  const optimizer = new optim.SGD(groups, { momentum });
  const scheduler = call(row, [optimizer], decodeRecord(kwargs, []));
  let worst = 0;
  for (const [step, each] of lrs.entries()) {
    const expected = [each].flat();
    if (step > 0 && metrics) scheduler.step(metrics[step - 1] ?? Number.NaN);
    else if (step > 0) (scheduler as unknown as { step(): void }).step();
    const rates = scheduler.getLastLr();
    if (rates.length !== expected.length) throw new Mismatch(`${rates.length} rates, expected ${expected.length}`);
    for (const [i, rate] of rates.entries()) {
      worst = Math.max(worst, compareNumbers(`rate ${i} after ${step} steps`, rate, expected[i] as number, TOLERANCES.rates));
      const m = momenta?.[step]?.[i] ?? momentum;
      worst = Math.max(worst, compareNumbers(`momentum ${i} after ${step} steps`, optimizer.paramGroups[i]?.momentum ?? Number.NaN, m, TOLERANCES.rates));
    }
  }
  return worst;
}
