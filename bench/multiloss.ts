// What a gradient for each loss costs: K heads of 10 on the trunk of `mlp`, batch 64, against one summed step. `npm run bench -- --only multiloss`.
import { autograd, manualSeed, multiloss, nn, rand, scope, type Tensor } from 'gradloom';
import { median } from './table.ts';
import { TRUNKS } from './trunks.ts';

/** Ways to get gradients from K losses; each includes the forward pass. */
type Way = 'sum' | 'independent' | 'apart' | 'jacobian' | 'upgrad' | 'graddrop' | 'trimmedmean';

function job(k: number): Partial<Record<Way, () => void>> {
  manualSeed(k);
  const trunk = TRUNKS.mlp();
  const heads = Array.from({ length: k }, () => new nn.Linear(128, 10));
  const x = rand([64, 784]);
  const targets = heads.map(() => rand([64]).mul(10).int());
  const parameters = [trunk, ...heads].flatMap((m) => m.parameters());
  const shared = trunk.parameters();
  const losses = (): Tensor[] => {
    const h = trunk.forward(x);
    return heads.map((head, i) => nn.functional.crossEntropy(head.forward(h), targets[i] as Tensor));
  };
  const named = (): Record<string, Tensor> => Object.fromEntries(losses().map((loss, i) => [`loss${i}`, loss]));
  const [upgrad, gradDrop, trimmedMean] = [new multiloss.UPGrad(), new multiloss.GradDrop(), new multiloss.TrimmedMean({ trimNumber: 1 })];
  const step = (go: () => unknown) => () =>
    scope(() => {
      for (const p of parameters) p.grad = null;
      go();
    });
  return {
    sum: step(() => autograd.backward(losses())),
    independent: step(() => losses().forEach((loss, i) => void loss.backward({ retainGraph: i < k - 1 }))),
    // Gradients are looked at in between, so that each pass runs by itself.
    apart: step(() =>
      losses().forEach((loss, i) => {
        loss.backward({ retainGraph: i < k - 1 });
        void shared[0]?.grad;
      }),
    ),
    jacobian: step(() => multiloss.jacobian(losses(), shared)),
    upgrad: step(() => multiloss.backward(named(), { combine: upgrad })),
    graddrop: step(() => multiloss.backward(named(), { combine: gradDrop })),
    // It leaves out two losses' gradients.
    ...(k > 2 && { trimmedmean: step(() => multiloss.backward(named(), { combine: trimmedMean })) }),
  };
}

/** Median time of each way as a multiple of the summed step's, round by round; by K. */
export function multilossBench(rounds: number, runs = 60): Record<string, Partial<Record<Way, number>>> {
  const results: Record<string, Partial<Record<Way, number>>> = {};
  for (const k of [2, 4, 8]) {
    const ways = Object.entries(job(k)) as [Way, () => void][];
    const ratios = new Map<Way, number[]>(ways.map(([way]) => [way, []]));
    for (let round = -1; round < rounds; round++) {
      const times = new Map<Way, number[]>(ways.map(([way]) => [way, []]));
      for (let i = 0; i < runs; i++) {
        for (const [way, run] of ways) {
          const start = performance.now();
          run();
          times.get(way)?.push(performance.now() - start);
        }
      }
      // The first round only warms up.
      if (round >= 0) for (const [way] of ways) ratios.get(way)?.push(median(times.get(way) ?? []) / median(times.get('sum') ?? []));
    }
    results[`multiloss-${k}`] = Object.fromEntries(Array.from(ratios, ([way, list]) => [way, median(list)]));
  }
  return results;
}
