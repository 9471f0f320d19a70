// Files that PyTorch's two exporters wrote (test/interop/onnx/record.py), against what PyTorch gives: frozen, and trained.
import { readFileSync } from 'node:fs';
import { capture, mean, nn, noGrad, optim, square, sub, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromOnnx } from '../../src/interop/onnx/from.ts';

const folder = new URL('../fixtures/onnx/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));
const { answers } = JSON.parse(`${read('answers.json')}`) as { answers: Record<string, { shape: number[]; values: number[] }[]> };

// As in record.py.
const fill = (shape: number[], at: (i: number) => number): number[] => Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => at(i));
const numbers = (...shape: number[]): Tensor =>
  tensor(
    fill(shape, (i) => Math.fround(((i * 37) % 101) / 50) - 1),
    { shape },
  );
const tokens = (...shape: number[]): Tensor =>
  tensor(
    fill(shape, (i) => (i * 5) % 11),
    { shape, dtype: 'int32' },
  );
const inputs: Record<string, (n: number) => Tensor[]> = {
  resnet: (n) => [numbers(n, 3, 16, 16)],
  text: (n) => [tokens(n, 6)],
  recurrent: (n) => [numbers(n, 5, 4)],
  unet: (n) => [numbers(n, 2, 8, 8)],
  two: (n) => [numbers(n, 4, 6), tokens(n, 4).gt(8)],
};

for (const [name, expected] of Object.entries(answers)) {
  for (const how of ['legacy', 'dynamo']) {
    test(`${name}, by the ${how} exporter, gives what PyTorch gives`, () => {
      const model = fromOnnx(read(`${name}.${how}.onnx`));
      assert.ok(model.parameters().length > 0);
      assert.not.ok(model.parameters().some((p) => p.requiresGrad));
      // Exported with a batch of 2, called with 3.
      const got = noGrad(() => [model.forward(...(inputs[name] as (n: number) => Tensor[])(3))].flat());
      assert.equal(
        got.map((y) => y.shape),
        expected.map(({ shape }) => shape),
      );
      for (const [i, { values }] of expected.entries()) {
        const far = Array.from((got[i] as Tensor).data() as Float32Array, (v, k) => Math.abs(v - (values[k] as number)) / Math.max(1, Math.abs(values[k] as number)));
        assert.ok(Math.max(...far) <= 1e-5, `${i}: ${Math.max(...far)}`);
      }
    });
  }
}

const x = numbers(6, 3, 16, 16);
const y = tensor([[0], [1], [0], [1], [1], [0]], { dtype: 'float32' });

/** Losses of a few steps of everything that asks for a gradient. */
function trained(model: nn.Module & { forward(x: Tensor): Tensor }): number[] {
  const optimizer = new optim.Adam(
    model.parameters().filter((p) => p.requiresGrad),
    { lr: 0.01 },
  );
  return Array.from({ length: 60 }, () => {
    optimizer.zeroGrad();
    const loss = mean(square(sub(model.forward(x), y)));
    loss.backward();
    optimizer.step();
    return loss.item() as number;
  });
}

class Model extends nn.Module {
  readonly features;
  readonly head = new nn.Linear(8, 1);
  constructor(features: nn.Module) {
    super();
    this.features = features as nn.Module & { forward(x: Tensor): Tensor };
  }
  forward(input: Tensor): Tensor {
    return this.head.forward(this.features.forward(input));
  }
}

for (const how of ['legacy', 'dynamo']) {
  test(`a head is trained on frozen features (${how})`, () => {
    const features = fromOnnx(read(`resnet.${how}.onnx`));
    const before = features.parameters().map((p) => p.toArray());
    const losses = trained(new Model(features));
    assert.ok((losses.at(-1) as number) < 0.8 * (losses[0] as number), `${losses[0]} → ${losses.at(-1)}`);
    assert.equal(
      features.parameters().map((p) => p.toArray()),
      before,
    );
  });

  test(`trainable features are trained, their statistics are not (${how})`, () => {
    const features = fromOnnx(read(`resnet.${how}.onnx`), { trainable: true });
    const [parameters, buffers] = [features.parameters().map((p) => p.toArray()), features.buffers().map((b) => b.toArray())];
    const losses = trained(new Model(features));
    assert.ok((losses.at(-1) as number) < 0.5 * (losses[0] as number), `${losses[0]} → ${losses.at(-1)}`);
    for (const [i, p] of features.parameters().entries()) assert.not.equal(p.toArray(), parameters[i]);
    assert.equal(
      features.buffers().map((b) => b.toArray()),
      buffers,
    );
  });
}

test('a step with a file’s module in it is recorded, with the same bits', () => {
  for (const name of Object.keys(answers)) {
    const losses = [false, true].map((recorded) => {
      const model = fromOnnx(read(`${name}.legacy.onnx`), { trainable: true });
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 });
      const step = (...given: Tensor[]): Tensor => {
        optimizer.zeroGrad();
        const loss = mean(square([model.forward(...given)].flat()[0] as Tensor));
        loss.backward();
        optimizer.step();
        return loss;
      };
      const run = recorded ? capture(step) : step;
      const given = (inputs[name] as (n: number) => Tensor[])(2);
      return Array.from({ length: 5 }, () => run(...given).item());
    });
    assert.equal(losses[0], losses[1], name);
  }
});

test('weights have PyTorch’s names, and some of them are trained', () => {
  const model = fromOnnx(read('text.dynamo.onnx'), { trainable: (name) => name.startsWith('embed') });
  const names = [...model.namedParameters()].map(([name]) => name);
  for (const name of ['embed.weight', 'position', 'encoder.layers.0.linear1.bias']) assert.ok(names.includes(name), names.join());
  assert.equal(
    [...model.namedParameters()].filter(([, p]) => p.requiresGrad).map(([name]) => name),
    ['embed.weight'],
  );
  model.loadStateDict(model.stateDict());
});

test.run();
