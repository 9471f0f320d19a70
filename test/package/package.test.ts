// The package as users get it: built, packed, unpacked elsewhere, imported, required, type-checked.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

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
  symlinkSync(join(root, 'node_modules', '@assemblyscript'), join(modules, '@assemblyscript'));
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

test('types hold for a user of either module system', () => {
  const typed = `${program.replace('let first = 0', 'const gradient: Tensor | null = x.grad; void gradient;\nlet first: number = x.add(1).mul(2).sum().item()')}`;
  writeFileSync(join(home, 'a.mts'), `import { type Tensor } from 'gradloom';\nimport ${names} from 'gradloom';${typed}`);
  writeFileSync(join(home, 'a.cts'), `import { type Tensor } from 'gradloom';\nimport gradloom = require('gradloom');\nconst ${names} = gradloom;${typed}`);
  const options = { strict: true, module: 'nodenext', target: 'es2022', noEmit: true, types: [], lib: ['es2023', 'dom'], skipLibCheck: false };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['a.mts', 'a.cts'] }));
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'lib', 'tsc.js'), '-p', '.'], home);
});

test('the edge entries name the wasm beside them and ship it', () => {
  const dist = join(home, 'node_modules', 'gradloom', 'dist');
  for (const file of ['workerd.js', 'edge-light.js', 'kernels.wasm', 'default.js', 'default.cjs']) assert.ok(existsSync(join(dist, file)), file);
  for (const file of ['workerd.js', 'edge-light.js']) assert.match(run('head', ['-5', join(dist, file)], home), /from "\.\/kernels\.wasm/);
});

test.run();
