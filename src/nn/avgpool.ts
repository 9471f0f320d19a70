// Average pooling as layers.
import { Module } from '../module/module.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d, type AvgPool1dOptions, type AvgPoolOptions, type OutputSize } from '../ops/avgpool.ts';
import { type Pair, pairOf } from '../ops/windows.ts';
import { checkArgument, COUNT, FLAG, type Given, isListOf, type Kind, type Kinds, optionsBy } from '../tensor/check.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { MARGINS, NATURAL, PAIR, STEP, STEPS } from './kinds.ts';

const DIVISOR: Kind = { what: 'a whole number other than 0', test: (v) => Number.isSafeInteger(v) && v !== 0 };
const AVERAGE: Kinds<AvgPoolOptions> = { stride: STEPS, padding: MARGINS, ceilMode: FLAG, countIncludePad: FLAG, divisorOverride: DIVISOR };
type AveragePositions = [stride?: Pair | null, padding?: Pair, ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number];

/** The average of each window. x [N, C, H, W] or [C, H, W]. */
export class AvgPool2d extends Module {
  private readonly kernelSize: Pair;
  private readonly options: AvgPoolOptions;

  constructor(kernelSize: Pair, ...given: Given<AvgPoolOptions, AveragePositions>) {
    super();
    checkArgument('AvgPool2d', 'kernelSize', kernelSize, PAIR);
    this.kernelSize = pairOf('AvgPool2d', 'kernelSize', kernelSize, 1);
    this.options = { ...optionsBy('AvgPool2d', given, AVERAGE) };
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

const isSize = (v: unknown): boolean => v === null || COUNT.test(v);
const OUTPUT: Kind = { what: 'a size ≥ 1 or null, or two of them', test: (v) => isSize(v) || isListOf(v, isSize, 2) };

/** Averages over as many windows as asked for; 1 gives the mean of each plane. x [N, C, H, W] or [C, H, W]. */
export class AdaptiveAvgPool2d extends Module {
  private readonly outputSize: OutputSize;

  constructor(outputSize: OutputSize | null, ...extra: never[]) {
    super(...extra);
    checkArgument('AdaptiveAvgPool2d', 'outputSize', outputSize, OUTPUT);
    this.outputSize = outputSize ?? [null, null];
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

const LINE: Kinds<AvgPool1dOptions> = { stride: STEP, padding: NATURAL, ceilMode: FLAG, countIncludePad: FLAG };

/** As `AvgPool2d` along one direction. x [N, C, L] or [C, L]. */
export class AvgPool1d extends Module {
  private readonly kernelSize: number;
  private readonly options: AvgPool1dOptions;

  constructor(kernelSize: number, ...given: Given<AvgPool1dOptions, [stride?: number | null, padding?: number, ceilMode?: boolean, countIncludePad?: boolean]>) {
    super();
    checkArgument('AvgPool1d', 'kernelSize', kernelSize, COUNT);
    this.kernelSize = kernelSize;
    const { stride, ...rest } = optionsBy('AvgPool1d', given, LINE);
    this.options = { ...rest, stride: stride ?? kernelSize };
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options);
  }
}

/** As `AdaptiveAvgPool2d` along one direction. x [N, C, L] or [C, L]. */
export class AdaptiveAvgPool1d extends Module {
  private readonly outputSize: number;

  constructor(outputSize: number, ...extra: never[]) {
    super(...extra);
    checkArgument('AdaptiveAvgPool1d', 'outputSize', outputSize, COUNT);
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}
