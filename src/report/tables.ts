// The parts of the page that are text: what a reader who sees no charts gets as well.
import type { MonitorData, PairSummary } from '../multiloss/watching/monitor-data.ts';

/** Text as HTML. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const signed = (x: number): string => `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(2)}`;
const percent = (x: number): string => `${Math.round(100 * x)} %`;
const short = (x: number): string => (Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(1) : `${Number(x.toPrecision(3))}`).replace('-', '−');

/** Where a series stands: the mean of its last tenth, so that one batch does not decide. */
function lastOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((v): v is number => v !== null);
  const part = present.slice(-Math.ceil(present.length / 10));
  return part.length > 0 ? part.reduce((a, b) => a + b, 0) / part.length : null;
}

const tile = (name: string, value: string, note: string): string =>
  `<div class="tile"><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(note)}</small></dd></div>`;

/** Numbers at a glance. */
export function summaryHtml(data: MonitorData): string {
  const of = (kind: string): MonitorData['series'] => data.series.filter((s) => s.kind === kind);
  const losses = of('loss').map(({ name, values }) => {
    const [first, last] = [values.find((v) => v !== null) ?? null, lastOf(values)];
    return tile(name, last === null ? '–' : short(last), first === null ? 'never finite' : `from ${short(first)}`);
  });
  const norms = of('norm').flatMap(({ values }) => lastOf(values) ?? []);
  const ratio = norms.length > 1 && Math.min(...norms) > 0 ? Math.max(...norms) / Math.min(...norms) : null;
  const worst = [...data.pairs].sort((a, b) => a.mean - b.mean)[0];
  return [
    tile('steps', data.total.toLocaleString('en'), data.stride > 1 ? `${data.stride} to a point` : 'each kept'),
    ...losses.slice(0, 6),
    ...(ratio === null ? [] : [tile('gradient norms', `${short(ratio)} : 1`, ratio > 30 ? 'a matter of scale' : 'of like scale')]),
    ...(worst ? [tile('conflict', percent(worst.conflictRate), `of steps, ${worst.name}`)] : []),
  ].join('\n');
}

/** The alarms, or that there were none. */
export function alarmsHtml(data: MonitorData): string {
  if (data.alarms.length === 0) return '<p class="calm">No alarms: no loss was lost, dead or drowned out, and no weight collapsed.</p>';
  const rows = data.alarms.map(({ kind, step, cleared, message }) => {
    const when = cleared === null ? `since step ${step}` : `steps ${step} – ${cleared}`;
    return `<li class="${cleared === null ? 'lasting' : 'over'}"><b>${escapeHtml(kind)}</b> <span class="quiet">${when}</span><br>${escapeHtml(message)}</li>`;
  });
  return `<ul class="alarms">${rows.join('\n')}</ul>`;
}

/** What a pair's cosines mean. */
function reading({ mean, sd }: PairSummary): string {
  if (mean < -0.1) return 'pull apart: a method that resolves conflict may help';
  if (mean > 0.1) return 'agree: a sum serves both';
  return sd > 2 * Math.abs(mean) ? 'no lasting sign: what looks like conflict is mostly noise' : 'about at right angles';
}

/** Mean, spread and conflict rate of each pair. */
export function pairsHtml(data: MonitorData): string {
  if (data.pairs.length === 0)
    return '<p class="quiet">Gradients were not measured: pass <code>measure: true</code> to <code>multiloss.backward</code>, or use a method that needs them.</p>';
  const rows = data.pairs.map(
    (p) => `<tr><th scope="row">${escapeHtml(p.name)}</th><td>${signed(p.mean)} ± ${p.sd.toFixed(2)}</td><td>${percent(p.conflictRate)}</td><td>${reading(p)}</td></tr>`,
  );
  return `<div class="scroll"><table><thead><tr><th scope="col">losses</th><th scope="col">cosine, mean ± sd</th><th scope="col">steps below 0</th><th scope="col">reading</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** Each layer's mean cosine, as the numbers behind the heat map. */
export function layersHtml(data: MonitorData): string {
  const layers = data.series.filter((s) => s.kind === 'cosine' && s.layer !== undefined);
  if (layers.length === 0) return '';
  const rows = layers.map(({ name, layer, values }) => {
    const part = values.filter((v): v is number => v !== null);
    const mean = part.reduce((a, b) => a + b, 0) / Math.max(1, part.length);
    return `<tr><th scope="row">${escapeHtml(layer as string)}</th><td>${escapeHtml(name)}</td><td>${signed(mean)}</td></tr>`;
  });
  return `<details><summary>Show numbers</summary><div class="scroll"><table><thead><tr><th scope="col">layer</th><th scope="col">losses</th><th scope="col">mean cosine</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div></details>`;
}
