// From what a few batches show to what is wrong, in a sentence with numbers, and what to try.

/** What can be wrong. 'fine': nothing that a method could mend. */
export type Trouble = 'non-finite' | 'dead' | 'noise' | 'scale' | 'direction' | 'dependent' | 'starved';

/** One thing that is wrong. */
export interface Finding<Name extends string = string> {
  /** What is wrong. */
  readonly kind: Trouble;
  /**
   * The losses concerned; of 'scale' the loudest and the quietest, of 'direction' the pair, of 'dependent' the one that
   * the others contain, then these.
   */
  readonly losses: readonly Name[];
  /** The number behind it: of 'scale' the ratio of norms, of 'direction' the cosine, of 'noise' the repeat, of 'dependent' the part of ‖g‖² that is not theirs, of 'starved' the
   * reach. */
  readonly value: number;
  /** What was seen, with numbers. */
  readonly text: string;
  /** What to try. */
  readonly advice: string;
}

/** What is known of one loss. */
export interface LossFacts<Name extends string = string> {
  /** What the step calls it. */
  readonly name: Name;
  /** The mean of its values. */
  readonly value: number;
  /** The root of the mean ‖g‖² over batches. */
  readonly norm: number;
  /** Whether its values and gradients were finite. */
  readonly finite: boolean;
  /**
   * The part of ‖g‖² that other batches repeat: 1 where all give the same gradient, 0 for pure noise. Null of a single
   * batch.
   */
  readonly repeat: number | null;
  /** Whether that part is beyond two standard errors; null below three batches. */
  readonly sure: boolean | null;
}

/** What `diagnose` found. */
export interface Diagnosis<Name extends string = string> {
  /** The first finding's kind. */
  readonly kind: Trouble | 'fine';
  /** Batches looked at. */
  readonly batches: number;
  /** What is known of each loss. */
  readonly losses: readonly (LossFacts<Name> & {
    /**
     * The cosine between its gradient and the plain sum's: how much of a step of the sum goes its way. Null where noise
     * hides it.
     */
    readonly reach: number | null;
  })[];
  /** The largest gradient norm over the smallest. */
  readonly ratio: number;
  /** Cosines of what batches agree on, rows and columns as `losses`; 0 where noise hides them. */
  readonly cosine: readonly (readonly number[])[];
  /** Two standard errors of those; null below three batches. */
  readonly band: readonly (readonly (number | null)[])[];
  /** All that is wrong, the most basic first. */
  readonly findings: readonly Finding<Name>[];
  /** What is wrong and what to try. */
  readonly sentence: string;
  /** Table and sentence, for a terminal. */
  toString(): string;
}

/** A loss whose gradient is a combination of others', and what of its square is not. Positions. */
export interface Contained {
  readonly loss: number;
  readonly others: readonly number[];
  readonly rest: number;
}

/** Norms further apart than this are a matter of scale. */
const SCALE = 30;
/** A gradient that repeats less than this between batches is noise. */
const REPEAT = 0.05;
/** Cosines above this are not worth resolving, however sure. */
const CONFLICT = -0.1;
/** Cosines below this are called opposed: a step along one undoes half of the other's. */
const OPPOSED = -0.5;
/** Below this part of the largest a gradient counts as zero: float32 cannot add it to the others. */
const ZERO = 1e-12;
/** Less of the sum's step than this goes a starved loss's way. */
const REACH = 1 / 30;

const short = (x: number): string => `${Number(x.toPrecision(Math.abs(x) >= 100 ? 3 : 2))}`;
const quoted = (names: readonly string[]): string => names.map((n) => `'${n}'`).join(' and ');

type Facts<Name extends string> = Diagnosis<Name>['losses'][number];

/** Whether noise hides what the loss asks for. */
const noisy = ({ repeat, sure }: LossFacts): boolean => repeat !== null && (repeat < REPEAT || sure === false);

function scaleFinding<Name extends string>(alive: readonly Facts<Name>[], quietest: Facts<Name>, loudest: Facts<Name>): Finding<Name>[] {
  const ratio = loudest.norm / quietest.norm;
  if (alive.length < 2 || !(ratio > SCALE)) return [];
  const text = `'${loudest.name}' is ${short(ratio)} times as loud as '${quietest.name}' (gradient norms ${short(loudest.norm)} and ${short(quietest.norm)})`;
  const advice = `normalized gradients, IMTL-L or uncertainty weighting, or a weight near ${short(1 / ratio)} on '${loudest.name}'; PCGrad and UPGrad alone leave scale as it is`;
  return [{ kind: 'scale', losses: [loudest.name, quietest.name], value: ratio, text, advice }];
}

/** The findings, the most basic first: what a later one says may be a consequence of an earlier one. */
function findingsOf<Name extends string>(losses: readonly Facts<Name>[], cosine: Diagnosis['cosine'], band: Diagnosis['band'], contained: readonly Contained[]): Finding<Name>[] {
  const largest = Math.max(...losses.filter((l) => l.finite).map((l) => l.norm));
  const dead = losses.filter((l) => l.finite && l.norm <= ZERO * largest);
  const alive = losses.filter((l) => l.finite && l.norm > ZERO * largest);
  const found: Finding<Name>[] = [];
  for (const { name, value, finite } of losses) {
    if (finite) continue;
    const text = Number.isFinite(value) ? `the gradient of '${name}' is not finite` : `the loss '${name}' is not finite (mean ${value})`;
    found.push({
      kind: 'non-finite',
      losses: [name],
      value,
      text,
      advice: 'a lower learning rate, and looking for log(0), x/0, √0 or overflow: setDetectAnomaly(true) names the op',
    });
  }
  for (const { name, norm } of dead) {
    const advice = 'looking for detach(), dead ReLUs, a saturated head, or a target that it has reached: no method can revive it';
    found.push({ kind: 'dead', losses: [name], value: norm, text: `no gradient of '${name}' reaches the shared parameters (norm ${short(norm)})`, advice });
  }
  const hidden = alive.filter(noisy);
  if (hidden.length > 0) {
    const least = hidden.reduce((a, b) => ((b.repeat as number) < (a.repeat as number) ? b : a));
    const text = `noise: batches do not agree on the gradient of ${quoted(hidden.map((l) => l.name))} (they share ${short(Math.max(0, least.repeat as number))} of its square)`;
    found.push({
      kind: 'noise',
      losses: hidden.map((l) => l.name),
      value: least.repeat as number,
      text,
      advice: 'larger batches or an average over steps (EMA, MoCo); signs of cosines mean nothing here',
    });
  }
  if (alive.length > 1) {
    const by = [...alive].sort((a, b) => a.norm - b.norm);
    found.push(...scaleFinding(alive, by[0] as Facts<Name>, by.at(-1) as Facts<Name>));
  }
  losses.forEach((a, i) => {
    losses.slice(i + 1).forEach((b, k) => {
      const j = i + 1 + k;
      if (![a, b].every((l) => alive.includes(l) && !noisy(l))) return;
      const [c, within] = [cosine[i]?.[j] as number, band[i]?.[j] ?? null];
      if (!(c < CONFLICT && c + (within ?? 0) < 0)) return;
      const how = c < OPPOSED ? 'pull in opposed directions' : 'are partly at odds';
      const text = `'${a.name}' and '${b.name}' ${how} (cosine ${short(c)}${within === null ? ', noise unknown' : ` ± ${short(within)}`})`;
      found.push({ kind: 'direction', losses: [a.name, b.name], value: c, text, advice: 'UPGrad, PCGrad or CAGrad, beside the plain sum for comparison; or fewer shared layers' });
    });
  });
  for (const { loss, others, rest } of contained) {
    const names = [loss, ...others].map((i) => (losses[i] as Facts<Name>).name);
    const text = `'${names[0]}' holds nothing that ${quoted(names.slice(1))} do${others.length === 1 ? 'es' : ''} not: in every batch its gradient is ${others.length === 1 ? 'a multiple of that' : 'a combination of theirs'}`;
    found.push({ kind: 'dependent', losses: names, value: rest, text, advice: `leaving '${names[0]}' out: it only makes the others count more` });
  }
  for (const { name, reach } of losses) {
    if (reach === null || reach >= REACH) continue;
    const text = reach < 0 ? `the plain sum makes '${name}' worse (cosine with the sum ${short(reach)})` : `the plain sum starves '${name}' (cosine with the sum ${short(reach)})`;
    found.push({ kind: 'starved', losses: [name], value: reach, text, advice: 'a larger weight on it, or a phase in which it trains first' });
  }
  return found;
}

/** How much of the sum of what batches agree on goes each loss's way. */
function reachOf(facts: readonly LossFacts[], agreed: readonly (readonly number[])[], i: number): number | null {
  const live = facts.flatMap((f, j) => (f.finite && !noisy(f) && f.norm > 0 ? [j] : []));
  if (!live.includes(i) || live.length < 2) return null;
  const row = (a: number): number => live.reduce((s, j) => s + (agreed[a]?.[j] as number), 0);
  const total = live.reduce((s, a) => s + row(a), 0);
  const own = agreed[i]?.[i] as number;
  // Gradients that cancel leave a sum without a direction.
  if (!(own > 0) || !(total > 1e-6 * live.reduce((s, j) => s + (agreed[j]?.[j] as number), 0))) return null;
  return Math.max(-1, Math.min(1, row(i) / Math.sqrt(own * total)));
}

function sentenceOf(findings: readonly Finding[], pairs: string, batches: number): string {
  const caveat = batches < 3 ? ` From ${batches === 1 ? 'one batch' : 'two batches'} noise cannot be told apart: pass 8.` : '';
  if (findings.length === 0)
    return `No trouble of scale, direction or noise here${pairs && ` (${pairs})`}: the plain sum is hard to beat at this point (Kurin et al. 2022, arXiv 2201.04122).${caveat}`;
  const causes = findings.filter((f) => f.kind !== 'starved' || findings.every((g) => g.kind === 'starved'));
  const kinds = new Set(causes.map((f) => f.kind));
  const both = kinds.has('scale') && kinds.has('direction');
  const pure = kinds.has('scale') && !both && pairs ? `, but their directions are not at odds beyond noise (${pairs})` : '';
  const advice = both ? 'normalizing, then resolving: normalized gradients under UPGrad, PCGrad or CAGrad' : [...new Set(causes.map((f) => f.advice))].join('; ');
  const first = causes.map((f) => f.text).join('; ');
  return `${first.charAt(0).toUpperCase()}${first.slice(1)}${pure}. Try ${advice}.${caveat}`;
}

/** @internal The diagnosis from what was gathered. */
export function diagnosisOf<Name extends string>(
  batches: number,
  facts: readonly LossFacts[],
  agreed: readonly (readonly number[])[],
  cosine: readonly (readonly number[])[],
  band: readonly (readonly (number | null)[])[],
  contained: readonly Contained[],
): Diagnosis<Name> {
  const losses = facts.map((f, i) => ({ ...f, reach: reachOf(facts, agreed, i) })) as Facts<Name>[];
  const findings = findingsOf(losses, cosine, band, contained);
  const norms = losses.filter((l) => l.finite && l.norm > 0).map((l) => l.norm);
  const clear = losses.flatMap((a, i) => losses.slice(i + 1).flatMap((b, k) => ([a, b].some((l) => noisy(l) || !l.finite || l.norm === 0) ? [] : [[a, b, i, i + 1 + k] as const])));
  const pairLines = clear.map(([a, b, i, j]) => {
    const within = band[i]?.[j] ?? null;
    return `cos(${a.name}, ${b.name}) = ${short(cosine[i]?.[j] as number)}${within === null ? '' : ` ± ${short(within)}`}`;
  });
  const sentence = sentenceOf(findings, pairLines.length > 3 ? '' : pairLines.join(', '), batches);
  const number = (x: number | null): string => (x === null ? '–' : short(x));
  const table = [
    ['loss', 'value', 'gradient', 'repeat', 'reach'],
    ...losses.map((l) => [l.name, short(l.value), l.finite ? short(l.norm) : '–', number(l.repeat), number(l.reach)]),
  ];
  const widths = [0, 1, 2, 3, 4].map((c) => Math.max(...table.map((row) => (row[c] as string).length)));
  const lines = table.map((row) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number))).join('  '));
  const text = [...lines, ...pairLines, sentence].join('\n');
  return {
    kind: findings[0]?.kind ?? 'fine',
    batches,
    losses,
    ratio: norms.length > 1 ? Math.max(...norms) / Math.min(...norms) : 1,
    cosine,
    band,
    findings,
    sentence,
    toString: () => text,
  };
}
