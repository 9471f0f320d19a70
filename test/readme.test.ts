// The README holds: its program prints what it says, so does the program before the change, its commands exist, and its links and those of the guides resolve.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { multiloss, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { METHODS } from './multiloss/makers.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string): string[] => [...readme.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map((m) => m[1] as string);

/** What a program prints in a folder where the library is installed. */
function output(program: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'gradloom-readme-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'gradloom'));
  writeFileSync(join(folder, 'program.mjs'), program);
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs'), 'program.mjs'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
    });
    assert.is(status, 0, stderr);
    return stdout.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The comments at the end of a program: what it prints. */
const promised = (program: string): string[] => {
  const lines = program.trim().split('\n');
  return lines.slice(lines.findLastIndex((line) => !line.startsWith('// ')) + 1).map((line) => line.slice(3));
};

/** A program without the change: its lines with + become those with -. */
function before(program: string, diff: string): string {
  let text = program;
  for (const [, removed = '', added = ''] of diff.matchAll(/((?:^-.*\n)*)((?:^\+.*\n)*)/gm)) {
    if (!removed && !added) continue;
    const lines = (part: string): string[] =>
      part
        .split('\n')
        .filter(Boolean)
        .map((line) => line.slice(1));
    const pattern = lines(added)
      .map((line) => `[ ]*${line.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\n`)
      .join('');
    assert.match(text, new RegExp(pattern), `the program has no lines\n${added}`);
    text = text.replace(new RegExp(pattern), () =>
      lines(removed)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  return text;
}

for (const [i, program] of blocks('js').entries()) test(`program ${i + 1} prints what its comments say`, () => assert.equal(output(program), promised(program)));

test('before the change the program prints what the diff says', () => {
  const [program = '', diff = ''] = [blocks('js')[0], blocks('diff')[0]];
  const old = before(program, diff);
  assert.is(output(old).at(-1), promised(old).at(-1));
});

test('every block is of a kind that is looked at', () => {
  const kinds = [...readme.matchAll(/^```(\w*)\n[\s\S]*?^```$/gm)].map((m) => m[1]);
  assert.equal([...new Set(kinds)].sort(), ['diff', 'js', 'sh']);
  assert.match(readme, /^npm ci && npm test$/m);
});

test('what the table of methods names can be used', () => {
  const rows = readme.split('\n').filter((line) => /^\| .*`(new )?multiloss\./.test(line));
  const made = rows.flatMap((row) => [...row.matchAll(/`((?:new )?multiloss\.(?!diagnose)[^`]*)`/g)].map((m) => m[1] as string));
  assert.is(made.length, 5);
  for (const code of made) {
    const x = tensor([1, 2], { requiresGrad: true });
    const combine = new Function('multiloss', `return ${code}`)(multiloss) as multiloss.Method;
    multiloss.backward({ a: x.sum(), b: x.square().sum() }, { combine });
    assert.ok(x.grad, code);
  }
  assert.type(multiloss.diagnose, 'function');
});

test('the count of methods is that of the exported ones, and the guide has a row for each', () => {
  assert.match(readme, new RegExp(`has all ${METHODS.length} with papers`));
  assert.match(readme, new RegExp(`^\\| methods for several losses \\| ${METHODS.length} \\|`, 'm'));
  const guide = readFileSync(join(root, 'docs/multi-loss.md'), 'utf8');
  const table = guide.slice(guide.indexOf('| method | take it when'), guide.indexOf('Around any of them'));
  const named = new Set([...table.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map((m) => m[1] as string)));
  // The class of what `constrain` makes is its type.
  assert.equal(
    METHODS.filter((name) => !named.has(name === 'Constrained' ? 'constrain' : name)),
    [],
  );
});

test('sizes are the budgets, and the table of speeds stands in docs/speed.md too', () => {
  const { 'size-limit': budgets } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { 'size-limit': { path: string; limit: string }[] };
  const limit = (app: string): number => Number.parseFloat(budgets.find(({ path }) => path.endsWith(`/${app}.mjs`))?.limit as string);
  assert.match(readme, new RegExp(`${limit('two-loss')} kB gzip for an app with two losses, ${limit('upgrad')} with UPGrad`));
  assert.match(readFileSync(join(root, 'docs/start-page.md'), 'utf8'), new RegExp(`an app with two losses is ${limit('two-loss')} kB gzip`));
  const [, table = ''] = /^## How fast\n[\s\S]*?\n((?:\|.*\n)+)/m.exec(readme) ?? [];
  assert.ok(table.split('\n').length > 5);
  assert.ok(readFileSync(join(root, 'docs/speed.md'), 'utf8').includes(table), 'docs/speed.md has another table');
});

/** A heading's anchor as GitHub makes it. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

const guides = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.md') && !f.startsWith('api')); // api: made by typedoc
const everyPage = ['README.md', 'examples/README.md', 'bench/README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...guides.map((g) => `docs/${g}`)];

test('the commands of every page exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const named = everyPage.flatMap((page) => [...readFileSync(join(root, page), 'utf8').matchAll(/npm run (?:-s )?([\w:]+)/g)].map((m) => ({ page, script: m[1] as string })));
  assert.ok(named.length > 40);
  assert.equal(
    named.filter(({ script }) => !scripts[script]),
    [],
  );
});

test('links resolve, from the README and the pages that it leads to', () => {
  for (const page of everyPage) {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```|`[^`\n]*`/g, '');
    for (const [, link = ''] of text.matchAll(/\]\((?![a-z]+:)([^)\s]+)/g)) {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? join(root, page) : join(dirname(join(root, page)), path);
      assert.ok(existsSync(file), `${page} links ${link}`);
      if (anchor && file.endsWith('.md')) assert.ok(anchors(readFileSync(file, 'utf8')).includes(anchor), `${page} links ${link}, which has no such heading`);
    }
  }
});

test.run();
