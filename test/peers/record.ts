// Records what PyTorch and TorchJD give for the rows of test/peers: PYTHON=… npm run peers:record [-- words of file names]. Needs torch 2.15 and torchjd 0.18; for
// aggregation, autogram and autojac qpsolvers, quadprog, cvxpy, ecos and scipy as well.
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row } from './row.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here('.')).filter((f) => f.endsWith('.rows.ts') && (wanted.length === 0 || wanted.some((w) => f.includes(w))));
for (const file of files) {
  const { rows, prelude = '' } = (await import(`./${file}`)) as { rows: readonly Row[]; prelude?: string };
  const names = rows.map((r) => r.name);
  const twice = names.find((n, i) => names.indexOf(n) !== i);
  if (twice) throw new Error(`${file}: two rows are named '${twice}'.`);
  const input = JSON.stringify({ prelude, rows: Object.fromEntries(rows.map((r) => [r.name, r.py])) });
  const output = execFileSync(process.env['PYTHON'] ?? 'python3', [here('./record.py')], { input, encoding: 'utf8', maxBuffer: 1e9 });
  const recorded = JSON.parse(output) as Record<string, unknown>;
  const lines = names.map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(recorded[name])}`);
  writeFileSync(here(`./recorded/${file.replace('.rows.ts', '.json')}`), `{\n${lines.join(',\n')}\n}\n`);
  // A slip in the Python looks like a refusal, and a slip in the TypeScript would agree with it.
  const refused = names.filter((name) => JSON.stringify(recorded[name]) === '{"error":true}' && !name.includes('refused'));
  console.log(`${file}: ${rows.length} rows${refused.map((name) => `\n  refused: ${name}`).join('')}`);
}
