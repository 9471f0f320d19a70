// A backward pass that waits for the next one (autograd/postponed.ts). Whatever could tell that it has not run has it run first: reading or
// setting a gradient, writing in place, the end of a scope, another walk over a graph, a captured step.
let pending: (() => void) | null = null;

/** Lets a pass wait until the next `settle`; null: none waits any more. */
export function setPending(pass: (() => void) | null): void {
  pending = pass;
}

/** Runs the pass that waits, if one does. */
export function settle(): void {
  if (pending) pending();
}
