import { Module } from '../module/module.ts';
import { checkProbability, dropout, dropout2d } from '../ops/dropout.ts';
import type { Generator } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The stream to draw from; the one that `manualSeed` seeds unless said. */
export interface DropoutModuleOptions {
  generator?: Generator;
}

/** In training each element 0 with probability p (½ unless said), else x/(1 − p); after `eval()` x itself (Srivastava et al. 2014). */
export class Dropout extends Module {
  private readonly p: number;
  private readonly drawing: DropoutModuleOptions;

  constructor(p = 0.5, options: DropoutModuleOptions = {}) {
    super();
    checkProbability('Dropout', p);
    this.p = p;
    this.drawing = options;
  }

  forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training, ...this.drawing });
  }
}

/** As `Dropout`, but whole planes of images at once. x [N, C, H, W] or [C, H, W]. */
export class Dropout2d extends Module {
  private readonly p: number;
  private readonly drawing: DropoutModuleOptions;

  constructor(p = 0.5, options: DropoutModuleOptions = {}) {
    super();
    checkProbability('Dropout2d', p);
    this.p = p;
    this.drawing = options;
  }

  forward(x: Tensor): Tensor {
    return dropout2d(x, { p: this.p, training: this.training, ...this.drawing });
  }
}
