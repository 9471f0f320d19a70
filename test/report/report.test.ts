// The monitor's page: whole in itself, whatever the losses are called; few points however long the run.
import { multiloss } from 'gradloom';
import { monitorReport } from 'gradloom/report';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const evil = 'a</script><img src=x onerror=alert(1)>';

function run(steps: number): multiloss.Monitor {
  const monitor = new multiloss.Monitor({ budget: 50_000 });
  const names = [evil, 'b'];
  for (let i = 0; i < steps; i++) {
    const cosine = [[1, -0.5], [-0.5, 1]]; // biome-ignore format: a matrix
    const conflict = { norms: { [evil]: 1, b: 100 }, cosine, gramian: cosine };
    const layers = [{ name: 'trunk.0', ...conflict }];
    monitor.record(
      { branch: 'sum', names, losses: { [evil]: 1 / (i + 1), b: i === 5 ? Number.NaN : 1 }, weights: { [evil]: 1, b: 1 }, ...conflict, rank: 2, layers, groups: [] },
      { lr: 0.1 },
    );
  }
  return monitor;
}

/** The data that the page's script reads. */
function dataOf(page: string): { steps: number[]; series: { kind: string; name: string; values: (number | null)[] }[]; every: number } {
  const [, text] = /<script id="data" type="application\/json">(.*?)<\/script>/s.exec(page) as unknown as [string, string];
  return JSON.parse(text);
}

test('a page that loads nothing and in which names are text', () => {
  const page = monitorReport(run(20), { title: '<b>run</b>', subtitle: 'seed & all' });
  assert.match(page, /^<!doctype html>/);
  assert.not.match(page.replace(/<script[\s\S]*?<\/script>/g, ''), /<[^>]*\s(src|href)=|url\(|@import/);
  assert.not.match(page, /<img/);
  assert.match(page, /<h1>&#60;b&#62;run/);
  assert.match(page, /seed &#38; all/);
  assert.match(page, /Permission is hereby granted/); // uPlot's licence goes along
  assert.not.match(page, /<!-- \w+ -->/);
  assert.equal(page.match(/<script/g)?.length, 3);
});

test('numbers, alarms and readings are there without the charts', () => {
  const page = monitorReport(run(200));
  assert.match(page, /<b>non-finite<\/b> <span class="quiet">steps 5 – 6<\/span><br>the loss &#39;b&#39; is NaN/);
  assert.match(page, /<b>dominating<\/b> <span class="quiet">since step 49/);
  assert.match(page, /−0\.50 ± 0\.00<\/td><td>100 %<\/td><td>pull apart/);
  assert.match(page, /<th scope="row">trunk\.0<\/th>/);
  assert.match(page, /100 : 1/);
});

test('what its JSON gives draws the same page', () => {
  const monitor = run(50);
  assert.is(monitorReport(JSON.parse(JSON.stringify(monitor))), monitorReport(monitor));
});

test('long runs are thinned to means, to the last step', () => {
  const monitor = run(5000);
  const { steps, series, every } = dataOf(monitorReport(monitor));
  assert.ok(steps.length <= 600 && steps.length > 300, `${steps.length}`);
  assert.is(steps.at(-1), 4999);
  const loss = series.find((s) => s.kind === 'loss' && s.name === evil) as { values: number[] };
  const mean = Array.from({ length: every }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0) / every;
  assert.ok(Math.abs((loss.values[0] as number) / mean - 1) < 1e-4);
});

test('a run without gradients, and none at all', () => {
  const monitor = new multiloss.Monitor();
  assert.match(monitorReport(monitor), /<dd>0/);
  monitor.record({ branch: 'sum', names: ['a'], losses: { a: 1 }, weights: { a: 1 }, norms: null, cosine: null, gramian: null, rank: null, layers: null, groups: [] });
  assert.match(monitorReport(monitor), /Gradients were not measured/);
});

test('what is no monitor, and options that do not exist, are refused', () => {
  const report = monitorReport as (...given: unknown[]) => string;
  const data = JSON.parse(JSON.stringify(run(5)));
  const bad = [
    undefined,
    null,
    1,
    'a',
    [],
    {},
    { toJSON: 1 },
    { toJSON: () => undefined },
    new Proxy({}, {}),
    ...Object.keys(data).map((key) => ({ ...data, [key]: [undefined] })),
  ];
  for (const monitor of bad) throwsCode('VALUE', /takes a Monitor/, () => report(monitor));
  for (const more of [[null], [1], [{ heading: 'a' }], [{ title: 1 }], [{}, {}]]) throwsCode('VALUE', /title, subtitle/, () => report(data, ...more));
});

test.run();
