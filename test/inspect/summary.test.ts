// A model as text and as a table.
import { inspect } from 'node:util';
import { isGradEnabled, memory, nn, randn, scope, summary, type Tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

class Heads extends nn.Module {
  trunk = new nn.Sequential(new nn.Conv2d(3, 8, 3, { padding: 1 }), new nn.BatchNorm2d(8), new nn.ReLU(), new nn.Flatten());
  a = new nn.Linear(32, 10);
  b = new nn.Linear(32, 4, { bias: false });
  forward(x: Tensor): { a: Tensor; b: Tensor } {
    const h = this.trunk.forward(x);
    return { a: this.a.forward(h), b: this.b.forward(h) };
  }
}

test('a module prints as in PyTorch', () => {
  const text = `Heads(
  (trunk): Sequential(
    (0): Conv2d(weight=[8, 3, 3, 3], paddingMode='zeros', padding=1, bias=true)
    (1): BatchNorm2d(weight=[8], eps=0.00001, momentum=0.1, bias=true)
    (2): ReLU()
    (3): Flatten()
  )
  (a): Linear(inFeatures=32, outFeatures=10, bias=true)
  (b): Linear(inFeatures=32, outFeatures=4, bias=false)
)`;
  assert.is(String(new Heads()), text);
  assert.is(inspect(new Heads()), text);
});

test('a module that holds itself prints', () => {
  const net = new Heads() as Heads & { self?: nn.Module };
  net.self = net;
  assert.match(String(net), /\(self\): Heads\(…\)/);
});

test('a layer that stands in several places prints in each; one without parameters, and lists', () => {
  const shared = new nn.Linear(2, 2);
  assert.is(
    String(new nn.Sequential(shared, shared)),
    'Sequential(\n  (0): Linear(inFeatures=2, outFeatures=2, bias=true)\n  (1): Linear(inFeatures=2, outFeatures=2, bias=true)\n)',
  );
  assert.is(String(new nn.Sequential()), 'Sequential()');
  assert.is(String(new nn.ParameterList([zeros([2])])), 'ParameterList()');
  assert.is(String(new nn.ModuleDict({ a: new nn.LSTM(2, 3) })).split('\n').length, 3);
  assert.is(String(new nn.InstanceNorm2d(3)), 'InstanceNorm2d(eps=0.00001, momentum=0.1, bias=false)');
});

test('layers of lists and Maps stand under their path; what a forward gives may hold itself', () => {
  class Odd extends nn.Module {
    layers = [new nn.Linear(2, 2), new nn.Sequential(new nn.ReLU())];
    heads = new Map([['a', new nn.Linear(2, 3)]]);
    forward(x: Tensor): object {
      const h = (this.layers[1] as nn.Sequential).forward((this.layers[0] as nn.Linear).forward(x));
      const given: Record<string, unknown> = { heads: new Map([['a', this.heads.get('a')?.forward(h)]]), data: new Float32Array(4), n: 1 };
      given['self'] = given;
      return given;
    }
  }
  const text = String(summary(new Odd(), randn([1, 2])));
  assert.equal(
    text
      .split('\n')
      .slice(2)
      .map((line) => line.split(/ {2,}(?=\[)/)[0]),
    ['Odd', '  (layers.0) Linear', '  (layers.1) Sequential', '    (0) ReLU', '  (heads.a) Linear', '15 parameters (15 trained), 60 B; outputs 28 B'],
  );
});

test('layers, shapes, parameters and memory', () => {
  const net = new Heads();
  net.b.requiresGrad_(false);
  net.trunk.eval();
  const modes = Array.from(net.namedModules(), ([, m]) => m.training);
  summary(net, randn([2, 3, 2, 2])); // constants are kept
  const { live } = memory();
  const s = scope(() => {
    const result = summary(net, randn([2, 3, 2, 2]));
    assert.ok(isGradEnabled());
    return result;
  });
  assert.ok(memory().live <= live);
  assert.equal(
    Array.from(net.namedModules(), ([, m]) => m.training),
    modes,
  );
  assert.equal([s.parameters, s.trainable, s.parameterBytes], [698, 570, 4 * (698 + 17)]);
  assert.equal(
    s.rows.map((r) => [r.path, r.name, r.outputs, r.parameters, r.trainable, r.bytes]),
    [
      [
        '',
        'Heads',
        [
          [2, 10],
          [2, 4],
        ],
        0,
        null,
        112,
      ],
      ['trunk', 'Sequential', [[2, 32]], 0, null, 256],
      ['trunk.0', 'Conv2d', [[2, 8, 2, 2]], 224, true, 256],
      ['trunk.1', 'BatchNorm2d', [[2, 8, 2, 2]], 16, true, 256],
      ['trunk.2', 'ReLU', [[2, 8, 2, 2]], 0, null, 256],
      ['trunk.3', 'Flatten', [[2, 32]], 0, null, 256],
      ['a', 'Linear', [[2, 10]], 330, true, 80],
      ['b', 'Linear', [[2, 4]], 128, false, 32],
    ],
  );
  assert.match(String(s), /\(b\) Linear +\[2, 4\] +128 {2}frozen +32 B\n698 parameters \(570 trained\)/);
});

test('a tied weight counts once, a layer called twice shows twice', () => {
  const layer = new nn.Linear(2, 2);
  const s = summary(new nn.Sequential(layer, layer), randn([1, 2]));
  assert.is(s.parameters, 6);
  assert.equal(s.rows[1]?.outputs, [
    [1, 2],
    [1, 2],
  ]);
});

test('what is no module is refused, and an error leaves no hook', () => {
  throwsCode('VALUE', /summary: takes a module/, () => summary({} as never));
  const net = new nn.Linear(2, 2);
  throwsCode('SHAPE', /Linear|linear|matmul/, () => summary(net, randn([1, 3])));
  assert.equal(net.forward(randn([1, 2])).shape, [1, 2]);
});

test.run();
