// Type errors of the blocks, by the compiler that the repository has.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type Block, checkable, root } from './blocks.ts';

const folder = join(root, 'build', 'docs');

/** What pieces of programs take for granted: a loader, a model and its losses, an optimizer. Other names that they do not declare have any type. */
const CONTEXT = `import type { DataLoader, nn, optim, Tensor } from 'gradloom';
declare global {
  const loader: DataLoader<[Tensor, Tensor]>;
  const model: nn.Sequential;
  const optimizer: optim.Adam;
  const lossesOf: (x: Tensor, y: Tensor) => { digit: Tensor; image: Tensor };
  const loss1: Tensor;
  const loss2: Tensor;
}
`;

/** Cannot find name; did you mean; no value exists in scope for a shorthand property. */
const UNDECLARED = [2304, 2552, 18004];

/** Writes each block to a file of its own below build/docs, one folder for the blocks of a page that are for one runtime; returns the paths. */
export function written(blocks: readonly Block[]): string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'context.d.ts'), CONTEXT);
  return blocks.map((block) => {
    const file = join(folder, `${block.page.replaceAll('/', '-')}-${block.runtime}`, block.file ?? `line-${block.line}.${block.lang}`);
    if (existsSync(file)) throw new Error(`docs/${block.page}.md: two blocks for ${block.runtime} are called ${block.file}`);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, checkable(block));
    return file;
  });
}

/** For each file of `written`, its errors; `mapped`: where `gradloom` comes from, sources or built declarations. */
export function typeErrors(blocks: readonly Block[], files: readonly string[], mapped: Readonly<Record<string, string[]>>): string[][] {
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config, ts.sys, root);
  const program = ts.createProgram([...files, join(folder, 'context.d.ts')], {
    ...options,
    paths: { ...mapped },
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    verbatimModuleSyntax: false,
    noUncheckedIndexedAccess: false, // as programs usually have it
  });
  return files.map((file, i) => {
    const isPiece = blocks[i]?.runtime === 'fragment';
    const source = program.getSourceFile(file);
    if (!source) return []; // JavaScript
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].filter(({ code }) => !(isPiece && UNDECLARED.includes(code)));
    return found.map(({ messageText, start = 0 }) => `line ${source.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
  });
}
