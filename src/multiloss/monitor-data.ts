// What a monitor knows, as plain data. No imports: the report's types stand alone.

/** What a series is of: 'loss', 'cosine' …; which loss or pair; in which layer. */
export interface SeriesKey {
  readonly kind: string;
  readonly name: string;
  readonly layer?: string;
}

export type AlarmKind = 'non-finite' | 'collapse' | 'dominating' | 'dead';

/** Something that has gone wrong with a loss. */
export interface Alarm {
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

/** How two losses stood to one another, over all steps that had both. */
export interface PairSummary {
  /** `a·b`. */
  name: string;
  /** Mean and standard deviation of the cosine. Where the mean is small beside the deviation, what looks like conflict is noise. */
  mean: number;
  sd: number;
  /** Part of the steps with a negative cosine. About ½ for pure noise. */
  conflictRate: number;
  steps: number;
}

/** A monitor's content as plain data: JSON, and what `gradloom/report` draws. */
export interface MonitorData {
  /** Steps recorded, and how many of them one point is the mean of. */
  total: number;
  stride: number;
  /** The step of each point, from 0. */
  steps: number[];
  /** Values per point; null where there was none. Kinds: loss, weight, norm, cosine, conflict, predicted, measured; of layers cosine. */
  series: (SeriesKey & { values: (number | null)[] })[];
  pairs: PairSummary[];
  alarms: Alarm[];
  /** Where phases began: the latest 200. */
  phases: { step: number; phase: string }[];
}
