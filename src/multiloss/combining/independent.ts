// A backward pass of its own for each loss.
import { backward } from '../../autograd/backward.ts';
import { assertArity } from '../../tensor/check.ts';
import { MethodBase } from '../methods/base.ts';
import { entriesOf, type Losses, type Report, type Strategy } from '../strategy.ts';

/**
 * loss₁.backward({ retainGraph: true }); loss₂.backward(); …: gradients accumulate over the passes. Every pass but the
 * last retains the graph, the last frees it. Equal to `Sum` but for rounding, and as fast where nothing looks at
 * gradients in between.
 */
export class Independent<Name extends string = string> extends MethodBase implements Strategy<Name> {
  /** As in reports and tables. */
  readonly name = 'independent';

  constructor(...given: []) {
    super();
    assertArity('Independent', given.length, 0);
  }

  backward(losses: Losses<Name>): Report<Name> {
    const entries = entriesOf(this.name, losses);
    entries.forEach(([, loss], i) => {
      backward(loss, { retainGraph: i < entries.length - 1 });
    });
    return { branch: this.name, weights: Object.fromEntries(entries.map(([name]) => [name, 1])) as Record<Name, number> };
  }
}
