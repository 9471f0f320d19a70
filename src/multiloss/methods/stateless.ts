// What remembers nothing.
import { stateOf } from '../state.ts';
import { CheckedMethod } from './checked.ts';

/** A method or strategy whose every step is like its first. */
export abstract class Stateless extends CheckedMethod {
  /** What it remembers between steps: nothing. */
  stateDict(): Record<string, unknown> {
    return {};
  }

  /** Takes up what `stateDict` gave. */
  loadStateDict(state: Readonly<Record<string, unknown>>): void {
    stateOf(this.name, state, {});
  }

  /** Forgets what it learned: the next step is like the first. */
  reset(): void {}
}
