// Modules of modules.
import { type Layer, Module } from '../module/module.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Layers one after the other; parameters are named by position: `0.weight`. */
export class Sequential extends Module {
  private readonly layers: readonly (Module & Layer)[];

  constructor(...layers: (Module & Layer)[]) {
    super();
    this.layers = layers;
  }

  /** Number of layers. */
  get length(): number {
    return this.layers.length;
  }

  /** The layer at a position. */
  at(index: number): (Module & Layer) | undefined {
    return this.layers.at(index);
  }

  override *namedChildren(): Generator<[string, Module]> {
    for (const [i, layer] of this.layers.entries()) yield [`${i}`, layer];
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer) => layer.forward(y), x);
  }
}
