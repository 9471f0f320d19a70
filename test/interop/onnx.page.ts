// The tables of docs/onnx.md, made of the tables that do the work: npx tsx test/interop/onnx.page.ts writes them anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { graphOf } from '../../src/interop/onnx/file.ts';
import { rules } from '../../src/interop/onnx/rules/table.ts';
import { toOnnx } from '../../src/interop/onnx/to.ts';
import { opRows } from '../../src/interop/onnx/write/ops.ts';
import { nn } from 'gradloom';
import { made, rows } from './onnx.rows.ts';

/** The page. */
export const page: string = fileURLToPath(new URL('../../docs/onnx.md', import.meta.url));

/** Shapes and constants, which stand in every file. */
const PLAIN = new Set(['Identity']);

function written(): string {
  const lines = rows.flatMap((row) => {
    const [name] = /^\w+/.exec(row.name) as RegExpExecArray;
    if (!(name in nn) || !Object.prototype.isPrototypeOf.call(nn.Module, (nn as unknown as Record<string, object>)[name] as object)) return [];
    const { model, given } = made(row);
    const ops = new Set(graphOf(toOnnx(model, given, { training: row.training ?? false })).nodes.map(({ op }) => op));
    return [`| ${row.name} | ${[...ops].filter((op) => !PLAIN.has(op)).join(', ') || 'nothing: it passes its input on'} |`];
  });
  return ['| layer | operators in the file |', '| --- | --- |', ...lines].join('\n');
}

function functions(): string {
  return `${Object.keys(opRows).sort().join(', ')}.`;
}

function read(): string {
  const names = Object.keys(rules).sort();
  const noted = names.filter((name) => rules[name]?.note);
  return [
    `${names.filter((name) => !rules[name]?.note).join(', ')}.`,
    '',
    '| operator | what is said of it |',
    '| --- | --- |',
    ...noted.map((name) => `| ${name} | ${rules[name]?.note} |`),
  ].join('\n');
}

/** The page's text with its tables as they are now. */
export function renewed(text: string): string {
  const tables = { written, functions, read };
  return Object.entries(tables).reduce(
    (all, [name, table]) => all.replace(new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- end -->)`), (_, start: string, end: string) => `${start}${table()}${end}`),
    text,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, renewed(readFileSync(page, 'utf8')));
