// `npm run test:docs`: every block of docs/ against the built package: types, and programs in the runtime that they are for.
// What a runtime or Python that is missing here would run is counted as skipped. PYTHON names a Python that has what the blocks import.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { visit } from '../runtimes/browsers.ts';
import { command, Missing, project, root, tool } from '../runtimes/context.ts';
import { fetched, serving } from '../runtimes/edges.ts';
import { bun, denoRun } from '../runtimes/processes.ts';
import { allBlocks, type Block, needsOf, promised, type Runtime, unkept } from './blocks.ts';
import { typeErrors, written } from './types.ts';

const DATE = '2025-09-01';

/** A folder of the project for the blocks of one page; their files, by the names that they give themselves. */
function placed(blocks: readonly Block[], runtime: Runtime): { folder: string; files: string[] } {
  const folder = `docs-${runtime}-${(blocks[0] as Block).page.replaceAll('/', '-')}`;
  mkdirSync(join(project(), folder), { recursive: true });
  const files = blocks.map(({ file, line, lang, code }) => {
    const name = `${folder}/${file ?? `line-${line}.${lang}`}`;
    writeFileSync(join(project(), name), code);
    return name;
  });
  return { folder, files };
}

/** The optional peer of `gradloom/interop`, from the repository into the project. */
function protobuf(): void {
  const own = join('node_modules', '@bufbuild', 'protobuf');
  if (!existsSync(join(root, own))) throw new Missing('@bufbuild/protobuf is not installed');
  cpSync(join(root, own), join(project(), own), { recursive: true });
}

const esbuild = (...args: string[]): string => command(process.execPath, [tool('runtimes', 'esbuild', 'bin', 'esbuild'), ...args], { cwd: project() });

/** What each of the blocks prints, run one by one. */
const oneByOne = (run: (file: string) => string) => (blocks: readonly Block[], runtime: Runtime) => {
  for (const [i, file] of placed(blocks, runtime).files.entries()) {
    const printed = run(file);
    const { code, line } = blocks[i] as Block;
    const promise = unkept(promised(code), printed.split('\n'));
    if (promise !== undefined) throw new Error(`line ${line} says that it prints ${promise}; it printed\n${printed}`);
  }
};

/** Puts what the page says into a report, once its status says how it ended. */
const REPORTER = `<script>addEventListener('error', (e) => globalThis.failed = e.message);
setInterval(() => { const text = globalThis.failed ?? document.querySelector('#status')?.textContent ?? '';
  if (/^(done|stopped|failed)/.test(text) || globalThis.failed) fetch(new URLSearchParams(location.search).get('report'), { method: 'POST', body: JSON.stringify({ text }) }); }, 200)</script>`;

const RUNNERS: Readonly<Partial<Record<Runtime, (blocks: readonly Block[], runtime: Runtime) => void | Promise<void>>>> = {
  node: (blocks, runtime) => {
    if (blocks.some(({ code }) => code.includes("'gradloom/interop'"))) protobuf();
    // TypeScript as esbuild strips it, in the Node that runs this.
    oneByOne((file) => {
      const out = file.replace(/\.ts$/, '.mjs');
      if (out !== file) esbuild(file, '--format=esm', `--outfile=${out}`, '--target=es2022');
      return command(process.execPath, [join(project(), out)], { cwd: join(project(), out, '..') });
    })(blocks, runtime);
  },
  deno: oneByOne((file) => command(process.execPath, [...denoRun(), file], { cwd: project() })),
  bun: oneByOne((file) => command(bun(), [file], { cwd: project() })),
  python: oneByOne((file) => {
    const python = process.env['PYTHON'];
    if (!python) throw new Missing('PYTHON names no Python');
    return command(python, [join(project(), file)], { cwd: join(project(), file, '..') });
  }),
  more: (blocks) => {
    throw new Missing(`they need ${[...new Set(blocks.flatMap(({ code }) => needsOf(code)))].join(', ')}; tests of their own run what they show`);
  },
  workerd: async (blocks, runtime) => {
    for (const file of placed(blocks, runtime).files) {
      if (!/\.[tj]s$/.test(file)) continue;
      const server = await serving('worker', DATE, file);
      try {
        const answer = await fetched(server.url, server.output);
        if (!Object.values(answer).every(Number.isFinite)) throw new Error(`it answered ${JSON.stringify(answer)}`);
      } finally {
        server.stop();
      }
    }
  },
  page: async (blocks, runtime) => {
    const { folder, files } = placed(blocks, runtime);
    const programs = files.filter((file) => /\/(page|worker)\.ts$/.test(file));
    esbuild(...programs, '--bundle', '--format=esm', `--outdir=${folder}`);
    const html = files.find((file) => file.endsWith('index.html')) as string;
    writeFileSync(join(project(), html), (blocks[files.indexOf(html)] as Block).code.replace('<meta', `${REPORTER}\n<meta`));
    const { text } = await visit<{ text: string }>('Chromium', 'plain', `${folder}/index.html`);
    if (!text.startsWith('done')) throw new Error(`the page said: ${text}`);
  },
};

const blocks = allBlocks();
const counts = { types: 0, ran: 0, skipped: 0, failed: 0 };
const fail = (what: string, error: unknown): void => {
  counts.failed++;
  console.log(`FAIL ${what}\n     ${(error as Error).message.replaceAll('\n', '\n     ')}`);
};

const typed = blocks.filter(({ lang, runtime }) => lang === 'ts' && !['text', 'excerpt'].includes(runtime));
const files = written(typed);
const built = { gradloom: [join(root, 'dist/default.d.ts')], 'gradloom/nn/functional': [join(root, 'dist/functional.d.ts')], 'gradloom/*': [join(root, 'dist/*.d.ts')] };
typeErrors(typed, files, built).forEach((errors, i) => {
  const { page, line } = typed[i] as Block;
  if (errors.length === 0) counts.types++;
  else fail(`docs/${page}.md, types in line ${line}`, new Error(errors.join('\n')));
});
console.log(`types   ${counts.types} of ${typed.length} blocks (${typed.filter((b) => b.runtime === 'fragment').length} are pieces of programs)`);

for (const [runtime, run] of Object.entries(RUNNERS) as [Runtime, (typeof RUNNERS)['node'] & {}][]) {
  const own = blocks.filter((block) => block.runtime === runtime && block.lang !== 'toml');
  const before = { ...counts };
  const reasons = new Set<string>();
  for (const page of new Set(own.map((block) => block.page))) {
    const here = own.filter((block) => block.page === page);
    try {
      await run(here, runtime);
      counts.ran += here.length;
    } catch (error) {
      if (error instanceof Missing) {
        counts.skipped += here.length;
        reasons.add(error.message);
      } else fail(`docs/${page}.md, in ${runtime}`, error);
    }
  }
  console.log(
    `${runtime.padEnd(8)}${counts.ran - before.ran} of ${own.length} ran${counts.skipped > before.skipped ? `, ${counts.skipped - before.skipped} skipped: ${[...reasons].join('; ')}` : ''}`,
  );
}
const [text, excerpts] = (['text', 'excerpt'] as const).map((kind) => blocks.filter(({ runtime }) => runtime === kind).length);
console.log(
  `\n${blocks.length} blocks: ${counts.types} checked for types, ${counts.ran} ran, ${counts.skipped} skipped, ${counts.failed} failed; ${excerpts} are lines of scripts that test/examples runs, ${text} commands, configurations or output`,
);
process.exit(counts.failed > 0 ? 1 : 0);
