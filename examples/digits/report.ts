// The report: one HTML file that needs nothing else, with the table and the loss curves of all runs.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Options } from './options.ts';
import { loss, percent, shares } from './terminal.ts';
import type { Run } from './train.ts';

/** Points per curve: more than a screen has pixels for only makes the file larger. */
const POINTS = 600;
/** How much of the mean so far each step keeps: about the last 50 steps count. */
const DECAY = 0.98;

/** The exponential moving average, corrected for its start (there it is a mean of few steps). */
function smooth(values: readonly number[]): number[] {
  let [sum, weight] = [0, 0];
  return values.map((v) => {
    sum = DECAY * sum + (1 - DECAY) * v;
    weight = DECAY * weight + (1 - DECAY);
    return sum / weight;
  });
}

/** Positions of at most `POINTS` of `n` steps, the last one among them. */
function thin(n: number): number[] {
  const every = Math.ceil(n / POINTS);
  return Array.from({ length: Math.ceil(n / every) }, (_, i) => n - 1 - i * every).reverse();
}

/** Four significant digits; null, which a chart leaves out, for what is not finite or has no logarithm. */
const short = (value: number): number | null => (Number.isFinite(value) && value > 0 ? Number(value.toPrecision(4)) : null);

/** What the page's script draws. */
function chartData(runs: readonly Run[]): unknown {
  const at = thin(Math.max(...runs.map((r) => r.curves.digit.length)));
  const lines = (values: readonly number[]): (number | null)[] => {
    const mean = smooth(values);
    return at.map((i) => short(mean[i] ?? Number.NaN));
  };
  return {
    steps: at.map((i) => i + 1),
    runs: runs.map(({ strategy, optimizer, curves }) => ({ strategy, dashed: optimizer === 'SGD', digit: lines(curves.digit), image: lines(curves.image) })),
  };
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function row(run: Run, position: number): string {
  const details = [`${run.optimizer}, learning rate ${run.lr} falling to 0`, run.description, shares(run)].filter(Boolean).map((d) => `<small>${escapeHtml(d)}</small>`);
  const numbers = [loss(run.loss1), loss(run.loss2), percent(run.accuracy, 2), run.seconds.toFixed(1), run.stepsPerSecond.toFixed(0)].map((n) => `<td>${n}</td>`);
  return `<tr><th scope="row" style="--line: var(--line${position})" class="${run.optimizer}"><b>${escapeHtml(run.strategy)}</b>${details.join('')}</th>${numbers.join('')}</tr>`;
}

/** A file next to this one, or of a package. */
const pageFile = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
const packageFile = (name: string): string => readFileSync(createRequire(import.meta.url).resolve(name), 'utf8');

/** The whole page. */
export function reportPage(runs: readonly Run[], options: Options): string {
  const { epochs, images, batchSize, seed, lambda1, lambda2, threshold } = options;
  const setting = `${images.toLocaleString('en')} training images, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}, batches of ${batchSize}, seed ${seed}; λ1 = ${lambda1}, λ2 = ${lambda2}, threshold ${threshold}.`;
  const parts: Record<string, string> = {
    styles: `<style>${packageFile('uplot/dist/uPlot.min.css')}\n${pageFile('style.css')}</style>`,
    setting: escapeHtml(setting),
    rows: runs.map(row).join('\n'),
    scripts: [
      // "<" would end the element where it begins "</script".
      `<script id="data" type="application/json">${JSON.stringify(chartData(runs)).replaceAll('<', '\\u003c')}</script>`,
      `<script>${packageFile('uplot/dist/uPlot.iife.min.js')}</script>`,
      `<script>${pageFile('charts.js')}</script>`,
    ].join('\n'),
  };
  return pageFile('template.html').replace(/<!-- (\w+) -->/g, (_, name: string) => parts[name] ?? '');
}
