// A module as text, as PyTorch prints it.
import { Parameter } from './parameter.ts';

const isPlain = (v: unknown): boolean =>
  typeof v === 'number' || typeof v === 'boolean' || typeof v === 'string' || (Array.isArray(v) && v.length < 9 && v.every((e) => typeof e === 'number'));
const textOf = (v: unknown): string => (Array.isArray(v) ? `[${v.join(', ')}]` : typeof v === 'string' ? `'${v}'` : String(v));

/** A module, as far as printing asks. */
interface Printable {
  namedChildren(): Iterable<readonly [string, Printable]>;
}

/** Fields that say nothing of a layer's settings. */
const INTERNAL = /^(name|ranks|withIndices)$/;

/** What a layer was made with: its plain fields and options, and the shape of its weight. */
function settingsOf(module: Printable): string {
  const fields = Object.entries(module).flatMap(([k, v]) => (k === 'options' && typeof v === 'object' && v ? Object.entries(v) : [[k, v] as const]));
  return fields
    .flatMap(([k, v]) => {
      if (v instanceof Parameter) return k === 'weight' ? [`weight=${textOf(v.sizes)}`] : k === 'bias' ? ['bias=true'] : [];
      if (k === 'bias' && v === null) return ['bias=false'];
      return isPlain(v) && !INTERNAL.test(k) ? [`${k}=${textOf(v)}`] : [];
    })
    .join(', ');
}

/** The module and what is inside it, a line each. */
export function printed(module: Printable, inside = new Set<Printable>()): string {
  const name = module.constructor.name;
  if (inside.has(module)) return `${name}(…)`;
  inside.add(module);
  const parts = Array.from(module.namedChildren(), ([key, child]) => `  (${key}): ${printed(child, inside).replaceAll('\n', '\n  ')}\n`);
  inside.delete(module);
  return parts.length === 0 ? `${name}(${settingsOf(module)})` : `${name}(\n${parts.join('')})`;
}
