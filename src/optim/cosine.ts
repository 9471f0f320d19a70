// Schedulers that follow a cosine.
import { FINITE, type Kinds, NUMBER } from '../tensor/check.ts';
import { cosPi } from '../tensor/elementary.ts';
import { given, whole } from './options.ts';
import { LRScheduler, type Schedulable } from './scheduler.ts';

/** Options of `CosineAnnealingLR`. */
export interface CosineAnnealingLROptions {
  /** Steps each way. */
  tMax: number;
  /** The least rate; default 0. */
  etaMin?: number;
}
const COSINE: Kinds<CosineAnnealingLROptions> = { tMax: NUMBER, etaMin: FINITE };

/** Between the rate and etaMin along a cosine, `tMax` steps each way (Loshchilov & Hutter 2017, arXiv 1608.03983). */
export class CosineAnnealingLR extends LRScheduler {
  private readonly tMax: number;
  private readonly etaMin: number;

  constructor(optimizer: Schedulable, ...options: [CosineAnnealingLROptions] | [tMax: number, etaMin?: number] | [tMax: number, Partial<CosineAnnealingLROptions>]) {
    super('CosineAnnealingLR', optimizer);
    const { tMax, etaMin } = given<Required<CosineAnnealingLROptions>>('CosineAnnealingLR', options, COSINE, { etaMin: 0 });
    this.tMax = whole('CosineAnnealingLR', 'tMax', tMax);
    this.etaMin = etaMin;
    this.begin();
  }

  /** 1 + cos(π·count/tMax). */
  private height(count: number): number {
    const along = count % (2 * this.tMax);
    return 1 + cosPi(along <= this.tMax ? along / this.tMax : 2 - along / this.tMax);
  }

  protected next(rate: number, count: number, base: number): number {
    // Behind the lowest point nothing is left to multiply.
    if ((count - 1 - this.tMax) % (2 * this.tMax) === 0) return rate + ((base - this.etaMin) * (1 - cosPi(1 / this.tMax))) / 2;
    return (this.height(count) / this.height(count - 1)) * (rate - this.etaMin) + this.etaMin;
  }
}

/** Options of `CosineAnnealingWarmRestarts`. */
export interface WarmRestartOptions {
  /** Steps of the first descent. */
  t0: number;
  /** How many times as long each next one is; default 1. */
  tMult?: number;
  /** The least rate; default 0. */
  etaMin?: number;
}
const WARM: Kinds<WarmRestartOptions> = { t0: NUMBER, tMult: NUMBER, etaMin: FINITE };

/** From the first rate down a cosine to etaMin in t0 steps, then anew from the top, each time tMult times as long. */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  private readonly t0: number;
  private readonly tMult: number;
  private readonly etaMin: number;

  constructor(optimizer: Schedulable, ...options: [WarmRestartOptions] | [t0: number, tMult?: number, etaMin?: number] | [t0: number, Partial<WarmRestartOptions>]) {
    const op = 'CosineAnnealingWarmRestarts';
    super(op, optimizer);
    const o = given<Required<WarmRestartOptions>>(op, options, WARM, { tMult: 1, etaMin: 0 });
    this.t0 = whole(op, 't0', o.t0);
    this.tMult = whole(op, 'tMult', o.tMult);
    this.etaMin = o.etaMin;
    this.begin();
  }

  protected override first(_rate: number, base: number): number {
    return this.next(0, 0, base);
  }

  protected next(_rate: number, count: number, base: number): number {
    let [along, length] = [count, this.t0];
    if (this.tMult === 1) along %= length;
    for (; along >= length; length *= this.tMult) along -= length;
    return this.etaMin + ((base - this.etaMin) * (1 + cosPi(along / length))) / 2;
  }
}
