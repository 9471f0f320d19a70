// An application carries the JavaScript of what it names, and of nothing else: which sources are left of the two-loss app when a bundler has shaken it.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files of src/ of which a program's bundle has at least one line. */
async function carried(program: string): Promise<string[]> {
  const file = join(root, 'test/package/apps/program.mjs');
  const plugin = { name: 'program', resolveId: (id: string) => (id === file ? id : null), load: (id: string) => (id === file ? program : null) };
  const bundler = await rolldown({ input: file, plugins: [plugin], resolve: { alias: { gradloom: join(root, 'src/entry/default.ts') } }, logLevel: 'silent' });
  const [chunk] = (await bundler.generate({ format: 'esm', codeSplitting: false })).output;
  const used = Object.entries(chunk.modules).filter(([, { renderedLength }]) => renderedLength > 0);
  return used.map(([path]) => relative(join(root, 'src'), path)).filter((path) => !path.startsWith('..'));
}

/** Parts of the library that the app does not name, and their sources. */
const PARTS: Readonly<Record<string, RegExp>> = {
  linalg: /^ops\/linalg\//,
  distributions: /^distributions\//,
  init: /^nn\/init/,
  'recurrent layers': /^(nn|ops)\/(recurrent|cells)/,
  'transformer and attention': /^(nn|ops)\/(transformer|multihead|attention|rotary)/,
  checkpoint: /^checkpoint\//,
  data: /^data\//,
  'profile and summary': /^inspect\//,
  'methods for several losses': /^multiloss\//,
  'metrics, transforms, early stopping': /^(metrics|transforms|training)\//,
  capture: /^program\//,
  'convolution and pools': /^(nn|ops)\/(conv|pool|avgpool|adaptivemax|unpool|lppool)(?!ert)/,
};
const partsIn = (files: readonly string[]): string[] => Object.keys(PARTS).filter((part) => files.some((file) => PARTS[part]?.test(file)));

test('the two-loss app has nothing of parts that it does not name', async () => {
  const files = await carried(readFileSync(join(root, 'test/package/apps/two-loss.mjs'), 'utf8'));
  assert.ok(files.includes('optim/adam.ts') && files.includes('losses/cross-entropy.ts'), `${files}`);
  const strays = files.filter((file) => Object.values(PARTS).some((pattern) => pattern.test(file)));
  assert.equal(strays, []);
});

test('a program that takes everything has something of every part', async () => {
  assert.equal(partsIn(await carried("import * as gradloom from 'gradloom';\nconsole.log(gradloom);")), Object.keys(PARTS));
});

test.run();
