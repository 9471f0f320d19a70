import { Module } from '../module/module.ts';
import { checkProbability, dropout, dropout1d, dropout2d, dropout3d } from '../ops/dropout.ts';
import { type Given, instanceOf, type Kinds, NUMBER, optionsBy } from '../tensor/check.ts';
import { Generator } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of dropout as a layer, with PyTorch's defaults. */
export interface DropoutModuleOptions {
  /** The probability that an element becomes 0; default ½. */
  p?: number;
  /** The stream to draw from; default the one that `manualSeed` seeds. */
  generator?: Generator;
}

const OPTIONS: Kinds<DropoutModuleOptions> = { p: NUMBER, generator: /* @__PURE__ */ instanceOf(Generator, 'a generator') };

function optionsOfDropout(op: string, given: readonly unknown[]): DropoutModuleOptions {
  const { p = 0.5, generator } = optionsBy(op, given, OPTIONS);
  checkProbability(op, p);
  return { p, generator };
}

/** In training each element 0 with probability p, else x/(1 − p); after `eval()` x itself (Srivastava et al. 2014). */
export class Dropout extends Module {
  private readonly options: DropoutModuleOptions;

  constructor(...given: Given<DropoutModuleOptions, [p?: number, options?: DropoutModuleOptions]>) {
    super();
    this.options = optionsOfDropout('Dropout', given);
  }

  forward(x: Tensor): Tensor {
    return dropout(x, { ...this.options, training: this.training });
  }
}

/** As `Dropout`, but whole planes at once: images of [N, C, H, W], rows of [N, C, L], as in PyTorch. */
export class Dropout2d extends Module {
  private readonly options: DropoutModuleOptions;

  constructor(...given: Given<DropoutModuleOptions, [p?: number, options?: DropoutModuleOptions]>) {
    super();
    this.options = optionsOfDropout('Dropout2d', given);
  }

  forward(x: Tensor): Tensor {
    return dropout2d(x, { ...this.options, training: this.training });
  }
}

/** As `Dropout`, but whole rows at once: [N, C, L] or [C, L]. */
export class Dropout1d extends Module {
  private readonly options: DropoutModuleOptions;

  constructor(...given: Given<DropoutModuleOptions, [p?: number, options?: DropoutModuleOptions]>) {
    super();
    this.options = optionsOfDropout('Dropout1d', given);
  }

  forward(x: Tensor): Tensor {
    return dropout1d(x, { ...this.options, training: this.training });
  }
}

/** As `Dropout`, but whole volumes at once: [N, C, D, H, W] or [C, D, H, W]. */
export class Dropout3d extends Module {
  private readonly options: DropoutModuleOptions;

  constructor(...given: Given<DropoutModuleOptions, [p?: number, options?: DropoutModuleOptions]>) {
    super();
    this.options = optionsOfDropout('Dropout3d', given);
  }

  forward(x: Tensor): Tensor {
    return dropout3d(x, { ...this.options, training: this.training });
  }
}
