// Models of pictures with batch normalisation: what their steps start from, their layers, and their losses.
import { cat, nn, type Tensor } from 'gradloom';
import type { Input } from './works.ts';

const within = (name: string, shape: readonly number[], fanIn: number): Input => ({ name, shape, fill: { from: -1 / Math.sqrt(fanIn), to: 1 / Math.sqrt(fanIn) } });

/** A convolution without bias and the batch normalisation behind it, as one `Sequential` has them. */
const normed = (name: string, inputs: number, outputs: number, kernel = 3): Input[] => [
  within(`${name}.0.weight`, [outputs, inputs, kernel, kernel], inputs * kernel * kernel),
  { name: `${name}.1.weight`, shape: [outputs], fill: { from: 0.9, to: 1.1 } },
  { name: `${name}.1.bias`, shape: [outputs], fill: { from: -0.1, to: 0.1 } },
];
/** A layer with bias; `fanIn` as PyTorch counts it. */
const plain = (name: string, shape: readonly number[], outputs: number): Input[] => {
  const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
  return [within(`${name}.weight`, shape, fanIn), within(`${name}.bias`, [outputs], fanIn)];
};

/** Channels into and out of each block, and its stride. */
const BLOCKS = [
  [16, 16, 1],
  [16, 32, 2],
  [32, 64, 2],
] as const;

/** Inputs by name. */
export const PICTURES: Readonly<Record<string, readonly Input[]>> = {
  unet: [
    { name: 'x', shape: [8, 1, 64, 64], fill: { normal: true } },
    { name: 'labels', shape: [8, 1, 64, 64], fill: { coin: true } },
    ...normed('down1', 1, 8),
    ...normed('down2', 8, 16),
    ...normed('middle', 16, 32),
    ...plain('up2', [32, 16, 2, 2], 16),
    ...normed('join2', 32, 16),
    ...plain('up1', [16, 8, 2, 2], 8),
    ...normed('join1', 16, 8),
    ...plain('head', [1, 8, 1, 1], 1),
  ],
  resnet: [
    { name: 'x', shape: [16, 3, 32, 32], fill: { normal: true } },
    { name: 'labels', shape: [16], fill: { classes: 10 } },
    { name: 'values', shape: [16, 4], fill: { normal: true } },
    ...normed('stem', 3, 16),
    ...BLOCKS.flatMap(([inputs, outputs], i) => [
      ...normed(`blocks.${i}.first`, inputs, outputs),
      ...normed(`blocks.${i}.second`, outputs, outputs),
      ...(inputs === outputs ? [] : normed(`blocks.${i}.shortcut`, inputs, outputs, 1)),
    ]),
    ...plain('first', [10, 64], 10),
    ...plain('second', [4, 64], 4),
  ],
};

/** A step's losses. */
export type Losses = Readonly<Record<string, Tensor>>;

/** A model that knows its losses. */
export abstract class WithLosses extends nn.Module {
  abstract losses(x: Tensor, labels: Tensor, values: Tensor): Losses;
}

const conv = (inputs: number, outputs: number, kernel: number, stride = 1): nn.Conv2d => new nn.Conv2d(inputs, outputs, kernel, { stride, padding: (kernel - 1) / 2, bias: false });
const active = (inputs: number, outputs: number, stride = 1): nn.Sequential => new nn.Sequential(conv(inputs, outputs, 3, stride), new nn.BatchNorm2d(outputs), new nn.ReLU());

class UNet extends WithLosses {
  readonly down1 = active(1, 8);
  readonly down2 = active(8, 16);
  readonly middle = active(16, 32);
  readonly up2 = new nn.ConvTranspose2d(32, 16, 2, { stride: 2 });
  readonly join2 = active(32, 16);
  readonly up1 = new nn.ConvTranspose2d(16, 8, 2, { stride: 2 });
  readonly join1 = active(16, 8);
  readonly head = new nn.Conv2d(8, 1, 1);
  readonly pool = new nn.MaxPool2d(2);

  forward(x: Tensor): Tensor {
    const fine = this.down1.forward(x);
    const coarse = this.down2.forward(this.pool.forward(fine));
    const middle = this.middle.forward(this.pool.forward(coarse));
    const up = this.join2.forward(cat([this.up2.forward(middle), coarse], 1));
    return this.head.forward(this.join1.forward(cat([this.up1.forward(up), fine], 1)));
  }

  losses(x: Tensor, mask: Tensor): Losses {
    const logits = this.forward(x);
    const p = logits.sigmoid();
    const dice = p.mul(mask).sum().mul(2).add(1).div(p.sum().add(mask.sum()).add(1));
    return { first: nn.functional.binaryCrossEntropyWithLogits(logits, mask), second: dice.neg().add(1) };
  }
}

class Block extends nn.Module {
  readonly first: nn.Sequential;
  readonly second: nn.Sequential;
  readonly shortcut: nn.Sequential | null;

  constructor(inputs: number, outputs: number, stride: number) {
    super();
    this.first = active(inputs, outputs, stride);
    this.second = new nn.Sequential(conv(outputs, outputs, 3), new nn.BatchNorm2d(outputs));
    this.shortcut = inputs === outputs ? null : new nn.Sequential(conv(inputs, outputs, 1, stride), new nn.BatchNorm2d(outputs));
  }

  forward(x: Tensor): Tensor {
    return this.second
      .forward(this.first.forward(x))
      .add(this.shortcut ? this.shortcut.forward(x) : x)
      .relu();
  }
}

class ResNet extends WithLosses {
  readonly stem = active(3, 16);
  readonly blocks = new nn.ModuleList(BLOCKS.map(([inputs, outputs, stride]) => new Block(inputs, outputs, stride)));
  readonly first = new nn.Linear(64, 10);
  readonly second = new nn.Linear(64, 4);

  forward(x: Tensor): Tensor {
    let h = this.stem.forward(x);
    for (const block of this.blocks) h = block.forward(h);
    return h.mean({ dim: [2, 3] });
  }

  losses(x: Tensor, labels: Tensor, values: Tensor): Losses {
    const h = this.forward(x);
    return { first: nn.functional.crossEntropy(this.first.forward(h), labels), second: nn.functional.smoothL1Loss(this.second.forward(h), values) };
  }
}

/** The model of a work on pictures, or undefined. */
export function picturedOf(operation: string): WithLosses | undefined {
  return operation === 'unet' ? new UNet() : operation === 'resnet' ? new ResNet() : undefined;
}
