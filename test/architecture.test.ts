// The picture in ARCHITECTURE.md, enforced: imports point down, folders of one level do not know one another, and nothing goes in circles.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('..', import.meta.url));
// A level is a list of folders (or files of src/); a folder may import itself and any level below, not another one of its own level.
const levels = [
  ['runtime'],
  ['tensor'],
  ['ops'],
  ['autograd'],
  ['module'],
  ['nn', 'losses', 'optim', 'multiloss', 'program', 'data', 'checkpoint', 'distributions', 'metrics', 'training', 'inspect', 'transforms'],
  ['api', 'methods.ts', 'report', 'mpi', 'flower'],
  ['interop', 'index.ts'],
  ['entry'],
];
// The same inside of multiloss, whose lowest files lie in the folder itself.
const inMultiloss = [[''], ['solve'], ['methods'], ['combining'], ['plans', 'watching']];
const generated = new Set(['entry/kernels.wasm', 'entry/kernels.wasm?module', 'report/assets.ts']);

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
  (f) => /(?<!\.d)\.ts$/.test(f) && !/^((runtime|entry)\/wasm|report\/assets|flower\/generated)/.test(f),
);
const read = (file: string): string => readFileSync(join(root, 'src', file), 'utf8');
const folderOf = (file: string): string => file.split('/')[0] as string;
const levelOf = (file: string): number => levels.findIndex((folders) => folders.includes(folderOf(file)));

const code = (file: string): string => read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');

/** Imports and re-exports of a file. */
function statements(file: string): { text: string; from: string }[] {
  return [...code(file).matchAll(/^(?:(?:import|export)\s[^;']*\sfrom|import) '([^']*)';/gm)].map((m) => ({ text: m[0], from: m[1] as string }));
}

/** Relative imports of a file, those of types too. */
function importsOf(file: string): string[] {
  const relative = statements(file).filter(({ from }) => from.startsWith('.'));
  return relative.map(({ from }) => normalize(join(dirname(file), from))).filter((f) => !generated.has(f));
}

test('every file has a level', () => {
  assert.equal(
    files.filter((f) => levelOf(f) < 0),
    [],
  );
});

test('imports point down', () => {
  const wrong = files.flatMap((f) =>
    importsOf(f)
      .filter((g) => !(levelOf(g) < levelOf(f) || folderOf(g) === folderOf(f)))
      .map((g) => `${f} → ${g}`),
  );
  assert.equal(wrong, []);
});

test('inside of multiloss imports point down as well', () => {
  const partOf = (file: string): string => file.split('/').slice(1, -1)[0] ?? '';
  const innerLevelOf = (file: string): number => inMultiloss.findIndex((parts) => parts.includes(partOf(file)));
  const mine = files.filter((f) => folderOf(f) === 'multiloss');
  const unplaced = mine.filter((f) => innerLevelOf(f) < 0);
  const isAllowed = (f: string, g: string): boolean => folderOf(g) !== 'multiloss' || innerLevelOf(g) < innerLevelOf(f) || partOf(g) === partOf(f);
  const wrong = mine.flatMap((f) =>
    importsOf(f)
      .filter((g) => !isAllowed(f, g))
      .map((g) => `${f} → ${g}`),
  );
  assert.equal([...unplaced, ...wrong], []);
});

test('no import goes in a circle', () => {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) throw new Error(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const g of importsOf(file)) visit(g, [...path, file]);
    done.add(file);
  };
  for (const f of files) visit(f, []);
});

test('only runtime knows the wasm, only the seam calls it', () => {
  const touching = files.filter((f) => /\binstance\(\)/.test(code(f)));
  assert.equal(touching.sort(), ['runtime/call.ts', 'runtime/instance.ts', 'runtime/memory.ts']);
});

test('multiloss reads and writes memory through tensor/host.ts, but for its solvers', () => {
  const wrong = files.filter((f) => /^multiloss\/(?!solve\/)/.test(f) && importsOf(f).some((g) => g === 'runtime/memory.ts'));
  assert.equal(wrong, []);
});

test('only methods.ts touches Tensor.prototype', () => {
  assert.equal(
    files.filter((f) => /Tensor\.prototype/.test(code(f))),
    ['methods.ts'],
  );
});

test('no package is imported, but for the optional peers of the parts that need them', () => {
  const allowed = ['@bufbuild/protobuf interop/onnx/', '@bufbuild/protobuf flower/'];
  const packages = files.flatMap((f) => statements(f).flatMap(({ from }) => (from.startsWith('.') ? [] : [`${from} ${f}`])));
  assert.equal(
    packages.filter((line) => !allowed.some((start) => line.startsWith(start))),
    [],
  );
});

test('below the entries nothing assumes a runtime, but what a launcher of processes starts', () => {
  const wrong = files.filter(
    (f) =>
      !['entry', 'mpi'].includes(folderOf(f)) && f !== 'checkpoint/file.ts' && /\bimport\.meta\b|\bawait import\b|\bprocess\??\.|getBuiltinModule|'node:|\brequire\(/.test(code(f)),
  );
  assert.equal(wrong, []);
});

test('files stay below 400 lines', () => {
  const long = files.filter((f) => read(f).split('\n').length > 400);
  assert.equal(long, []);
});

test.run();
