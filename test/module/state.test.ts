// States of modules: what is there under which name, what fits, and that what fails changes nothing.
import { checkpoint, nn, ones, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

class Tied extends nn.Module {
  a = new nn.Linear(2, 2, { bias: false });
  b = this.a;
  forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x));
  }
}

class Untied extends nn.Module {
  a = new nn.Linear(2, 2, { bias: false });
  b = new nn.Linear(2, 2, { bias: false });
  forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x));
  }
}

test('what is shared stands under each name, as in PyTorch, and is one parameter', () => {
  const tied = new Tied();
  assert.equal(Object.keys(tied.stateDict()), ['a.weight', 'b.weight']);
  assert.is(tied.parameters().length, 1);
  const untied = new Untied();
  assert.equal(untied.loadStateDict(tied.stateDict()), { missingKeys: [], unexpectedKeys: [] });
  tied.loadStateDict(untied.stateDict());
  // One of its names is enough: some formats keep shared tensors once.
  assert.equal(tied.loadStateDict({ 'b.weight': ones([2, 2]) }), { missingKeys: [], unexpectedKeys: [] });
  assert.is(tied.a.weight.sum().item(), 4);
  const copy = new Tied();
  copy.loadStateDict(checkpoint.load<{ model: nn.StateDict }>(checkpoint.save({ model: tied.stateDict() })).model);
  assert.equal(copy.a.weight.toArray(), tied.a.weight.toArray());
});

test('missing and unexpected names come back; strict by position too', () => {
  const layer = new nn.Linear(2, 2);
  assert.equal(layer.loadStateDict({ weight: ones([2, 2]), extra: ones([1]) } as never, { strict: false }), { missingKeys: ['bias'], unexpectedKeys: ['extra'] });
  assert.equal(layer.loadStateDict({}, false), { missingKeys: ['weight', 'bias'], unexpectedKeys: [] });
  throwsCode('STATE', /missing bias; unexpected extra/, () => layer.loadStateDict({ weight: ones([2, 2]), extra: ones([1]) }));
  throwsCode('VALUE', /'strickt'.*'strict'/, () => layer.loadStateDict({}, { strickt: false } as never));
});

test("the library's fields have PyTorch's spelling, a program's its own; either loads", () => {
  const norm = new nn.BatchNorm1d(2);
  const torch = { weight: ones([2]), bias: zeros([2]), running_mean: tensor([1, 2]), running_var: ones([2]), num_batches_tracked: tensor(3, { dtype: 'int32' }) };
  assert.equal(norm.loadStateDict(torch), { missingKeys: [], unexpectedKeys: [] });
  assert.equal(norm.runningMean?.toArray(), [1, 2]);
  throwsCode('STATE', /running_mean is there twice/, () => norm.loadStateDict({ ...torch, runningMean: ones([2]) }));
  class Snake extends nn.Module {
    layer_1 = new nn.BatchNorm1d(1);
    layer1 = new nn.Linear(1, 1);
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const { missingKeys, unexpectedKeys } = new Snake().loadStateDict({ 'layer_1.running_mean': ones([1]), 'layer1.weight': ones([1, 1]) }, { strict: false });
  assert.equal([missingKeys.length, unexpectedKeys], [5, []]);

  class Names extends nn.Module {
    tokenTable = new nn.Linear(1, 1, false);
    convBN = new nn.Linear(1, 1, false);
    W = new nn.Parameter(ones([1]));
    lora_A = new nn.Parameter(ones([1]));
    aB = new nn.Parameter(ones([1]));
    a_b = new nn.Parameter(ones([1]));
    heads = { fineClass: new nn.Linear(1, 1, false) };
    parts = new nn.ModuleDict({ leftEye: new nn.Linear(1, 1, false) });
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const names = new Names();
  const keys = ['W', 'lora_A', 'aB', 'a_b', 'tokenTable.weight', 'convBN.weight', 'heads.fineClass.weight', 'parts.leftEye.weight'];
  assert.equal(Object.keys(names.stateDict()), keys);
  assert.equal(Array.from(names.namedParameters(), ([name]) => name), keys); // biome-ignore format: one line
  const old = Object.fromEntries(Object.values(names.stateDict()).map((t, i) => [(keys[i] as string).replace('token_table', 'tokenTable').replace('conv_bn', 'convBN'), t]));
  assert.equal(names.loadStateDict(old), { missingKeys: [], unexpectedKeys: [] });
});

test('what fails changes nothing, and is named', () => {
  const layer = new nn.Linear(2, 2);
  const before = JSON.stringify([layer.weight.toArray(), layer.bias?.toArray()]);
  const dead = scope(() => {
    const t = ones([2]);
    return { t };
  });
  let ended: Tensor | undefined;
  scope(() => {
    ended = ones([2]);
  });
  assert.ok(dead);
  const weight = zeros([2, 2]);
  for (const bias of [null, 0, 'text', {}, { shape: [2] }, [1], [1, null], [[1, 2]], ones([3]), ones([2], { dtype: 'int32' }), ended, undefined, new nn.Linear(1, 2)])
    throwsCode('STATE', /bias/, () => layer.loadStateDict({ weight, bias } as never));
  for (const state of [null, undefined, 5, 'text', [], new Map(), ones([1]), layer])
    throwsCode('STATE', /loadStateDict: a state is an object/, () => layer.loadStateDict(state as never));
  throwsCode('STATE', /bias/, () => layer.loadStateDict({ weight, bias: new Array(2) } as never));
  const norm = new nn.BatchNorm1d(2);
  for (const count of [1.5, 2 ** 31, Number.NaN, true])
    throwsCode('STATE', /num_batches_tracked/, () => norm.loadStateDict({ ...norm.stateDict(), num_batches_tracked: count } as never));
  assert.is(JSON.stringify([layer.weight.toArray(), layer.bias?.toArray()]), before);
});

test('numbers nested as in JSON load; identity and aliases stay', () => {
  const [layer, other] = [new nn.Linear(2, 2), new nn.Linear(2, 2)];
  const { weight } = layer;
  const alias = weight.detach();
  layer.loadStateDict(JSON.parse(JSON.stringify(other.stateDict())));
  assert.is(layer.weight, weight);
  assert.equal(alias.toArray(), other.weight.toArray());
  const norm = new nn.BatchNorm1d(1);
  norm.loadStateDict({ weight: [2], bias: [1], runningMean: [0], runningVar: [1], numBatchesTracked: 7 } as never);
  assert.is(norm.numBatchesTracked?.item(), 7);
});

test('names that meet in a file are kept apart', () => {
  const state = { a: { b: ones([1]) }, 'a.b': zeros([2]), 'a.b_': ones([3]) };
  const loaded = checkpoint.load<typeof state>(checkpoint.save(state));
  assert.equal([loaded.a.b.toArray(), loaded['a.b'].toArray(), loaded['a.b_'].toArray()], [[1], [0, 0], [1, 1, 1]]);
});

test.run();
