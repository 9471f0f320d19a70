// What remembers nothing.
import { stateOf } from './state.ts';

/** A method or strategy whose every step is like its first. */
export abstract class Stateless {
  abstract readonly name: string;

  stateDict(): Record<string, unknown> {
    return {};
  }

  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    stateOf(this.name, state, {});
  }

  reset(): void {}
}
