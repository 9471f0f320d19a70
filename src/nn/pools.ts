// Adaptive max pooling, power-average pooling and unpooling as layers.
import { Module } from '../module/module.ts';
import { adaptiveMaxPool1d, adaptiveMaxPool2d, adaptiveMaxPool3d } from '../ops/adaptivemax.ts';
import type { OutputSize } from '../ops/avgpool.ts';
import { lpPool1d, lpPool2d, lpPool3d, type LPPoolOptions } from '../ops/lppool.ts';
import type { OutputSize3d } from '../ops/pool3d.ts';
import { maxUnpool1d, maxUnpool2d, maxUnpool3d, type MaxUnpoolOptions } from '../ops/unpool.ts';
import type { Pair, Triple } from '../ops/windows.ts';
import { checkArgument, COUNT, FLAG, type Given, isListOf, type Kind, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Pooled } from './conv.ts';
import { OUTPUT3 } from './conv3d.ts';
import { MARGINS, MARGINS3, NATURAL, PAIR, STEP, STEPS, STEPS3, TRIPLE } from './kinds.ts';

/** Options of adaptive max pooling. */
export interface AdaptiveMaxPoolOptions<WithIndices extends boolean = boolean> {
  /** Whether to give `{ values, indices }`; default false. */
  returnIndices?: WithIndices;
}

const WITH: Kinds<AdaptiveMaxPoolOptions> = { returnIndices: FLAG };
const isSize = (v: unknown): boolean => v === null || COUNT.test(v);
const OUTPUT: Kind = { what: 'a size ≥ 1 or null, or two of them', test: (v) => isSize(v) || isListOf(v, isSize, 2) };
type Flag<WithIndices extends boolean> = Given<AdaptiveMaxPoolOptions<WithIndices>, [returnIndices?: WithIndices]>;

abstract class AdaptiveMaxPool<Size, WithIndices extends boolean> extends Module {
  private readonly outputSize: Size;
  private readonly withIndices: boolean;
  private readonly pool: (x: Tensor, size: Size, returnIndices: boolean) => unknown;

  /** @internal */
  constructor(name: string, pool: (x: Tensor, size: Size, returnIndices: boolean) => unknown, kind: Kind, outputSize: Size, given: readonly unknown[]) {
    super();
    checkArgument(name, 'outputSize', outputSize, kind);
    this.outputSize = outputSize;
    this.withIndices = optionsBy(name, given, WITH).returnIndices ?? false;
    this.pool = pool;
  }

  forward(x: Tensor): Pooled<WithIndices> {
    return this.pool(x, this.outputSize, this.withIndices) as Pooled<WithIndices>;
  }
}

/**
 * The largest element of each of as many windows as asked for. x [N, C, L] or [C, L].
 *
 * @example
 * new nn.AdaptiveMaxPool1d(3).forward(randn([2, 4, 7])); // [2, 4, 3]
 */
export class AdaptiveMaxPool1d<WithIndices extends boolean = false> extends AdaptiveMaxPool<number, WithIndices> {
  constructor(outputSize: number, ...options: Flag<WithIndices>) {
    super('AdaptiveMaxPool1d', adaptiveMaxPool1d, COUNT, outputSize, options);
  }
}

/**
 * As `AdaptiveMaxPool1d`, for images. x [N, C, H, W] or [C, H, W]; null keeps a size.
 *
 * @example
 * new nn.AdaptiveMaxPool2d([3, null]).forward(randn([2, 4, 7, 5])); // [2, 4, 3, 5]
 */
export class AdaptiveMaxPool2d<WithIndices extends boolean = false> extends AdaptiveMaxPool<OutputSize, WithIndices> {
  constructor(outputSize: OutputSize | null, ...options: Flag<WithIndices>) {
    super('AdaptiveMaxPool2d', adaptiveMaxPool2d, OUTPUT, outputSize ?? [null, null], options);
  }
}

/**
 * As `AdaptiveMaxPool1d`, for volumes. x [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.AdaptiveMaxPool3d(1).forward(randn([2, 4, 7, 5, 5])); // [2, 4, 1, 1, 1]
 */
export class AdaptiveMaxPool3d<WithIndices extends boolean = false> extends AdaptiveMaxPool<OutputSize3d, WithIndices> {
  constructor(outputSize: OutputSize3d | null, ...options: Flag<WithIndices>) {
    super('AdaptiveMaxPool3d', adaptiveMaxPool3d, OUTPUT3, outputSize ?? [null, null, null], options);
  }
}

abstract class LPPool<Size> extends Module {
  private readonly normType: number;
  private readonly kernelSize: Size;
  private readonly options: LPPoolOptions<Size>;
  private readonly pool: (x: Tensor, p: number, kernel: Size, options: LPPoolOptions<Size>) => Tensor;

  /** @internal */
  constructor(name: string, pool: LPPool<Size>['pool'], kinds: [size: Kind, step: Kind], normType: number, kernelSize: Size, given: readonly unknown[]) {
    super();
    checkArgument(name, 'normType', normType, NUMBER);
    checkArgument(name, 'kernelSize', kernelSize, kinds[0]);
    this.normType = normType;
    this.kernelSize = kernelSize;
    this.options = { ...optionsBy<LPPoolOptions<Size>>(name, given, { stride: kinds[1], ceilMode: FLAG }) };
    this.pool = pool;
  }

  forward(x: Tensor): Tensor {
    return this.pool(x, this.normType, this.kernelSize, this.options);
  }
}

type LPPositions<Size> = [stride?: Size | null, ceilMode?: boolean];

/**
 * (Σ xᵖ)^(1/p) over each window. x [N, C, L] or [C, L].
 *
 * @example
 * new nn.LPPool1d(2, 3).forward(randn([1, 2, 9])); // [1, 2, 3]
 */
export class LPPool1d extends LPPool<number> {
  constructor(normType: number, kernelSize: number, ...options: Given<LPPoolOptions<number>, LPPositions<number>>) {
    super('LPPool1d', lpPool1d, [COUNT, STEP], normType, kernelSize, options);
  }
}

/**
 * As `LPPool1d`, for images. x [N, C, H, W] or [C, H, W].
 *
 * @example
 * new nn.LPPool2d(2, 3, { stride: 2 }).forward(randn([1, 2, 9, 9])); // [1, 2, 4, 4]
 */
export class LPPool2d extends LPPool<Pair> {
  constructor(normType: number, kernelSize: Pair, ...options: Given<LPPoolOptions<Pair>, LPPositions<Pair>>) {
    super('LPPool2d', lpPool2d, [PAIR, STEPS], normType, kernelSize, options);
  }
}

/**
 * As `LPPool1d`, for volumes. x [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * new nn.LPPool3d(2, 2).forward(randn([1, 2, 4, 4, 4])); // [1, 2, 2, 2, 2]
 */
export class LPPool3d extends LPPool<Triple> {
  constructor(normType: number, kernelSize: Triple, ...options: Given<LPPoolOptions<Triple>, LPPositions<Triple>>) {
    super('LPPool3d', lpPool3d, [TRIPLE, STEPS3], normType, kernelSize, options);
  }
}

/** Options of the layers of unpooling, with PyTorch's defaults. */
export type MaxUnpoolModuleOptions<Size> = Pick<MaxUnpoolOptions<Size>, 'stride' | 'padding'>;

abstract class MaxUnpool<Size> extends Module {
  private readonly kernelSize: Size;
  private readonly options: MaxUnpoolModuleOptions<Size>;
  private readonly unpool: (x: Tensor, indices: Tensor, kernel: Size, options: MaxUnpoolOptions<Size>) => Tensor;

  /** @internal */
  constructor(name: string, unpool: MaxUnpool<Size>['unpool'], kinds: [size: Kind, step: Kind, margin: Kind], kernelSize: Size, given: readonly unknown[]) {
    super();
    checkArgument(name, 'kernelSize', kernelSize, kinds[0]);
    this.kernelSize = kernelSize;
    this.options = { ...optionsBy<MaxUnpoolModuleOptions<Size>>(name, given, { stride: kinds[1], padding: kinds[2] }) };
    this.unpool = unpool;
  }

  /** @param outputSize the sizes of what was pooled, where the windows do not tell */
  forward(x: Tensor, indices: Tensor, outputSize?: readonly number[] | null): Tensor {
    return this.unpool(x, indices, this.kernelSize, { ...this.options, outputSize: outputSize ?? null });
  }
}

type UnpoolPositions<Size> = [stride?: Size | null, padding?: Size];

/**
 * Elements put back where `MaxPool1d` with `returnIndices` found them, zeros elsewhere. x and indices [N, C, L] or [C, L].
 *
 * @example
 * const { values, indices } = new nn.MaxPool1d(2, { returnIndices: true }).forward(randn([1, 1, 8]));
 * new nn.MaxUnpool1d(2).forward(values, indices); // [1, 1, 8]
 */
export class MaxUnpool1d extends MaxUnpool<number> {
  constructor(kernelSize: number, ...options: Given<MaxUnpoolModuleOptions<number>, UnpoolPositions<number>>) {
    super('MaxUnpool1d', maxUnpool1d, [COUNT, STEP, NATURAL], kernelSize, options);
  }
}

/**
 * As `MaxUnpool1d`, for images. x and indices [N, C, H, W] or [C, H, W].
 *
 * @example
 * const { values, indices } = new nn.MaxPool2d(2, { returnIndices: true }).forward(randn([1, 1, 8, 8]));
 * new nn.MaxUnpool2d(2).forward(values, indices); // [1, 1, 8, 8]
 */
export class MaxUnpool2d extends MaxUnpool<Pair> {
  constructor(kernelSize: Pair, ...options: Given<MaxUnpoolModuleOptions<Pair>, UnpoolPositions<Pair>>) {
    super('MaxUnpool2d', maxUnpool2d, [PAIR, STEPS, MARGINS], kernelSize, options);
  }
}

/**
 * As `MaxUnpool1d`, for volumes. x and indices [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * const { values, indices } = new nn.MaxPool3d(2, { returnIndices: true }).forward(randn([1, 1, 4, 4, 4]));
 * new nn.MaxUnpool3d(2).forward(values, indices); // [1, 1, 4, 4, 4]
 */
export class MaxUnpool3d extends MaxUnpool<Triple> {
  constructor(kernelSize: Triple, ...options: Given<MaxUnpoolModuleOptions<Triple>, UnpoolPositions<Triple>>) {
    super('MaxUnpool3d', maxUnpool3d, [TRIPLE, STEPS3, MARGINS3], kernelSize, options);
  }
}
