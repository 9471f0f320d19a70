// src/report/page/ and uPlot → src/report/assets.ts: the monitor's report carries them as text, so that a page needs nothing else.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const require = createRequire(import.meta.url);
const page = (name) => readFileSync(`src/report/page/${name}`, 'utf8');
const uplot = (name) => readFileSync(require.resolve(`uplot/${name}`), 'utf8');

const assets = {
  template: page('template.html'),
  styles: `${uplot('dist/uPlot.min.css')}\n${page('style.css')}`,
  // Its licence asks to go along.
  uplot: `/*\n${uplot('LICENSE')}*/\n${uplot('dist/uPlot.iife.min.js')}`,
  charts: `${page('heatmap.js')}\n${page('charts.js')}`,
};
const lines = Object.entries(assets).map(([name, text]) => `export const ${name}: string = ${JSON.stringify(text)};\n`);
const out = `// Generated from src/report/page/ and uPlot by scripts/assets.mjs.\n${lines.join('')}`;
const target = 'src/report/assets.ts';
if (!existsSync(target) || readFileSync(target, 'utf8') !== out) writeFileSync(target, out);
