/** What a report says about an engine. */
export interface EngineParts {
  /** Package and version, e.g. `onnxruntime-node 1.30.0`. */
  library: string;
  providers: readonly (string | { readonly name: string })[];
  /** Threads of one run; the library's own choice when left out. */
  threads?: number;
}

/** One line for reports: `onnxruntime-node 1.30.0, cpu, 2 threads`. */
export function describeEngine({ library, providers, threads }: EngineParts): string {
  const names = providers.map((provider) => (typeof provider === 'string' ? provider : provider.name)).join('+');
  const count = threads === undefined ? 'default threads' : threads === 1 ? '1 thread' : `${threads} threads`;
  return [library, names, count].join(', ');
}
