// Files written by toOnnx, read back by fromOnnx: the same outputs, the same weights under the same names, other batches too.
import { cat, noGrad, Tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { graphOf } from '../../src/interop/onnx/file.ts';
import { fromOnnx } from '../../src/interop/onnx/from.ts';
import { toOnnx } from '../../src/interop/onnx/to.ts';
import { made, refused, rows } from './onnx.rows.ts';

/** Tensors of a tree, in order. */
export function flat(tree: unknown): Tensor[] {
  if (tree instanceof Tensor) return [tree];
  return typeof tree === 'object' && tree !== null ? Object.values(tree).flatMap(flat) : [];
}

function assertClose(got: readonly Tensor[], expected: readonly Tensor[], most: number): void {
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
    const own = model.stateDict();
    for (const [name, t] of Object.entries(back.stateDict())) if (name in own) assert.equal(t.toArray(), (own[name] as Tensor).toArray());
    noGrad(() => {
      // The sums are the same but for their order: 1e-5 is what onnxruntime is held to.
      assertClose(flat(back.forward(...flat(given))), flat((model.forward as (...all: unknown[]) => unknown)(...given)), 1e-5);
      if (row.batchAxis === undefined) return;
      const { axis, wider } = { axis: row.batchAxis, wider: given.map((x) => doubled(x, row.batchAxis as number)) };
      assert.ok(axis >= 0);
      assertClose(flat(back.forward(...flat(wider))), flat((model.forward as (...all: unknown[]) => unknown)(...wider)), 1e-5);
    });
  });
}

const doubled = (x: unknown, axis: number): unknown => (x instanceof Tensor && x.rank > axis ? cat([x, x, x], axis) : x);

for (const [name, make, inputs, says] of refused) {
  test(`${name} is refused by name`, () => {
    const { model, given } = made({ make, inputs, training: /training/.test(name) });
    assert.throws(() => toOnnx(model, given, { training: /training/.test(name) }), says);
  });
}

test.run();
