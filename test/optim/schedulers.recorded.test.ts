// Every scheduler, and pairs of them (in turn, chained, in sequence, beside a rate set by hand or a group added later), against PyTorch's rates.
// Recorded by test/fixtures/optim/schedulers.py.
import { readFileSync } from 'node:fs';
import { nn, ones, optim } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { camelCase } from '../conformance/bind.ts';

type Spec = [name: string, options: Record<string, unknown>];
interface Case {
  make: Spec[];
  groups?: number;
  set?: [step: number, rate: number];
  add?: [step: number, rate: number];
  metrics?: string[];
  rates: number[][];
  momenta?: number[][];
}
interface Scheduler {
  step(metric: number): void;
}

const { lrScheduler } = optim;
const { metrics, cases } = JSON.parse(readFileSync(new URL('../fixtures/optim/schedulers.json', import.meta.url), 'utf8')) as { metrics: number[]; cases: Case[] };
const FUNCTIONS: Record<string, (count: number) => number> = { decay: (e) => 0.9 ** e, hyperbola: (e) => 1 / (1 + e), 'eight tenths': () => 0.8 };
const NAMES: Record<string, string> = { TMax: 'tMax', T0: 't0', TMult: 'tMult' };

function make(o: optim.SGD, [name, given]: Spec): Scheduler {
  const options = Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      if (key === 'schedulers') return [key, (value as Spec[]).map((s) => make(o, s))];
      const ours = NAMES[camelCase(key)] ?? camelCase(key);
      return [ours, ours === 'lrLambda' ? (Array.isArray(value) ? value.map((f) => FUNCTIONS[f]) : FUNCTIONS[value as string]) : value];
    }),
  );
  const type = (lrScheduler as unknown as Record<string, new (...args: unknown[]) => Scheduler>)[name] as new (...args: unknown[]) => Scheduler;
  return name === 'ChainedScheduler' ? new type(options.schedulers) : new type(o, options);
}

// PyTorch's numbers have 12 digits in the file; a rate of 0 is one that rounding leaves near it.
const near = (a: number | undefined, b: number): boolean => Math.abs((a as number) - b) <= 2e-12 + 1e-11 * Math.abs(b);

test(`${cases.length} cases agree with PyTorch`, () => {
  const wrong: string[] = [];
  for (const c of cases) {
    const group = (lr: number) => ({ params: [new nn.Parameter(ones([1]))], lr });
    const o = new optim.SGD([group(0.5), group(0.2)].slice(0, c.groups ?? 2), { lr: 0.5, momentum: 0.9 });
    const made = c.make.map((s) => make(o, s));
    for (const [i, rates] of c.rates.entries()) {
      const momenta = c.momenta?.[i] ?? rates.map(() => 0.9);
      const fine = rates.length === o.paramGroups.length && o.paramGroups.every((g, at) => near(g.lr, rates[at] as number) && near(g.momentum, momenta[at] as number));
      if (!fine) {
        wrong.push(`${JSON.stringify({ ...c, rates: undefined, momenta: undefined })} at ${i}: ${o.paramGroups.map((g) => [g.lr, g.momentum])}, right ${rates} ${momenta}`);
        break;
      }
      if (c.set?.[0] === i) (o.paramGroups[0] as { lr: number }).lr = c.set[1];
      if (c.add?.[0] === i) o.addParamGroup(group(c.add[1]));
      for (const s of made)
        if (!(s instanceof lrScheduler.ReduceLROnPlateau)) (s as { step(): void }).step();
        else s.step(c.metrics ? Number(c.metrics[i]?.replace('inf', 'Infinity')) : (metrics[i] as number));
    }
  }
  assert.equal(wrong, []);
});

test.run();
