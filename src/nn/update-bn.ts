// Running statistics anew, for averaged weights.
import { withModes } from '../module/modes.ts';
import { Module } from '../module/module.ts';
import { assertArity, checkArgument, instanceOf, valueText } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { scope } from '../tensor/scope.ts';
import { noGrad } from '../tensor/modes.ts';
import { Tensor } from '../tensor/tensor.ts';
import { BatchNorm } from './batchnorm.ts';

/**
 * Sets the running statistics of every batch normalisation to the mean over the batches of a loader, whose inputs go through the model once. A batch is a tensor, or
 * a list that begins with one.
 *
 *     updateBn(loader, averaged);
 */
export function updateBn(loader: Iterable<Tensor | readonly [Tensor, ...unknown[]]>, model: Module & { forward(x: Tensor): unknown }): void {
  const op = 'updateBn';
  assertArity(op, arguments.length, 2);
  checkArgument(op, 'the loader', loader, {
    what: 'a list or loader of batches',
    test: (v) => typeof (v as Iterable<unknown> | null)?.[Symbol.iterator] === 'function' && !(v instanceof Tensor),
  });
  checkArgument(op, 'the model', model, instanceOf(Module, 'a module'));
  const norms = model.modules().filter((m): m is BatchNorm => m instanceof BatchNorm);
  if (norms.length === 0) return;
  const momenta = norms.map((m) => m.momentum);
  for (const m of norms) m.resetRunningStats();
  try {
    for (const m of norms) m.momentum = null;
    withModes([model], () => {
      model.train();
      for (const batch of loader) {
        const x = batch instanceof Tensor ? batch : Array.isArray(batch) ? batch[0] : batch;
        if (!(x instanceof Tensor)) throw valueError(op, `a batch is a tensor, or a list that begins with one, got ${valueText(batch)}.`);
        scope(() => void noGrad(() => model.forward(x)));
      }
    });
  } finally {
    norms.forEach((m, i) => {
      m.momentum = momenta[i] as number | null;
    });
  }
}
