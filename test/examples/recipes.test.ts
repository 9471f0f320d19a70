// Each recipe runs in its short form, and the pages about them show what is in the scripts and what the scripts print.
// `RECIPES=full npx tsx test/examples/recipes.test.ts` runs the full form instead, some minutes, and compares every number on the pages.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));
const full = process.env['RECIPES'] === 'full';
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const command = (recipe: string): string => `npx tsx examples/recipes/${recipe}`;
const recipes = readdirSync(join(root, 'examples/recipes')).filter((file) => read(`examples/recipes/${file}`).includes(command(file)));
const pages = readdirSync(join(root, 'docs/recipes')).map((file) => [file, read(`docs/recipes/${file}`)] as const);

/** What a recipe prints; fails where it does not end well or warns. */
const output = (recipe: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = ['--import', 'tsx', `examples/recipes/${recipe}`, ...(full ? [] : ['--short'])];
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) => (error || stderr ? reject(new Error(stderr || `${error}`)) : resolve(stdout)));
  });

/** The lines of a region of a script, moved to the left edge. */
function region(recipe: string, name: string): string {
  const lines = read(`examples/recipes/${recipe}`).split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  assert.ok(start >= 0, `${recipe} has no region ${name}`);
  const inside = lines.slice(start + 1, start + 1 + lines.slice(start + 1).findIndex((line) => line.trim() === '// #endregion'));
  const margin = /^ */.exec(inside[0] as string)?.[0] ?? '';
  return inside.map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line)).join('\n');
}
const trimmed = (text: string): string => text.trimEnd().replace(/ +$/gm, '');

for (const recipe of recipes) {
  const shown = pages.flatMap(([, text]) => [...text.matchAll(/```text\n\$ (.*)\n([\s\S]*?)```/g)]).filter(([, line]) => line === command(recipe));
  test(`${recipe} ${full ? 'prints what its page says' : 'runs in its short form; its page has the same rows'}`, async () => {
    const printed = trimmed(await output(recipe));
    assert.not.match(printed, /NaN|Infinity/);
    assert.is(shown.length, 1, 'one page shows its output');
    for (const [, , block] of shown as unknown as [string, string, string][]) {
      if (full) assert.is(trimmed(block), printed);
      const rows = block.split('\n').filter((line) => line.includes('±') && !line.includes('mean ± sd'));
      for (const said of block.split('\n').filter((line) => line.endsWith('.'))) assert.ok(printed.split('\n').includes(said), said);
      for (const row of rows)
        assert.ok(
          printed.split('\n').some((line) => line.startsWith(`${row.split(/ {2,}/)[0]} `)),
          row,
        );
    }
  });
}

for (const [page, text] of pages) {
  test(`docs/recipes/${page} shows the scripts' own lines, in at most 1 300 words`, () => {
    const blocks = [...text.matchAll(/(?:<!-- ([\w-]+\.ts) (\w+) -->\n)?```ts\n([\s\S]*?)\n```/g)];
    assert.ok(blocks.length > 0);
    for (const [, recipe, name, code] of blocks) assert.is(code, region(recipe as string, name as string));
    assert.ok(text.split(/\s+/).length <= 1300, `${text.split(/\s+/).length} words`);
  });
}

test.run();
