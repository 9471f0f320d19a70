// Average pooling as layers.
import { Module } from '../module/module.ts';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, avgPool1d, avgPool2d, type AvgPoolOptions, type OutputSize } from '../ops/avgpool.ts';
import { type Pair, pairOf } from '../ops/windows.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The average of each window. x [N, C, H, W] or [C, H, W]. */
export class AvgPool2d extends Module {
  private readonly kernelSize: Pair;
  private readonly options: AvgPoolOptions;

  constructor(kernelSize: Pair, options: AvgPoolOptions = {}) {
    super();
    this.kernelSize = pairOf('AvgPool2d', 'kernelSize', kernelSize, 1);
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/** Averages over as many windows as asked for; 1 gives the mean of each plane. x [N, C, H, W] or [C, H, W]. */
export class AdaptiveAvgPool2d extends Module {
  private readonly outputSize: OutputSize;

  constructor(outputSize: OutputSize) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** As `AvgPool2d` along one direction. x [N, C, L] or [C, L]. */
export class AvgPool1d extends Module {
  private readonly kernelSize: number;
  private readonly options: Parameters<typeof avgPool1d>[2];

  constructor(kernelSize: number, options: Parameters<typeof avgPool1d>[2] = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options);
  }
}

/** As `AdaptiveAvgPool2d` along one direction. x [N, C, L] or [C, L]. */
export class AdaptiveAvgPool1d extends Module {
  private readonly outputSize: number;

  constructor(outputSize: number) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}
