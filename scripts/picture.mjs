// report.html → docs/losses.png: the loss curves of the main job, for the README. Needs Chromium (CHROMIUM, or chromium on the path).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const report = process.argv[2] ?? 'report.html';
// Only the charts, one above the other.
const style = '<style>main > :not(h2, .chart), h2:has(+ .scroll) { display: none } h2 { margin: 0.5rem 0 0; font-size: 1rem } main { padding-block: 0.5rem }</style>';
const page = join(mkdtempSync(join(tmpdir(), 'gradloom-picture-')), 'charts.html');
writeFileSync(page, readFileSync(report, 'utf8').replace('</head>', `${style}</head>`));
mkdirSync('docs', { recursive: true });
const { status, error } = spawnSync(
  process.env.CHROMIUM ?? 'chromium',
  ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--hide-scrollbars', '--disable-background-networking', '--disable-component-update', '--disable-sync'].concat([
    '--window-size=900,870',
    `--screenshot=${resolve('docs/losses.png')}`,
    `file://${page}`,
  ]),
  { stdio: ['ignore', 'ignore', 'ignore'] },
);
if (status !== 0) {
  console.error(`no picture: ${error?.message ?? `Chromium ended with ${status}`}. Set CHROMIUM to its path.`);
  process.exit(1);
}
