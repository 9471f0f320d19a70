// Margins as layers.
import { Module } from '../module/module.ts';
import { pad, type PaddingMode } from '../ops/pad.ts';
import { shapeError, valueError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Elements on every side, or per side: [left, right]. */
export type Margins1d = number | readonly [left: number, right: number];
/** Elements on every side, or per side: [left, right, top, bottom]. */
export type Margins2d = number | readonly [left: number, right: number, top: number, bottom: number];

/** What all of them are: margins of a kind around the last one or two dimensions. */
abstract class Padding extends Module {
  private readonly name: string;
  private readonly pads: readonly number[];
  private readonly mode: 'constant' | PaddingMode;
  private readonly value: number;

  constructor(name: string, dims: 1 | 2, padding: number | readonly number[], mode: 'constant' | PaddingMode, value = 0) {
    super();
    this.name = name;
    this.pads = typeof padding === 'number' ? new Array<number>(2 * dims).fill(padding) : padding;
    this.mode = mode;
    this.value = value;
    if (this.pads.length !== 2 * dims || !this.pads.every(Number.isInteger)) throw valueError(name, `padding must be a whole number or ${2 * dims} of them, got [${padding}].`);
  }

  forward(x: Tensor): Tensor {
    const dims = this.pads.length / 2;
    if (x.rank < dims) throw shapeError(this.name, `takes at least ${dims} dimensions`, [x.shape], 'Reshape the input.');
    return pad(x, this.pads, { mode: this.mode, value: this.value });
  }
}

/** Zeros around the last dimension. */
export class ZeroPad1d extends Padding {
  constructor(padding: Margins1d) {
    super('ZeroPad1d', 1, padding, 'constant');
  }
}

/** Zeros around images [..., H, W]. */
export class ZeroPad2d extends Padding {
  constructor(padding: Margins2d) {
    super('ZeroPad2d', 2, padding, 'constant');
  }
}

/** One value around the last dimension. */
export class ConstantPad1d extends Padding {
  constructor(padding: Margins1d, value: number) {
    super('ConstantPad1d', 1, padding, 'constant', value);
  }
}

/** One value around images [..., H, W]. */
export class ConstantPad2d extends Padding {
  constructor(padding: Margins2d, value: number) {
    super('ConstantPad2d', 2, padding, 'constant', value);
  }
}

/** The last dimension mirrored at its ends, which do not repeat. */
export class ReflectionPad1d extends Padding {
  constructor(padding: Margins1d) {
    super('ReflectionPad1d', 1, padding, 'reflect');
  }
}

/** Images [..., H, W] mirrored at their edges, which do not repeat. */
export class ReflectionPad2d extends Padding {
  constructor(padding: Margins2d) {
    super('ReflectionPad2d', 2, padding, 'reflect');
  }
}

/** The ends of the last dimension repeated. */
export class ReplicationPad1d extends Padding {
  constructor(padding: Margins1d) {
    super('ReplicationPad1d', 1, padding, 'replicate');
  }
}

/** The edges of images [..., H, W] repeated. */
export class ReplicationPad2d extends Padding {
  constructor(padding: Margins2d) {
    super('ReplicationPad2d', 2, padding, 'replicate');
  }
}

/** The last dimension going round. */
export class CircularPad1d extends Padding {
  constructor(padding: Margins1d) {
    super('CircularPad1d', 1, padding, 'circular');
  }
}

/** Images [..., H, W] going round in both directions. */
export class CircularPad2d extends Padding {
  constructor(padding: Margins2d) {
    super('CircularPad2d', 2, padding, 'circular');
  }
}
