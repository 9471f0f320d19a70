// A module as text, as PyTorch prints it.
import { NUMBERS } from '../tensor/check.ts';
import { valueText } from '../tensor/errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { FIELDS, type Fields } from './fields.ts';

const isPlain = (v: unknown): boolean => ['number', 'string', 'boolean'].includes(typeof v) || (NUMBERS.test(v) && (v as number[]).length < 9);

/** A module, as far as printing asks. */
interface Printable {
  [FIELDS](): Fields<Printable>;
}

/** Fields that say nothing of a layer's settings. */
const INTERNAL = /^(name|ranks|withIndices|weight|bias|options)$/;

/** What a layer was made with: its plain fields and options, the shape of its weight where they do not say it, and whether it has a bias. */
function settingsOf(module: Printable): string {
  const { weight, bias, options } = module as { weight?: unknown; bias?: unknown; options?: object };
  const fields = Object.entries({ ...module, ...options }).filter(([k, v]) => isPlain(v) && !INTERNAL.test(k));
  const said = fields.flatMap(([, v]) => v);
  if (weight instanceof Tensor && !weight.sizes.every((n) => said.includes(n))) fields.unshift(['weight', weight.sizes]);
  if (bias !== undefined) fields.push(['bias', !!bias]);
  return fields.map(([k, v]) => `${k}=${valueText(v)}`).join(', ');
}

/** The module and what is inside it, a line each. */
export function printed(module: Printable, inside = new Set<Printable>()): string {
  const name = module.constructor.name;
  if (inside.has(module)) return `${name}(…)`;
  inside.add(module);
  const parts = module[FIELDS]().own.map(([key, child]) => (child instanceof Tensor ? '' : `  (${key}): ${printed(child, inside).replaceAll('\n', '\n  ')}\n`));
  inside.delete(module);
  return parts.some(Boolean) ? `${name}(\n${parts.join('')})` : `${name}(${settingsOf(module)})`;
}
