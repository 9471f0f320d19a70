// Recurrent layers and transformers in programs: captured, under several losses, saved; what they refuse. Values stand in test/peers/nn-sequences.rows.ts.
import { capture, checkpoint, manualSeed, multiloss, nn, optim, randn, scope, type Tensor, tensor, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const { UPGrad } = multiloss;
const gradientOf = (p: Tensor): number[] => [...(p.grad as Tensor).data()];
const numbers = (m: nn.Module): number[] => m.parameters().flatMap((p) => [...p.data()]);

/** A model of a trunk and two heads, and its step. */
const TRUNKS: Record<string, () => nn.Module & { run(x: Tensor): Tensor }> = {
  LSTM: () => trunk(new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, dropout: 0.3 }), (m, x) => m.forward(x, null, { lengths: [5, 2, 4] })[0]),
  GRU: () => trunk(new nn.GRU(3, 8), (m, x) => m.forward(x)[0]),
  RNN: () => trunk(new nn.RNN(3, 8, { nonlinearity: 'relu' }), (m, x) => m.forward(x)[0]),
  LSTMCell: () => trunk(new nn.LSTMCell(3, 8), (m, x) => m.forward(x.select(0, 0), m.forward(x.select(0, 1)))[0].unsqueeze(0)),
  encoder: () => {
    const causal = nn.Transformer.generateSquareSubsequentMask(5);
    const parts = new nn.Sequential(new nn.Linear(3, 8));
    const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 8, dropout: 0.1 });
    return trunk(new nn.ModuleList<nn.Module>([parts, layer]), (_, x) => layer.forward(parts.forward(x), { srcMask: causal, isCausal: true }));
  },
};

function trunk<M extends nn.Module>(inner: M, run: (m: M, x: Tensor) => Tensor): nn.Module & { run(x: Tensor): Tensor } {
  class Model extends nn.Module {
    inner = inner;
    first = new nn.Linear(8, 2);
    second = new nn.Linear(8, 1);
    run(x: Tensor): Tensor {
      return run(inner, x);
    }
    override forward(x: Tensor): [Tensor, Tensor] {
      const h = this.run(x);
      return [this.first.forward(h).square().mean(), this.second.forward(h).sub(1).square().mean()];
    }
  }
  return new Model() as never;
}

for (const [name, make] of Object.entries(TRUNKS)) {
  test(`${name}: captured steps with two losses are eager ones, to the bit`, () => {
    const run = (captured: boolean): number[] => {
      manualSeed(3);
      const model = make() as unknown as nn.Module & { forward(x: Tensor): [Tensor, Tensor] };
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
      const combine = new UPGrad();
      const train = (x: Tensor): Tensor => {
        optimizer.zeroGrad();
        const [a, b] = model.forward(x);
        multiloss.backward({ a, b }, { combine });
        optimizer.step();
        return a;
      };
      const step = captured ? capture(train) : train;
      for (let i = 0; i < 5; i++) scope(() => void step(randn([5, 3, 3])));
      return numbers(model);
    };
    const eager = run(false);
    assert.ok(eager.every(Number.isFinite));
    assert.equal(run(true), eager);
  });

  test(`${name}: gradients of losses add up to those of their sum`, () => {
    manualSeed(4);
    const model = make().eval() as unknown as nn.Module & { inner: nn.Module; forward(x: Tensor): [Tensor, Tensor] };
    const x = randn([5, 3, 3]);
    const gradients = (way: (a: Tensor, b: Tensor) => void): number[] => {
      model.zeroGrad();
      way(...model.forward(x));
      return model.inner.parameters().flatMap((p) => [...(p.grad as Tensor).data()]);
    };
    const summed = gradients((a, b) => a.add(b).backward());
    const apart = gradients((a, b) => void multiloss.backward({ a, b }, { combine: new multiloss.Sum() }));
    // In one walk, which carries both losses' rows; TrimmedMean of two rows without trimming is their mean.
    const rows = gradients((a, b) => void multiloss.backward({ a, b }, { combine: new multiloss.TrimmedMean({ trimNumber: 0 }) }));
    for (const [i, g] of summed.entries()) for (const other of [apart[i] as number, 2 * (rows[i] as number)]) assert.ok(Math.abs(g - other) < 1e-5, `${i}: ${g}, ${other}`);
  });
}

test('what stands behind a sequence is not looked at, and gets no gradient', () => {
  for (const m of [new nn.LSTM(2, 3, { bidirectional: true }), new nn.GRU(2, 3, { bidirectional: true }), new nn.RNN(2, 3, { nonlinearity: 'relu' })]) {
    const forward = m.forward.bind(m) as (x: Tensor, state: null, options: object) => [Tensor, unknown];
    const x = tensor([[[1, 2]], [[Number.NaN, Number.POSITIVE_INFINITY]]], { requiresGrad: true });
    const [y] = forward(x, null, { lengths: [1] });
    assert.equal([...y.select(0, 1).data()], new Array(y.shape[2]).fill(0));
    y.sum().backward();
    assert.equal([...(x.grad as Tensor).select(0, 1).data()], [0, 0]);
    assert.ok([...(x.grad as Tensor).data(), ...m.parameters().flatMap((p) => [...(p.grad as Tensor).data()])].every(Number.isFinite));
  }
});

test('views as inputs and states, an empty batch', () => {
  const lstm = new nn.LSTM(2, 3);
  const [x, h] = [randn([2, 4, 5]), randn([3, 4, 1])];
  const [seen] = lstm.forward(x.permute(2, 1, 0), [h.permute(2, 1, 0), h.permute(2, 1, 0)]);
  const [direct] = lstm.forward(x.permute(2, 1, 0).clone(), [h.permute(2, 1, 0).clone(), h.permute(2, 1, 0).clone()]);
  assert.equal(seen.toArray(), direct.toArray());
  const [none, [last]] = lstm.forward(zeros([4, 0, 2]));
  assert.equal([none.shape, last.shape], [[4, 0, 3], [1, 0, 3]]); // biome-ignore format: one line
  none.sum().backward();
  assert.equal(gradientOf(lstm.parameters()[0] as Tensor), new Array(24).fill(0));
});

test('states travel as files', () => {
  const [a, b] = [new nn.LSTM(2, 3, { bidirectional: true, projSize: 2 }), new nn.LSTM(2, 3, { bidirectional: true, projSize: 2 })];
  b.loadStateDict(checkpoint.load<Record<string, Tensor>>(checkpoint.save(a.stateDict())));
  assert.equal(numbers(b), numbers(a));
  assert.ok(Object.keys(a.stateDict()).includes('weight_hh_l0_reverse'));
});

test('parameters start as in PyTorch', () => {
  const bound = (x: Tensor): number => Math.max(...[...x.data()].map(Math.abs));
  const within = (x: Tensor, most: number): void => assert.ok(bound(x) <= most && bound(x) > 0.9 * most, `${x.label}: ${bound(x)}, at most ${most}`);
  for (const p of new nn.GRU(7, 25).parameters()) within(p, 0.2);
  const attention = new nn.MultiheadAttention(16, 2, { addBiasKv: true });
  within(attention.inProjWeight as Tensor, Math.sqrt(6 / 64));
  within(attention.outProj.weight, 0.25);
  assert.equal([bound(attention.inProjBias as Tensor), bound(attention.outProj.bias as Tensor)], [0, 0]);
  const whole = new nn.Transformer({ dModel: 16, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 32 });
  for (const [name, p] of whole.namedParameters()) if (p.rank === 2) within(p, Math.sqrt(6 / ((p.shape[0] as number) + (p.shape[1] as number))) + 1e-7 * name.length);
});

test('layers of a stack are copies of the one given', () => {
  const layer = new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, dropout: 0, activation: (x) => x.tanh() });
  const stack = new nn.TransformerEncoder(layer, 2, new nn.LayerNorm(4));
  const [a, b] = stack.layers as [nn.TransformerEncoderLayer, nn.TransformerEncoderLayer];
  assert.equal([numbers(a), numbers(b)], [numbers(layer), numbers(layer)]);
  assert.ok(a.linear1.weight !== layer.linear1.weight && a.linear1.weight !== b.linear1.weight);
  const x = randn([3, 1, 4]);
  assert.equal(stack.forward(x).toArray(), (stack.norm as nn.LayerNorm).forward(layer.forward(layer.forward(x))).toArray());
});

test('dropout in training only', () => {
  const m = new nn.MultiheadAttention(4, 2, { dropout: 0.5 });
  const x = randn([6, 3, 4]);
  const [y, w] = m.forward(x, x, x) as [Tensor, Tensor];
  assert.ok([...w.data()].includes(0));
  m.eval();
  assert.not.equal(m.forward(x, x, x)[0].toArray(), y.toArray());
  assert.equal(m.forward(x, x, x)[0].toArray(), m.forward(x, x, x)[0].toArray());
});

test('what does not fit is refused before anything is made', () => {
  const lstm = new nn.LSTM(2, 3) as unknown as { forward(...given: unknown[]): unknown };
  const x = randn([4, 2, 2]);
  throwsCode('SHAPE', /LSTM: the input's last size is not inputSize, 2/, () => lstm.forward(randn([4, 2, 3])));
  throwsCode('SHAPE', /LSTM: takes \[T, N, features\]/, () => lstm.forward(randn([4])));
  throwsCode('SHAPE', /at least one element/, () => lstm.forward(zeros([0, 2, 2])));
  throwsCode('VALUE', /the states are a pair \[h, c\]/, () => lstm.forward(x, zeros([1, 2, 3])));
  throwsCode('SHAPE', /the state c does not fit.*\[1, 2, 3\]/, () => lstm.forward(x, [zeros([1, 2, 3]), zeros([1, 2, 2])]));
  throwsCode('VALUE', /lengths must be 2 whole numbers from 1 to 4/, () => lstm.forward(x, null, { lengths: [4, 5] }));
  throwsCode('INDEX', /length 9 at position 1/, () => lstm.forward(x, null, { lengths: tensor([1, 9], { dtype: 'int32' }) }));
  throwsCode('VALUE', /no option 'length'.*'lengths'/, () => lstm.forward(x, null, { length: [4, 5] }));
  throwsCode('VALUE', /projSize must be less than hiddenSize, 3/, () => new nn.LSTM(2, 3, { projSize: 3 }));
  throwsCode('VALUE', /p must lie in \[0, 1\]/, () => new nn.GRU(2, 3, { dropout: 2 }));
  throwsCode('SHAPE', /GRUCell: takes \[N, 2\] or \[2\]/, () => new nn.GRUCell(2, 3).forward(x));
  const attention = new nn.MultiheadAttention(4, 2);
  const q = randn([3, 2, 4]);
  throwsCode('VALUE', /3 heads do not divide embedDim 4/, () => new nn.MultiheadAttention(4, 3));
  throwsCode('SHAPE', /attnMask does not fit/, () => attention.forward(q, q, q, { attnMask: zeros([2, 3]) }));
  throwsCode('SHAPE', /keyPaddingMask must be \[2, 3\]/, () => attention.forward(q, q, q, { keyPaddingMask: zeros([3, 2]) }));
  throwsCode('VALUE', /isCausal says what attnMask is/, () => attention.forward(q, q, q, { isCausal: true }));
  throwsCode('DTYPE', /key must be a tensor, got 1/, () => attention.forward(q, 1 as never, q));
  throwsCode('VALUE', /takes a layer of nn.TransformerEncoderLayer/, () => new nn.TransformerEncoder(new nn.Linear(1, 1) as never, 2));
  for (const made of [undefined, 3, {}, Promise.resolve(1)])
    throwsCode('VALUE', /TransformerDecoder: the function must make layers/, () => new nn.TransformerDecoder((() => made) as never, 1));
  throwsCode(
    'VALUE',
    /TransformerEncoder: numLayers must be a whole number from 1 to 10000, got 4294967296/,
    () => new nn.TransformerEncoder(new nn.TransformerEncoderLayer(4, 2), 2 ** 32),
  );
  throwsCode('VALUE', /generateSquareSubsequentMask: takes at most 1/, () => Reflect.apply(nn.Transformer.generateSquareSubsequentMask, null, [3, {}]));
  throwsCode('MEMORY', /./, () => nn.Transformer.generateSquareSubsequentMask(2 ** 32));
  assert.equal(nn.Transformer.generateSquareSubsequentMask(2).toArray(), [
    [0, Number.NEGATIVE_INFINITY],
    [0, 0],
  ]);
  assert.equal(nn.Transformer.generateSquareSubsequentMask(0).shape, [0, 0]);
  throwsCode('SHAPE', /src and tgt differ in batch/, () => new nn.Transformer(4, 2, 1, 1, 4).forward(randn([3, 2, 4]), randn([3, 1, 4])));
  throwsCode('SHAPE', /even number of features/, () => nn.functional.rotaryEmbedding(zeros([2, 3])));
});

test.run();
