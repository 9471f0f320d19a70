// Models that read sequences of tokens: what their steps start from, and their trunks.
import { keep, nn, type Tensor } from 'gradloom';
import type { Data, Values } from './data.ts';
import type { Fill, Input } from './works.ts';

const TOKENS = 64;
/** Features of a head, here as in the peers. */
const HEAD = 16;

const within = (fanIn: number): Fill => ({ from: -1 / Math.sqrt(fanIn), to: 1 / Math.sqrt(fanIn) });

/** Tokens, the next ones as labels, a value for each sequence; embedding and both heads. `trunk`: what stands between, by name and shape. */
function inputs(shape: readonly [number, number], batch: number, embedding: number, width: number, trunk: readonly Input[]): Input[] {
  const fill = within(width);
  return [
    { name: 'x', shape, fill: { classes: TOKENS } },
    { name: 'labels', shape: [shape[0] * shape[1]], fill: { classes: TOKENS } },
    { name: 'values', shape: [batch, 1], fill: { normal: true } },
    { name: 'trunk.embedding.weight', shape: [TOKENS, embedding], fill: { normal: true } },
    ...trunk,
    { name: 'first.weight', shape: [TOKENS, width], fill },
    { name: 'first.bias', shape: [TOKENS], fill },
    { name: 'second.weight', shape: [1, width], fill },
    { name: 'second.bias', shape: [1], fill },
  ];
}

/** One LSTM over 32 steps; time first. */
function lstm(batch: number, embedding: number, hidden: number): Input[] {
  const fill = within(hidden);
  const shapes = { weight_ih: [4 * hidden, embedding], weight_hh: [4 * hidden, hidden], bias_ih: [4 * hidden], bias_hh: [4 * hidden] };
  const trunk = Object.entries(shapes).map(([name, shape]): Input => ({ name: `trunk.lstm.${name}_l0`, shape, fill }));
  return inputs([32, batch], batch, embedding, hidden, trunk);
}

/** Two encoder layers with a causal mask; batch first. */
function attention(batch: number, tokens: number, width: number): Input[] {
  const trunk = [0, 1].flatMap((i): Input[] => {
    const part = (name: string, shape: number[], fill: Fill = within(shape[1] ?? width)): Input => ({ name: `trunk.encoder.layers.${i}.${name}`, shape, fill });
    const norm = (name: string): Input[] => [part(`${name}.weight`, [width], { from: 0.9, to: 1.1 }), part(`${name}.bias`, [width])];
    return [
      part('self_attn.in_proj_weight', [3 * width, width]),
      part('self_attn.in_proj_bias', [3 * width]),
      part('self_attn.out_proj.weight', [width, width]),
      part('self_attn.out_proj.bias', [width]),
      part('linear1.weight', [4 * width, width]),
      part('linear1.bias', [4 * width]),
      part('linear2.weight', [width, 4 * width]),
      part('linear2.bias', [width]),
      ...norm('norm1'),
      ...norm('norm2'),
    ];
  });
  return inputs([batch, tokens], batch, width, width, trunk);
}

/** Inputs by name. */
export const SEQUENCES: Readonly<Record<string, readonly Input[]>> = {
  lstm: lstm(16, 32, 32),
  'lstm-128': lstm(32, 64, 128),
  attention: attention(8, 32, 32),
  'attention-64': attention(16, 64, 64),
};

/** What turns tokens into features of each; `last`: those of the last token. */
export abstract class Reader extends nn.Module {
  readonly embedding: nn.Embedding;

  constructor(data: Data) {
    super();
    const [tokens, width] = (data.get('trunk.embedding.weight') as Values).shape as [number, number];
    this.embedding = new nn.Embedding(tokens, width);
  }

  abstract override forward(x: Tensor): Tensor;
  abstract last(features: Tensor): Tensor;
}

class Recurrent extends Reader {
  readonly lstm: nn.LSTM;

  constructor(data: Data) {
    super(data);
    const [, hidden] = (data.get('trunk.lstm.weight_hh_l0') as Values).shape as [number, number];
    this.lstm = new nn.LSTM(this.embedding.embeddingDim, hidden);
  }

  forward(x: Tensor): Tensor {
    return this.lstm.forward(this.embedding.forward(x))[0];
  }

  last(features: Tensor): Tensor {
    return features.select(0, -1);
  }
}

class Attentive extends Reader {
  readonly encoder: nn.TransformerEncoder;
  readonly #mask: Tensor;

  constructor(data: Data) {
    super(data);
    const width = this.embedding.embeddingDim;
    const layer = new nn.TransformerEncoderLayer(width, width / HEAD, { dimFeedforward: 4 * width, dropout: 0, batchFirst: true });
    this.encoder = new nn.TransformerEncoder(layer, 2);
    this.#mask = keep(nn.Transformer.generateSquareSubsequentMask((data.get('x') as Values).shape[1] as number));
  }

  forward(x: Tensor): Tensor {
    return this.encoder.forward(this.embedding.forward(x), { mask: this.#mask, isCausal: true });
  }

  last(features: Tensor): Tensor {
    return features.select(1, -1);
  }
}

/** The trunk of a work that reads sequences, or undefined. */
export function readerOf(operation: string, data: Data): Reader | undefined {
  return operation in SEQUENCES ? new (operation.startsWith('lstm') ? Recurrent : Attentive)(data) : undefined;
}
