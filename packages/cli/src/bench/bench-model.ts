import { type Engine, type Executable, type Model, sampleFeeds } from '@secateur/core';
import { type BenchOptions, type BenchResult, benchExecutables } from '@secateur/runtime';

export interface BenchModelOptions extends BenchOptions {
  readonly engines: readonly Engine[];
  readonly threads?: number;
  /** Samples in a run. Default 1. */
  readonly batch?: number;
}

export interface ModelBench {
  /** By engine name. */
  readonly engines: Readonly<Record<string, BenchResult & { readonly description: string }>>;
}

/** Times a model on several engines, which take turns. @throws {SecateurError} what engines throw; BAD_OPTION; ABORTED */
export async function benchModel(model: Model, options: BenchModelOptions): Promise<ModelBench> {
  const { engines, threads, batch = 1, signal } = options;
  const executables: Record<string, Executable> = {};
  try {
    for (const engine of engines) executables[engine.name] = await engine.compile(model.graph, { threads, signal });
    const results = await benchExecutables(executables, sampleFeeds(model, batch), options);
    const described: Record<string, BenchResult & { description: string }> = {};
    for (const engine of engines)
      described[engine.name] = { ...results[engine.name]!, description: await engine.describe() };
    return { engines: described };
  } finally {
    for (const executable of Object.values(executables)) await executable.dispose();
  }
}
