// Values as Python writes them.
import { torchSpelling } from '../module/fields.ts';
import { GradloomError } from '../tensor/errors.ts';

/** Refuses what no program can be written from. */
export function refuse(what: string, remedy: string): never {
  throw new GradloomError('VALUE', 'toPyTorch', `${what} ${remedy}`);
}

/** `paddingMode` as `padding_mode`. */
export const snake = torchSpelling;

const KEYWORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

/** Whether Python takes it as a name. */
export const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text) && !KEYWORDS.has(text);

/** A text as a name: what Python does not take is replaced. */
export function nameOf(text: string): string {
  const plain = text.replace(/\W+/g, '_').replace(/^(?=\d)/, '_') || '_';
  return KEYWORDS.has(plain) ? `${plain}_` : plain;
}

/** A number. `float32`: the shortest text that stands for the same float32. */
export function number(v: number, float32 = false): string {
  if (Number.isNaN(v)) return "float('nan')";
  if (!Number.isFinite(v)) return v > 0 ? "float('inf')" : "-float('inf')";
  const shorter = float32 ? [1, 2, 3, 4, 5, 6, 7, 8].map((digits) => Number(v.toPrecision(digits))).find((x) => Math.fround(x) === v) : undefined;
  const shown = shorter ?? (float32 ? Number(v.toPrecision(9)) : v);
  const text = Object.is(shown, -0) ? '-0.0' : String(shown);
  return float32 && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** A text in quotes. */
export const quoted = (text: string): string => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A tuple of parts, also of one. */
export const tuple = (parts: readonly string[]): string => (parts.length === 1 ? `(${parts[0]},)` : `(${parts.join(', ')})`);

/** A list of parts. */
export const list = (parts: readonly string[]): string => `[${parts.join(', ')}]`;

/** Numbers, flags, text, null, lists and objects of them. */
export function literal(v: unknown): string {
  if (v === null || v === undefined) return 'None';
  if (typeof v === 'boolean') return v ? 'True' : 'False';
  if (typeof v === 'number') return number(v);
  if (typeof v === 'string') return quoted(v);
  if (Array.isArray(v)) return tuple(v.map(literal));
  return `{${Object.entries(v as object)
    .map(([key, value]) => `${quoted(key)}: ${literal(value)}`)
    .join(', ')}}`;
}

/** Keyword arguments, those that are undefined left out. */
export const keywords = (values: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(values).flatMap(([key, v]) =>
    v === undefined ? [] : [`${snake(key)}=${typeof v === 'object' && v !== null && 'code' in v ? (v as { code: string }).code : literal(v)}`],
  );

/** Lines, each a step further in. */
export const indented = (lines: readonly string[], by = '    '): string[] => lines.map((line) => (line ? by + line : line));
