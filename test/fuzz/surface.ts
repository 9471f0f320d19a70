// The public surface, enumerated by the TypeScript compiler: every exported function, constructor, method and settable property, with the types of its parameters.
// What is exported tomorrow is fuzzed tomorrow.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What a parameter takes, as far as a generator of values needs to know. Plain data: it goes to another process. */
export type Type =
  | { readonly kind: 'number' | 'boolean' | 'string' | 'undefined' | 'null' | 'any' | 'function' | 'typedArray' }
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
  /** As a program writes it: `nn.functional.conv2d`, `new nn.Linear`, `Tensor#sum`, `Tensor#grad=`. */
  readonly name: string;
  readonly kind: 'function' | 'constructor' | 'method' | 'static' | 'setter';
  /** Where its class or namespace stands among the exports. */
  readonly path: readonly string[];
  readonly member: string;
  readonly signatures: readonly Signature[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const DEEPEST = 4;

/** Reads the sources once; takes some seconds. */
export function surface(): Callable[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const entry = join(root, 'src/index.ts');
  const program = ts.createProgram([entry], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry) as ts.SourceFile;
  const found: Callable[] = [];
  const classes = new Map<string, ts.Type>();

  const real = (s: ts.Symbol): ts.Symbol => (s.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(s) : s);
  const typeOf = (s: ts.Symbol): ts.Type => checker.getTypeOfSymbolAtLocation(s, source);

  const walk = (module: ts.Symbol, path: readonly string[], visit: (s: ts.Symbol, path: readonly string[]) => void): void => {
    for (const exported of checker.getExportsOfModule(module)) {
      const s = real(exported);
      const here = [...path, exported.name];
      if (s.flags & (ts.SymbolFlags.ValueModule | ts.SymbolFlags.NamespaceModule) && path.length < 3) walk(s, here, visit);
      else visit(s, here);
    }
  };

  const top = checker.getSymbolAtLocation(source) as ts.Symbol;
  walk(top, [], (s, path) => {
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
    if (/Array$|^ArrayBuffer$/.test(name)) return { kind: 'typedArray' };
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
  const hidden = (s: ts.Symbol): boolean =>
    /^[_#]/.test(s.name) || (modifiers(s) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0 || s.getJsDocTags(checker).some((tag) => tag.name === 'internal');

  walk(top, [], (s, path) => {
    const name = path.join('.');
    const member = path.at(-1) as string;
    if (s.flags & ts.SymbolFlags.Class) {
      const instance = checker.getDeclaredTypeOfSymbol(s);
      const constructors = typeOf(s).getConstructSignatures();
      const abstract = (modifiers(s) & ts.ModifierFlags.Abstract) !== 0;
      if (!abstract && !s.getJsDocTags(checker).some((t) => t.name === 'internal')) {
        found.push({ name: `new ${name}`, kind: 'constructor', path, member, signatures: signaturesOf(constructors) });
      }
      for (const p of instance.getProperties()) {
        if (hidden(p)) continue;
        const type = typeOf(p);
        const calls = type.getCallSignatures();
        if (calls.length > 0) found.push({ name: `${name}#${p.name}`, kind: 'method', path, member: p.name, signatures: signaturesOf(calls) });
        else if (!isReadonly(p)) {
          found.push({ name: `${name}#${p.name}=`, kind: 'setter', path, member: p.name, signatures: [{ params: [translate(type, 0)], required: 1, rest: false }] });
        }
      }
      for (const p of typeOf(s).getProperties()) {
        const calls = p.name === 'prototype' ? [] : typeOf(p).getCallSignatures();
        if (calls.length > 0 && !hidden(p)) found.push({ name: `${name}.${p.name}`, kind: 'static', path, member: p.name, signatures: signaturesOf(calls) });
      }
      return;
    }
    if (!(s.flags & ts.SymbolFlags.Value)) return;
    const calls = typeOf(s).getCallSignatures();
    if (calls.length > 0) found.push({ name, kind: 'function', path, member, signatures: signaturesOf(calls) });
  });
  return found;

  function isReadonly(p: ts.Symbol): boolean {
    const declarations = p.declarations ?? [];
    if (declarations.some((d) => ts.getCombinedModifierFlags(d) & ts.ModifierFlags.Readonly)) return true;
    return declarations.some((d) => ts.isGetAccessor(d)) && !declarations.some((d) => ts.isSetAccessor(d));
  }
}
