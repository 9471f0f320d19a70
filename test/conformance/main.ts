// conformance DIR [kind …]: runs recorded cases through the public API, says how each name went, and ends with the counts as JSON.
import { KINDS, type Kind, MissingFolder, type NameResult, runFolder, SECTIONS, type Section } from './run.ts';

/** How many failures of one name are told in full. */
const TOLD = 10;

/** `a, b ×3`: each reason once, with how often it came where there are several. */
function counted(reasons: readonly string[]): string {
  const distinct = [...new Set(reasons)];
  const times = (reason: string): number => reasons.filter((r) => r === reason).length;
  return distinct.map((reason) => (distinct.length === 1 || times(reason) === 1 ? reason : `${reason} ×${times(reason)}`)).join(', ');
}

function printName({ name, passed, failed, unsupported }: NameResult): void {
  const parts = [
    ...(passed > 0 ? [`${passed} passed`] : []),
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
    ...(unsupported.length > 0 ? [`${unsupported.length} unsupported (${counted(unsupported)})`] : []),
  ];
  console.log(`  ${name}: ${parts.join(', ') || 'no cases'}`);
  for (const message of failed.slice(0, TOLD)) console.log(`    ${message}`);
  if (failed.length > TOLD) console.log(`    … and ${failed.length - TOLD} more`);
}

function count(results: readonly NameResult[]): { passed: number; failed: number; unsupported: number; total: number } {
  const sum = (of: (r: NameResult) => number): number => results.reduce((n, r) => n + of(r), 0);
  const [passed, failed, unsupported] = [sum((r) => r.passed), sum((r) => r.failed.length), sum((r) => r.unsupported.length)];
  return { passed, failed, unsupported, total: passed + failed + unsupported };
}

function printSection(section: Section, results: readonly NameResult[]): void {
  console.log(section);
  for (const result of results) printName(result);
  const nameless = results.filter((r) => r.unsupported.length > 0 && r.passed + r.failed.length === 0).map((r) => r.name);
  if (nameless.length > 0) console.log(`  wholly unsupported (${nameless.length} of ${results.length} names): ${nameless.join(', ')}`);
  const worst = results.reduce((a, b) => (b.worst > a.worst ? b : a));
  if (worst.worst > 0) console.log(`  largest error of what passed: ${worst.worst.toPrecision(2)} × tolerance, in ${worst.name}`);
}

function main([folder, ...words]: readonly string[]): number {
  if (folder === undefined) {
    console.error(`Usage: npm run -s conformance -- DIR [${KINDS.join(' | ')} …]`);
    return 2;
  }
  const unknown = words.find((w) => !(KINDS as readonly string[]).includes(w));
  if (unknown !== undefined) {
    console.error(`There is no kind ${unknown}. Kinds are ${KINDS.join(', ')}.`);
    return 2;
  }
  let results: NameResult[];
  try {
    results = runFolder(folder, words as Kind[]);
  } catch (error) {
    if (!(error instanceof MissingFolder)) throw error;
    console.error(error.message);
    return 2;
  }
  const of = (section: Section): NameResult[] => results.filter((r) => r.section === section);
  for (const section of SECTIONS) if (of(section).length > 0) printSection(section, of(section));
  const silent = SECTIONS.filter((s) => of(s).length === 0);
  if (silent.length > 0) console.log(`no cases were run of: ${silent.join(', ')}`);
  const summary = SECTIONS.map((s) => [s, count(of(s))] as const);
  console.log(JSON.stringify(Object.fromEntries(summary)));
  return results.some((r) => r.failed.length > 0) ? 1 : 0;
}

process.exitCode = main(process.argv.slice(2));
