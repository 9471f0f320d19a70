// Options and arguments of layers and losses: by name, by position as PyTorch has them, or refused by name before anything is made.
import { GradloomError, manualSeed, nn as typed, ones, rand, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';
import { LAYERS as layers, needed } from './needed.ts';

// JavaScript checks no types, and so does this file.
// biome-ignore lint/suspicious/noExplicitAny: what programs without types write
const nn = typed as any;
const F = nn.functional;
const image = ones([1, 1, 8, 8]);

test('arguments by position count as in PyTorch', () => {
  assert.equal(new nn.Conv2d(1, 2, 4, 2, 1).forward(image).shape, [1, 2, 4, 4]);
  assert.equal(new nn.Conv2d(1, 2, 4, 2, { padding: 1 }).forward(image).shape, [1, 2, 4, 4]);
  assert.equal(new nn.Conv1d(1, 2, 3, 2).forward(ones([1, 1, 8])).shape, [1, 2, 3]);
  assert.is(new nn.Linear(3, 2, false).bias, null);
  assert.is(new nn.GroupNorm(1, 2, 1e-5, true, false).bias, null);
  assert.equal(new nn.Conv1d(1, 1, 3, 1, 1, 1, 1, true, 'circular').forward(ones([1, 4])).toArray()[0].length, 4);
  assert.ok(Math.abs(new nn.LeakyReLU(0.2).forward(tensor([-1])).item() + 0.2) < 1e-7);
  assert.ok(Math.abs(new nn.BatchNorm2d(1, 0.8).forward(tensor([[[[1, 3]]]])).data()[1] - 1 / Math.sqrt(1.8)) < 1e-6);
  assert.equal(new nn.MaxPool2d(2, 1).forward(image).shape, [1, 1, 7, 7]);
  assert.equal(new nn.MaxPool2d(2, null, 1).forward(image).shape, [1, 1, 5, 5]);
  assert.equal(new nn.AvgPool2d(2, 1).forward(image).shape, [1, 1, 7, 7]);
  assert.equal(new nn.AvgPool1d(2, null, 1).forward(ones([1, 1, 8])).shape, [1, 1, 5]);
  assert.equal(new nn.Hardtanh(-2, 2).forward(tensor([-3, 3])).toArray(), [-2, 2]);
  assert.equal(new nn.Flatten({ startDim: 0 }).forward(ones([2, 3])).shape, [6]);
  assert.equal(new nn.Softmax({ dim: 0 }).forward(zeros([2, 1])).toArray(), [[0.5], [0.5]]);
  assert.equal(new nn.PReLU(2, 0.5).weight.toArray(), [0.5, 0.5]);
  assert.equal(new nn.Embedding(3, 2, 1).weight.select(0, 1).toArray(), [0, 0]);
  assert.equal(new nn.Embedding(3, 2, null).weight.shape, [3, 2]);
  assert.is(new nn.Parameter(ones([1]), false).requiresGrad, false);
  const logits = tensor([[1, 2], [3, 1]]); // biome-ignore format: one line
  const labels = tensor([1, 0], { dtype: 'int32' });
  assert.ok(Math.abs(new nn.CrossEntropyLoss(tensor([0, 1])).forward(logits, labels).item() - 0.3133) < 1e-4);
  assert.is(F.mseLoss(ones([4]), zeros([4]), 'sum').item(), 4);
  assert.is(F.smoothL1Loss(ones([2]), zeros([2]), 'sum', 0).item(), 2);
  assert.is(new nn.HingeEmbeddingLoss(3).forward(ones([1]), tensor([-1])).item(), 2);
  assert.is(F.multiMarginLoss(tensor([[1, 2]]), tensor([0], { dtype: 'int32' }), 2).item(), 2);
});

test('an option that does not exist is refused with the nearest one, one by position that has no place too', () => {
  throwsCode('VALUE', /LeakyReLU: there is no option 'negativeSlop'.*'negativeSlope'/, () => new nn.LeakyReLU({ negativeSlop: 0.2 }));
  throwsCode('VALUE', /Conv2d: there is no option 'paddin'.*'padding'/, () => new nn.Conv2d(1, 1, 3, { paddin: 1 }));
  throwsCode('VALUE', /crossEntropy: there is no option 'ignore_index'.*'ignoreIndex'/, () => F.crossEntropy(ones([1, 2]), tensor([0], { dtype: 'int32' }), { ignore_index: 0 }));
  throwsCode('VALUE', /LeakyReLU: takes at most 1.*true has no meaning/, () => new nn.LeakyReLU(0.2, true));
  throwsCode('VALUE', /Conv2d: got stride by position and by name/, () => new nn.Conv2d(1, 1, 3, 2, { stride: 1 }));
  throwsCode('VALUE', /crossEntropy: weight must be a tensor or null, got 'sum'/, () => F.crossEntropy(ones([1, 2]), tensor([0], { dtype: 'int32' }), 'sum'));
  throwsCode('VALUE', /mseLoss: an object.* has no meaning|mseLoss: reduction/, () => F.mseLoss(ones([1]), ones([1]), {}, {}));
  for (const name of layers) {
    assert.instance(new nn[name](...needed(name)), nn.Module, name);
    throwsCode('VALUE', new RegExp(`${name}:`), () => new nn[name](...needed(name), { nonsense: 1 }));
  }
});

test('values of other types are refused, undefined is absent', () => {
  for (const bias of ['false', null, 0, [], ones([1])]) throwsCode('VALUE', /Linear: bias must be true or false/, () => new nn.Linear(1, 1, { bias }));
  assert.ok(new nn.Linear(1, 1, { bias: undefined }).bias);
  assert.is(new nn.BatchNorm1d(2, { eps: undefined, momentum: undefined }).momentum, 0.1);
  for (const n of [0, -1, 1.5, Number.NaN, '2', null, undefined, 2n]) {
    throwsCode('VALUE', /Linear: inFeatures must be a whole number ≥ 1/, () => new nn.Linear(n, 2));
    throwsCode('VALUE', /Conv2d: outChannels/, () => new nn.Conv2d(1, n, 2));
    throwsCode('VALUE', /Conv2d: kernelSize/, () => new nn.Conv2d(1, 1, n));
    throwsCode('VALUE', /MaxPool1d: kernelSize/, () => new nn.MaxPool1d(n));
    throwsCode('VALUE', /LayerNorm: normalizedShape/, () => new nn.LayerNorm(n));
    throwsCode('VALUE', /GroupNorm: numChannels/, () => new nn.GroupNorm(1, n));
    throwsCode('VALUE', /Embedding: embeddingDim/, () => new nn.Embedding(2, n));
    throwsCode('VALUE', /AdaptiveAvgPool1d: outputSize/, () => new nn.AdaptiveAvgPool1d(n));
  }
});

test('what is refused draws no random numbers; options that change later change nothing', () => {
  const next = (before: () => void): number => {
    manualSeed(3);
    before();
    return rand([1]).item();
  };
  const right = next(() => {});
  const refusals = [() => new nn.Embedding(2, 2, 5), () => new nn.Conv2d(2, 2, 3, 2, 'same'), () => new nn.Linear(2, 2, 'x'), () => new nn.Conv1d(3, 3, 1, { groups: 2 })];
  for (const refuse of refusals)
    assert.is(
      next(() => throwsCode('VALUE', /./, refuse)),
      right,
    );
  const options = { negativeSlope: 0.5 };
  const layer = new nn.LeakyReLU(options);
  options.negativeSlope = 1;
  assert.is(layer.forward(tensor([-1])).item(), -0.5);
});

test('what is no tensor is refused by each layer and loss with an error of the library', () => {
  for (const name of layers) {
    const layer = new nn[name](...needed(name));
    for (const x of [undefined, null, 3, 'text', [[1, 2]], {}, new Map(), () => 1]) {
      for (const inputs of [
        [x, ones([2]), ones([2])],
        [ones([2, 2]), x, ones([2])],
      ]) {
        let refused = false;
        try {
          layer.forward(...inputs);
        } catch (error) {
          assert.instance(error, GradloomError, `${name}: ${error}`);
          refused = true;
        }
        // Identity takes anything, as in PyTorch; layers of one input pass over what follows.
        const must = inputs[0] === x ? name !== 'Identity' : name.endsWith('Loss');
        if (must) assert.ok(refused, `${name} took ${inputs.map(String)}`);
      }
    }
  }
  throwsCode('DTYPE', /crossEntropy: target must be a tensor, got \[0\]/, () => F.crossEntropy(ones([1, 2]), [0]));
  throwsCode('DTYPE', /Linear: input must be a tensor/, () => new nn.Linear(2, 1).forward([[1, 2]]));
});

test.run();
