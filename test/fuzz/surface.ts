// The public surface, enumerated by the TypeScript compiler: every function, constructor, method, getter and settable property of every entry, and what the objects
// that these return can do, with the types of the parameters. What is exported tomorrow is fuzzed tomorrow.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What a parameter takes, as far as a generator of values needs to know. Plain data: it goes to another process. */
export type Type =
  | { readonly kind: 'number' | 'boolean' | 'string' | 'undefined' | 'null' | 'any' | 'function' | 'stats' }
  | { readonly kind: 'typedArray'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  /** An instance of an exported class; `names`: those that fit, by path. */
  | { readonly kind: 'instance'; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: 'list'; readonly item: Type }
  | { readonly kind: 'tuple'; readonly items: readonly Type[] }
  | { readonly kind: 'object'; readonly fields: Readonly<Record<string, Type>>; readonly required: readonly string[] }
  | { readonly kind: 'record'; readonly item: Type }
  | { readonly kind: 'union'; readonly of: readonly Type[] };

/** One way of calling. */
export interface Signature {
  readonly params: readonly Type[];
  /** How many must be given. */
  readonly required: number;
  /** Whether the last one repeats. */
  readonly rest: boolean;
}

/** One thing that a program can call. */
export interface Callable {
  /** As a program writes it: `nn.functional.conv2d`, `new nn.Linear`, `Tensor#sum`, `Tensor#grad=`, `Tensor#grad?` (read), `capture()#release`. */
  readonly name: string;
  readonly kind: 'function' | 'constructor' | 'method' | 'static' | 'setter' | 'getter';
  /** Where its class or namespace stands among the exports. */
  readonly path: readonly string[];
  /** `@@iterator`: that symbol. Empty: the object itself, which is a function. */
  readonly member: string;
  readonly signatures: readonly Signature[];
  /** Classes that inherit it: an instance of any is its receiver. */
  readonly classes?: readonly string[];
  /** What returns its receiver, where that is of no exported class. */
  readonly via?: Callable;
  /** The class that it makes, where programs have the type only. */
  readonly makes?: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const DEEPEST = 4;
/** What has exports of its own; `gradloom/nn` and the like, lean and the builds export these again. */
const ENTRIES = { '': 'src/index.ts', report: 'src/entry/report.ts', worker: 'src/entry/worker.ts' };

/** Reads the sources once; takes some seconds. */
export function surface(): Callable[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const entries = Object.entries(ENTRIES).map(([name, file]) => [name, join(root, file)] as const);
  const program = ts.createProgram(
    entries.map(([, file]) => file),
    { ...options, noEmit: true },
  );
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, 'src/index.ts')) as ts.SourceFile;
  const found: Callable[] = [];
  const typesOnly = new Map<ts.Symbol, string>();
  const inherited = new Map<string, Callable & { classes: string[] }>();
  const classes = new Map<string, ts.Type>();

  const real = (s: ts.Symbol): ts.Symbol => (s.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(s) : s);
  const typeOf = (s: ts.Symbol): ts.Type => checker.getTypeOfSymbolAtLocation(s, source);

  const walk = (module: ts.Symbol, path: readonly string[], visit: (s: ts.Symbol, path: readonly string[]) => void): void => {
    for (const exported of checker.getExportsOfModule(module)) {
      const s = real(exported);
      const here = [...path, exported.name];
      const isType = exported.declarations?.some((d) => ts.isExportSpecifier(d) && (d.isTypeOnly || d.parent.parent.isTypeOnly));
      if (isType && s.flags & ts.SymbolFlags.Class) classes.set(here.join('.'), checker.getDeclaredTypeOfSymbol(s));
      if (isType && s.flags & ts.SymbolFlags.Class) typesOnly.set(s, here.join('.'));
      if (isType) continue;
      if (s.flags & (ts.SymbolFlags.ValueModule | ts.SymbolFlags.NamespaceModule) && path.length < 3) walk(s, here, visit);
      else visit(s, here);
    }
  };

  const everywhere = (visit: (s: ts.Symbol, path: readonly string[]) => void): void => {
    for (const [name, file] of entries) {
      const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile) as ts.Symbol;
      walk(module, name ? [name] : [], visit);
    }
  };
  everywhere((s, path) => {
    if (s.flags & ts.SymbolFlags.Class) classes.set(path.join('.'), checker.getDeclaredTypeOfSymbol(s));
  });

  /** Exported classes that one can construct and whose instances fit. */
  const fitting = (type: ts.Type): string[] => {
    const names: string[] = [];
    for (const [name, instance] of classes) {
      const declaration = instance.symbol.valueDeclaration as ts.ClassDeclaration | undefined;
      const abstract = declaration && ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Abstract;
      if (!abstract && checker.isTypeAssignableTo(instance, type)) names.push(name);
    }
    return names;
  };

  const translate = (given: ts.Type, depth: number): Type => {
    const type = given.flags & ts.TypeFlags.TypeParameter ? (checker.getBaseConstraintOfType(given) ?? given) : given;
    const { flags } = type;
    if (flags & ts.TypeFlags.StringLiteral || flags & ts.TypeFlags.NumberLiteral) return { kind: 'literal', value: (type as ts.LiteralType).value as string | number };
    if (flags & ts.TypeFlags.BooleanLike) return { kind: 'boolean' };
    if (flags & ts.TypeFlags.NumberLike) return { kind: 'number' };
    if (flags & ts.TypeFlags.StringLike) return { kind: 'string' };
    if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return { kind: 'undefined' };
    if (flags & ts.TypeFlags.Null) return { kind: 'null' };
    if (type.isUnion()) return { kind: 'union', of: type.types.map((t) => translate(t, depth)) };
    if (depth > DEEPEST) return { kind: 'any' };
    const name = type.symbol?.name ?? '';
    if (checker.isTupleType(type)) return { kind: 'tuple', items: checker.getTypeArguments(type as ts.TypeReference).map((t) => translate(t, depth + 1)) };
    if (/^(Readonly)?Array$|^(Async)?(Iterable|Iterator|Generator)$|^(Readonly)?Set$|^ArrayLike$/.test(name)) {
      const [item] = checker.getTypeArguments(type as ts.TypeReference);
      return { kind: 'list', item: item ? translate(item, depth + 1) : { kind: 'any' } };
    }
    if (/Array$|^ArrayBuffer$/.test(name)) return { kind: 'typedArray', name };
    if (name === 'Stats') return { kind: 'stats' };
    if (type.getCallSignatures().length > 0) return { kind: 'function' };
    if (type.isClassOrInterface() || type.symbol?.flags & ts.SymbolFlags.Class || type.symbol?.flags & ts.SymbolFlags.Interface) {
      const names = fitting(type);
      if (names.length > 0 && type.getProperties().some((p) => p.name !== 'constructor' && !isOptional(p))) return { kind: 'instance', name, names };
    }
    if (flags & ts.TypeFlags.Object) {
      const index = type.getStringIndexType();
      const properties = type.getProperties();
      // A mapped type over a type parameter (losses by name) has no properties to show.
      if (properties.length === 0) return { kind: 'record', item: index ? translate(index, depth + 1) : { kind: 'any' } };
      const fields: Record<string, Type> = {};
      for (const p of properties) fields[p.name] = translate(typeOf(p), depth + 1);
      return { kind: 'object', fields, required: properties.filter((p) => !isOptional(p)).map((p) => p.name) };
    }
    return { kind: 'any' };
  };
  const isOptional = (p: ts.Symbol): boolean => (p.flags & ts.SymbolFlags.Optional) !== 0;

  const signaturesOf = (list: readonly ts.Signature[]): Signature[] =>
    list.map((s) => {
      const declarations = s.parameters.map((p) => p.valueDeclaration as ts.ParameterDeclaration | undefined);
      const rest = declarations.at(-1)?.dotDotDotToken !== undefined;
      const params = s.parameters.map((p, i) => {
        const type = typeOf(p);
        if (!rest || i < s.parameters.length - 1) return translate(type, 0);
        const translated = translate(type, 0);
        return translated.kind === 'list' ? translated.item : translated.kind === 'tuple' ? (translated.items[0] ?? { kind: 'any' as const }) : translated;
      });
      const optional = declarations.filter((d) => d && (d.questionToken || d.initializer || d.dotDotDotToken)).length;
      return { params, required: params.length - optional, rest };
    });

  const modifiers = (s: ts.Symbol): number => (s.declarations ?? []).reduce((all, d) => all | ts.getCombinedModifierFlags(d), 0);
  const isInternal = (s: ts.Symbol): boolean => s.getJsDocTags(checker).some((tag) => tag.name === 'internal');
  const hidden = (s: ts.Symbol): boolean =>
    /^(_(?!_@)|#|prototype$)/.test(s.name) || (modifiers(s) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0 || isInternal(s);
  const isOwn = (s: ts.Symbol | undefined): boolean => (s?.declarations ?? []).some((d) => d.getSourceFile().fileName.startsWith(join(root, 'src')));

  /** A method's, getter's or setter's one entry, however many classes inherit it. */
  const inherit = (c: Callable, p: ts.Symbol): boolean => {
    const at = p.valueDeclaration ?? p.declarations?.[0];
    const key = `${c.kind} ${c.member} ${at?.getSourceFile().fileName}:${at?.pos}`;
    const known = inherited.get(key);
    const name = c.path.join('.');
    if (known) known.classes.push(name);
    else {
      const first = { ...c, classes: [name] };
      inherited.set(key, first);
      found.push(first);
    }
    return !known;
  };

  /** What an object of a type can do. */
  const members = (type: ts.Type, name: string, rest: Pick<Callable, 'path' | 'via'>, add: (c: Callable, p: ts.Symbol) => void): void => {
    for (const p of type.getProperties()) {
      if (hidden(p) || !isOwn(p)) continue;
      const member = p.name.replace(/^__@(\w+)@\d+$/, '@@$1');
      if (member.startsWith('@@') && !(member.slice(2) in Symbol)) continue;
      const own = typeOf(p);
      const calls = own.getCallSignatures();
      const property = (kind: 'getter' | 'setter', mark: string, params: Type[]): void =>
        add({ ...rest, name: `${name}#${member}${mark}`, kind, member, signatures: [{ params, required: params.length, rest: false }] }, p);
      if (calls.length > 0) add({ ...rest, name: `${name}#${member}`, kind: 'method', member, signatures: signaturesOf(calls) }, p);
      if (calls.length > 0 || rest.via) continue;
      property('getter', '?', []);
      if (!isReadonly(p)) property('setter', '=', [translate(own, 0)]);
    }
  };

  /** A function, and what it returns where that is an object of no class that programs have. `add`: whether it is new. */
  const callable = (c: Callable, calls: readonly ts.Signature[], add: (c: Callable) => boolean): void => {
    const types = calls.map((s) => s.getReturnType()).flatMap((type) => (type.isUnion() ? type.types : [type]));
    const makes = types.map(({ symbol }) => typesOnly.get(symbol)).find(Boolean);
    if (!add({ ...c, ...(makes && { makes }) })) return;
    const returned = new Set<ts.Symbol>();
    for (const type of types) {
      const { symbol } = type;
      const isMade = typesOnly.has(symbol) || ![...classes.values()].some((k) => k.symbol === symbol);
      const itself = type.getCallSignatures();
      if (!symbol || type.flags & ts.TypeFlags.TypeParameter || returned.has(symbol) || !isMade || !(isOwn(symbol) || itself.length > 0)) continue;
      returned.add(symbol);
      const rest = { path: c.path, via: c };
      if (itself.length > 0) found.push({ ...rest, name: `${c.name}()()`, kind: 'method', member: '', signatures: signaturesOf(itself) });
      members(type, `${c.name}()`, rest, (m) => found.push(m));
    }
  };

  everywhere((s, path) => {
    const name = path.join('.');
    const member = path.at(-1) as string;
    if (s.flags & ts.SymbolFlags.Class) {
      const abstract = (modifiers(s) & ts.ModifierFlags.Abstract) !== 0;
      // A class that programs cannot make has instances of classes that extend it, or none of its own.
      if (!abstract && !isInternal(s)) found.push({ name: `new ${name}`, kind: 'constructor', path, member, signatures: signaturesOf(typeOf(s).getConstructSignatures()) });
      if (!abstract) {
        members(checker.getDeclaredTypeOfSymbol(s), name, { path }, (c, p) => {
          if (c.kind === 'method') callable(c, typeOf(p).getCallSignatures(), (m) => inherit(m, p));
          else inherit(c, p);
        });
      }
      for (const p of typeOf(s).getProperties()) {
        const calls = typeOf(p).getCallSignatures();
        if (calls.length > 0 && !hidden(p) && isOwn(p)) found.push({ name: `${name}.${p.name}`, kind: 'static', path, member: p.name, signatures: signaturesOf(calls) });
      }
      return;
    }
    if (!(s.flags & ts.SymbolFlags.Value)) return;
    const visit = (type: ts.Type, here: readonly string[]): void => {
      const calls = type.getCallSignatures();
      if (calls.length > 0)
        callable({ name: here.join('.'), kind: 'function', path: here, member: here.at(-1) as string, signatures: signaturesOf(calls) }, calls, (c) => found.push(c) > 0);
      else for (const p of type.getProperties()) if (isOwn(p) && typeOf(p).getCallSignatures().length > 0) visit(typeOf(p), [...here, p.name]);
    };
    visit(typeOf(s), path);
  });
  return found;

  function isReadonly(p: ts.Symbol): boolean {
    const declarations = p.declarations ?? [];
    if (declarations.some((d) => ts.getCombinedModifierFlags(d) & ts.ModifierFlags.Readonly)) return true;
    return declarations.some((d) => ts.isGetAccessor(d)) && !declarations.some((d) => ts.isSetAccessor(d));
  }
}
