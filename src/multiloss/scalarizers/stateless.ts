// A scalarizer that neither learns nor remembers.
import type { Tensor } from '../../tensor/tensor.ts';
import type { Scalarizer } from '../method.ts';

export abstract class Stateless implements Scalarizer {
  abstract readonly name: string;
  readonly needs = 'losses';

  abstract combine(losses: readonly Tensor[], names: readonly string[]): Tensor;

  parameters(): Tensor[] {
    return [];
  }

  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(_state: Readonly<Record<string, unknown>>): void {}

  reset(): void {}
}
