// What remembers nothing.
import { stateOf } from './state.ts';
import { Told } from './told.ts';

/** A method or strategy whose every step is like its first. */
export abstract class Stateless extends Told {
  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    stateOf(this.name, state, {});
  }

  reset(): void {}
}
