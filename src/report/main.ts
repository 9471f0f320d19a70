// The monitor's report: one HTML page that needs nothing else, with charts of losses, weights, gradient norms and conflict.
import type { MonitorData } from '../multiloss/monitor-data.ts';
import { charts, styles, template, uplot } from './assets.ts';
import { alarmsHtml, escapeHtml, layersHtml, pairsHtml, summaryHtml } from './tables.ts';
import { thin } from './thin.ts';

export type { Alarm, AlarmKind, MonitorData, PairSummary, SeriesKey } from '../multiloss/monitor-data.ts';

/** Options of `monitorReport`. */
export interface ReportOptions {
  /** The page's heading. */
  title?: string;
  /** A line under it: model, data, method, seed. */
  subtitle?: string;
}

/** Points per chart: more than a screen has pixels for only makes the file larger. */
const POINTS = 600;

/**
 * A page of what a monitor saw: summary, alarms, losses, weights, norms, cosines, predicted against measured change, and cosines by layer
 * over time. A string to write to a file (Node) or to show in a frame (browsers); it loads nothing.
 *
 * @param monitor a `Monitor`, or what its `toJSON()` gave
 */
export function monitorReport(monitor: MonitorData | { toJSON(): MonitorData }, options: ReportOptions = {}): string {
  const data = 'toJSON' in monitor ? monitor.toJSON() : monitor;
  const { title = 'Several losses, one network', subtitle = '' } = options;
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
