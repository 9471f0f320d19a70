// A scalarizer that neither learns nor remembers.
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';
import { Stateless } from '../stateless.ts';

export abstract class StatelessScalarizer extends Stateless implements Scalarizer {
  /** The losses' values are enough. */
  readonly needs = 'losses';

  /** One scalar from the losses. */
  abstract combine(losses: readonly Tensor[], names: readonly string[]): Tensor;

  parameters(): Tensor[] {
    return [];
  }
}
