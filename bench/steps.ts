// The models and their training step, as a user of gradloom writes them.
import * as gradloom from 'gradloom';
import { nn, optim, scope, type Tensor, tensor } from 'gradloom';
import type { Data, Values } from './data.ts';
import { informedOf } from './physics.ts';
import { type Losses, picturedOf, WithLosses } from './pictures.ts';
import { Reader, readerOf } from './sequences.ts';
import { TRUNKS } from './trunks.ts';
import type { Work } from './works.ts';

/** One training step: its losses. */
export type Step = () => readonly number[];

/** A work without values gets its labels twice. */
type Batch = [x: Tensor, labels: Tensor, values: Tensor];

/** `capture(step)`: the step recorded once and replayed. Absent from builds that cannot. */
export const capture = (gradloom as unknown as { capture?: (step: (...batch: Batch) => Losses) => (...batch: Batch) => Losses }).capture;

class TwoHeads extends nn.Module {
  readonly trunk: nn.Sequential | Reader;
  readonly first: nn.Linear;
  readonly second: nn.Linear;

  /** Sizes are those of the weights that it is about to load. */
  constructor(trunk: nn.Sequential | Reader, data: Data) {
    super();
    this.trunk = trunk;
    const head = (name: string): nn.Linear => {
      const [out, inputs] = (data.get(`${name}.weight`) as Values).shape as [number, number];
      return new nn.Linear(inputs, out);
    };
    this.first = head('first');
    this.second = head('second');
  }

  forward(x: Tensor): [Tensor, Tensor] {
    const h = this.trunk.forward(x);
    if (!(this.trunk instanceof Reader)) return [this.first.forward(h), this.second.forward(h)];
    // Logits for each token's next one; a value for the last.
    return [this.first.forward(h).flatten(0, 1), this.second.forward(this.trunk.last(h))];
  }
}

/** The step of a work, ready to run. `captured`: recorded and replayed. */
export function stepOf(work: Work, data: Data, captured = false): Step {
  const model = picturedOf(work.operation) ?? informedOf(work.operation) ?? new TwoHeads(readerOf(work.operation, data) ?? TRUNKS[work.operation as keyof typeof TRUNKS](), data);
  const given = (name: string): Tensor => {
    const { shape, data: values } = data.get(name) as Values;
    return tensor(values, { shape });
  };
  scope(() => model.loadStateDict({ ...model.stateDict(), ...Object.fromEntries(Array.from(model.namedParameters(), ([name]) => [name, given(name)])) }));
  const batch: Batch = [given('x'), given('labels'), given(data.has('values') ? 'values' : 'labels')];
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 });
  const crossEntropy = new nn.CrossEntropyLoss();
  const mse = new nn.MSELoss();

  const lossesOf = (...[x, labels, values]: Batch): Losses => {
    if (model instanceof WithLosses) return model.losses(x, labels, values);
    const [logits, output] = model.forward(x);
    return { first: crossEntropy.forward(logits, labels), second: mse.forward(output, values) };
  };

  const train = (...batch: Batch): Losses => {
    optimizer.zeroGrad();
    const losses = lossesOf(...batch);
    const list = Object.values(losses);
    if (work.passes === 1) list.reduce((a, b) => a.add(b)).backward();
    else for (const [i, loss] of list.entries()) loss.backward({ retainGraph: i < list.length - 1 });
    optimizer.step();
    return losses;
  };

  if (captured && !capture) throw new Error('this build of gradloom has no capture.');
  const run = captured && capture ? capture(train) : train;
  return () => scope(() => Object.values(run(...batch)).map((loss) => loss.item()));
}
