// Damaged and hostile files: each is refused by an error of ours, or gives a module that runs or says why it does not.
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { GradloomError, noGrad, rand, scope, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromOnnx } from '../../src/interop/onnx/from.ts';
import { type ModelProto, ModelProtoSchema, NodeProtoSchema, TensorProto_DataLocation } from '../../src/interop/onnx/onnx_pb.js';
import type { OnnxModule } from '../../src/interop/onnx/types.ts';
import { throwsCode } from '../helpers.ts';

const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../fixtures/onnx/${name}.onnx`, import.meta.url)));
const resnet = bytesOf('resnet.dynamo');
const two = bytesOf('two.legacy');

/** Loads and runs: anything but an error of ours is a fault. */
function tried(bytes: Uint8Array): 'refused' | 'loaded' | 'ran' {
  let model: OnnxModule;
  try {
    model = fromOnnx(bytes);
  } catch (error) {
    assert.instance(error, GradloomError, `${(error as Error).stack}`);
    return 'refused';
  }
  try {
    scope(() =>
      noGrad(() => {
        const inputs = model.inputs.map(({ dtype, shape }) => {
          const sizes = (shape ?? [2]).map((n) => (typeof n === 'number' ? n : 2));
          if (sizes.reduce((a, b) => a * b, 1) > 1e5) throw new GradloomError('MEMORY', 'test', 'too large to try');
          return dtype === 'float32' ? rand(sizes) : tensor(new Array(sizes.reduce((a, b) => a * b, 1)).fill(0), { dtype, shape: sizes });
        });
        model.forward(...inputs);
      }),
    );
    return 'ran';
  } catch (error) {
    assert.instance(error, GradloomError, `${(error as Error).stack}`);
    return 'loaded';
  } finally {
    model.dispose();
  }
}

test('a file that is cut short is refused, wherever it ends', () => {
  for (const bytes of [resnet, two]) {
    for (let n = 0; n < bytes.length; n += 1 + Math.floor(bytes.length / 60)) assert.is.not(tried(bytes.subarray(0, n)), 'ran', `${n} of ${bytes.length} bytes`);
  }
});

test('a file with changed bytes is refused or runs', () => {
  let state = 7;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const counts = { refused: 0, loaded: 0, ran: 0 };
  for (let i = 0; i < 240; i++) {
    const bytes = Uint8Array.from(i % 2 ? resnet : two);
    for (let k = 0; k <= random(3); k++) bytes[random(bytes.length)] = random(256);
    counts[tried(bytes)]++;
  }
  assert.ok(counts.refused > 20 && counts.ran > 8, JSON.stringify(counts));
});

test('other files are refused', () => {
  for (const text of ['', '<html>', '{"a": 1}', 'PK\u0003\u0004', '\u0000'.repeat(64)]) throwsCode('FORMAT', /fromOnnx: /, () => fromOnnx(new TextEncoder().encode(text)));
  throwsCode('DTYPE', /takes the file's bytes/, () => fromOnnx('resnet.onnx' as never));
});

/** The resnet's file with something changed. */
function changed(change: (model: ModelProto & { graph: NonNullable<ModelProto['graph']> }) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, resnet);
  change(model as never);
  return toBinary(ModelProtoSchema, model);
}

const rows: readonly [string, RegExp, Parameters<typeof changed>[0]][] = [
  [
    'operators that are not offered, all of them',
    /2 nodes have operators that are not offered: NonMaxSuppression 'a', com\.own\.Twist 'b'/,
    ({ graph }) => {
      for (const [name, opType, domain] of [
        ['a', 'NonMaxSuppression', ''],
        ['b', 'Twist', 'com.own'],
      ] as const)
        graph.node.push(create(NodeProtoSchema, { name, opType, domain, output: [name] }));
    },
  ],
  [
    'an attribute that is not known',
    /Conv '.*': the attribute 'twist' is not offered/,
    ({ graph }) => {
      const conv = graph.node.find((n) => n.opType === 'Conv') as (typeof graph.node)[number];
      conv.attribute.push({ ...(conv.attribute[0] as (typeof conv.attribute)[number]), name: 'twist' });
    },
  ],
  ['a node that takes what is not there', /takes 'nowhere', which nothing before it gives/, ({ graph }) => void graph.node[0]?.input.splice(0, 1, 'nowhere')],
  ['weights in another file', /lies in another file/, ({ graph }) => void Object.assign(graph.initializer[0] as object, { dataLocation: TensorProto_DataLocation.EXTERNAL })],
  ['weights that are too short', /needs \d+ bytes, it has 3/, ({ graph }) => void Object.assign(graph.initializer[0] as object, { rawData: new Uint8Array(3) })],
  ['a shape beyond all memory', /has the shape/, ({ graph }) => void Object.assign(graph.initializer[0] as object, { dims: [1n << 40n, 1n << 40n] })],
  ['an old opset', /opset 9; 11 to 28/, (model) => void Object.assign(model.opsetImport[0] as object, { version: 9n })],
  ['no graph', /no graph with an output/, ({ graph }) => void graph.output.splice(0)],
];
for (const [what, says, change] of rows) {
  test(`${what}: refused before anything is built`, () => {
    try {
      fromOnnx(changed(change));
    } catch (error) {
      assert.instance(error, GradloomError);
      assert.match((error as Error).message, says);
      return;
    }
    assert.unreachable('was loaded');
  });
}

test('inputs are compared with what the file says', () => {
  const model = fromOnnx(resnet);
  throwsCode('VALUE', /takes 1 input \(x\), got 0/, () => model.forward());
  throwsCode('SHAPE', /the input 'x' is \[batch, 3, 16, 16\] in the file, got \[2, 3, 16, 8\]/, () => model.forward(rand([2, 3, 16, 8])));
  throwsCode('DTYPE', /the input 'x' is float32, got int32/, () => model.forward(rand([2, 3, 16, 16]).int()));
  throwsCode('VALUE', /there is no option 'train'/, () => fromOnnx(resnet, { train: true } as never));
});

test.run();
