// What an editor knows of the package: the declarations as TypeScript reads them.
import ts from 'typescript';

const options: ts.CompilerOptions = {
  strict: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  types: [],
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
};
const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;

/** What the entries export, by path: `default.nn.Linear`. */
function* exported(checker: ts.TypeChecker, path: string, symbol: ts.Symbol): Generator<[path: string, symbol: ts.Symbol]> {
  const s = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  yield [path, s];
  if (s.flags & ts.SymbolFlags.Module) for (const e of checker.getExportsOfModule(s)) yield* exported(checker, `${path}.${e.name}`, e);
}

/** The types of the package, from the files of its entries. */
export class Declarations {
  readonly program: ts.Program;
  private readonly checker: ts.TypeChecker;
  private readonly all: [path: string, symbol: ts.Symbol][];

  constructor(files: readonly string[]) {
    this.program = ts.createProgram(files, options);
    this.checker = this.program.getTypeChecker();
    this.all = files.flatMap((file) => {
      const module = this.checker.getSymbolAtLocation(this.program.getSourceFile(file) as ts.SourceFile);
      return module ? [...exported(this.checker, file.replace(/^.*\/|\.d\.ts$/g, ''), module)] : [];
    });
  }

  /** The members of what has some, as an editor lists them, and other than those of JavaScript itself. */
  private membersOf(symbol: ts.Symbol): ts.Symbol[] {
    const { checker } = this;
    const of = (type: ts.Type): ts.Symbol[] => checker.getPropertiesOfType(type);
    const given = (member: ts.Symbol): boolean => {
      const [d] = member.declarations ?? [];
      return (
        member.name !== 'prototype' &&
        (!d || (!this.program.isSourceFileDefaultLibrary(d.getSourceFile()) && !(ts.getCombinedModifierFlags(d) & hidden) && !/^(__)?#/.test(member.name)))
      );
    };
    const lists = [
      symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface) ? of(checker.getDeclaredTypeOfSymbol(symbol)) : [],
      symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Variable) ? of(checker.getTypeOfSymbol(symbol)) : [],
      (symbol.declarations ?? []).flatMap((d) => (ts.isTypeAliasDeclaration(d) && ts.isTypeLiteralNode(d.type) ? of(checker.getTypeAtLocation(d.type)) : [])),
    ];
    return lists.flat().filter(given);
  }

  /** The texts of a symbol: of each of its signatures, where it is called. */
  private textsOf(symbol: ts.Symbol): string[] {
    const { checker } = this;
    const callable = symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Method);
    const signatures = callable ? checker.getTypeOfSymbol(symbol).getCallSignatures() : [];
    const text = (parts: ts.SymbolDisplayPart[]): string => ts.displayPartsToString(parts).trim();
    const own = text(symbol.getDocumentationComment(checker));
    return signatures.length > 1 ? signatures.map((s) => text(s.getDocumentationComment(checker))) : [own];
  }

  /** Everything that an editor has no text for, and how much was looked at. */
  get textless(): { found: string[]; count: number } {
    const found: string[] = [];
    let count = 0;
    const look = (path: string, symbol: ts.Symbol): void => {
      const texts = this.textsOf(symbol);
      count += texts.length;
      if (texts.some((t) => t === '')) found.push(path);
    };
    for (const [path, symbol] of this.all) {
      if (path.includes('.')) look(path, symbol); // not the entry itself
      for (const member of this.membersOf(symbol)) look(`${path}.${member.name}`, member);
    }
    return { found, count };
  }

  /** Names of classes that are neither exported nor what exported ones extend. */
  get strayClasses(): string[] {
    const known = new Set<ts.Symbol>();
    const know = (symbol: ts.Symbol | undefined): void => {
      if (!symbol || known.has(symbol)) return;
      known.add(symbol);
      if (symbol.flags & ts.SymbolFlags.Class) for (const base of this.checker.getBaseTypes(this.checker.getDeclaredTypeOfSymbol(symbol) as ts.InterfaceType)) know(base.symbol);
    };
    for (const [, symbol] of this.all) know(symbol);
    return this.statements
      .filter(ts.isClassDeclaration)
      .flatMap((c) => (known.has(this.checker.getSymbolAtLocation(c.name as ts.Identifier) as ts.Symbol) ? [] : [c.name?.text ?? '']));
  }

  /** Paths of the classes that are made by `new`. */
  get made(): string[] {
    const abstract = (s: ts.Symbol): boolean => !!s.valueDeclaration && (ts.getCombinedModifierFlags(s.valueDeclaration) & ts.ModifierFlags.Abstract) !== 0;
    return this.all.flatMap(([path, s]) => (s.flags & ts.SymbolFlags.Class && !abstract(s) ? [path] : []));
  }

  /** Names of types that no export gives. */
  get unexported(): string[] {
    const known = new Set(this.all.map(([, symbol]) => symbol));
    return this.statements
      .filter((s) => ts.isInterfaceDeclaration(s) || ts.isTypeAliasDeclaration(s))
      .flatMap((s) => (known.has(this.checker.getSymbolAtLocation(s.name) as ts.Symbol) ? [] : [s.name.text]));
  }

  private get statements(): ts.Statement[] {
    return this.program.getSourceFiles().flatMap((file) => (this.program.isSourceFileDefaultLibrary(file) ? [] : [...file.statements]));
  }
}

/** What an editor shows in a program: the text over a place, and what it completes there. */
export function editor(file: string): { hover(at: number): string; complete(at: number): string[] } {
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => '0',
    getScriptSnapshot: (name) => {
      const found = ts.sys.readFile(name);
      return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found);
    },
    getDefaultLibFileName: ts.getDefaultLibFilePath,
  });
  return {
    hover: (at) => ts.displayPartsToString(service.getQuickInfoAtPosition(file, at)?.documentation),
    complete: (at) => service.getCompletionsAtPosition(file, at, undefined)?.entries.map((e) => e.name) ?? [],
  };
}
