// Files written by toOnnx, read back by fromOnnx: the same outputs, the same weights under the same names, other batches too.
import { readFileSync } from 'node:fs';
import { cat, nn, noGrad, rand, Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { graphOf } from '../../src/interop/onnx/file.ts';
import { fromOnnx } from '../../src/interop/onnx/from.ts';
import { toOnnx } from '../../src/interop/onnx/to.ts';
import { throwsCode } from '../helpers.ts';
import { page, renewed } from './onnx.page.ts';
import { made, refused, rows } from './onnx.rows.ts';

/** Tensors of a tree, in order. */
export function flat(tree: unknown): Tensor[] {
  if (tree instanceof Tensor) return [tree];
  return typeof tree === 'object' && tree !== null ? Object.values(tree).flatMap(flat) : [];
}

function assertClose(got: readonly Tensor[], expected: readonly Tensor[], most: number): void {
  assert.ok(expected.length > 0);
  assert.is(got.length, expected.length);
  for (const [i, y] of expected.entries()) {
    const x = got[i] as Tensor;
    assert.equal([x.dtype, x.shape], [y.dtype, y.shape]);
    const [a, b] = [x.data(), y.data()];
    for (let k = 0; k < b.length; k++) {
      const far = Math.abs(Number(a[k]) - Number(b[k])) / Math.max(1, Math.abs(Number(b[k])));
      assert.ok(Object.is(a[k], b[k]) || far <= most, `output ${i}, element ${k}: ${a[k]} for ${b[k]}`);
    }
  }
}

for (const row of rows) {
  test(`${row.name} goes out and comes back`, () => {
    const { model, given } = made(row);
    const file = toOnnx(model, given, { batchAxis: row.batchAxis ?? null, training: row.training ?? false });
    const graph = graphOf(file);
    const ops = new Set(graph.nodes.map(({ op }) => op));
    for (const op of row.ops ?? []) assert.ok(ops.has(op), `${op} among ${[...ops].join(', ')}`);
    const back = fromOnnx(file);
    back.train(row.training ?? false);
    const read = back.stateDict();
    // No graph counts batches.
    for (const [name, t] of Object.entries(model.stateDict())) if (!name.endsWith('num_batches_tracked')) assert.equal(read[name]?.toArray(), t.toArray(), name);
    noGrad(() => {
      // The sums are the same but for their order: 1e-5 is what onnxruntime is held to.
      assertClose(flat(back.forward(...flat(given))), flat((model.forward as (...all: unknown[]) => unknown)(...given)), 1e-5);
      if (row.batchAxis === undefined) return;
      const wider = given.map((x) => tripled(x, row.batchAxis as number));
      assertClose(flat(back.forward(...flat(wider))), flat((model.forward as (...all: unknown[]) => unknown)(...wider)), 1e-5);
    });
  });
}

const tripled = (x: unknown, axis: number): unknown => (x instanceof Tensor && x.rank > axis ? cat([x, x, x], axis) : x);

test('every layer and loss has a row', () => {
  // What they are given, and lists of layers.
  const containers = /^(Module(List|Dict)?|ParameterList|ParameterDict|TransformerDecoder)$/;
  const names = Object.entries(nn).flatMap(([name, c]) => (typeof c === 'function' && Object.prototype.isPrototypeOf.call(nn.Module, c) ? [name] : []));
  assert.ok(names.length > 90);
  const known = new Set(rows.map((row) => row.name.split(' ')[0]));
  assert.equal(
    names.filter((name) => !known.has(name) && !containers.test(name)),
    [],
  );
});

test('the tables of docs/onnx.md are those of the code', () => {
  const text = readFileSync(page, 'utf8');
  assert.ok(text === renewed(text), 'write them anew: npx tsx test/interop/onnx.page.ts');
});

test('dropout and batch norm in training: as in the model, until eval()', () => {
  const model = warmedUp();
  model.train();
  const back = fromOnnx(toOnnx(model, rand([64, 4]), { training: true, batchAxis: 0 }));
  const x = rand([64, 4]);
  const zeros = (y: Tensor): number => Array.from(y.data() as Float32Array).filter((v) => v === 0).length;
  assert.ok(zeros(back.forward(x) as Tensor) > 64);
  const moved = (back.stateDict()['0.running_mean'] as Tensor).toArray();
  assert.not.equal(moved, (model.stateDict()['0.running_mean'] as Tensor).toArray());
  back.eval();
  model.loadStateDict(back.stateDict(), { strict: false });
  model.eval();
  assertClose([back.forward(x) as Tensor], [model.forward(x)], 1e-6);
  assert.equal((back.stateDict()['0.running_mean'] as Tensor).toArray(), moved);
});

const warmedUp = (): nn.Sequential => new nn.Sequential(new nn.BatchNorm1d(4), new nn.Dropout(0.5));

test('options', () => {
  const model = new nn.Linear(2, 3);
  model.train();
  const file = toOnnx(model, rand([4, 2]), { inputNames: ['a'], outputNames: ['b'], metadata: { by: 'test' }, batchAxis: 0 });
  assert.ok(model.training);
  const back = fromOnnx(file);
  assert.equal(back.inputs, [{ name: 'a', dtype: 'float32', shape: ['batch', 2] }]);
  assert.equal([back.outputs.map(({ name }) => name), back.metadata], [['b'], { by: 'test' }]);
  assert.not.ok(back.parameters().some((p) => p.requiresGrad));
  throwsCode('VALUE', /inputNames has 2 names, there is one input/, () => toOnnx(model, rand([4, 2]), { inputNames: ['a', 'b'] }));
  throwsCode('VALUE', /'weight' is a name twice/, () => toOnnx(model, rand([4, 2]), { outputNames: ['weight'] }));
  throwsCode('VALUE', /batchAxis 3: no input has that dimension/, () => toOnnx(model, rand([4, 2]), { batchAxis: 3 }));
  throwsCode('VALUE', /takes a module first/, () => toOnnx({} as never, rand([4, 2])));
  throwsCode('VALUE', /there is no option 'opset'/, () => toOnnx(model, rand([4, 2]), { opset: 20 } as never));
});

test('what goes with the batch in another way is refused', () => {
  class Odd extends nn.Module {
    forward(x: Tensor): Tensor {
      return x.narrow(0, 0, (x.shape[0] as number) - 1);
    }
  }
  throwsCode('VALUE', /slice.* goes with the batch in a way that no graph says/, () => toOnnx(new Odd(), rand([4, 2]), { batchAxis: 0 }));
  assert.ok(toOnnx(new Odd(), rand([4, 2])).length > 0);
});

for (const [name, make, inputs, says] of refused) {
  test(`${name} is refused by name`, () => {
    const { model, given } = made({ make, inputs, training: /training/.test(name) });
    assert.throws(() => toOnnx(model, given, { training: /training/.test(name) }), says);
  });
}

test.run();
