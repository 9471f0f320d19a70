// The package as users get it: built, packed, unpacked elsewhere, imported, required, type-checked.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Declarations, editor } from './editor.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What a command prints; its error says that too. */
function run(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} → ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

const program = `
manualSeed(7);
const model = new nn.Linear(2, 3);
const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
const x = tensor([[1, 2], [3, 4]]);
const y = tensor([0, 2], { dtype: 'int32' });
let first = 0;
let last = 0;
for (const step of steps(20)) {
  optimizer.zeroGrad();
  const out = model.forward(x);
  const loss1 = nn.functional.crossEntropy(out, y);
  const loss2 = nn.functional.mseLoss(out, nn.functional.oneHot(y, 3));
  loss1.backward({ retainGraph: true });
  loss2.backward();
  optimizer.step();
  last = loss1.item() + loss2.item();
  if (step === 0) first = last;
}
if (!(last < first)) throw new Error('did not learn');
console.log('ok', last);
`;
const names = '{ manualSeed, nn, optim, steps, tensor }';

const test = suite('package');
let home = '';

test.before(() => {
  run(process.execPath, ['scripts/kernels.mjs'], root);
  run(process.execPath, [join('node_modules', 'tsdown', 'dist', 'run.mjs'), '--logLevel', 'error'], root);
  run(process.execPath, ['scripts/dist.mjs'], root);
  home = mkdtempSync(join(tmpdir(), 'gradloom-package-'));
  const tarball = (JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], root)) as [{ filename: string }])[0].filename;
  const modules = join(home, 'node_modules');
  mkdirSync(join(modules, 'gradloom'), { recursive: true });
  run('tar', ['-xzf', join(home, tarball), '-C', join(modules, 'gradloom'), '--strip-components=1'], home);
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
});

test.after(() => rmSync(home, { recursive: true, force: true }));

test('import trains', () => {
  writeFileSync(join(home, 'a.mjs'), `import ${names} from 'gradloom';${program}`);
  assert.match(run(process.execPath, ['a.mjs'], home), /^ok/);
});

test('require trains, and gives the same numbers', () => {
  writeFileSync(join(home, 'a.cjs'), `const ${names} = require('gradloom');${program}`);
  assert.is(run(process.execPath, ['a.cjs'], home), run(process.execPath, ['a.mjs'], home));
});

test('further builds lie beside the library, for import and require, or come by their entries', () => {
  const relaxed = `await init({ simd: 'relaxed' }).catch((e) => { if (!/no relaxed SIMD/.test(e.message)) throw e; });`;
  const check = "console.log('ok', tensor([[1, 2]]).matmul(tensor([[3], [4]])).item()); close();";
  const inits = { threads: 'await init({ threads: 2 });', relaxed };
  for (const [entry, init] of Object.entries(inits)) {
    const body = `const { close, init, tensor } = NAMES; (async () => { ${init} ${check} })();`;
    writeFileSync(join(home, 'b.mjs'), `import * as g from 'gradloom'; ${body.replace('NAMES', 'g')}`);
    writeFileSync(
      join(home, 'c.mjs'),
      `import * as g from 'gradloom/lean'; import 'gradloom/${entry}'; ${body.replace('NAMES', 'g').replace(check, entry === 'threads' ? check : 'console.log("ok 11")')}`,
    );
    writeFileSync(join(home, 'b.cjs'), body.replace('NAMES', "require('gradloom')"));
    writeFileSync(join(home, 'c.cjs'), `require('gradloom/${entry}'); ${body.replace('NAMES', "require('gradloom')")}`);
    for (const file of ['b.mjs', 'c.mjs', 'b.cjs', 'c.cjs']) assert.is(run(process.execPath, [file], home), 'ok 11\n', `${entry} in ${file}`);
  }
});

test('lean trains with the wasm that the program brings, and gives the same numbers', () => {
  const wasm = `await init({ wasm: readFileSync(createRequire(import.meta.url).resolve('gradloom/kernels.wasm')) });`;
  writeFileSync(
    join(home, 'd.mjs'),
    `import { readFileSync } from 'node:fs'; import { createRequire } from 'node:module'; import { init } from 'gradloom/lean'; import ${names} from 'gradloom/lean'; ${wasm} ${program}`,
  );
  assert.is(run(process.execPath, ['d.mjs'], home), run(process.execPath, ['a.mjs'], home));
  assert.not.match(readFileSync(join(home, 'node_modules', 'gradloom', 'dist', 'lean.js'), 'utf8'), /0061736d/);
});

test('what two copies made does not mix', async () => {
  type Library = typeof import('gradloom');
  const dist = join(home, 'node_modules', 'gradloom', 'dist');
  const ours = (await import(join(dist, 'node.js'))) as Library;
  const theirs = createRequire(import.meta.url)(join(dist, 'default.cjs')) as Library;
  const refused = (fn: () => unknown): void =>
    assert.throws(fn, (error: Error) => error.name === 'GradloomError' && /of another copy of gradloom.*npm ls gradloom/.test(error.message));
  const [x, model] = [theirs.tensor([1, 2]), new theirs.nn.Linear(2, 1)];
  refused(() => ours.add(ours.tensor([3, 4]), x));
  refused(() => ours.nn.functional.mseLoss(ours.tensor([3, 4]), x));
  refused(() => ours.relu(x));
  refused(() => ours.reshape(x, [2, 1]));
  refused(() => ours.tensor([3, 4]).add_(x));
  refused(() => new ours.optim.SGD(model.parameters(), { lr: 0.1 }));
  refused(() => new ours.nn.Sequential(model as never));
  refused(() => ours.multiloss.backward({ a: model.forward(x).sum() }));
  refused(() => ours.keep(x));
  class Wrapper extends ours.nn.Module {
    inner = model;
    forward(): void {}
  }
  refused(() => new Wrapper().stateDict());
  assert.equal(theirs.relu(x).toArray(), [1, 2]);
});

test('what ships is what users need', () => {
  const shipped = readdirSync(join(home, 'node_modules', 'gradloom'), { recursive: true, encoding: 'utf8' }).filter((f) => /\.\w+$/.test(f));
  const guides = /^(ARCHITECTURE|CHANGELOG|CONTRIBUTING|README|bench\/README|docs\/[\w-]+|docs\/recipes\/[\w-]+|examples\/README)\.md$/;
  const expected =
    /^(docs\/losses\.png|examples\/(digits|flower|page|penguins|recipes|shapes|strategies)\/.*\.(ts|js|css|html|csv|py|toml)|package\.json|dist\/kernels\.wasm|dist\/[\w-]+(\.c?js|\.d\.c?ts))$/;
  assert.equal(
    shipped.filter((f) => !expected.test(f) && !guides.test(f)),
    [],
  );
  for (const guide of shipped.filter((f) => f.endsWith('.md'))) {
    const folder = join(home, 'node_modules', 'gradloom', guide, '..');
    const links = readFileSync(join(home, 'node_modules', 'gradloom', guide), 'utf8').matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g);
    for (const [, link] of links) assert.ok(existsSync(join(folder, link as string)), `${guide} links ${link}, which does not ship`);
  }
  const manifest = JSON.parse(readFileSync(join(home, 'node_modules', 'gradloom', 'package.json'), 'utf8'));
  assert.is(manifest.dependencies, undefined);
  assert.is(manifest.engines.node, '>=20');
  for (const script of ['preinstall', 'install', 'postinstall']) assert.is(manifest.scripts[script], undefined, `consumers would run ${script}`);
  type Target = string | { [condition: string]: Target };
  const pathsOf = (target: Target): string[] => (typeof target === 'string' ? [target] : Object.values(target).flatMap(pathsOf));
  for (const [entry, target] of Object.entries<Target>(manifest.exports)) {
    for (const path of pathsOf(target)) {
      assert.ok(existsSync(join(home, 'node_modules', 'gradloom', path)), `${entry} names ${path}`);
    }
  }
});

test('budgets hold, and an application carries only what it uses', async () => {
  assert.match(run(process.execPath, ['scripts/size.mjs'], root), /^(ok .*\n)+$/);
  const { bundle } = (await import(join(root, 'scripts', 'size.mjs'))) as { bundle(path: string): Promise<string> };
  const text = await bundle(join(root, 'test', 'package', 'apps', 'two-loss.mjs'));
  const everything = readdirSync(join(root, 'dist'))
    .flatMap((file) => (/^(core|default)\.js$/.test(file) ? [readFileSync(join(root, 'dist', file), 'utf8')] : []))
    .join('');
  assert.match(text, /crossEntropy/);
  // test/package/carried.test.ts goes by files; these are words that the built library has and the application has not.
  const words = `safetensors capture conv2d maxPool Hybrid gradcheck KLDiv CosineAnnealing LayerNorm klDivergence kaimingUniform AveragedModel LBFGS multinomial
    linalg cholesky logProb xavierUniform LSTM GRUCell TransformerEncoderLayer MultiheadAttention checkpoint TensorDataset batchSize profile EarlyStopping`;
  for (const word of words.split(/\s+/)) {
    assert.match(everything, word, `no file has ${word}`);
    assert.not.match(text, word, word);
  }
});

test('types hold for a user of either module system', () => {
  const typed = `${program.replace('let first = 0', 'const gradient: Tensor | null = x.grad; void gradient;\nlet first: number = x.add(1).mul(2).sum().item()')}`;
  const entries = `import 'gradloom/relaxed';\nimport 'gradloom/threads';\nimport { init } from 'gradloom/lean';\nimport { run, serve } from 'gradloom/worker';
import { backward, type BackwardReport, UPGrad } from 'gradloom/multiloss';
import { type Conv2dOptions, functional, Linear } from 'gradloom/nn';
import * as F from 'gradloom/nn/functional';
import { Adam, lrScheduler } from 'gradloom/optim';
import { monitorReport } from 'gradloom/report';
import { clientApp, fileStore, runSuperNode } from 'gradloom/flower';
void runSuperNode(clientApp({ model: new Linear(2, 2), train: ({ arrays }) => ({ arrays, metrics: { 'num-examples': 3 } }) }), { url: 'http://localhost:8000', store: fileStore('a') });
import { initMpi, type World } from 'gradloom/mpi';
void init({ wasm: new Uint8Array(8) });\nconst layer = new Linear(2, 2); const given: Conv2dOptions = {}; void given; void monitorReport; new lrScheduler.StepLR(new Adam(layer.parameters()), { stepSize: 2 });
const told: BackwardReport<'a'> = backward({ a: functional.mseLoss(layer.weight, F.relu(layer.weight)) }, { combine: new UPGrad() }); void told;
const world: Promise<World> = initMpi({ timeout: 60 }); world.then((w) => { w.average(layer); const seen: number = w.backward({ a: layer.weight.sum() }).losses.a; void seen; });
serve(function* ({ n }: { n: number }) { yield n; });\nrun<number>(new Worker('x'), { n: 3 }).next().then(({ value }) => value);\n`;
  writeFileSync(join(home, 'a.mts'), `import { type Tensor } from 'gradloom';\n${entries}\nimport ${names} from 'gradloom';${typed}`);
  writeFileSync(join(home, 'a.cts'), `import { type Tensor } from 'gradloom';\nimport gradloom = require('gradloom');\nconst ${names} = gradloom;${typed}`);
  const options = { strict: true, module: 'nodenext', target: 'es2022', noEmit: true, types: [], lib: ['es2023', 'dom'], skipLibCheck: false };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['a.mts', 'a.cts'] }));
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'lib', 'tsc.js'), '-p', '.'], home);
});

test('types hold for a program in Node without DOM types', () => {
  symlinkSync(join(root, 'node_modules', '@types'), join(home, 'node_modules', '@types'));
  symlinkSync(join(root, 'node_modules', 'undici-types'), join(home, 'node_modules', 'undici-types'));
  const use = `import { Worker } from 'node:worker_threads';\nimport { run } from 'gradloom/worker';\nrun(new Worker('x'));\nvoid init({ wasm: new Uint8Array(3) });\nsteps(3, { signal: AbortSignal.timeout(9) });`;
  writeFileSync(join(home, 'e.mts'), `import { init, steps } from 'gradloom';\n${use}`);
  const options = { strict: true, module: 'nodenext', target: 'es2022', noEmit: true, types: ['node'], lib: ['es2023'], skipLibCheck: false };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['e.mts'] }));
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'lib', 'tsc.js'), '-p', '.'], home);
});

test('types hold what they promise and refuse what is wrong, also where optional properties are exact', () => {
  copyFileSync(join(root, 'test', 'package', 'types.mts'), join(home, 't.mts'));
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: 'nodenext',
    target: 'es2022',
    noEmit: true,
    types: [],
    skipLibCheck: false,
  };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['t.mts'] }));
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'lib', 'tsc.js'), '-p', '.'], home);
});

test('an editor has a text for everything, and shows nothing internal', () => {
  const entries = ['default', 'lean', 'nn', 'functional', 'optim', 'multiloss', 'linalg', 'worker', 'report', 'mpi', 'interop'];
  const types = new Declarations(entries.map((entry) => join(home, 'node_modules', 'gradloom', 'dist', `${entry}.d.ts`)));
  const { found, count } = types.textless;
  assert.ok(count > 4000);
  assert.equal(found, []);
  assert.equal(types.strayClasses, []);
  // What these types are is shown where they are used, so they need no import.
  const { intentionallyNotExported } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')) as { intentionallyNotExported: string[] };
  const shared = ['Bounds', 'ChannelNormOptions', 'ModuleHooks', 'Named', 'State', 'Numbers'];
  assert.equal(
    types.unexported.filter((name) => ![...intentionallyNotExported, ...shared].includes(name.replace(/\$\d+$/, ''))),
    [],
  );

  const made = types.made.filter((path) => path.startsWith('default.') && path !== 'default.Tensor').map((path) => path.replace('default', 'gradloom'));
  const text = `import * as gradloom from 'gradloom';\n${made.map((path) => `new ${path}();`).join('\n')}\ngradloom.ones(1).;`;
  writeFileSync(join(home, 'h.mts'), text);
  const { hover, complete } = editor(join(home, 'h.mts'));
  assert.ok(made.length > 100);
  assert.equal(
    made.filter((path) => hover(text.indexOf(`new ${path}()`) + `new ${path}`.length - 1) === ''),
    [],
  );
  const members = complete(text.length - 1);
  assert.ok(members.includes('add') && members.includes('backward') && members.length < 170);
  assert.equal(
    members.filter((name) => /^(storage|node|sizes|steps|hooks|gradient|address|viewInfo|gathered)$/.test(name)),
    [],
  );
});

test('the edge entries name the wasm beside them and ship it', () => {
  const dist = join(home, 'node_modules', 'gradloom', 'dist');
  for (const file of ['workerd.js', 'edge-light.js', 'kernels.wasm', 'default.js', 'default.cjs']) assert.ok(existsSync(join(dist, file)), file);
  for (const file of ['workerd.js', 'edge-light.js']) assert.match(readFileSync(join(dist, file), 'utf8'), /from "\.\/kernels\.wasm/);
});

test.run();
