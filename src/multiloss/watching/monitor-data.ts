// What a monitor knows, as plain data. No imports, so that gradloom/report needs nothing else.

/** What a series is of: 'loss', 'cosine' …; which loss or pair; in which layer. */
export interface SeriesKey {
  /** 'loss', 'cosine' and so on: see `MonitorData`. */
  readonly kind: string;
  /** Which loss, or which pair. */
  readonly name: string;
  /** In which layer; over all shared parameters where left out. */
  readonly layer?: string;
}

/** What can go wrong with a loss. */
export type AlarmKind = 'non-finite' | 'collapse' | 'dominating' | 'dead';

/** Something that has gone wrong with a loss. */
export interface Alarm {
  /** What has gone wrong. */
  readonly kind: AlarmKind;
  /** The loss's name. */
  readonly loss: string;
  /** When it was raised. */
  readonly step: number;
  /** When it cleared; null while it lasts. */
  cleared: number | null;
  /** In words, with numbers and what to try. */
  readonly message: string;
}

/** How the gradients of two losses agreed, over all steps that had both. */
export interface PairSummary {
  /** `a·b`. */
  name: string;
  /** Mean of the cosine. Where it is small beside the deviation, what looks like conflict is noise. */
  mean: number;
  /** Standard deviation of the cosine. */
  sd: number;
  /** Part of the steps with a negative cosine. About ½ for pure noise. */
  conflictRate: number;
  /** Steps that had both. */
  steps: number;
}

/** A monitor's content as plain data: JSON, and what `gradloom/report` draws. */
export interface MonitorData {
  /** Steps recorded. */
  total: number;
  /** How many of them one point is the mean of. */
  stride: number;
  /** The step of each point, from 0. */
  steps: number[];
  /**
   * Values per point; null where there was none. Kinds: loss, weight, norm, cosine, conflict, predicted, measured; of
   * layers cosine.
   */
  series: (SeriesKey & { values: (number | null)[] })[];
  /** How the gradients of each pair of losses agreed. */
  pairs: PairSummary[];
  /** The alarms that last. */
  alarms: Alarm[];
  /** Where phases began: the latest 200. */
  phases: { step: number; phase: string }[];
}
