// examples/penguins → docs/losses.png, for the README: what three ways make of two losses, means of five seeds. Needs Chromium (CHROMIUM, or chromium on the path). `npm run picture`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { means } from '../examples/penguins/train.ts';

const EPOCHS = 150;
/** Colours that are told apart by any eye, and dashes that need none. */
const LINES = [
  { way: 'plain sum', name: 'plain sum', stroke: '#b4540a', dash: [2, 4] },
  { way: 'hand-tuned: sex × 100 000', name: 'weight found by hand: sex × 100 000', stroke: '#666666', dash: [9, 5] },
  { way: 'normalized, then UPGrad', name: 'normalized, then UPGrad', stroke: '#0b62a4', dash: [] },
];
const runs = LINES.map(({ way }) => means(way, EPOCHS));
const epochs = Array.from({ length: EPOCHS }, (_, i) => i + 1);
const charts = [
  { title: 'Sex: right, % of unseen penguins', range: [40, 100], values: runs.map((run) => run.map(({ right }) => 100 * right)) },
  { title: 'Mass: off by, g (root of the mean square)', range: [300, 800], values: runs.map((run) => run.map(({ grams }) => grams)) },
];

const file = (name) => readFileSync(createRequire(import.meta.url).resolve(name), 'utf8');
const style = `${file('uplot/dist/uPlot.min.css')}
body { margin: 10px 12px 0; font: 14px system-ui, sans-serif; color: #222; background: #fff } .row { display: flex; gap: 16px } .u-title { font: 600 14px system-ui, sans-serif; text-align: left; padding-left: 50px }
.key { display: flex; gap: 28px; padding: 0 0 8px 50px } .key svg { vertical-align: middle; margin-right: 8px }`;
const key = LINES.map(
  ({ name, stroke, dash }) => `<span><svg width="36" height="6"><path d="M0 3h36" stroke="${stroke}" stroke-width="3" stroke-dasharray="${dash.join()}"/></svg>${name}</span>`,
).join('');
const draw = `const axis = { stroke: '#444', grid: { stroke: '#e2e2e2', width: 1 }, ticks: { show: false }, font: '13px system-ui, sans-serif', labelFont: '13px system-ui, sans-serif' };
for (const { title, range, values } of ${JSON.stringify(charts)}) new uPlot({
  title, width: 452, height: 300, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false }, y: { range } },
  axes: [{ ...axis, label: 'epoch', labelSize: 20, size: 28 }, { ...axis, size: 50 }],
  series: [{}, ...${JSON.stringify(LINES)}.map(({ stroke, dash }) => ({ stroke, dash, width: 2.5, points: { show: false } }))],
}, [${JSON.stringify(epochs)}, ...values], document.querySelector('.row'));`;

const page = join(mkdtempSync(join(tmpdir(), 'gradloom-picture-')), 'charts.html');
const scripts = `<script>${file('uplot/dist/uPlot.iife.min.js')}</script><script>${draw}</script>`;
writeFileSync(page, `<!doctype html><meta charset="utf-8"><style>${style}</style><div class="key">${key}</div><div class="row"></div>${scripts}`);
const { status, error } = spawnSync(
  process.env.CHROMIUM ?? 'chromium',
  ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars', '--disable-background-networking', '--disable-component-update', '--disable-sync'].concat([
    '--force-device-scale-factor=2',
    '--window-size=944,362',
    `--screenshot=${resolve('docs/losses.png')}`,
    `file://${page}`,
  ]),
  { stdio: ['ignore', 'ignore', 'ignore'] },
);
if (status !== 0) {
  console.error(`no picture: ${error?.message ?? `Chromium ended with ${status}`}. Set CHROMIUM to its path.`);
  process.exit(1);
}
