// The monitor's report: one HTML page that needs nothing else, with charts of losses, weights, gradient norms and conflict.
import type { MonitorData } from '../multiloss/watching/monitor-data.ts';
import { GradloomError } from '../runtime/errors.ts';
import { charts, styles, template, uplot } from './assets.ts';
import { alarmsHtml, escapeHtml, layersHtml, pairsHtml, summaryHtml } from './tables.ts';
import { thin } from './thin.ts';

export type { Alarm, AlarmKind, MonitorData, PairSummary, SeriesKey } from '../multiloss/watching/monitor-data.ts';

/** Options of `monitorReport`. */
export interface ReportOptions {
  /** The page's heading. */
  title?: string;
  /** A line under it: model, data, method, seed. */
  subtitle?: string;
}

/** Points per chart: more than a screen has pixels for only makes the file larger. */
const POINTS = 600;

/** What `MonitorData` looks like: null stands for a number or null, undefined for text or nothing. */
const LIKE = {
  total: 0,
  stride: 0,
  steps: [0],
  series: [{ kind: '', name: '', layer: undefined, values: [null] }],
  pairs: [{ name: '', mean: 0, sd: 0, conflictRate: 0, steps: 0 }],
  alarms: [{ kind: '', loss: '', step: 0, cleared: null, message: '' }],
  phases: [{ step: 0, phase: '' }],
};

function fits(value: unknown, like: unknown): boolean {
  if (like === null) return value === null || typeof value === 'number';
  if (like === undefined) return value === undefined || typeof value === 'string';
  if (Array.isArray(like)) return Array.isArray(value) && [...value].every((v) => fits(v, like[0]));
  if (typeof like !== 'object') return typeof value === typeof like;
  return typeof value === 'object' && value !== null && Object.entries(like).every(([key, part]) => fits((value as Record<string, unknown>)[key], part));
}

/**
 * A page of what a monitor saw: summary, alarms, losses, weights, norms, cosines, predicted against measured change, and cosines by layer
 * over time. A string to write to a file (Node) or to show in a frame (browsers); it loads nothing.
 *
 * @param monitor a `Monitor`, or what its `toJSON()` gave
 */
export function monitorReport(monitor: MonitorData | { toJSON(): MonitorData }, options: ReportOptions = {}): string {
  const json = (monitor as { toJSON?: unknown } | null)?.toJSON;
  const data = (typeof json === 'function' ? json.call(monitor) : monitor) as MonitorData;
  const refuse = (what: string): never => {
    throw new GradloomError('VALUE', 'monitorReport', what);
  };
  if (!fits(data, LIKE)) refuse('takes a Monitor, or what its toJSON() gave, which is what a Worker posts.');
  const { title = 'Several losses, one network', subtitle = '', ...others } = options ?? { title: null };
  if (typeof options !== 'object' || Object.keys(others).length > 0 || arguments.length > 2 || !fits([title, subtitle], ['']))
    refuse('options are an object { title, subtitle } of texts.');
  const shown = thin(data, POINTS);
  const parts: Record<string, string> = {
    title: escapeHtml(title),
    heading: `<h1>${escapeHtml(title)}</h1>${subtitle && `<p class="quiet">${escapeHtml(subtitle)}</p>`}`,
    styles: `<style>${styles}</style>`,
    summary: summaryHtml(data),
    alarms: alarmsHtml(data),
    pairs: pairsHtml(data),
    layers: layersHtml(data),
    scripts: [
      // "<" would end the element where it begins "</script".
      `<script id="data" type="application/json">${JSON.stringify(shown).replaceAll('<', '\\u003c')}</script>`,
      `<script>${uplot}</script>`,
      `<script>${charts}</script>`,
    ].join('\n'),
  };
  return template.replace(/<!-- (\w+) -->/g, (_, name: string) => parts[name] ?? '');
}
