/** The parts of the installed tools that edges.ts uses. */
export class EdgeVM {
  constructor(options: { extend(context: object): object });
  evaluate<T>(code: string): T;
}
interface Build {
  onResolve(options: { filter: RegExp }, callback: (args: { path: string }) => { path: string; namespace: string }): void;
  onLoad(options: { filter: RegExp; namespace: string }, callback: () => { contents: string }): void;
}
export const esbuild: {
  build(options: Record<string, unknown> & { plugins?: { name: string; setup(build: Build): void }[] }): Promise<{ outputFiles: { text: string }[] }>;
};
