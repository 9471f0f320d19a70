// What toPyTorch promises, against PyTorch itself: npm run test:interop (PYTHON=… names an interpreter with torch, safetensors and torchjd; else one is made under
// build/). `--short`: one model, fewer steps, and nothing is installed; `--only words`: tests whose names contain them.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkpoint, multiloss, nn, scope, tensor, type Tensor } from 'gradloom';
import { fromPyTorch, toPyTorch } from '../../src/entry/interop.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Case, CASES, METHODS, OPTIMIZERS, SCHEDULERS, small } from './models.ts';
import { findPython, works } from './python.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, only: { type: 'string', default: '' } } });
const { short, only } = values;
const found = findPython(!short);
const root = fileURLToPath(new URL('../../build/interop', import.meta.url));
const STEPS = short ? 10 : 50;
/** Losses of the same steps, relative: float32 sums in other orders. */
const TOLERANCE = 1e-4;
const BATCH: Readonly<Record<string, number>> = { Sequential: 16, LSTM: 16, UNet: 4, Own: 20, PINN: 20 };

const test = suite('PyTorch');
const python = (...args: string[]): string =>
  execFileSync((found as { python: string }).python, args, { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1' }, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1e9 });
const it = (name: string, run: () => void): void => void (name.includes(only) && ('missing' in found ? test.skip(`${name} (skipped: ${found.missing})`, run) : test(name, run)));

type Log = Record<string, number>[];

/** Steps over batches one after another, as train.py takes them. */
function train({ data, losses, combine, optimizer, scheduler }: Case, size: number, first: number, steps: number): Log {
  const log: Log = [];
  const n = (data[0] as Tensor).shape[0] as number;
  for (let step = first; step < first + steps; step++)
    scope(() => {
      const rows = tensor(
        Array.from({ length: size }, (_, i) => (step * size + i) % n),
        { dtype: 'int32' },
      );
      optimizer.zeroGrad();
      const named = losses(data.map((t) => t.indexSelect(0, rows)));
      log.push(Object.fromEntries(Object.entries(named).map(([name, t]) => [name, t.item()])));
      multiloss.backward(named, { combine: combine ?? new multiloss.Sum() });
      optimizer.step();
      scheduler?.step();
    });
  return log;
}

/** What has a state. */
const partsOf = ({ model, optimizer, scheduler, combine }: Case) => ({ model, optimizer, ...(scheduler && { scheduler }), ...(combine && { combine }) });

/** The largest relative difference of two logs. */
function apart(a: Log, b: Log): number {
  assert.is(a.length, b.length);
  return Math.max(
    ...a.flatMap((losses, i) => Object.entries(losses).map(([name, v]) => Math.abs(v - ((b[i] as Record<string, number>)[name] as number)) / Math.max(Math.abs(v), 1e-6))),
  );
}

const logOf = (folder: string): Log => JSON.parse(readFileSync(`${folder}/losses.json`, 'utf8'));

function written(name: string, c: Case): string {
  const folder = `${root}/${name}`;
  rmSync(folder, { recursive: true, force: true });
  const { data, ...rest } = c;
  toPyTorch({ ...rest, example: data, folder } as never);
  return folder;
}

const DRIVER = fileURLToPath(new URL('./driver.py', import.meta.url));
/** Runs train.py of folders one after another: loading torch takes its time. */
const inOneProcess = (...runs: string[][]): string => python(DRIVER, JSON.stringify(runs));
const torchrun = (script: string, ...args: string[]): string => python('-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2', script, ...args);

for (const [name, make] of Object.entries(CASES).filter(([n]) => !short || n === 'Own')) {
  it(`${name}: ${STEPS} steps here, ${STEPS} there on one process and on two, and on here`, () => {
    const size = BATCH[name] as number;
    const c = make();
    train(c, size, 0, STEPS);
    const folder = written(name, c);
    const args = ['--batch-size', `${size}`, '--steps', `${STEPS}`, '--first', `${STEPS}`];
    inOneProcess([folder, '--check'], [folder, ...args, '--out', `${folder}/one`]);
    torchrun(`${folder}/train.py`, ...args, '--out', `${folder}/two`);
    const here = train(c, size, STEPS, STEPS);
    const [one, two] = [apart(here, logOf(`${folder}/one`)), apart(here, logOf(`${folder}/two`))];
    const again = make();
    fromPyTorch(`${folder}/two`, partsOf(again));
    const back = apart(train(c, size, 2 * STEPS, 10), train(again, size, 2 * STEPS, 10));
    console.log(
      `${name}: largest relative difference of losses ${one.toExponential(1)} on one process, ${two.toExponential(1)} on two, ${back.toExponential(1)} in 10 steps back here`,
    );
    assert.ok(one <= TOLERANCE, `one process: ${one}`);
    assert.ok(two <= TOLERANCE, `two processes: ${two}`);
    assert.ok(back <= TOLERANCE, `back here: ${back}`);
  });
}

it('averaging Gramians, or what a method made of each process, does not follow', () => {
  const c = (CASES.Own as () => Case)();
  const folder = written('wrong', c);
  const right = readFileSync(`${folder}/train.py`, 'utf8');
  const here = train(c, 20, 0, 10);
  const ways = {
    'each process by itself': right.replace('    rows = gathered(rows, world)\n', '').replace('return weights @ rows, weights', 'return averaged(weights @ rows, world), weights'),
    'averaged Gramians': right
      .replace('    rows = gathered(rows, world)\n', '')
      .replace('gramian = rows.double() @ rows.double().T', 'gramian = averaged(rows.double() @ rows.double().T, world)')
      .replace('return weights @ rows, weights', 'return averaged(weights @ rows, world), weights'),
  };
  const folders = Object.entries({ right, ...ways }).map(([way, text]) => {
    if (way !== 'right') assert.not.equal(text, right);
    const own = `${folder}-${way.replaceAll(' ', '-')}`;
    cpSync(folder, own, { recursive: true });
    writeFileSync(`${own}/train.py`, text);
    return [way, own] as const;
  });
  torchrun(DRIVER, JSON.stringify(folders.map(([, own]) => [own, '--batch-size', '20', '--steps', '10', '--out', `${own}/out`])));
  const differences = folders.map(([way, own]) => [way, apart(here, logOf(`${own}/out`))] as const);
  console.log(differences.map(([way, d]) => `${way}: ${d.toExponential(1)}`).join(', '));
  for (const [way, d] of differences) assert.ok(way === 'right' ? d <= TOLERANCE : d > 10 * TOLERANCE, `${way}: ${d}`);
});

// TorchJD solves CAGrad's problem by cvxpy.
const withoutSolver = short || 'missing' in found || works(found.python, 'cvxpy, clarabel') ? [] : ['CAGrad'];
for (const name of withoutSolver) test.skip(`method ${name} (skipped: cvxpy or clarabel is not installed)`, () => {});

it('every method, optimizer and scheduler that is written follows', () => {
  const methods = Object.entries(short ? {} : METHODS).filter(([name]) => !withoutSolver.includes(name));
  const rows = [
    ...methods.map(([name, combine]) => [`method ${name}`, () => small({ combine: combine() })] as const),
    ...Object.entries(OPTIMIZERS).map(([name, optimizer]) => [`optimizer ${name}`, () => small({ optimizer })] as const),
    ...Object.entries(short ? {} : SCHEDULERS).map(([name, scheduler]) => [`scheduler ${name}`, () => small({ scheduler })] as const),
  ];
  const cases = rows.map(([name, make]) => {
    const c = make();
    train(c, 16, 0, 5);
    return { name, c, make, folder: written(name.replace(' ', '-'), c) };
  });
  python(
    fileURLToPath(new URL('./driver.py', import.meta.url)),
    JSON.stringify(cases.map(({ folder }) => [folder, '--batch-size', '16', '--steps', '15', '--first', '5', '--out', `${folder}/out`])),
  );
  const differences = cases.map(({ name, c, make, folder }) => {
    const there = apart(train(c, 16, 5, 15), logOf(`${folder}/out`));
    const again = make();
    fromPyTorch(`${folder}/out`, partsOf(again));
    return [name, Math.max(there, apart(train(c, 16, 20, 5), train(again, 16, 20, 5)))] as const;
  });
  console.log(differences.map(([name, d]) => `${name}: ${d.toExponential(1)}`).join('\n'));
  assert.equal(
    differences.filter(([, d]) => !(d <= TOLERANCE)),
    [],
  );
});

it('safetensors files of Python load here, and ours there', () => {
  mkdirSync(root, { recursive: true });
  const path = `${root}/types.safetensors`;
  const types = 'float64 float32 float16 bfloat16 float8_e5m2 float8_e4m3fn int64 int32 int16 int8 uint8 bool';
  python(
    '-c',
    `import torch; from safetensors.torch import save_file
x = torch.tensor([[0., 1., 2.], [3., 4., 100.]])
save_file({n: x.to(getattr(torch, n)) for n in "${types}".split()} | {"scalar": torch.tensor(2.5, dtype=torch.float64)}, ${JSON.stringify(path)}, {"a": "b"})`,
  );
  const read = checkpoint.loadSafetensors(readFileSync(path));
  for (const name of types.split(' ')) {
    const t = read[name] as Tensor;
    assert.is(t.dtype, name === 'bool' ? 'bool' : name.startsWith('u') || name.startsWith('int') ? 'int32' : 'float32', name);
    const last = name === 'float8_e5m2' || name === 'float8_e4m3fn' ? 96 : 100;
    assert.equal([...t.data()], name === 'bool' ? [0, 1, 1, 1, 1, 1] : [0, 1, 2, 3, 4, last], name);
  }
  const tied = new nn.Linear(2, 2);
  writeFileSync(path, checkpoint.saveSafetensors({ f: tensor([[1.5, -2]]), i: tensor([7, -8], { dtype: 'int32' }), b: tensor([true, false]), ...tied.stateDict() }, { note: 'x' }));
  const shown = python(
    '-c',
    `import json; from safetensors.torch import load_file; from safetensors import safe_open
t = load_file(${JSON.stringify(path)}); print(json.dumps([t["f"].tolist(), t["i"].tolist(), t["b"].tolist(), str(t["i"].dtype), safe_open(${JSON.stringify(path)}, "pt").metadata()]))`,
  );
  assert.equal(JSON.parse(shown), [[[1.5, -2]], [7, -8], [true, false], 'torch.int32', { note: 'x' }]);
});

test.run();
