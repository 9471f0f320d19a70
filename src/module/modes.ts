// Modes that are set for a while.
import type { Module } from './module.ts';

/** @internal Runs what sets modes of these modules; every part has its own again afterwards, also where it throws. */
export function withModes<T>(models: readonly Module[], run: () => T): T {
  const modes = models.flatMap((model) => model.modules().map((part) => [part, part.training] as const));
  try {
    return run();
  } finally {
    for (const [part, on] of modes) part.training = on;
  }
}
