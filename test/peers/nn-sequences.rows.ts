// Recurrent layers, attention and transformers beside PyTorch: outputs, states, gradients of inputs and parameters, second gradients, names.
import { autograd, nn, type Shape, Tensor, tensor } from 'gradloom';
import { B, fill, I, keywords, py, type Row } from './row.ts';

export const prelude = `
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
def wave(*shape, a=0.7):
    return torch.tensor([math.cos(a * i + 0.3) for i in range(math.prod(shape))], dtype=torch.float32).reshape(shape).requires_grad_()
def flat(y):
    return [y] if isinstance(y, torch.Tensor) else [t for v in y if v is not None for t in flat(v)]
def seen(m, xs, ys, second):
    xs, ys = [x for x in xs if x.requires_grad], flat(ys)
    loss = sum((y * wave(*y.shape, a=1.1).detach()).sum() for y in ys)
    ps = xs + list(m.parameters())
    gs = torch.autograd.grad(loss, ps, create_graph=second, allow_unused=True)
    if not second: return [*ys, list(gs)]
    again = sum((g * g).sum() for g in gs if g is not None)
    return [*ys, list(torch.autograd.grad(again, ps, allow_unused=True, materialize_grads=True))]
def recurrent(name, sizes, x, states=(), lengths=None, second=False, **options):
    m = fill(getattr(nn, name)(*sizes, **options))
    x, states = wave(*x), [wave(*s, a=0.9) for s in states]
    first = options.get("batch_first", False)
    given = None if not states else tuple(states) if name == "LSTM" else states[0]
    with torch.backends.mkldnn.flags(enabled=False):
        inner = x if lengths is None else pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        y, last = m(inner, given)
        if lengths is not None: y = pad_packed_sequence(y, batch_first=first, total_length=x.shape[1 if first else 0])[0]
        return seen(m, [x, *states], [y, last], second)
def cell(name, sizes, x, *states, second=False, **options):
    m = fill(getattr(nn, name)(*sizes, **options))
    x, states = wave(*x), [wave(*s, a=0.9) for s in states]
    return seen(m, [x, *states], m(x, tuple(states) if name == "LSTMCell" and states else states[0] if states else None), second)
def called(m, shapes, second=False, **options):
    xs = [wave(*s, a=0.7 + 0.1 * i) for i, s in enumerate(shapes)]
    with sdpa_kernel(SDPBackend.MATH): # the only one with second gradients
        return seen(m, xs, m(*xs, **options), second)
def causal(n): return nn.Transformer.generate_square_subsequent_mask(n)
`;

const wave = (shape: Shape, a = 0.7): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => Math.cos(a * i + 0.3)),
    { shape, dtype: 'float32', requiresGrad: true },
  );
const flat = (y: unknown): Tensor[] => (y instanceof Tensor ? [y] : y === null ? [] : (y as unknown[]).flatMap(flat));

function seen(m: nn.Module, xs: readonly Tensor[], output: unknown, second: boolean): unknown[] {
  const ys = flat(output);
  const loss = ys.map((y) => y.mul(wave(y.shape, 1.1).detach()).sum()).reduce((a, b) => a.add(b));
  const ps = [...xs, ...m.parameters()];
  const gs = autograd.grad(loss, ps, { createGraph: second, allowUnused: true });
  if (!second) return [...ys, gs];
  const again = gs.flatMap((g) => (g ? [g.mul(g).sum()] : [])).reduce((a, b) => a.add(b));
  return [...ys, autograd.grad(again, ps, { allowUnused: true, materializeGrads: true })];
}

interface How {
  states?: Shape[];
  lengths?: number[];
  second?: boolean;
}
type Call = nn.Module & { forward(...inputs: unknown[]): unknown };
const classes = nn as unknown as Readonly<Record<string, new (...args: unknown[]) => Call>>;
const said = (how: object): string => (Object.keys(how).length > 0 ? `, ${keywords(how)}` : '');

function recurrent(name: string, sizes: number[], shape: Shape, how: How = {}, options: object = {}): Row {
  const { states = [], lengths, second = false } = how;
  return {
    name: `${name} ${[py(sizes), py(shape), keywords(how), keywords(options)].filter((w) => w !== '').join(' ')}`,
    js: () => {
      const m = fill(new (classes[name] as (typeof classes)[string])(...sizes, options));
      const [x, given] = [wave(shape), states.map((s) => wave(s, 0.9))];
      const state = given.length === 0 ? null : name === 'LSTM' ? given : given[0];
      return seen(m, [x, ...given], m.forward(x, state, lengths ? { lengths } : undefined), second);
    },
    py: `return recurrent("${name}", ${py(sizes)}, ${py(shape)}${said(how)}${said(options)})`,
    tolerance: second ? [1e-4, 1e-5] : [1e-5, 2e-6],
  };
}

function cell(name: string, sizes: number[], shapes: Shape[], options: object = {}, second = false): Row {
  return {
    name: `${name} ${[py(sizes), py(shapes), keywords(options)].join(' ')}${second ? ' second' : ''}`,
    js: () => {
      const m = fill(new (classes[name] as (typeof classes)[string])(...sizes, options));
      const [x, ...given] = shapes.map((s, i) => wave(s, i === 0 ? 0.7 : 0.9)) as [Tensor, ...Tensor[]];
      return seen(m, [x, ...given], m.forward(x, given.length === 0 ? null : name === 'LSTMCell' ? given : given[0]), second);
    },
    py: `return cell("${name}", ${py(sizes)}, ${shapes.map(py).join(', ')}, second=${py(second)}${said(options)})`,
    tolerance: second ? [1e-4, 1e-5] : [1e-5, 2e-6],
  };
}

function called(name: string, args: unknown[], options: object, shapes: Shape[], masks: readonly [js: () => object, py: string] = [() => ({}), ''], second = false): Row {
  const made = `nn.${name}(${args.map(py).join(', ')}${said(options)})`;
  return {
    name: `${made} ${py(shapes)} ${masks[1]}${second ? ' second' : ''}`,
    js: () => {
      const m = fill(new (classes[name] as (typeof classes)[string])(...args, options));
      const xs = shapes.map((s, i) => wave(s, 0.7 + 0.1 * i));
      return seen(m, xs, m.forward(...xs, masks[0]()), second);
    },
    py: `return called(fill(${made}), ${py(shapes)}, second=${py(second)}${masks[1] ? `, ${masks[1]}` : ''})`,
    tolerance: second ? [2e-4, 2e-5] : [2e-5, 5e-6],
  };
}

const both = { bidirectional: true, numLayers: 2 };
const LENGTHS = [3, 5, 1];
const recurrentRows = ['RNN', 'LSTM', 'GRU'].flatMap((name): Row[] => {
  const pair = (shape: Shape): Shape[] => (name === 'LSTM' ? [shape, shape] : [shape]);
  return [
    recurrent(name, [2, 3], [4, 3, 2], { second: true }),
    recurrent(name, [3, 5], [1, 2, 3], { states: pair([1, 2, 5]), second: true }),
    recurrent(name, [2, 3], [3, 5, 2], { states: pair([4, 3, 3]), lengths: LENGTHS, second: true }, { ...both, batchFirst: true }),
    recurrent(name, [2, 3], [5, 3, 2], { lengths: LENGTHS }, { bias: false }),
    recurrent(name, [2, 6], [5, 3, 2], { lengths: LENGTHS, states: pair([4, 3, 6]) }, both),
    recurrent(name, [2, 3], [5, 2], { states: pair([2, 3]) }, { bidirectional: true, batchFirst: true }),
  ];
});

const MHA: [options: object, shapes: Shape[], masks?: readonly [() => object, string], second?: boolean][] = [
  [{}, [[4, 2, 6], [5, 2, 6], [5, 2, 6]], undefined, true],
  [{ batchFirst: true, bias: false }, [[2, 4, 6], [2, 5, 6], [2, 5, 6]], [() => ({ needWeights: false }), 'need_weights=False'], true],
  [{ kdim: 3, vdim: 4, addZeroAttn: true }, [[4, 2, 6], [5, 2, 3], [5, 2, 4]], [() => ({ averageAttnWeights: false }), 'average_attn_weights=False']],
  [{ addBiasKv: true, addZeroAttn: true, batchFirst: true }, [[2, 4, 6], [2, 3, 6], [2, 3, 6]], [() => ({ keyPaddingMask: B([[0, 1, 0], [0, 0, 1]]) }), 'key_padding_mask=B([[0, 1, 0], [0, 0, 1]])'], true],
  [{ batchFirst: true }, [[2, 3, 6], [2, 3, 6], [2, 3, 6]], [() => ({ attnMask: nn.Transformer.generateSquareSubsequentMask(3), isCausal: true, needWeights: false }), 'attn_mask=causal(3), is_causal=True, need_weights=False'], true],
  [{}, [[3, 2, 6], [3, 2, 6], [3, 2, 6]], [() => ({ attnMask: wave([4, 3, 3]).detach(), needWeights: false }), 'attn_mask=wave(4, 3, 3).detach(), need_weights=False']],
  [{}, [[3, 6], [2, 6], [2, 6]], [() => ({ attnMask: B([[0, 1], [1, 1], [0, 0]]), needWeights: false }), 'attn_mask=B([[0, 1], [1, 1], [0, 0]]), need_weights=False']],
  [{}, [[3, 6], [2, 6], [2, 6]], [() => ({ keyPaddingMask: B([0, 1]), averageAttnWeights: false }), 'key_padding_mask=B([0, 1]), average_attn_weights=False']],
]; // biome-ignore format: one line a case

const layer = { dimFeedforward: 5, dropout: 0 };
const transformers: Row[] = [
  called('TransformerEncoderLayer', [4, 2], { ...layer, batchFirst: true }, [[2, 3, 4]], [() => ({ srcMask: nn.Transformer.generateSquareSubsequentMask(3), isCausal: true }), 'src_mask=causal(3), is_causal=True'], true), // biome-ignore format: one line
  called('TransformerEncoderLayer', [4, 2], { ...layer, normFirst: true, bias: false, activation: 'gelu' }, [[3, 2, 4]], undefined, true),
  called('TransformerDecoderLayer', [4, 2], { ...layer, normFirst: true, layerNormEps: 0.1 }, [[3, 2, 4], [5, 2, 4]], [() => ({ memoryKeyPaddingMask: B([[0, 0, 1, 0, 1], [1, 0, 0, 0, 0]]) }), 'memory_key_padding_mask=B([[0, 0, 1, 0, 1], [1, 0, 0, 0, 0]])'], true), // biome-ignore format: one line
  called('Transformer', [4, 2, 2, 2, 5, 0], { batchFirst: true }, [[2, 3, 4], [2, 4, 4]], [() => ({ tgtMask: nn.Transformer.generateSquareSubsequentMask(4) }), 'tgt_mask=causal(4)']), // biome-ignore format: one line
];

const names = (m: nn.Module): unknown => Object.entries(m.stateDict()).map(([name, x]) => [name, [...x.shape]]);
const named = (made: string, make: () => nn.Module): Row => ({
  name: `names of ${made}`,
  js: () => names(make()),
  py: `return [[n, list(x.shape)] for n, x in ${made}.state_dict().items()]`,
});

export const rows: Row[] = [
  ...recurrentRows,
  recurrent('RNN', [2, 3], [4, 3, 2], { lengths: [4, 2, 3], second: true }, { nonlinearity: 'relu', bidirectional: true }),
  recurrent('LSTM', [2, 4], [4, 3, 2], { lengths: [4, 2, 3], states: [[4, 3, 3], [4, 3, 4]], second: true }, { ...both, projSize: 3 }), // biome-ignore format: one line
  recurrent('LSTM', [2, 4], [4, 2], {}, { projSize: 1, numLayers: 3, bias: false }),
  ...['RNNCell', 'LSTMCell', 'GRUCell'].flatMap((name): Row[] => {
    const states = (shape: Shape): Shape[] => (name === 'LSTMCell' ? [shape, shape] : [shape]);
    return [cell(name, [3, 5], [[2, 3], ...states([2, 5])], {}, true), cell(name, [3, 5], [[3]], { bias: false }), cell(name, [3, 5], [[3], ...states([5])])];
  }),
  ...MHA.map(([options, shapes, masks, second]) => called('MultiheadAttention', [6, 2], options, shapes, masks, second)),
  ...transformers,
  named('nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1)', () => new nn.LSTM(2, 3, { numLayers: 2, bidirectional: true, projSize: 1 })),
  named('nn.GRUCell(2, 3)', () => new nn.GRUCell(2, 3)),
  named('nn.MultiheadAttention(4, 2, add_bias_kv=True)', () => new nn.MultiheadAttention(4, 2, { addBiasKv: true })),
  named('nn.MultiheadAttention(4, 2, kdim=3)', () => new nn.MultiheadAttention(4, 2, { kdim: 3 })),
  named('nn.Transformer(4, 2, 1, 2, 3)', () => new nn.Transformer(4, 2, 1, 2, 3)),
  named(
    'nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 3, bias=False), 2)',
    () => new nn.TransformerEncoder(new nn.TransformerEncoderLayer(4, 2, { dimFeedforward: 3, bias: false }), 2),
  ),
  {
    name: 'rotary embedding, neighbours and halves',
    js: () => [true, false].map((interleaved) => nn.functional.rotaryEmbedding(wave([2, 3, 6]), { interleaved, positions: I([7, 0, 2]), base: 50 })),
    py: `angles = torch.tensor([7.0, 0, 2])[:, None] * 50 ** (-torch.arange(3) / 3)
c, s, x = angles.cos(), angles.sin(), wave(2, 3, 6)
a, b = x[..., 0::2], x[..., 1::2]
n = torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2)
a, b = x[..., :3], x[..., 3:]
return [n, torch.cat([a * c - b * s, a * s + b * c], -1)]`,
  },
  {
    name: 'lengths as a tensor',
    js: () => fill(new nn.LSTM(2, 3)).forward(wave([3, 2, 2]), null, { lengths: I([2, 3]) })[0],
    py: 'x = wave(3, 2, 2); return pad_packed_sequence(fill(nn.LSTM(2, 3))(pack_padded_sequence(x, torch.tensor([2, 3]), enforce_sorted=False))[0])[0]',
  },
];
