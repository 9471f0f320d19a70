// What remembers nothing.
import { stateOf } from './state.ts';
import { CheckedMethod } from './checked.ts';

/** A method or strategy whose every step is like its first. */
export abstract class Stateless extends CheckedMethod {
  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    stateOf(this.name, state, {});
  }

  reset(): void {}
}
