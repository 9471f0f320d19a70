// Arguments of ops: PyTorch's positions and options mean the same, and what has no meaning is refused by name.
import * as g from 'gradloom';
import { GradloomError, nn, ones, type Tensor, tensor } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const F = nn.functional as unknown as Record<string, (...args: unknown[]) => Tensor>;
const ops = g as unknown as Record<string, (...args: unknown[]) => Tensor>;
const x = tensor([
  [1, -2, 3],
  [4, 5, -6],
]);
const image = tensor(Array.from({ length: 32 }, (_, i) => Math.sin(i))).reshape([1, 2, 4, 4]);
const line = image.reshape([1, 2, 16]);
const kernel = tensor([1, -1, 2, 0.5, 1, 3, -2, 0.25]).reshape([1, 2, 2, 2]);
const vector = tensor([2, 3]);

const text = (y: unknown): string => (y instanceof g.Tensor ? `${y.dtype} [${y.shape}] ${y.data()}` : JSON.stringify(Object.values(y as Record<string, Tensor>).map(text)));

// Each pair of argument lists means the same.
const same: [name: string, byPosition: unknown[], byName: unknown[]][] = [
  ['sum', [x, 1], [x, { dim: 1 }]],
  ['sum', [x, [0, 1], true], [x, { dim: [0, 1], keepdim: true }]],
  ['sum', [x, undefined, true], [x, { keepdim: true }]],
  ['mean', [x, -1, true], [x, { dim: 1, keepdim: true }]],
  ['prod', [x, 1, true], [x, { dim: 1, keepdim: true }]],
  ['amax', [x, 0], [x, { dim: 0 }]],
  ['amin', [x, 0, true], [x, { dim: 0, keepdim: true }]],
  ['any', [x.gt(4), 1], [x.gt(4), { dim: 1 }]],
  ['all', [x.gt(0), 1, true], [x.gt(0), { dim: 1, keepdim: true }]],
  ['max', [x, 1, true], [x, { dim: 1, keepdim: true }]],
  ['min', [x, 0], [x, { dim: 0 }]],
  ['argmax', [x, 1], [x, { dim: 1 }]],
  ['argmin', [x, 0, true], [x, { dim: 0, keepdim: true }]],
  ['logsumexp', [x, [0, 1]], [x, { dim: [0, 1] }]],
  ['norm', [x, 1, 0, true], [x, { p: 1, dim: 0, keepdim: true }]],
  ['variance', [x, 1], [x, { dim: 1 }]],
  ['std', [x, [0]], [x, { dim: [0] }]],
  ['rsub', [x, 1, 2], [x, 1, { alpha: 2 }]],
  ['clamp', [x, 0, 1], [x, { min: 0, max: 1 }]],
  ['clamp', [x, undefined, 1], [x, { max: 1 }]],
  ['sort', [x, 0, true], [x, { dim: 0, descending: true }]],
  ['argsort', [x, 1], [x, { dim: 1 }]],
  ['topk', [x, 1, 0, false], [x, 1, { dim: 0, largest: false }]],
  ['softplus', [x, 2, 3], [x, { beta: 2, threshold: 3 }]],
  ['leakyRelu', [x, 0.2], [x, { negativeSlope: 0.2 }]],
  ['elu', [x, 0.5], [x, { alpha: 0.5 }]],
  ['nanToNum', [x, 1, 2, 3], [x, { nan: 1, posinf: 2, neginf: 3 }]],
  ['celu', [x, 0.5], [x, { alpha: 0.5 }]],
  ['hardtanh', [x, -2, 2], [x, { minVal: -2, maxVal: 2 }]],
  ['softshrink', [x, 1], [x, { lambd: 1 }]],
  ['hardshrink', [x, 2], [x, { lambd: 2 }]],
  ['dropout', [x, 0.5, false], [x, { p: 0.5, training: false }]],
  ['normalize', [x, 1, 0, 1e-3], [x, { p: 1, dim: 0, eps: 1e-3 }]],
  ['cosineSimilarity', [x, x.neg(), 0], [x, x.neg(), { dim: 0 }]],
  ['pairwiseDistance', [x, x.neg(), 1, 0, true], [x, x.neg(), { p: 1, eps: 0, keepdim: true }]],
  ['layerNorm', [x, [3], null, tensor([1, 2, 3]), 1e-3], [x, [3], { bias: tensor([1, 2, 3]), eps: 1e-3 }]],
  ['rmsNorm', [x, [3], tensor([1, 2, 3])], [x, [3], { weight: tensor([1, 2, 3]) }]],
  ['groupNorm', [image, 2, vector, vector], [image, 2, { weight: vector, bias: vector }]],
  ['batchNorm', [image, vector, vector, vector, vector, false, 0.1, 1e-3], [image, vector, vector, { weight: vector, bias: vector, eps: 1e-3 }]],
  ['instanceNorm', [image, null, null, vector], [image, { weight: vector }]],
  ['conv2d', [image, kernel, null, 2, 1], [image, kernel, null, { stride: 2, padding: 1 }]],
  ['conv1d', [line, kernel.reshape([1, 2, 4]), null, 1, 'same'], [line, kernel.reshape([1, 2, 4]), null, { padding: 'same' }]],
  ['maxPool2d', [image, 2, 1, 1], [image, 2, { stride: 1, padding: 1 }]],
  ['maxPool2d', [image, 2, null, [1, 0]], [image, 2, { padding: [1, 0] }]],
  ['maxPool1d', [line, 2, 1], [line, 2, { stride: 1 }]],
  ['avgPool2d', [image, 2, 1, 1, false, false], [image, 2, { stride: 1, padding: 1, countIncludePad: false }]],
  ['avgPool1d', [line, 2, 1, 1], [line, 2, { stride: 1, padding: 1 }]],
  ['scaledDotProductAttention', [line, line, line, null, 0, true], [line, line, line, { isCausal: true }]],
];
for (const [name, byPosition, byName] of same) {
  test(`${name} by position as by name: ${byPosition.length} arguments`, () => {
    const f = ops[name] ?? (F[name] as (...args: unknown[]) => Tensor);
    assert.is(text(f(...byPosition)), text(f(...byName)));
  });
}

// What is refused, and what the message must say.
const refused: [name: string, args: unknown[], says: RegExp][] = [
  ['sum', [x, { axis: 1 }], /no option 'axis'.* It takes dim, keepdim/],
  ['sum', [x, { dim: 1, keepDim: true }], /Did you mean 'keepdim'/],
  ['sum', [x, { dim: 1 }, true], /keepdim/],
  ['sum', [x, 1, 'true'], /keepdim must be true or false, got 'true'/],
  ['sum', [x, { dim: '1' }], /dim must be/],
  ['argmax', [x, [0, 1]], /one dimension/],
  ['variance', [x, 1, true], /only dim by position/],
  ['std', [x, { dim: 1, unbiased: false }], /no option 'unbiased'/],
  ['norm', [x, 'fro'], /p must be a number/],
  ['norm', [x, Number.NaN], /NaN/],
  ['clamp', [x], /no bound/],
  ['clamp', [x, {}], /no bound/],
  ['clamp', [x, { min: null, max: 0 }], /min must be/],
  ['clamp', [x, { minimum: 0 }], /'minimum'/],
  ['gelu', [x, 'tanh'], /options are an object/],
  ['leakyRelu', [x, 0.2, true], /true has no meaning/],
  ['leakyRelu', [x, { negative_slope: 0.2 }], /Did you mean 'negativeSlope'/],
  ['softmax', [x, '1'], /dim must be/],
  ['cumsum', [x], /dim must be/],
  ['sort', [x, true], /dim must be a whole number, got true/],
  ['conv2d', [image, kernel, null, { strides: 2 }], /Did you mean 'stride'/],
  ['maxPool2d', [image, 2, { returnIndices: true }], /no option 'returnIndices'/],
  ['dropout', [x, true], /p must be a number/],
  ['prelu', [ones([1, 2, 3]), tensor([1, 2, 3])], /one channel per weight/],
  ['batchNorm', [image, 1, 1], /runningMean must be a tensor, got 1/],
  ['addmm', [x, x, x.t(), 2], /options are an object/],
  ['where', [true, x, x], /condition must be a tensor, got true/],
  ['maskedFill', [x, [true], 0], /mask must be a tensor/],
  ['lerp', [x, x, undefined], /weight must be a tensor/],
  ['threshold', [x, 1], /value must be a number/],
  ['chunk', [], /input must be a tensor, got undefined/],
  ['affineGrid', [ones([1, 2, 3]), {}], /size must be \[N, C, H, W\]/],
  ['maxUnpool1d', [ones([1, 1, 2]), [], 2], /indices must be a tensor/],
];
for (const [name, args, says] of refused) {
  test(`${name} refuses ${says}`, () => {
    try {
      (ops[name] ?? (F[name] as (...args: unknown[]) => Tensor))(...args);
    } catch (e) {
      assert.instance(e, GradloomError);
      assert.is((e as GradloomError).op, name);
      assert.match((e as Error).message, says);
      return;
    }
    assert.unreachable();
  });
}

test('what is no tensor is refused by the function that got it', () => {
  const takeTensors = (
    'add sub mul div maximum minimum eq ne lt le gt ge logicalAnd logicalOr logicalXor where maskedFill neg abs sign sqrt rsqrt reciprocal square exp expm1 log log1p sin cos ' +
    'tanh sigmoid relu erf floor ceil trunc round logicalNot isnan isfinite pow clamp gelu silu softplus leakyRelu prelu elu acos asin atan atan2 cosh sinh tan lerp addcmul addcdiv ' +
    'logaddexp nanToNum outer sum any all argmax argmin mean variance std norm amax amin max min logsumexp prod cumsum cumprod softmax logSoftmax sort argsort topk mm bmm matmul dot ' +
    'addmm scaleGrad reverseGrad linear conv1d conv2d maxPool1d maxPool2d avgPool1d avgPool2d adaptiveAvgPool1d adaptiveAvgPool2d batchNorm instanceNorm layerNorm groupNorm rmsNorm ' +
    'dropout dropout2d cosineSimilarity pairwiseDistance normalize scaledDotProductAttention celu glu logsigmoid mish selu softmin softsign tanhshrink hardshrink hardsigmoid hardswish ' +
    'hardtanh relu6 softshrink threshold'
  ).split(' ');
  for (const name of takeTensors) {
    const f = ops[name] ?? (F[name] as (...args: unknown[]) => Tensor);
    for (const bad of [undefined, null, '1', [1, 2], {}, true, Symbol('s'), 5n, () => 1]) {
      for (const args of [
        [bad, 1, 1],
        [bad, bad, bad],
        [x, bad],
      ]) {
        try {
          f(...args);
        } catch (e) {
          assert.instance(e, GradloomError, `${name}(${args.map(String)}): ${e}`);
          assert.match((e as Error).message, new RegExp(`^${name}`, 'i'));
          continue;
        }
        assert.is(args[0], x, `${name}(${args.map(String)})`); // what stands behind the input may have a meaning
      }
    }
  }
});

test('functions of one tensor go into map; nothing else is passed over', () => {
  const names =
    'neg abs sign sqrt rsqrt reciprocal square exp expm1 log log1p sin cos tanh sigmoid relu erf floor ceil trunc logicalNot isnan isfinite silu ' +
    'acos asin atan cosh sinh tan clone contiguous t trace relu6 hardswish hardsigmoid logsigmoid mish selu softsign tanhshrink';
  const list = [x, x.neg()];
  for (const name of names.split(' ')) {
    const f = ops[name] ?? (F[name] as (...args: unknown[]) => Tensor);
    assert.equal(list.map(f).map(text), [text(f(x)), text(f(x.neg()))], name);
    for (const more of [[0], [{ alpha: 2 }], [1, list], [0, x], [0, list, 1], [undefined, undefined]])
      throwsCode('VALUE', new RegExp(`^${name}: takes at most 1`), () => f(x, ...more));
  }
  assert.equal(
    list.map(g.round).map(text),
    list.map((y) => text(g.round(y))),
  );
});

test('modes, seeds and questions take what they are for', () => {
  for (const on of [undefined, null, 1, 'yes', {}]) throwsCode('VALUE', /setGradEnabled: mode must be true or false/, () => g.setGradEnabled(on as never));
  assert.is(ones([1], { requiresGrad: true }).mul(2).requiresGrad, true);
  throwsCode('VALUE', /setDetectAnomaly: mode must be true or false/, () => g.autograd.setDetectAnomaly('no' as never));
  throwsCode('VALUE', /Generator: takes at most 1/, () => Reflect.construct(g.Generator, [1, {}]));
  throwsCode('VALUE', /manualSeed: takes at most 1/, () => Reflect.apply(g.Generator.prototype.manualSeed, new g.Generator(), [1, 2]));
  throwsCode('DTYPE', /data: the tensor is float32 \[2\], not an object/, () => vector.data({ [Symbol.toPrimitive]: () => Symbol('p') } as never));
  throwsCode('VALUE', /isContiguous: takes at most 0/, () => Reflect.apply(x.isContiguous, x, [{ memoryFormat: 1 }]));
});

test('undefined is absent', () => {
  assert.is(text(g.sum(x, { dim: undefined, keepdim: undefined })), text(g.sum(x)));
  assert.is(text(F.softplus?.(x, { beta: undefined })), text(F.softplus?.(x)));
  throwsCode('VALUE', /no bound/, () => x.clamp({ min: undefined }));
});

test.run();
