// A monitor's points, few enough for a page.
import type { MonitorData } from '../multiloss/watching/monitor-data.ts';

/** What the page's script draws. */
export interface PageData extends Pick<MonitorData, 'steps' | 'series' | 'phases'> {
  /** Steps that one point is the mean of. */
  every: number;
}

/** Five significant digits. */
const short = (value: number): number => Number(value.toPrecision(5));

/** At most `most` points, each the mean of as many neighbours. */
export function thin(data: MonitorData, most: number): PageData {
  const size = Math.max(1, Math.ceil(data.steps.length / most));
  const ends = Array.from({ length: Math.ceil(data.steps.length / size) }, (_, i) => Math.min((i + 1) * size, data.steps.length));
  const mean = (values: readonly (number | null)[], end: number): number | null => {
    const part = values.slice(Math.floor((end - 1) / size) * size, end).filter((v): v is number => v !== null);
    return part.length > 0 ? short(part.reduce((a, b) => a + b, 0) / part.length) : null;
  };
  return {
    steps: ends.map((end) => data.steps[end - 1] as number),
    series: data.series.map(({ kind, name, layer, values }) => ({ kind, name, layer, values: ends.map((end) => mean(values, end)) })),
    phases: data.phases.map(({ step, phase }) => ({ step, phase })),
    every: size * data.stride,
  };
}
