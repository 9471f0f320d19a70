// Objects as flwr 1.42 makes them (test/flower/vectors.py recorded them): read, and written back with the same ids.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Arrays } from 'gradloom/flower';
import { fromNpy, type NdArray, toNpy } from '../../src/flower/npy.ts';
import { type Bytes, build, idsOf, read } from '../../src/flower/objects.ts';
import { buildRecords, readRecords } from '../../src/flower/records.ts';
import { throwsCode } from '../helpers.ts';

interface Vector {
  message: string;
  record: string;
  objects: Record<string, string>;
}
const vectors = JSON.parse(readFileSync(new URL('../fixtures/flower-objects.json', import.meta.url), 'utf8')) as Record<string, Vector>;
const objectsOf = ({ objects }: Vector): Map<string, Bytes> => new Map(Object.entries(objects).map(([id, text]) => [id, new Uint8Array(Buffer.from(text, 'base64'))]));
const of = (name: string): Vector => vectors[name] as Vector;
const recordsIn = (name: string): ReturnType<typeof readRecords> => readRecords(of(name).message, objectsOf(of(name)));

test('arrays of every type and order are read', () => {
  const arrays = recordsIn('every kind of array').arrays['arrays'] as Arrays;
  const grid: NdArray = { dtype: 'float32', shape: [2, 3], data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25) };
  for (const name of ['grid', 'columns', 'same']) assert.equal(arrays[name], grid, name);
  assert.equal(arrays['scalar'], { dtype: 'float32', shape: [], data: Float32Array.of(2.5) });
  assert.equal(arrays['empty'], { dtype: 'float32', shape: [0, 3], data: new Float32Array(0) });
  assert.equal([...(arrays['deep'] as NdArray).data], [...Array(24).keys()]);
  assert.equal([...(arrays['вес'] as NdArray).data], [1, Number.POSITIVE_INFINITY, -0]);
  assert.equal(arrays['flags'], { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) });
  for (const name of ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']) assert.equal([...(arrays[name] as NdArray).data].map(Number), [0, 1, 127], name);
});

test('metrics and configuration are read: integers are numbers where float64 holds them', () => {
  const { metrics, config } = recordsIn('metrics and configuration');
  assert.equal(metrics['metrics'], { loss: 0.25, 'num-examples': 12, list: [1.5, 2], ints: [3, 4] });
  const { bytes, blobs, ...others } = config['config'] as Record<string, unknown>;
  assert.equal(others, {
    yes: true,
    whole: -7,
    large: 2n ** 63n + 1n,
    real: 0.1,
    text: 'ß"\n',
    flags: [true, false],
    wholes: [1, -2],
    larges: [2n ** 64n - 1n, 1],
    reals: [0.5, -1],
    texts: ['a', 'б'],
  });
  assert.equal([...(bytes as Uint8Array)], [0, 255]);
  assert.equal(
    (blobs as Uint8Array[]).map((b) => [...b]),
    [[], [120]],
  );
});

test('what is written has the ids that flwr gives: types, spacing, escapes, equal children, chunks', async () => {
  const config = {
    yes: true,
    whole: -7n,
    large: 2n ** 63n + 1n,
    real: 0.1,
    text: 'ß"\n',
    bytes: Uint8Array.of(0, 255),
    flags: [true, false],
    wholes: [1n, -2n],
    larges: [2n ** 64n - 1n, 1n],
    reals: [0.5, -1],
    texts: ['a', 'б'],
    blobs: [new Uint8Array(0), Uint8Array.of(120)],
  };
  const both = await buildRecords({ metrics: { metrics: { loss: 0.25, 'num-examples': 12n, list: [1.5, 2], ints: [3n, 4n] } }, config: { config } });
  assert.is(both.tree.objectId, of('metrics and configuration').record);
  assert.is((await buildRecords({})).tree.objectId, of('nothing').record);
  const twice = await buildRecords(recordsIn('the same record twice'));
  assert.is(twice.tree.objectId, of('the same record twice').record);
  const zeros: NdArray = { dtype: 'float32', shape: [4_000_000], data: new Float32Array(4_000_000) };
  const chunked = await buildRecords({ arrays: { arrays: { w: zeros } } });
  assert.is(chunked.tree.objectId, of('chunks, the middle ones equal').record);
  // The first with the header, the equal middle ones once, the short last.
  assert.is([...chunked.objects.values()].filter((bytes) => read(bytes).type === 'ArrayChunk').length, 3);
  const message = await build('Message', [chunked], new Uint8Array(0));
  assert.equal(readRecords(message.tree.objectId, message.objects).arrays['arrays'], { w: zeros });
  assert.equal(idsOf(message.tree), [...message.objects.keys()]);
  // Row-major arrays too; the two that flwr stored by columns are sent by rows.
  const { columns: _, deep: __, ...arrays } = recordsIn('every kind of array').arrays['arrays'] as Arrays;
  const built = await buildRecords({ arrays: { arrays } });
  const theirs = objectsOf(of('every kind of array'));
  for (const [id, bytes] of built.objects)
    if (/^Array(Chunk)? /.test(Buffer.from(bytes).toString('latin1'))) assert.ok(theirs.has(id), Buffer.from(bytes).toString('latin1').slice(0, 200));
});

test('values that have no place on the wire are refused', async () => {
  const refused = async (metrics: unknown): Promise<void> => {
    const error = await buildRecords({ metrics: { metrics: metrics as never } }).catch((e: Error) => e);
    assert.match((error as Error).message, /^clientApp: 'x' must be a number, a bigint of 64 bits/);
  };
  for (const x of [null, undefined, {}, [1, 'a'], 2n ** 64n, -(2n ** 63n) - 1n, [[1]], () => 1, Symbol('a')]) await refused({ x });
  const array = async (w: unknown): Promise<string> => ((await buildRecords({ arrays: { a: { w: w as NdArray } } }).catch((e: Error) => e)) as Error).message;
  for (const w of [
    null,
    3,
    { dtype: 'float16', shape: [1], data: new Float32Array(1) },
    { dtype: 'float32', shape: [2], data: new Float32Array(1) },
    { dtype: 'float32', shape: [-1], data: [] },
  ])
    assert.match(await array(w), /^clientApp: 'w' must be \{ dtype, shape, data \}/);
});

test('bytes that are none of these are refused as FORMAT', async () => {
  const encoder = new TextEncoder();
  const format = (fn: () => unknown): unknown => throwsCode('FORMAT', /^flower: /, fn);
  for (const text of ['', 'Array', 'Array  3\0ab', 'Array 3\0abc', 'A b 3 4\0abc']) format(() => read(encoder.encode(text) as Bytes));
  const file = toNpy({ dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) });
  assert.equal(fromNpy(file).data, Float32Array.of(1, 2));
  format(() => fromNpy(file.slice(0, 100)));
  format(() => fromNpy(file.slice(0, 5)));
  const other = file.slice();
  other.set(encoder.encode("'>f8"), Buffer.from(file).indexOf("'<f4"));
  format(() => fromNpy(other));
  const { message, record } = of('nothing');
  format(() => readRecords(record, objectsOf(of('nothing'))));
  format(() => readRecords(message, new Map()));
  for (const type of ['ArrayRecord', 'MetricRecord', 'ConfigRecord', 'RecordDict']) {
    for (const body of ['no JSON', 'null']) {
      const broken = await build(type, [], encoder.encode(body));
      const dict = type === 'RecordDict' ? broken : await build('RecordDict', [broken], encoder.encode(`{"x": "${broken.tree.objectId}"}`));
      const { tree, objects } = await build('Message', [dict], new Uint8Array(0));
      format(() => readRecords(tree.objectId, objects));
    }
  }
  const torch = await build('Array', [], encoder.encode('{"dtype": "float32", "shape": [1], "stype": "torch", "arraychunk_ids": []}'));
  const named = await build('ArrayRecord', [torch], encoder.encode(`{"w": "${torch.tree.objectId}"}`));
  const dict = await build('RecordDict', [named], encoder.encode(`{"arrays": "${named.tree.objectId}"}`));
  const whole = await build('Message', [dict], new Uint8Array(0));
  format(() => readRecords(whole.tree.objectId, whole.objects));
});

test.run();
