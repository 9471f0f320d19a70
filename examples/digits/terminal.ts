// What the terminal shows: a bar while a strategy trains, a line when it is done, and a table of all.
import cliProgress from 'cli-progress';
import Table from 'cli-table3';
import type { Run, Step } from './train.ts';

/** Four decimals, or what fits in their place. */
export const loss = (value: number): string => (value < 10 ? value.toFixed(4) : value.toPrecision(4));
export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`;

/** Steps per branch of a strategy that switches, as "digit 77 % of steps, image 23 %"; empty for one that does not. */
export function shares({ branches, switches }: Run): string {
  const total = Object.values(branches).reduce((a, b) => a + b, 0);
  return switches
    ? Object.entries(branches)
        .map(([name, n], i) => `${name} ${percent(n / total)}${i === 0 ? ' of steps' : ''}`)
        .join(', ')
    : '';
}

/** A progress bar on a terminal; where there is none, it shows nothing. */
export function progressBar(name: string, stream: NodeJS.WriteStream): { update(step: Step): void; stop(): void } {
  if (!stream.isTTY) return { update: () => {}, stop: () => {} };
  const start = performance.now();
  let current: Step | undefined;
  const line = (): string => {
    if (!current) return name;
    const { step, steps, digit, image } = current;
    const columns = (stream.columns || 80) - 1;
    const rate = (1000 * step) / (performance.now() - start);
    const text = `${`${step}`.padStart(`${steps}`.length)}/${steps}  ${rate.toFixed(0)} steps/s  digit ${loss(digit)}  image ${loss(image)}`;
    const width = Math.max(5, Math.min(40, columns - 15 - text.length));
    const done = Math.floor((width * step) / steps);
    return `${name.padEnd(14)}${'█'.repeat(done)}${'░'.repeat(width - done)} ${text}`.slice(0, columns);
  };
  // Lines are cut to the terminal's width here: cli-progress would turn off its wrapping, and Ctrl-C leave it so.
  const bar = new cliProgress.SingleBar({ format: line, stream, linewrap: true, clearOnComplete: true });
  return {
    update(step) {
      const first = !current;
      current = step;
      if (first) bar.start(step.steps, step.step);
      else bar.update(step.step);
    },
    stop: () => bar.stop(),
  };
}

/** One run in one line. */
export function summary(run: Run): string {
  const steps = Object.values(run.branches).reduce((a, b) => a + b, 0);
  return `${run.strategy.padEnd(14)}${steps} steps in ${run.seconds.toFixed(1)} s (${run.stepsPerSecond.toFixed(0)} steps/s), test accuracy ${percent(run.accuracy, 2)}`;
}

/** All runs, with notes on what needs one. */
export function table(runs: readonly Run[]): string {
  const grid = new Table({
    head: ['strategy', 'optimizer', 'digit loss\n(test)', 'image loss\n(test)', 'accuracy\n(test)', 'seconds'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const r of runs) {
    grid.push([r.strategy, `${r.optimizer} ${r.lr}`, loss(r.loss1), loss(r.loss2), percent(r.accuracy, 2), r.seconds.toFixed(1)]);
  }
  const notes = runs.flatMap((r) => [
    ...(r.switches ? [`${r.strategy}: ${shares(r)}.`] : []),
    ...(Number.isFinite(r.loss1 + r.loss2) ? [] : [`${r.strategy}: the losses are not finite, so the learning rate ${r.lr} is too high for it; try a lower --lr.`]),
  ]);
  return [grid.toString(), ...notes].join('\n');
}
