// The code blocks of docs/: what each is for, and what it says that it prints.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as gradloom from 'gradloom';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Where a block runs. A fragment is a piece of a program: its types are checked, it does not run; nor does a program that needs more than the library and Node (MPI, a server),
 * which has tests of its own. An excerpt shows lines of a script in examples/, as the comment in front of it says; test/examples runs that. Text is for no machine: commands, configurations, output.
 */
export type Runtime = 'node' | 'deno' | 'bun' | 'workerd' | 'page' | 'python' | 'more' | 'fragment' | 'excerpt' | 'text';

export interface Block {
  /** Path below docs/, without `.md`. */
  readonly page: string;
  /** Of its first line in the page, from 1. */
  readonly line: number;
  readonly lang: string;
  readonly runtime: Runtime;
  readonly code: string;
  /** The file that its first line names, as `// worker.ts`. */
  readonly file: string | undefined;
}

const WORDS = ['deno', 'bun', 'workerd', 'page'];
/** What a program for Node alone imports; `gradloom/interop` takes protobuf, which the repository has. */
const ALONE = /^(gradloom(\/(nn|nn\/functional|optim|multiloss|linalg|distributions|interop|report|worker|lean|threads|relaxed))?|node:.*|\..*)$/;

/** What a program imports beyond the library and Node. */
export const needsOf = (code: string): string[] => [...code.matchAll(/^import .*from '(.*)'/gm)].map((m) => m[1] as string).filter((name) => !ALONE.test(name));

/** After the language stands the runtime that a block is for, if it is not Node: ```ts deno. */
function runtimeOf(lang: string, word: string | undefined, code: string, before: string): Runtime {
  if (/<!-- [\w-]+\.ts \w+ -->\n$/.test(before)) return 'excerpt';
  if (word !== undefined && WORDS.includes(word)) return word as Runtime;
  if (lang === 'python') return 'python';
  if (!['ts', 'js'].includes(lang)) return 'text';
  if (!/^import .* from 'gradloom/m.test(code)) return lang === 'ts' ? 'fragment' : 'text';
  return needsOf(code).length > 0 ? 'more' : 'node';
}

/** The pages of docs/, without `.md`. */
export const pages = (): string[] =>
  readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.md') && !f.startsWith('api'))
    .map((f) => f.slice(0, -3))
    .sort();

/** The blocks of a page of Markdown. */
export function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(/^```([a-z]+)(?: +(\S+))?[^\n]*\n([\s\S]*?)^```/gm)].map(({ 1: lang = '', 2: word, 3: code = '', index }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    lang,
    runtime: runtimeOf(lang, word, code, text.slice(Math.max(0, index - 100), index)),
    code,
    file: /^(?:\/\/|<!--|#) (\S+\.[a-z]+)(?: -->)?\n/.exec(code)?.[1],
  }));
}

export const allBlocks = (): Block[] => pages().flatMap((page) => blocksOf(page, readFileSync(join(root, 'docs', `${page}.md`), 'utf8')));

/** What a program says that it prints: the comment behind a `console.log`; `, then ` stands between what one in a loop prints. */
export const promised = (code: string): string[] => [...code.matchAll(/^[^\n]*\bconsole\.log\(.*\);? +\/\/ (.*)$/gm)].flatMap((m) => (m[1] as string).split(', then '));

const plain = (text: string): string => text.replace(/['"`\s]/g, '');

/** The first promise that is not among the lines printed, in their order; `…` stands for anything. */
export function unkept(promises: readonly string[], printed: readonly string[]): string | undefined {
  let at = 0;
  return promises.find((promise) => {
    const wanted = new RegExp(
      `^${plain(promise)
        .split('…')
        .map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}$`,
    );
    const found = printed.findIndex((line, i) => i >= at && wanted.test(plain(line)));
    at = found + 1;
    return found < 0;
  });
}

/** A fragment as a file that can be checked: the names of the library that it uses are imported, on its first line. */
export function checkable({ code, runtime }: Block): string {
  if (runtime !== 'fragment') return code;
  const used = Object.keys(gradloom).filter(
    (name) => name !== 'default' && new RegExp(`(?<![.\\w])${name}\\b`).test(code) && !new RegExp(`(const|let|class|function) ${name}\\b|[{,] ${name}\\b[^}]*\\} =`).test(code),
  );
  return `import { ${used.join(', ')} } from 'gradloom'; ${code}`;
}
