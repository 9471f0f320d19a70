// The types that an editor shows, from those that the bundler gathers in one file: what is internal goes, Tensor's methods get the texts of
// their functions, and an option that may be left out may be undefined.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The statements of a text of types, by name. */
function parse(text) {
  const file = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true);
  const named = new Map();
  for (const s of file.statements) {
    const name = s.name?.text ?? s.declarationList?.declarations[0].name.text;
    if (name) named.set(name, [...(named.get(name) ?? []), s]);
  }
  return { file, named };
}

/** The text with some places rewritten. */
function rewrite(text, edits) {
  const kept = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  const parts = kept.map(({ start, end, by }) => {
    if (start < at) return ''; // inside of what went
    const part = text.slice(at, start) + by;
    at = end;
    return part;
  });
  return parts.join('') + text.slice(at);
}

const visit = (node, see) => {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
};
const isInternal = (node) => ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'internal');
const nameOf = (member) => (ts.isConstructorDeclaration(member) ? 'constructor' : member.name?.getText());

/** Without members marked @internal, here or in the class that they come from. A constructor stays, for subclasses only. */
function withoutInternal(text) {
  const { file, named } = parse(text);
  const baseOf = (c) => named.get(c.heritageClauses?.find((h) => h.token === ts.SyntaxKind.ExtendsKeyword)?.types[0].expression.getText())?.find(ts.isClassDeclaration);
  const internal = (c, name) => !!c && (c.members.some((m) => nameOf(m) === name && isInternal(m)) || (name !== 'constructor' && internal(baseOf(c), name)));
  const edits = [];
  for (const c of file.statements.filter(ts.isClassDeclaration)) {
    for (const m of c.members.filter((m) => internal(c, nameOf(m)))) {
      edits.push({ start: m.getFullStart(), end: m.end, by: ts.isConstructorDeclaration(m) ? '\n  protected constructor();' : '' });
    }
  }
  return rewrite(text, edits);
}

/** Tensor's methods as such: the signature of each function, without its first parameter, under the function's text. */
function withMethods(text) {
  const { file, named } = parse(text);
  const one = (name) => named.get(name)?.[0];
  const [functions, members] = [one('functions'), one('TensorMembers')];
  const declarations = functions.declarationList.declarations[0].type.members.map((m) => {
    const name = nameOf(m);
    const found = named.get(ts.isTypeQueryNode(m.type) ? m.type.exprName.getText() : name)?.filter((d) => ts.isFunctionDeclaration(d) || ts.isVariableStatement(d));
    if (!found) throw new Error(`the function behind Tensor.${name} is not where it was`);
    return [name, found];
  });
  const own = members.members.filter((m) => !declarations.some(([name]) => name === nameOf(m)));
  const methods = declarations.flatMap(([name, found]) =>
    found.map((d) => {
      const { typeParameters, parameters, type } = ts.isFunctionDeclaration(d) ? d : d.declarationList.declarations[0].type;
      const first = parameters[0].name.getText();
      const call = new RegExp(`\\b${name}\\(${first}(?:, |(?=\\)))`, 'g');
      const docs = d.jsDoc?.at(-1)?.getText().replace(call, `${first}.${name}(`);
      if (!docs) throw new Error(`${name}: each signature needs a text`);
      const generic = typeParameters ? `<${typeParameters.map((p) => p.getText()).join(', ')}>` : '';
      return `${docs}\n${name}${generic}(${parameters
        .slice(1)
        .map((p) => p.getText())
        .join(', ')}): ${type.getText()};`.replace(/^/gm, '  ');
    }),
  );
  const gone = [...['functions', 'AsMethod', 'Methods'].map(one), file.statements.find((s) => ts.isModuleDeclaration(s) && ts.isStringLiteral(s.name))];
  return rewrite(text, [
    ...gone.map((s) => ({ start: s.getFullStart(), end: s.end, by: '' })),
    { start: members.getStart(), end: members.end, by: `interface Tensor {\n${[...methods, ...own.map((m) => `  ${m.getFullText().trim()}`)].join('\n')}\n}` },
  ]);
}

/** A function as a member of an object has its text too. */
function withTexts(text) {
  const { file, named } = parse(text);
  const edits = [];
  visit(file, (node) => {
    if (!ts.isPropertySignature(node) || node.jsDoc || !node.type || !ts.isTypeQueryNode(node.type)) return;
    const docs = named.get(node.type.exprName.getText())?.[0].jsDoc?.at(-1)?.getText();
    if (docs) edits.push({ start: node.getStart(), end: node.getStart(), by: `${docs}\n  ` });
  });
  return rewrite(text, edits);
}

/** What may be left out may be undefined, also under exactOptionalPropertyTypes. */
function withUndefined(text) {
  const edits = [];
  const open = (type) => /^(undefined|unknown|any|never)$/.test(type.getText()) || (ts.isUnionTypeNode(type) && type.types.some(open));
  visit(parse(text).file, (node) => {
    const optional = (ts.isPropertySignature(node) || ts.isNamedTupleMember(node) || ts.isMappedTypeNode(node)) && node.questionToken?.kind === ts.SyntaxKind.QuestionToken;
    if (!optional || open(node.type)) return;
    const group = ts.isFunctionTypeNode(node.type) || ts.isConditionalTypeNode(node.type);
    if (group) edits.push({ start: node.type.getStart(), end: node.type.getStart(), by: '(' });
    edits.push({ start: node.type.end, end: node.type.end, by: `${group ? ')' : ''} | undefined` });
  });
  return rewrite(text, edits);
}

/** Without what nothing names any more. */
function withoutUnused(text) {
  const { file, named } = parse(text);
  const used = new Set();
  const use = (node) =>
    visit(node, (n) => {
      if (!ts.isIdentifier(n) || used.has(n.text)) return;
      used.add(n.text);
      for (const s of named.get(n.text) ?? []) use(s);
    });
  for (const s of file.statements.filter((s) => ts.isExportDeclaration(s))) use(s);
  const unused = [...named].filter(([name]) => !used.has(name)).flatMap(([, statements]) => statements);
  return rewrite(
    text,
    unused.map((s) => ({ start: s.getFullStart(), end: s.end, by: '' })),
  ).replace(/^\/\/#region .*\n(?:\s*\/\/#endregion\n)/gm, '');
}

/** The namespaces by their names, under the texts of their files. The built-in Generator is the global one: the library's has its name. */
function withNames(text) {
  const named = text
    .replace(
      /^declare namespace (\w+)_d_exports/gm,
      (found, name) =>
        `${readFileSync(`src/api/${name.replace('_', '-')}.ts`, 'utf8')
          .split('\n', 1)[0]
          .replace(' @module', '')}\n${found}`,
    )
    .replace(/\b(\w+)_d_exports( as \w+)?\b/g, (_, name, as = '') => {
      const own = name.replace(/_(\w)/, (_, letter) => letter.toUpperCase());
      return as === ` as ${own}` ? own : own + as;
    });
  return named.replace(/\bGenerator</g, 'globalThis.Generator<').replace(/\bGenerator\$1( as Generator)?\b/g, 'Generator');
}

/** What TypeScript from 5.2 on reads: before 5.7 Uint8Array has no type parameter, before 5.4 there is no NoInfer. */
const forOlder = (text) => text.replace(/\b(\w+Array)<ArrayBuffer>/g, "ReturnType<$1['slice']>").replace(/\bNoInfer<(\w+)>/g, '[$1][$1 extends unknown ? 0 : never]');

/** The types of `dist/index.d.ts` as they ship. */
export const shipped = (text) => [withoutInternal, withMethods, withTexts, withoutUnused, withNames, withUndefined, forOlder].reduce((t, step) => step(t), text);

/** The types of an entry that has its own. */
export const shippedBeside = (text) => [withoutInternal, withoutUnused, withUndefined, forOlder].reduce((t, step) => step(t), text);
