// Runs in a file: written and read whole or not at all, on paths, handles and streams.
import { createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkpoint, defaultGenerator, Generator, manualSeed, multiloss, nn, ones, optim, rand, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../seeded.ts';
import { fuzz } from './fuzz.ts';
import { bundled, killed } from './kills.ts';

const folder = mkdtempSync(join(tmpdir(), 'gradloom-'));
test.after(() => rmSync(folder, { recursive: true }));

async function rejects(code: string, text: RegExp, fn: () => Promise<unknown>): Promise<void> {
  try {
    await fn();
  } catch (e) {
    assert.is((e as { code?: string }).code, code, String(e));
    assert.match((e as Error).message, text);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

const make = () => {
  const model = new nn.Linear(2, 1);
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.1 });
  return { model, optimizer, combine: new multiloss.GradNorm() };
};
const train = ({ model, optimizer, combine }: ReturnType<typeof make>): void => {
  optimizer.zeroGrad();
  const y = model.forward(ones([3, 2]));
  multiloss.backward({ a: y.square().mean(), b: y.sub(1).square().mean() }, { combine });
  optimizer.step();
};

test('a run goes on with the same bits, the random stream too', async () => {
  const path = join(folder, 'run.safetensors');
  const first = make();
  train(first);
  await checkpoint.write(path, { ...first, step: 1, note: { loss: [0.5, Number.NaN] } });
  train(first);
  const expected = [first.model.weight.toArray(), rand([2]).toArray()];
  manualSeed(99);
  const second = make();
  const { step, note } = await checkpoint.read<{ step: number; note: { loss: number[] } }>(path, second);
  assert.is(step, 1);
  assert.equal(note.loss, [0.5, Number.NaN]);
  train(second);
  assert.equal([second.model.weight.toArray(), rand([2]).toArray()], expected);
  assert.equal(readdirSync(folder), ['run.safetensors']);
});

test('paths, URLs, handles, web streams and streams of Node', async () => {
  const parts = { model: new nn.Linear(1, 1), step: 3 };
  const bytes = checkpoint.toBytes(parts);
  const url = pathToFileURL(join(folder, 'by url'));
  await checkpoint.write(url, parts);
  assert.is((await checkpoint.read<{ step: number }>(url, parts)).step, 3);
  const piped = join(folder, 'piped');
  await checkpoint.write(createWriteStream(piped), parts);
  assert.equal(new Uint8Array(readFileSync(piped)), bytes);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const [{ step }] = await Promise.all([checkpoint.read<{ step: number }>(readable, parts), checkpoint.write(writable, parts)]);
  assert.is(step, 3);
  for (const source of [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes)]) assert.is((await checkpoint.read<{ step: number }>(source, parts)).step, 3);
  // A file handle replaces the file when its stream is closed.
  let content = new Blob([]);
  const handle = {
    getFile: async () => content,
    createWritable: async () => {
      let written: Uint8Array<ArrayBuffer>;
      return {
        write: async (b: Uint8Array<ArrayBuffer>) => {
          written = b;
        },
        close: async () => {
          content = new Blob([written]);
        },
      };
    },
  };
  assert.is(await checkpoint.read(handle, parts, { optional: true }), null);
  await rejects('STATE', /there is no file behind the handle, or it is empty/, () => checkpoint.read(handle, parts));
  await checkpoint.write(handle, parts);
  assert.is((await checkpoint.read<{ step: number }>(handle, parts)).step, 3);
});

test('writes to one path wait for one another; the last one stays', async () => {
  const path = join(folder, 'often');
  await Promise.all([1, 2, 3, 4].map((step) => checkpoint.write(path, { step })));
  assert.is((await checkpoint.read<{ step: number }>(path)).step, 4);
});

test('the state is that of the call', async () => {
  const path = join(folder, 'moment');
  const model = new nn.Linear(1, 1);
  const before = model.weight.item();
  const done = checkpoint.write(path, { model });
  model.loadStateDict({ weight: ones([1, 1]), bias: ones([1]) });
  await done;
  await checkpoint.read(path, { model });
  assert.is(model.weight.item(), before);
});

test('a file that is not there', async () => {
  const path = join(folder, 'none');
  assert.is(await checkpoint.read(path, {}, { optional: true }), null);
  await rejects('STATE', /there is no file .*optional: true/, () => checkpoint.read(path));
});

test('all or nothing: what does not fit changes nothing', async () => {
  const file = checkpoint.toBytes({ ...make(), extra: tensor([1, 2]) });
  const other = { model: new nn.Linear(2, 1), optimizer: new optim.SGD([new nn.Parameter(ones([7]))], { lr: 1, momentum: 0.5 }) };
  const [weight, stream] = [other.model.weight.toArray(), defaultGenerator().getState()];
  await rejects('STATE', /'optimizer' does not take its state; nothing was changed/, () => checkpoint.read(file, other));
  assert.equal(other.model.weight.toArray(), weight);
  assert.equal(defaultGenerator().getState(), stream);
  await rejects('STATE', /the file has no 'plan', it has rng, model/, () => checkpoint.read(file, { plan: new Generator(1) }));
  const { extra } = await checkpoint.read<{ extra: ReturnType<typeof tensor> }>(file);
  assert.equal(extra.toArray(), [1, 2]);
});

test('every bit counts', async () => {
  const parts = { model: new nn.Linear(1, 1), step: 3 };
  const file = checkpoint.toBytes(parts);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const flipped = file.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    await rejects('FORMAT', /checkpoint.read/, () => checkpoint.read(flipped, parts));
  }
  for (let length = 0; length < file.length; length++) await rejects('FORMAT', /checkpoint.read/, () => checkpoint.read(file.slice(0, length), parts));
  await rejects('FORMAT', /checksum/, () => checkpoint.read(Uint8Array.of(...file, 0), parts));
});

test('files of another kind and of a later version are refused', async () => {
  await rejects('FORMAT', /not written by checkpoint.write/, () => checkpoint.read(checkpoint.save({ step: 1 })));
  await rejects('VALUE', /takes a path, a file handle/, () => checkpoint.write(3 as never, {}));
  await rejects('VALUE', /takes a path, a file handle/, () => checkpoint.read(3 as never));
  await rejects('VALUE', /parts by name/, () => checkpoint.write(join(folder, 'x'), [] as never));
  assert.not(existsSync(join(folder, 'x')));
});

test('what is no target, no source, or only looks like one', async () => {
  const bytes = checkpoint.toBytes({ step: 1 });
  for (const target of ['', null, {}, { createWritable: 1 }, { write: () => {} }]) await rejects('VALUE', /write: takes a path/, () => checkpoint.write(target as never, {}));
  await rejects('VALUE', /createWritable\(\) must give what has write and close, it gave undefined/, () => checkpoint.write({ createWritable: () => {} } as never, {}));
  await rejects('VALUE', /getWriter\(\) must give/, () => checkpoint.write({ getWriter: () => ({ write: 1 }) } as never, {}));
  for (const source of [null, {}, { getFile: 1 }]) await rejects('VALUE', /read: takes a path/, () => checkpoint.read(source as never));
  await rejects('VALUE', /getFile\(\) must give what has arrayBuffer/, () => checkpoint.read({ getFile: () => null } as never));
  await rejects('VALUE', /arrayBuffer\(\) must give an ArrayBuffer/, () => checkpoint.read({ arrayBuffer: () => [1] } as never));
  const detached = bytes.slice();
  structuredClone(null, { transfer: [detached.buffer] });
  for (const empty of [detached, detached.buffer]) await rejects('FORMAT', /./, () => checkpoint.read(empty as never));
  // Any view is its bytes, wherever they lie.
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 3));
  shared.set(bytes, 3);
  for (const view of [shared.subarray(3), new DataView(bytes.buffer), Buffer.from(bytes)]) assert.is((await checkpoint.read<{ step: number }>(view as never)).step, 1);
});

test('a write that fails leaves the old file', async () => {
  const path = join(folder, 'kept');
  await checkpoint.write(path, { step: 1 });
  writeFileSync(`${path}.tmp`, 'left behind by a crash');
  await rejects('VALUE', /'step' is function/, () => checkpoint.write(path, { step: () => 1 }));
  await rejects('VALUE', /'seen' is a Map/, () => checkpoint.write(path, { seen: new Map() }));
  assert.is((await checkpoint.read<{ step: number }>(path)).step, 1);
  await checkpoint.write(path, { step: 2 });
  assert.is((await checkpoint.read<{ step: number }>(path)).step, 2);
});

test('damaged and hostile files: none crashes, none is half loaded', async () => {
  const { refused, loaded, faults } = await fuzz(3000, 1);
  assert.equal(faults, []);
  assert.ok(refused > 1500 && loaded > 10, `${refused} refused, ${loaded} loaded`);
});

test('killed at random moments, a run ends with the bits of an unbroken one', async () => {
  assert.ok(await killed(await bundled(folder), 'Adam', 'GradNorm', 3, seeded(5)));
});

test.run();
