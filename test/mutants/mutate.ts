// Where a source file can be changed in a small way that its tests should notice.
import ts from 'typescript';

/** A change of a file: what stands between two places, and what would stand there. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly by: string;
  /** The line before and after. */
  readonly before: string;
  readonly after: string;
}

const K = ts.SyntaxKind;
/** Operators, and what stands for each. */
const OTHER: Readonly<Record<string, string>> = {
  ...{ '<': '<=', '<=': '<', '>': '>=', '>=': '>', '===': '!==', '!==': '===', '&&': '||', '||': '&&' },
  ...{ '+': '-', '-': '+', '*': '/', '/': '*', '+=': '-=', '-=': '+=' },
};
const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

/** What may stand for a node; nothing where no change of it says much. */
function instead(node: ts.Node, source: ts.SourceFile): [place: ts.Node, by: string] | null {
  const text = node.getText(source);
  if (ts.isBinaryExpression(node)) {
    const by = OTHER[node.operatorToken.getText(source)];
    const joins = [node.left, node.right].some(isText);
    return by && !joins ? [node.operatorToken, by] : null;
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) return [node, node.operand.getText(source)];
  if (ts.isNumericLiteral(node)) return [node, Number.isInteger(Number(text)) ? String(Number(text) + 1) : `(1000 * ${text})`];
  if (node.kind === K.TrueKeyword) return [node, 'false'];
  if (node.kind === K.FalseKeyword) return [node, 'true'];
  if ((ts.isIfStatement(node) || ts.isWhileStatement(node)) && !ts.isBinaryExpression(node.expression)) return [node.expression, `!(${node.expression.getText(source)})`];
  if (ts.isConditionalExpression(node)) return [node.condition, `!(${node.condition.getText(source)})`];
  if (ts.isExpressionStatement(node) && !text.startsWith('super(')) return [node, ';'];
  return null;
}

/** Types change nothing, and what errors say is not what tests are about. */
const isLeftOut = (node: ts.Node): boolean =>
  ts.isTypeNode(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isImportDeclaration(node) ||
  ts.isThrowStatement(node) ||
  (ts.isNewExpression(node) && node.expression.getText() === 'GradloomError');

/** Every mutant of a file, in its order. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (isLeftOut(node)) return;
    const change = instead(node, source);
    if (change) {
      const [place, by] = change;
      const [start, end] = [place.getStart(source), place.end];
      const changed = text.slice(0, start) + by + text.slice(end);
      const lineOf = (whole: string): string =>
        whole
          .slice(whole.lastIndexOf('\n', start - 1) + 1)
          .split('\n', 1)[0]
          ?.trim() ?? '';
      found.push({ file, line: source.getLineAndCharacterOfPosition(start).line + 1, start, end, by, before: lineOf(text), after: lineOf(changed) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
