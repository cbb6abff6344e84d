import { type Engine, type Executable, type Model, sampleFeeds } from '@secateur/core';
import { type BenchOptions, type BenchResult, benchExecutables } from '@secateur/runtime';

export interface BenchModelOptions extends BenchOptions {
  readonly engines: readonly Engine[];
  readonly threads?: number;
  /** Samples in a run. Default 1. */
  readonly batch?: number;
}

export interface ModelBench {
  /** By engine name. `ratio`: times as fast as the engine named first. */
  readonly engines: Readonly<Record<string, BenchResult & { readonly description: string; readonly ratio: number }>>;
}

/** Times a model on several engines, which take turns. @throws {SecateurError} what engines throw; BAD_OPTION; ABORTED */
export async function benchModel(model: Model, options: BenchModelOptions): Promise<ModelBench> {
  const { engines, threads, batch = 1, signal } = options;
  const executables: Record<string, Executable> = {};
  try {
    for (const engine of engines) executables[engine.name] = await engine.compile(model.graph, { threads, signal });
    const results = await benchExecutables(executables, sampleFeeds(model, batch), options);
    const described: Record<string, ModelBench['engines'][string]> = {};
    const first = results[engines[0]!.name]!.medianMs;
    for (const engine of engines) {
      const result = results[engine.name]!;
      described[engine.name] = { ...result, ratio: first / result.medianMs, description: await engine.describe() };
    }
    return { engines: described };
  } finally {
    for (const executable of Object.values(executables)) await executable.dispose();
  }
}
