// Hooks on gradients of tensors.
import { GradloomError } from '../tensor/errors.ts';
import { nodeOf } from '../tensor/op.ts';
import { settle } from '../tensor/pending.ts';
import type { GradientHook, HookHandle, Tensor } from '../tensor/tensor.ts';

export type { HookHandle } from '../tensor/tensor.ts';

/** Runs `hook` with the tensor's gradient in every backward pass, before it is accumulated or goes on; see `Tensor.registerHook`. */
export function addHook(t: Tensor, hook: GradientHook): HookHandle {
  const place = nodeOf(t) ?? (t.wantsGrad ? t : null);
  if (!place) throw new GradloomError('GRAPH', 'registerHook', `${t.describe()} does not require a gradient, so the hook would never run. Set requiresGrad first.`);
  settle();
  place.hooks ??= new Set();
  const hooks = place.hooks.add(hook);
  return { remove: () => void hooks.delete(hook) };
}
