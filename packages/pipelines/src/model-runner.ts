import type { Engine, Executable, Model } from '@secateur/core';
import { type Graph, subgraph, throwIfAborted, type ValueInfo } from '@secateur/graph';

/** A model that is compiled when it is first needed. */
export interface ModelRunner {
  readonly inputs: readonly ValueInfo[];
  /** Works with the compiled model; where models are not kept, it is freed when nobody works with it any more. */
  use<T>(work: (executable: Executable) => Promise<T>): Promise<T>;
  /** Frees what the engine holds. */
  dispose(): Promise<void>;
}

export interface RunnerOptions {
  readonly engine: Engine;
  readonly threads?: number;
  /** Whether it stays compiled between uses. */
  readonly keep: boolean;
  readonly signal?: AbortSignal;
}

/**
 * @param outputs  of the model's outputs those that are wanted: whatever nothing else needs is not compiled. Default: all
 */
export function modelRunner(model: Model, outputs: readonly string[] | undefined, options: RunnerOptions): ModelRunner {
  const graph = outputs ? subgraph(model.graph, outputs) : model.graph;
  return graphRunner(graph, options);
}

export function graphRunner(graph: Graph, { engine, threads, keep, signal }: RunnerOptions): ModelRunner {
  let compiled: Promise<Executable> | undefined;
  let users = 0;
  const compile = (): Promise<Executable> => {
    throwIfAborted(signal);
    const pending = engine.compile(graph, { threads, signal });
    // A failure is told to whoever asked, and tried again next time.
    pending.catch(() => {
      if (compiled === pending) compiled = undefined;
    });
    return pending;
  };
  const dispose = async (): Promise<void> => {
    const held = compiled;
    compiled = undefined;
    await (await held)?.dispose();
  };
  return {
    inputs: graph.inputs,
    dispose,
    async use(work) {
      users++;
      try {
        compiled ??= compile();
        return await work(await compiled);
      } finally {
        users--;
        if (!keep && users === 0) await dispose();
      }
    },
  };
}
