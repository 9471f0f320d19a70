// What a run should be stopped and looked at for. Each alarm is raised once, and again only after it has cleared.
import type { Alarm, AlarmKind } from './monitor-data.ts';
import type { BackwardReport } from '../combining/report.ts';

/** How much each step keeps of the running means of shares: about the last 20 steps count. */
const DECAY = 0.95;
/** A weight below this part of its highest share has collapsed. It clears at twice that. */
const COLLAPSE = 0.01;
/** A loss dominates where its part of the step is so many times that of all others. It clears at half that. */
const DOMINANCE = 30;
/** Alarms that are remembered after they cleared. */
const LOG = 100;

/** A running mean, corrected for its start. */
class Mean {
  private sum = 0;
  private weight = 0;

  add(value: number): number {
    this.sum = DECAY * this.sum + (1 - DECAY) * value;
    this.weight = DECAY * this.weight + (1 - DECAY);
    return this.sum / this.weight;
  }
}

/** What is remembered of one loss. */
interface Watch {
  share: Mean;
  highest: number;
  part: Mean;
  value: number;
  still: number;
  seen: number;
}

const percent = (x: number): string => `${(100 * x).toPrecision(2)} %`;

/** Looks at each step's report. */
export class Alarms {
  /** Those raised, latest last; the oldest go. */
  readonly log: Alarm[] = [];
  private readonly current = new Map<string, Alarm>();
  private readonly watches = new Map<string, Watch>();
  private readonly patience: number;

  /** @param patience steps that a loss must stand still, and that means must have, before they count */
  constructor(patience: number) {
    this.patience = patience;
  }

  /** Those that last, in the order they were raised. */
  get active(): Alarm[] {
    return [...this.current.values()];
  }

  /** Takes one step's report. Returns the alarms that it raised. */
  watch(step: number, report: BackwardReport): Alarm[] {
    const { names, losses, weights, norms } = report;
    const before = new Set(this.current.values());
    const sum = (of: (name: string) => number): number => names.reduce((s, n) => s + of(n), 0);
    const part = (n: string): number => Math.abs(weights[n] as number) * (norms?.[n] ?? 0);
    const [allWeights, allParts] = [sum((n) => Math.abs(weights[n] as number)), sum(part)];
    for (const name of names) {
      const w = this.watchOf(name);
      w.seen++;
      const value = losses[name] as number;
      this.set('non-finite', name, step, !Number.isFinite(value), () => `the loss '${name}' is ${value}. Lower the learning rate, or look for log(0), x/0 or overflow.`);
      if (allWeights > 0 && names.length > 1) this.collapse(step, name, w, (Math.abs(weights[name] as number) / allWeights) * names.length);
      if (allParts > 0 && names.length > 1) this.dominance(step, name, w, part(name) / allParts);
      const still = norms ? norms[name] === 0 : value === w.value;
      w.still = still ? w.still + 1 : 0;
      w.value = value;
      const how = norms ? 'sends no gradient to the shared parameters' : 'has not changed';
      this.set('dead', name, step, w.still >= this.patience, () => `the loss '${name}' ${how} for ${w.still} steps. Look for detach(), dead ReLUs or a saturated head.`);
    }
    return this.active.filter((a) => !before.has(a));
  }

  private collapse(step: number, name: string, w: Watch, relative: number): void {
    const share = w.share.add(relative);
    if (w.seen < this.patience) return;
    w.highest = Math.max(w.highest, share);
    const limit = COLLAPSE * w.highest * (this.has('collapse', name) ? 2 : 1);
    const say = (): string =>
      `the weight of '${name}' has fallen to ${percent(share / w.highest)} of its highest share. Give the method a floor, a smaller learning rate of its own, or try another one.`;
    this.set('collapse', name, step, share < limit, say);
  }

  private dominance(step: number, name: string, w: Watch, part: number): void {
    const share = w.part.add(part);
    if (w.seen < this.patience) return;
    const limit = this.has('dominating', name) ? DOMINANCE / 2 : DOMINANCE;
    const say = (): string =>
      `'${name}' makes up ${percent(share)} of the weighted gradients, more than ${DOMINANCE} times all others: a scale problem. Try normalized gradients, IMTL-L, uncertainty weighting or a smaller weight.`;
    this.set('dominating', name, step, share > limit * (1 - share), say);
  }

  private has(kind: AlarmKind, loss: string): boolean {
    return this.current.has(`${kind}\n${loss}`);
  }

  private watchOf(name: string): Watch {
    let w = this.watches.get(name);
    if (!w) {
      w = { share: new Mean(), highest: 0, part: new Mean(), value: Number.NaN, still: 0, seen: 0 };
      this.watches.set(name, w);
    }
    return w;
  }

  private set(kind: AlarmKind, loss: string, step: number, on: boolean, message: () => string): void {
    const key = `${kind}\n${loss}`;
    const alarm = this.current.get(key);
    if (on && !alarm) {
      const raised: Alarm = { kind, loss, step, cleared: null, message: message() };
      this.current.set(key, raised);
      this.log.push(raised);
      if (this.log.length > LOG) this.log.shift();
    } else if (!on && alarm) {
      alarm.cleared = step;
      this.current.delete(key);
    }
  }
}
