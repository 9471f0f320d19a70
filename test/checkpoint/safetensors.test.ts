// The bytes that files have, the tensors that come back, and what is said of bytes that are none.
import * as fc from 'fast-check';
import { checkpoint, type DType, manualSeed, memory, nn, optim, randn, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const { load, loadSafetensors, readMetadata, save, saveSafetensors } = checkpoint;

/** A file by hand: a header as it stands, and data. */
function file(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const one = (dtype: string, data: ArrayBufferView, shape = [data.byteLength]): Uint8Array => file({ t: { dtype, shape, data_offsets: [0, data.byteLength] } }, bytesOf(data));
const read = (bytes: Uint8Array): Tensor => loadSafetensors(bytes)['t'] as Tensor;

test('a file is what the format says, byte for byte', () => {
  const bytes = saveSafetensors({ mask: tensor([true, false, true]), '10': tensor([7], { dtype: 'int32' }), w: tensor([[1.5], [-2]]) }, { made: 'by hand' });
  const text =
    '{"__metadata__":{"made":"by hand"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"10":{"dtype":"I32","shape":[1],"data_offsets":[8,12]},"mask":{"dtype":"BOOL","shape":[3],"data_offsets":[12,15]}}';
  const padded = Math.ceil(text.length / 8) * 8;
  assert.is(new DataView(bytes.buffer).getUint32(0, true), padded);
  assert.is(new TextDecoder().decode(bytes.subarray(8, 8 + padded)), text.padEnd(padded));
  assert.equal([...bytes.subarray(8 + padded)], [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0, 7, 0, 0, 0, 1, 0, 1]);
  assert.equal(readMetadata(bytes), { made: 'by hand' });
  assert.equal(Object.fromEntries(Object.entries(loadSafetensors(bytes)).map(([k, t]) => [k, t.toArray()])), { w: [[1.5], [-2]], '10': [7], mask: [true, false, true] });
});

test('any tensors come back, bit for bit', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  const cases = fc.dictionary(
    fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('0', '__proto__', 'constructor', 'a.b')),
    fc.tuple(sizes, fc.constantFrom<DType>('float32', 'int32', 'bool'), fc.integer()),
    { maxKeys: 6 },
  );
  fc.assert(
    fc.property(cases, (given) => {
      scope(() => {
        const tensors = Object.fromEntries(
          Object.entries(given).map(([name, [shape, dtype, seed]]) => {
            const words = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.imul(seed + i, 0x9e3779b1));
            // Every bit pattern of a float, NaNs with their payloads too.
            const values = dtype === 'float32' ? new Float32Array(words.buffer) : dtype === 'bool' ? words.map((w) => w & 1) : words;
            return [name, tensor(values as unknown as number[], { dtype, shape })];
          }),
        );
        const bytes = saveSafetensors(tensors);
        const back = loadSafetensors(bytes);
        assert.equal(Object.keys(back).sort(), Object.keys(tensors).sort());
        for (const [name, t] of Object.entries(tensors)) {
          const b = Object.entries(back).find(([n]) => n === name)?.[1] as Tensor;
          assert.equal([b.dtype, b.shape, [...bytesOf(b.data())]], [t.dtype, t.shape, [...bytesOf(t.data())]]);
        }
        assert.equal(saveSafetensors(back), bytes);
      });
    }),
    { numRuns: 150, seed: 5 },
  );
});

test('damaged files are refused with a reason, whatever is wrong', () => {
  const whole = saveSafetensors({ a: tensor([1, 2, 3]), b: tensor([true]) });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 0, max: 255 }), fc.boolean(), (at, byte, cut) => {
      const bytes = cut ? whole.slice(0, at) : whole.slice();
      if (!cut) bytes[at] = byte;
      scope(() => {
        try {
          loadSafetensors(bytes);
        } catch (error) {
          assert.match((error as Error).message, /^loadSafetensors: .{20,}\. .+\.$/s);
        }
      });
    }),
    { numRuns: 400, seed: 6 },
  );
});

test('wider and narrower types', () => {
  assert.equal(read(one('F16', Uint16Array.of(0x3c00, 0xc000, 0x7bff, 1, 0x8000, 0x7c00, 0xfc00), [7])).data(), Float32Array.of(1, -2, 65504, 2 ** -24, -0, Infinity, -Infinity));
  assert.ok(Number.isNaN(read(one('F16', Uint16Array.of(0x7e01), [1])).item()));
  assert.equal(read(one('BF16', Uint16Array.of(0x3f80, 0xc040, 0x0001), [3])).data(), Float32Array.of(1, -3, 2 ** -133));
  assert.equal(read(one('F64', Float64Array.of(0.1, -Infinity), [2])).data(), Float32Array.of(0.1, -Infinity));
  assert.equal(read(one('I64', BigInt64Array.of(-5n, 2147483647n), [2])).data(), Int32Array.of(-5, 2147483647));
  assert.equal(read(one('U8', Uint8Array.of(0, 255))).data(), Int32Array.of(0, 255));
  assert.equal(read(one('I8', Int8Array.of(-1))).data(), Int32Array.of(-1));
  assert.equal(read(one('I16', Int16Array.of(-300), [1])).data(), Int32Array.of(-300));
  assert.equal(read(one('U16', Uint16Array.of(65535), [1])).data(), Int32Array.of(65535));
  assert.equal(read(one('F8_E5M2', Uint8Array.of(0x3c, 0xc1, 0x7c, 1), [4])).data(), Float32Array.of(1, -2.5, Infinity, 2 ** -16));
  assert.equal(read(one('F8_E4M3', Uint8Array.of(0x38, 0xc4, 0x7e, 1), [4])).data(), Float32Array.of(1, -3, 448, 2 ** -9));
  assert.ok(Number.isNaN(read(one('F8_E4M3', Uint8Array.of(0x7f), [1])).item()));
  assert.is(read(one('F32', Float32Array.of(3), [])).item(), 3);
  throwsCode('VALUE', /'t' \(I64\): element 1 is 2147483648, outside of int32\. Convert/, () => read(one('I64', BigInt64Array.of(0n, 2147483648n), [2])));
  throwsCode('VALUE', /'t' \(U32\): element 0 is 4294967295/, () => read(one('U32', Uint32Array.of(4294967295), [1])));
  throwsCode('VALUE', /'t' \(F64\): element 0 is 1e\+300, outside of float32/, () => read(one('F64', Float64Array.of(1e300), [1])));
  throwsCode('VALUE', /'t' \(BOOL\): element 1 is the byte 2/, () => read(one('BOOL', Uint8Array.of(1, 2))));
  throwsCode('DTYPE', /'t' has dtype F8_E8M0.*Convert.*F32, F16/, () => read(one('F8_E8M0', Uint8Array.of(1))));
  throwsCode('DTYPE', /'t' has dtype constructor/, () => read(one('constructor', Uint8Array.of(1))));
});

test('what is malformed is named', () => {
  const bad = (message: RegExp, bytes: Uint8Array): unknown => throwsCode('FORMAT', message, () => loadSafetensors(bytes));
  bad(/3 bytes are too few/, new Uint8Array(3));
  bad(/this is what torch\.save writes\. .*save_file/, Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 1, 2));
  bad(/header is 100 bytes long, but only 2 follow.*cut short/, Uint8Array.of(100, 0, 0, 0, 0, 0, 0, 0, 1, 2));
  bad(/would be 18446744073709552000 bytes long, the format allows 100000000/, new Uint8Array(16).fill(255));
  bad(/bytes 8 to 11\) is no JSON/, file('{x:'));
  bad(/is no JSON/, file('\xff'.repeat(2)).fill(0xff, 8));
  bad(/no JSON object/, file([]));
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const eight = new Uint8Array(8);
  bad(/tensor 'a': its entry is 3/, file({ a: 3 }));
  bad(/'a': dtype is missing/, file({ a: { shape: [2] } }));
  bad(/'a': shape is \[-1\]/, file({ a: { ...entry, shape: [-1] } }, eight));
  bad(/'a': shape is a deep object|'a': shape is \[+…/, file(`{"a":{"dtype":"F32","shape":${'['.repeat(50000)}${']'.repeat(50000)},"data_offsets":[0,8]}}`, eight));
  bad(/'a': data_offsets are \[8,0\]/, file({ a: { ...entry, data_offsets: [8, 0] } }, eight));
  bad(/'a': its data ends at byte 8 of the data, which has 4/, file({ a: entry }, new Uint8Array(4)));
  bad(/'a': \[3\] of F32 needs 12 bytes, its data_offsets hold 8/, file({ a: { ...entry, shape: [3] } }, eight));
  bad(/'b' starts at byte \d+, the one before it ends/, file({ a: entry, b: entry }, eight));
  bad(/the last tensor ends at byte \d+ of \d+/, file({ a: entry }, new Uint8Array(9)));
  bad(/__metadata__ does not give text by text/, file({ __metadata__: { a: 1 } }));
});

test('what cannot be saved is named', () => {
  throwsCode('DTYPE', /'step' is number, not a tensor.*metadata/, () => saveSafetensors({ step: 3 as unknown as Tensor }));
  throwsCode('VALUE', /__metadata__/, () => saveSafetensors({ __metadata__: zeros([1]) }));
  throwsCode('VALUE', /metadata 'epoch' is number/, () => saveSafetensors({}, { epoch: 3 as unknown as string }));
  throwsCode('DTYPE', /file's bytes, got string/, () => loadSafetensors('x' as unknown as Uint8Array));
});

test('views and transposes are saved as they look; loaded tensors end with their scope', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  assert.equal(loadSafetensors(saveSafetensors({ x: x.t() }))['x']?.toArray(), [
    [1, 4],
    [2, 5],
    [3, 6],
  ]);
  const before = memory().live;
  const bytes = saveSafetensors({ x });
  scope(() => loadSafetensors(bytes) && undefined);
  assert.is(memory().live, before);
});

test('a run goes on from its saved state, bit for bit', () => {
  manualSeed(3);
  const build = () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 2));
    return { model, optimizer: new optim.Adam(model.parameters(), { lr: 0.05 }) };
  };
  const x = randn([5, 3]);
  const train = ({ model, optimizer }: ReturnType<typeof build>, n: number): void => {
    for (let i = 0; i < n; i++) {
      scope(() => {
        optimizer.zeroGrad();
        model.forward(x).square().mean().backward();
        optimizer.step();
      });
    }
  };
  const [first, second] = [build(), build()];
  train(first, 3);
  const bytes = save({
    model: first.model.stateDict(),
    optim: first.optimizer.stateDict(),
    step: 3,
    best: Number.POSITIVE_INFINITY,
    zero: -0,
    third: 1 / 3,
    name: 'run',
    none: null,
  });
  const state = load<{ model: nn.StateDict; optim: optim.OptimizerState }>(bytes);
  assert.equal(
    Object.keys(loadSafetensors(bytes))
      .filter((k) => /^model\.0|^optim\.state\.0/.test(k))
      .sort(),
    ['model.0.bias', 'model.0.weight', 'optim.state.0.expAvg', 'optim.state.0.expAvgSq', 'optim.state.0.step'],
  );
  second.model.loadStateDict(state.model);
  second.optimizer.loadStateDict(state.optim);
  const { model: _, optim: __, ...rest } = state as Record<string, unknown>;
  assert.equal(rest, { step: 3, best: Number.POSITIVE_INFINITY, zero: -0, third: 1 / 3, name: 'run', none: null });
  assert.ok(Object.is(rest['zero'], -0));
  train(first, 4);
  train(second, 4);
  assert.equal(saveSafetensors(second.model.stateDict()), saveSafetensors(first.model.stateDict()));
});

test('states that are none', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  throwsCode('VALUE', /nested more than 200 deep: does it contain itself/, () => save(circle));
  throwsCode('VALUE', /'model' is a Linear.*stateDict\(\)/, () => save({ model: new nn.Linear(1, 1) }));
  throwsCode('VALUE', /'f' is function/, () => save({ f: () => 0 }));
  throwsCode('VALUE', /'a\.\$x' starts with \$/, () => save({ a: { $x: 1 } }));
  throwsCode('FORMAT', /no state of checkpoint\.save.*loadSafetensors/, () => load(saveSafetensors({ x: zeros([1]) })));
  throwsCode('FORMAT', /no JSON/, () => load(saveSafetensors({}, { 'gradloom.state': '{' })));
  throwsCode('FORMAT', /names the tensor 'x', which the file lacks/, () => load(saveSafetensors({}, { 'gradloom.state': '{"a":{"$tensor":"x"}}' })));
});

test('bytes that were transferred elsewhere are refused', () => {
  for (const read of [checkpoint.loadSafetensors, checkpoint.readMetadata, checkpoint.load]) {
    for (const make of [(buffer: ArrayBuffer) => buffer, (buffer: ArrayBuffer) => new Uint8Array(buffer)]) {
      const bytes = make(new ArrayBuffer(16));
      structuredClone(null, { transfer: [bytes instanceof Uint8Array ? bytes.buffer : bytes] });
      throwsCode('FORMAT', /./, () => read(bytes));
    }
  }
});

test.run();
