// A scalarizer that neither learns nor remembers.
import type { Tensor } from '../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';
import { Stateless as Forgetful } from '../stateless.ts';

export abstract class Stateless extends Forgetful implements Scalarizer {
  readonly needs = 'losses';

  abstract combine(losses: readonly Tensor[], names: readonly string[]): Tensor;

  parameters(): Tensor[] {
    return [];
  }
}
