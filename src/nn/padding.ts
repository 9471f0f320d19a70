// Margins as layers.
import { Module } from '../module/module.ts';
import { pad, type PaddingMode } from '../ops/pad.ts';
import { assertTensor, checkArgument, isListOf, type Kind, NUMBER } from '../tensor/check.ts';
import { shapeError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Elements on every side, or per side: [left, right]. */
export type Margins1d = number | readonly [left: number, right: number];
/** Elements on every side, or per side: [left, right, top, bottom]. */
export type Margins2d = number | readonly [left: number, right: number, top: number, bottom: number];

/** Elements on every side, or per side: [left, right, top, bottom, front, back]. */
export type Margins3d = number | readonly [left: number, right: number, top: number, bottom: number, front: number, back: number];

const MARGINS = ([2, 4, 6] as const).map((n): Kind => ({ what: `a whole number or ${n} of them`, test: (v) => Number.isSafeInteger(v) || isListOf(v, Number.isSafeInteger, n) }));

/** What all of them are: margins of a kind around the last one, two or three dimensions. */
abstract class Padding extends Module {
  private readonly name: string;
  private readonly pads: readonly number[];
  private readonly mode: 'constant' | PaddingMode;
  private readonly value: number;

  /** @internal */
  constructor(name: string, dims: 1 | 2 | 3, padding: number | readonly number[], mode: 'constant' | PaddingMode, value: number, extra: readonly never[]) {
    super(...extra);
    checkArgument(name, 'padding', padding, MARGINS[dims - 1] as Kind);
    checkArgument(name, 'value', value, NUMBER);
    this.name = name;
    this.pads = typeof padding === 'number' ? new Array<number>(2 * dims).fill(padding) : [...padding];
    this.mode = mode;
    this.value = value;
  }

  forward(x: Tensor): Tensor {
    assertTensor(this.name, x);
    const dims = this.pads.length / 2;
    if (x.rank < dims) throw shapeError(this.name, `takes at least ${dims} dimensions`, [x.sizes], 'Reshape the input.');
    return pad(x, this.pads, { mode: this.mode, value: this.value });
  }
}

/** Zeros around the last dimension. */
export class ZeroPad1d extends Padding {
  constructor(padding: Margins1d, ...extra: never[]) {
    super('ZeroPad1d', 1, padding, 'constant', 0, extra);
  }
}

/** Zeros around images [..., H, W]. */
export class ZeroPad2d extends Padding {
  constructor(padding: Margins2d, ...extra: never[]) {
    super('ZeroPad2d', 2, padding, 'constant', 0, extra);
  }
}

/** One value around the last dimension. */
export class ConstantPad1d extends Padding {
  constructor(padding: Margins1d, value: number, ...extra: never[]) {
    super('ConstantPad1d', 1, padding, 'constant', value, extra);
  }
}

/** One value around images [..., H, W]. */
export class ConstantPad2d extends Padding {
  constructor(padding: Margins2d, value: number, ...extra: never[]) {
    super('ConstantPad2d', 2, padding, 'constant', value, extra);
  }
}

/** The last dimension mirrored at its ends, which do not repeat. */
export class ReflectionPad1d extends Padding {
  constructor(padding: Margins1d, ...extra: never[]) {
    super('ReflectionPad1d', 1, padding, 'reflect', 0, extra);
  }
}

/** Images [..., H, W] mirrored at their edges, which do not repeat. */
export class ReflectionPad2d extends Padding {
  constructor(padding: Margins2d, ...extra: never[]) {
    super('ReflectionPad2d', 2, padding, 'reflect', 0, extra);
  }
}

/** The ends of the last dimension repeated. */
export class ReplicationPad1d extends Padding {
  constructor(padding: Margins1d, ...extra: never[]) {
    super('ReplicationPad1d', 1, padding, 'replicate', 0, extra);
  }
}

/** The edges of images [..., H, W] repeated. */
export class ReplicationPad2d extends Padding {
  constructor(padding: Margins2d, ...extra: never[]) {
    super('ReplicationPad2d', 2, padding, 'replicate', 0, extra);
  }
}

/** The last dimension going round. */
export class CircularPad1d extends Padding {
  constructor(padding: Margins1d, ...extra: never[]) {
    super('CircularPad1d', 1, padding, 'circular', 0, extra);
  }
}

/** Images [..., H, W] going round in both directions. */
export class CircularPad2d extends Padding {
  constructor(padding: Margins2d, ...extra: never[]) {
    super('CircularPad2d', 2, padding, 'circular', 0, extra);
  }
}

/** Zeros around volumes [..., D, H, W]. */
export class ZeroPad3d extends Padding {
  constructor(padding: Margins3d, ...extra: never[]) {
    super('ZeroPad3d', 3, padding, 'constant', 0, extra);
  }
}

/** One value around volumes [..., D, H, W]. */
export class ConstantPad3d extends Padding {
  constructor(padding: Margins3d, value: number, ...extra: never[]) {
    super('ConstantPad3d', 3, padding, 'constant', value, extra);
  }
}

/** Volumes [..., D, H, W] mirrored at their faces, which do not repeat. */
export class ReflectionPad3d extends Padding {
  constructor(padding: Margins3d, ...extra: never[]) {
    super('ReflectionPad3d', 3, padding, 'reflect', 0, extra);
  }
}

/** The faces of volumes [..., D, H, W] repeated. */
export class ReplicationPad3d extends Padding {
  constructor(padding: Margins3d, ...extra: never[]) {
    super('ReplicationPad3d', 3, padding, 'replicate', 0, extra);
  }
}

/** Volumes [..., D, H, W] going round in all directions. */
export class CircularPad3d extends Padding {
  constructor(padding: Margins3d, ...extra: never[]) {
    super('CircularPad3d', 3, padding, 'circular', 0, extra);
  }
}
