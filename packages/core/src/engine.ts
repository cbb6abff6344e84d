import type { Graph, Tensor } from '@secateur/graph';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';

export interface CompileOptions {
  /** Threads of one run. Default: the engine's. */
  threads?: number;
  /**
   * Constants to be turned into inputs, so that their values can change between runs. Their `feeds` entries are named as
   * the constants.
   */
  variable?: readonly string[];
  signal?: AbortSignal;
}

export interface RunOptions {
  /** Outputs wanted. Default: all. */
  outputs?: readonly string[];
  /** Preallocated tensors the engine writes outputs into, where it can. */
  into?: Readonly<Record<string, Tensor>>;
  signal?: AbortSignal;
}

/** A graph ready to run. */
export interface Executable {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs once. Feeds and results are by value name. Results belong to the caller. */
  run(feeds: Readonly<Record<string, Tensor>>, options?: RunOptions): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/** Runs graphs. Same graph, same feeds, same engine and thread count: same bytes out. */
export interface Engine {
  /** Short name, e.g. `ort`, `ort-web`, `wasm`. */
  readonly name: string;
  readonly apiVersion: 1;
  /** What it is and where it runs, for reports: version, provider, threads. */
  describe(): Promise<string>;
  /** @throws {SecateurError} UNKNOWN_OP listing every operator the engine lacks; ENGINE_FAILED with the engine's words */
  compile(graph: Graph, options?: CompileOptions): Promise<Executable>;
}

export interface EngineDefinition<Options> extends PluginDefinition<Options> {
  describe(context: { readonly options: Readonly<Options> }): Promise<string>;
  compile(
    graph: Graph,
    compileOptions: CompileOptions,
    context: { readonly options: Readonly<Options> },
  ): Promise<Executable>;
}

/** An engine with its own options filled in. */
export interface EnginePlugin extends Engine, Plugin<object> {
  readonly kind: 'engine';
  readonly name: string;
  readonly apiVersion: 1;
}

/** Declares an engine. Heavy libraries are injected by an option or are peer dependencies; see `MISSING_DEPENDENCY`. */
export function defineEngine<Options extends object>(
  definition: EngineDefinition<Options>,
): PluginFactory<EnginePlugin, Options> {
  return makeFactory<EnginePlugin & Plugin<Options>, Options>('engine', definition, (base) => {
    const context = { options: base.options };
    return {
      ...base,
      kind: 'engine',
      describe: () => definition.describe(context),
      compile: (graph, compileOptions = {}) => definition.compile(graph, compileOptions, context),
    };
  });
}
