// Runs the cases of a folder, kind by kind, and keeps count.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { scope } from 'gradloom';
import { type AggregatorFile, type LabelledFile, runAggregator, runLabelled } from './aggregators.ts';
import { Unsupported } from './decode.ts';
import { type ModuleCase, runModule } from './modules.ts';
import { modules, operators, optimizers, schedulers } from './names.ts';
import { runScheduler, type SchedulerCase } from './schedulers.ts';
import { type CallCase, runCall } from './ops.ts';
import { type OptimizerCase, runOptimizer } from './optim.ts';
import { runScalarizer, type ScalarizerFile } from './scalarizers.ts';
import { runTrace, type TraceFile } from './strategies.ts';
import { runTrajectory, type TrajectoryFile } from './trajectories.ts';

/** The folders of a conformance folder. */
export const KINDS = ['ops', 'modules', 'optim', 'schedulers', 'multiloss'] as const;
export type Kind = (typeof KINDS)[number];

/** What is counted apart; the folder multiloss holds the last four. */
export const SECTIONS = ['ops', 'modules', 'optim', 'schedulers', 'aggregators', 'scalarizers', 'strategies', 'trajectories'] as const;
export type Section = (typeof SECTIONS)[number];

/** How the cases of one name went. */
export interface NameResult {
  section: Section;
  name: string;
  passed: number;
  /** One message per failed case. */
  failed: string[];
  /** One reason per case that our API does not offer. */
  unsupported: string[];
  /** The largest error of the passed cases, in units of the tolerance. */
  worst: number;
}

/** A folder that is not there, or holds no cases. */
export class MissingFolder extends Error {}

function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T {
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry === undefined) throw new Unsupported('not offered');
  return entry;
}

type NamedKind = Exclude<Kind, 'multiloss'>;

/** Checks one case of a name: returns its largest error, throws where it differs or is not offered. */
const CHECKS: Readonly<Record<NamedKind, (name: string, given: unknown) => number>> = {
  ops: (name, given) => runCall(lookUp(operators, name), given as CallCase),
  modules: (name, given) => runModule(lookUp(modules, name), given as ModuleCase),
  optim: (name, given) => runOptimizer(lookUp(optimizers, name), given as OptimizerCase),
  schedulers: (name, given) => runScheduler(lookUp(schedulers, name), given as SchedulerCase),
};

function runCases<Case>(section: Section, name: string, cases: readonly Case[], check: (given: Case) => number): NameResult {
  const result: NameResult = { section, name, passed: 0, failed: [], unsupported: [], worst: 0 };
  for (const [i, given] of cases.entries()) {
    try {
      const error = scope(() => check(given));
      result.worst = Math.max(result.worst, error);
      result.passed++;
    } catch (error) {
      if (error instanceof Unsupported) result.unsupported.push(error.message);
      else result.failed.push(`case ${i}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return result;
}

/** Runs the content of one file of a kind that has a file per name. */
export function runNamed(kind: NamedKind, file: { name: string; cases: readonly unknown[] }): NameResult {
  return runCases(kind, file.name, file.cases, (given) => CHECKS[kind](file.name, given));
}

/** Runs the content of strategies.json: one result per strategy. */
export function runStrategies(file: TraceFile): NameResult[] {
  const names = [...new Set(file.traces.map((t) => t.strategy))];
  return names.map((name) =>
    runCases(
      'strategies',
      name,
      file.traces.filter((t) => t.strategy === name),
      (trace) => runTrace(file, trace),
    ),
  );
}

/** Runs the content of scalarizers.json: one result per method. */
export function runScalarizers({ cases }: ScalarizerFile): NameResult[] {
  const names = [...new Set(cases.map((c) => c.scalarizer))];
  return names.map((name) =>
    runCases(
      'scalarizers',
      name,
      cases.filter((c) => c.scalarizer === name),
      runScalarizer,
    ),
  );
}

/** Runs the content of one file of multiloss. */
function runMultiloss(file: string, content: unknown): NameResult[] {
  if (file === 'strategies') return runStrategies(content as TraceFile);
  if (file === 'aggregators') return runAggregators(content as AggregatorFile);
  if (file === 'scalarizers') return runScalarizers(content as ScalarizerFile);
  if (file === 'aggregators_f64') return runAllLabelled(content as LabelledFile);
  return runTrajectories(content as TrajectoryFile);
}

/** Runs the content of aggregators.json: one result per aggregator. */
export function runAggregators(file: AggregatorFile): NameResult[] {
  const names = [...new Set(file.cases.map((c) => c.aggregator))];
  return names.map((name) =>
    runCases(
      'aggregators',
      name,
      file.cases.filter((c) => c.aggregator === name),
      (given) => runAggregator(file, given),
    ),
  );
}

/** Runs the content of aggregators_f64.json: one result per label. */
export function runAllLabelled(file: LabelledFile): NameResult[] {
  const labels = [...new Set(Object.values(file).flatMap(({ agg }) => Object.keys(agg)))];
  return labels.map((label) => {
    const cases = Object.entries(file).flatMap(([matrix, { J, agg }]) => (agg[label] ? [{ label, matrix, jacobian: J, answer: agg[label] }] : []));
    return runCases('aggregators', `f64 ${label}`, cases, runLabelled);
  });
}

/** Runs the trajectories of one file: one result per objective and method. */
export function runTrajectories(file: TrajectoryFile): NameResult[] {
  return Object.entries(file).flatMap(([objective, methods]) =>
    Object.entries(methods).map(([method, runs]) => runCases('trajectories', `${objective} ${method}`, runs, (run) => runTrajectory(objective, method, run))),
  );
}

/** JSON as Python writes it: NaN and infinities may stand bare. */
function parse(text: string): unknown {
  return JSON.parse(text.replace(/(?<=[[:,]\s*)(NaN|-?Infinity)(?=\s*[\],}])/g, (word) => `{"float":"${word.toLowerCase().replace('infinity', 'inf')}"}`));
}

/** Runs every file of one kind. A file that cannot be read counts as one failed case of its name. */
function runKind(folder: string, kind: Kind): NameResult[] {
  const files = readdirSync(folder).filter((f) => f.endsWith('.json'));
  return files.sort().flatMap((f): NameResult[] => {
    const name = basename(f, '.json');
    try {
      const content = parse(readFileSync(join(folder, f), 'utf8'));
      return kind === 'multiloss' ? runMultiloss(name, content) : [runNamed(kind, content as { name: string; cases: unknown[] })];
    } catch (error) {
      const section: Section = kind === 'multiloss' ? 'strategies' : kind;
      return [{ section, name, passed: 0, failed: [`${f} cannot be read: ${error instanceof Error ? error.message : String(error)}`], unsupported: [], worst: 0 }];
    }
  });
}

/**
 * Runs the kinds that are asked for, or every kind that the folder has.
 * @throws MissingFolder where the folder, a kind that was asked for, or every kind is missing, and where there is nothing to run
 */
export function runFolder(folder: string, kinds: readonly Kind[] = []): NameResult[] {
  if (!existsSync(folder)) throw new MissingFolder(`There is no folder ${folder}.`);
  const present = (kind: Kind): boolean => existsSync(join(folder, kind));
  const absent = kinds.find((kind) => !present(kind));
  if (absent) throw new MissingFolder(`The folder ${folder} has no folder ${absent}.`);
  const chosen = kinds.length > 0 ? kinds : KINDS.filter(present);
  if (chosen.length === 0) throw new MissingFolder(`The folder ${folder} has none of the folders ${KINDS.join(', ')}.`);
  const results = chosen.flatMap((kind) => runKind(join(folder, kind), kind));
  if (results.length === 0) throw new MissingFolder(`The folder ${folder} has no case files in ${chosen.join(', ')}.`);
  return results;
}
