// The pages of docs/: their code blocks have right types, the programs for Node run and print what they say, their links lead somewhere.
// Blocks for other runtimes: `npm run test:docs`.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allBlocks, type Block, pages, promised, root, unkept } from './docs/blocks.ts';
import type { Ran } from './docs/run.ts';
import { typeErrors, written } from './docs/types.ts';

const checked = allBlocks().filter(({ lang, runtime }) => runtime === 'node' || (['fragment', 'more'].includes(runtime) && lang === 'ts'));
const files = written(checked);
const sources = { gradloom: [join(root, 'src/entry/default.ts')], 'gradloom/nn/functional': [join(root, 'src/entry/functional.ts')], 'gradloom/*': [join(root, 'src/entry/*.ts')] };

/** What the programs of a page did, in their order. */
function ranOf(programs: readonly string[]): Promise<Ran[]> {
  const child = spawn(process.execPath, ['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs'), join(root, 'test/docs/run.ts'), ...programs], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (d) => {
    out += d;
  });
  child.stderr.on('data', (d) => {
    err += d;
  });
  return new Promise((resolve) =>
    child.on('close', () => {
      const ran = out
        .trim()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Ran);
      resolve(programs.map((_, i) => ran[i] ?? { printed: [], error: err || 'the process ended before this program' }));
    }),
  );
}

const programs = checked.map((block, i) => ({ block, file: files[i] as string })).filter(({ block }) => block.runtime === 'node');
const queue = [...new Set(programs.map(({ block }) => block.page))];
const ran = new Map<Block, Ran>();
const lane = async (): Promise<void> => {
  for (let page = queue.shift(); page !== undefined; page = queue.shift()) {
    const own = programs.filter(({ block }) => block.page === page);
    (await ranOf(own.map(({ file }) => file))).forEach((r, i) => {
      ran.set((own[i] as (typeof own)[number]).block, r);
    });
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, lane));

for (const { block } of programs) {
  test(`docs/${block.page}.md, program in line ${block.line}`, () => {
    const { printed, error } = ran.get(block) as Ran;
    assert.is(error, null);
    const promise = unkept(promised(block.code), printed);
    assert.is(promise, undefined, `it says that it prints ${promise}; it printed\n${printed.join('\n')}`);
  });
}

const errors = typeErrors(checked, files, sources); // JavaScript has none
checked.forEach(({ page, line, lang }, i) => {
  if (lang !== 'ts') return;
  test(`docs/${page}.md, types in line ${line}`, () => {
    assert.equal(errors[i], []);
  });
});

test('links between the pages, and out of docs/, lead to files that the package ships', () => {
  const shipped = /^(docs\/|examples\/|bench\/README\.md$|[A-Z]+(\.md)?$)/;
  const dead = pages().flatMap((page) => {
    const text = readFileSync(join(root, 'docs', `${page}.md`), 'utf8')
      .replace(/^ *```[\s\S]*?^ *```/gm, '')
      .replace(/`[^`\n]*`/g, '');
    return [...text.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)]
      .map((m) => m[1] as string)
      .filter((to) => !/^[a-z]+:/.test(to))
      .filter((to) => {
        const path = normalize(join('docs', dirname(page), to));
        return !existsSync(join(root, path)) || !shipped.test(path);
      })
      .map((to) => `docs/${page}.md: ${to}`);
  });
  assert.equal(dead, []);
});

test.run();
