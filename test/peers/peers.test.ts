// The behaviours that PyTorch's and TorchJD's own tests ask for, against what these gave (recorded by record.ts). One test a row.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setGradEnabled } from 'gradloom';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { difference, outcome, type Row } from './row.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const TOLERANCE = [1e-5, 1e-6] as const;
const absent: string[] = [];
// All at hand before the first suite is made: else the runner counts in several parts.
const files = readdirSync(here('.')).filter((f) => f.endsWith('.rows.ts'));
const groups = await Promise.all(files.map(async (file) => [file.replace('.rows.ts', ''), ((await import(`./${file}`)) as { rows: readonly Row[] }).rows] as const));
for (const [group, rows] of groups) {
  const test = suite(group);
  const path = here(`./recorded/${group}.json`);
  const recorded = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : {};
  for (const { name, js, tolerance = TOLERANCE, differs } of rows) {
    if (js === null) {
      absent.push(`${group}: ${name}`);
      continue;
    }
    test(name, () => {
      assert.ok(name in recorded, `no recorded answer: run npm run peers:record -- ${group}`);
      setGradEnabled(true);
      const found = difference(outcome(js), recorded[name], tolerance);
      if (differs) assert.ok(found, `agrees with PyTorch by now: take out 'differs' (${differs})`);
      else if (found) assert.unreachable(found);
    });
  }
  test.run();
}
if (absent.length > 0) console.log(`not offered (${absent.length}):\n  ${absent.join('\n  ')}`);
