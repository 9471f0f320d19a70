// The conformance runner on a small copy of the recorded cases, and on wrong answers that it has to notice.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { elementsOf, type EncodedTensor } from './conformance/decode.ts';
import type { AggregatorFile } from './conformance/aggregators.ts';
import { solvesNash } from './conformance/nash.ts';
import {
  type Kind,
  MissingFolder,
  type NameResult,
  runAggregators,
  runAllLabelled,
  runFolder,
  runNamed,
  runScalarizers,
  runStrategies,
  runTrajectories,
} from './conformance/run.ts';
import type { ScalarizerCase, ScalarizerFile } from './conformance/scalarizers.ts';
import type { TrajectoryFile } from './conformance/trajectories.ts';
import type { TraceFile } from './conformance/strategies.ts';

const folder = fileURLToPath(new URL('fixtures/conformance', import.meta.url));

interface CaseFile {
  name: string;
  cases: Record<string, unknown>[];
}

const read = (path: string): unknown => JSON.parse(readFileSync(`${folder}/${path}.json`, 'utf8'));
const failures = (results: readonly NameResult[]): string[] => results.flatMap((r) => r.failed.map((message) => `${r.name}: ${message}`));

/** The same tensor with its last element moved by `by`. */
function moved(encoded: EncodedTensor, by: number): EncodedTensor {
  const elements = elementsOf(encoded);
  elements[elements.length - 1] = (elements[elements.length - 1] as number) + by;
  return { ...encoded, data: Buffer.from(elements.buffer).toString('base64') };
}

/** A case file with one field of its first case replaced. */
function changed(path: string, field: string, change: (value: never) => unknown): CaseFile {
  const file = read(path) as CaseFile;
  const first = file.cases[0] as Record<string, unknown>;
  return { ...file, cases: [{ ...first, [field]: change(first[field] as never) }] };
}

test('no recorded case fails', () => {
  const results = runFolder(folder);
  assert.equal(failures(results), []);
  const supported = results.filter((r) => r.passed > 0).map((r) => r.name);
  for (const name of ['SGD', 'Adam', 'AdamW', 'nn.Linear', 'nn.CrossEntropyLoss', 'nn.MSELoss']) assert.ok(supported.includes(name), name);
  for (const name of ['weighted', 'independent', 'phased', 'hybrid', 'sum', 'weightedSgd']) assert.ok(supported.includes(name), name);
  for (const name of ['UPGrad', 'f64 NashMTL', 'EWQ mgda', 'HQF graddrop', 'nash5_scale0.1_50k nash']) assert.ok(supported.includes(name), name);
  assert.equal(
    results.filter((r) => r.section === 'aggregators' && r.unsupported.length > 0),
    [],
  );
  assert.ok(results.filter((r) => r.section === 'ops' && r.passed > 0).length > 100);
});

test('a name or option that is not offered counts as unsupported, with its reason', () => {
  const unknown = runNamed('ops', { name: 'no_such_operator', cases: [{ args: [], kwargs: {}, out: [] }] });
  assert.equal([unknown.passed, unknown.failed, unknown.unsupported], [0, [], ['not offered']]);
  const file = changed('ops/add', 'kwargs', () => ({ no_such_option: 1 }));
  assert.equal(runNamed('ops', file).unsupported, ['option no_such_option']);
  const wide = changed('ops/full', 'kwargs', () => ({ dtype: { dtype: 'f64' } }));
  assert.equal(runNamed('ops', wide).unsupported, ['dtype f64']);
});

const wrongAnswers: [what: string, kind: Exclude<Kind, 'multiloss'>, file: CaseFile, message: RegExp][] = [
  ['an output', 'ops', changed('ops/add', 'out', (t: EncodedTensor) => moved(t, 1e-3)), /output 0 \[5\]: element 4 /],
  ['an output of another shape', 'ops', changed('ops/add', 'out', (t: EncodedTensor) => ({ ...t, shape: [5, 1] })), /shape \[5\], expected \[5,1\]/],
  ['an output of another type', 'ops', changed('ops/add', 'out', (t: EncodedTensor) => ({ ...t, tensor: 'i64' })), /is float32, expected i64/],
  ['an output that is NaN', 'ops', changed('ops/add', 'out', (t: EncodedTensor) => moved(t, Number.NaN)), /expected NaN/],
  ['a missing output', 'ops', changed('ops/add', 'out', (t: EncodedTensor) => [t, t]), /1 outputs, expected 2/],
  ['an operator gradient', 'ops', changed('ops/add', 'grads', ([g, h]: EncodedTensor[]) => [g, moved(h as EncodedTensor, 1e-3)]), /gradient 1 \[\]: element 0 /],
  ['a gradient that should be null', 'ops', changed('ops/add', 'grads', ([g]: EncodedTensor[]) => [g, null]), /gradient 1 is a tensor, expected null/],
  [
    "a parameter's gradient",
    'modules',
    changed('modules/nn.Linear', 'paramGrads', (g: Record<string, EncodedTensor>) => ({ ...g, weight: moved(g.weight as EncodedTensor, 1e-3) })),
    /gradient of weight/,
  ],
  ['a parameter that is missing', 'modules', changed('modules/nn.Linear', 'paramGrads', (g: object) => ({ ...g, scale: null })), /no parameter scale, only weight, bias/],
  [
    'the last step of an optimizer',
    'optim',
    changed('optim/Adam', 'params', (steps: EncodedTensor[][]) => steps.map((list, i) => (i < 11 ? list : list.map((p) => moved(p, 1e-4))))),
    /parameter 0 after step 12/,
  ],
];

for (const [what, kind, file, message] of wrongAnswers) {
  test(`wrong answers are noticed: ${what}`, () => {
    const result = runNamed(kind, file);
    assert.is(result.passed, 0);
    assert.is(result.failed.length, 1);
    assert.match(result.failed[0] as string, message);
  });
}

test('wrong answers are noticed: a loss, a branch and a final weight of a trace', () => {
  const file = read('multiloss/strategies') as TraceFile;
  const trace = file.traces.find((t) => t.strategy === 'phased') as TraceFile['traces'][number];
  const step = trace.steps[59] as (typeof trace.steps)[number];
  const wrong = [
    { ...trace, steps: trace.steps.with(59, { ...step, loss1: step.loss1 * 1.001 }) },
    { ...trace, steps: trace.steps.with(59, { ...step, branch: step.branch === 'first' ? 'second' : 'first' }) },
    { ...trace, final: { ...trace.final, 'trunk.bias': moved(trace.final['trunk.bias'] as EncodedTensor, 1e-3) } },
  ];
  const messages = failures(runStrategies({ ...file, traces: wrong }));
  assert.is(messages.length, 3);
  assert.match(messages[0] as string, /loss1 at step 59/);
  assert.match(messages[1] as string, /branch at step 59/);
  assert.match(messages[2] as string, /trunk\.bias at the end/);
});

test('wrong answers are noticed: a value, a gradient and a weight of a method that looks at losses', () => {
  const { cases } = read('multiloss/scalarizers') as ScalarizerFile;
  const find = (name: string): ScalarizerCase => cases.find((c) => c.scalarizer === name) as ScalarizerCase;
  const [uw, famo] = [find('UW'), find('FAMO')];
  const trace = famo.trace as NonNullable<ScalarizerCase['trace']>;
  const last = trace.at(-1) as (typeof trace)[number];
  const wrong: ScalarizerCase[] = [
    { ...uw, out: (uw.out as number) + 1e-4 },
    { ...uw, parameterGrad: uw.parameterGrad?.map((g) => g + 1e-4) },
    { ...famo, trace: trace.with(-1, { ...last, grad: last.grad?.map((g) => g + 1e-9) }) },
    { ...famo, trace: trace.with(-1, { ...last, logitsAfter: last.logitsAfter?.map((g) => g + 1e-9) }) },
  ];
  const messages = failures(runScalarizers({ cases: wrong }));
  assert.is(messages.length, 4);
  assert.match(messages[0] as string, /UW: .*the value/);
  assert.match(messages[1] as string, /UW: .*parameter gradient 0/);
  assert.match(messages[2] as string, /FAMO: .*at step 11 weight 0/);
  assert.match(messages[3] as string, /FAMO: .*after step 11 logit 0/);
});

test('wrong answers are noticed: a direction, a refusal, a solution, a place on the way and the step that reaches the front', () => {
  const { matrices } = read('multiloss/aggregators') as AggregatorFile;
  const of = (aggregator: string, kwargs: Record<string, unknown>, matrix: string, out: number[]) => ({ aggregator, kwargs, matrix, out });
  const cases = [
    of('UPGrad', {}, 'docs', [0.2929, 1.9004, 1.901]),
    of('PCGrad', {}, 'docs', [0.5848, 3.8012, 3.81]),
    of('Krum', { nByzantine: 1 }, 'skew_4x10', (matrices.skew_4x10 as number[][])[3] as number[]),
    of('CAGrad', { c: 0.5 }, 'scales', [1e-3, 0, 0]),
  ];
  const wrong = failures(runAggregators({ matrices, cases }));
  assert.is(wrong.length, cases.length, wrong.join('\n'));
  const jacobian = [
    [1, 0],
    [-1, 0.5],
  ];
  // What TorchJD recorded for MGDA is no answer of UPGrad's; nor may a method give what it should refuse.
  const labelled = { base: { J: jacobian, agg: { 'UPGrad(exact)': { g: [0.0588, 0.2353] }, 'Krum(1,1)': { g: [0, 0] }, Mean: { error: 'Parameter `matrix` should be larger' } } } };
  assert.is(failures(runAllLabelled(labelled)).length, 3);
  assert.ok(solvesNash(jacobian, [3.07768, 2.75276]) && !solvesNash(jacobian, [1, 1]));
  const descent = { init: [3, -2], lr: 0.075, x_after_1: [2.775, -1.85], x_after_10: [1.3757, -0.918], x_final: [0.0608, -0.0406] };
  const early = { init: [-7.5, -0.5], x: [0, 0], hit: 6900 };
  const never = { init: [-7.5, -0.5], x: [0, 0], hit: -1 };
  const file = { EWQ: { upgrad: [descent] }, 'nash5_scale0.1_50k': { nash: [early, never] } } as unknown as TrajectoryFile;
  const messages = failures(runTrajectories(file));
  assert.is(messages.length, 3);
  assert.match(messages[0] as string, /x2 after 10 steps/);
  assert.match(messages[1] as string, /the front is not reached by step 7246, expected in step 6900/);
  assert.match(messages[2] as string, /the front is reached in step 73.., expected not/);
});

test('a missing folder or kind is an error, not an empty success', () => {
  const missing = (kinds: Kind[], path: string) => (): unknown => runFolder(path, kinds);
  assert.throws(missing([], `${folder}/nowhere`), (e: unknown) => e instanceof MissingFolder && /no folder/.test(e.message));
  assert.throws(missing(['optim'], `${folder}/ops`), (e: unknown) => e instanceof MissingFolder && /no folder optim/.test(e.message));
  assert.throws(missing([], `${folder}/ops`), (e: unknown) => e instanceof MissingFolder && /none of the folders/.test(e.message));
});

test('the command ends with its counts as JSON; wrong arguments exit with 2', () => {
  const main = fileURLToPath(new URL('conformance/main.ts', import.meta.url));
  const run = (...words: string[]) => spawnSync(process.execPath, ['--import', 'tsx', main, ...words], { encoding: 'utf8' });
  const optim = run(folder, 'optim');
  assert.is(optim.status, 0);
  const counts = JSON.parse(optim.stdout.trim().split('\n').at(-1) as string);
  assert.equal(Object.keys(counts), ['ops', 'modules', 'optim', 'schedulers', 'aggregators', 'scalarizers', 'strategies', 'trajectories']);
  assert.equal(counts.ops, { passed: 0, failed: 0, unsupported: 0, total: 0 });
  assert.is(counts.optim.passed + counts.optim.unsupported, counts.optim.total);
  assert.ok(counts.optim.passed > 0);
  for (const words of [[], [folder, 'colours'], [`${folder}/nowhere`]]) {
    const refused = run(...words);
    assert.is(refused.status, 2);
    assert.is(refused.stdout, '');
    assert.is.not(refused.stderr, '');
  }
});

test.run();
