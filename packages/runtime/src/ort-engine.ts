import type { CompileOptions, Engine, Executable } from '@secateur/core';
import { type Graph, SecateurError, throwIfAborted } from '@secateur/graph';
import { describeEngine } from './describe-engine.js';
import { engineFailed, isUnknownOp, ortWords } from './ort-errors.js';
import { ortExecutable } from './ort-executable.js';
import type { OrtModule, OrtProvider, OrtSessionOptions } from './ort-module.js';
import { type SerialQueue, serialQueue } from './serial-queue.js';
import { type ResolveFile, sessionModel } from './session-model.js';
import { listUnknownOps } from './unknown-ops.js';

export interface OrtEngineOptions {
  /** The loaded module: `await import('onnxruntime-node')`, `onnxruntime-web`, `onnxruntime-web/webgpu` or a build of one's own. */
  ort: OrtModule;
  /** The engine's short name, e.g. `ort`. */
  name: string;
  /** Package and version, for reports. Default: `onnxruntime`. */
  library?: string;
  /** Execution providers in order of preference. */
  providers: readonly OrtProvider[];
  /** Threads of one run, >= 1. Default: onnxruntime's choice, one per core. */
  threads?: number;
  /**
   * Whether this build writes into preallocated outputs. onnxruntime-node 1.30 does; onnxruntime-web 1.30 hands them back
   * unwritten, so that its results have to be copied. Default false, which is always right.
   */
  writesInto?: boolean;
  /** Lets sessions map weights from the files they lie in. Left out, weights are read and handed over in memory. */
  resolveFile?: ResolveFile;
  /** More session options, by onnxruntime's names; they win over the engine's. */
  sessionOptions?: OrtSessionOptions;
}

/**
 * An engine on any build of onnxruntime: the graph becomes a small ONNX model, the weights stay outside it.
 *
 * Runs of one engine wait for one another: onnxruntime-web cannot run two sessions at once, and onnxruntime-node blocks
 * the thread while it runs. Cancelling therefore takes effect between runs.
 *
 * What onnxruntime does by itself when it loads a graph, so that nobody need do it (1.30, one thread, `[8, 128, 32, 32]`):
 * Sigmoid and Mul become one kernel (SiLU in 1.0 ms; unfused 1.6, as opset 24's Swish 2.1), and a Transpose of a weight
 * is folded (MatMul of 2048×512×512 in 8.0 ms either way). GroupNormalization it does badly: see `lower-group-norm.ts`.
 */
export function ortEngine(options: OrtEngineOptions): Engine {
  checkThreads(options.threads, options.name);
  const queue = serialQueue();
  return {
    name: options.name,
    apiVersion: 1,
    describe: async () => describeEngine({ ...options, library: options.library ?? 'onnxruntime' }),
    compile: (graph, compileOptions = {}) => compile(options, queue, graph, compileOptions),
  };
}

async function compile(
  engine: OrtEngineOptions,
  queue: SerialQueue,
  graph: Graph,
  { variable = [], threads = engine.threads, signal }: CompileOptions,
): Promise<Executable> {
  throwIfAborted(signal);
  checkThreads(threads, engine.name);
  const { onnx, inputs, options } = await sessionModel(graph, variable, engine.resolveFile, signal);
  const settings: OrtSessionOptions = {
    executionProviders: engine.providers,
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    // Errors reach the caller as exceptions; onnxruntime would print them as well.
    logSeverityLevel: 4,
    ...engine.sessionOptions,
  };
  const session = await queue(async () => {
    throwIfAborted(signal);
    try {
      return await engine.ort.InferenceSession.create(onnx, { ...settings, ...options });
    } catch (error) {
      throw await compileError(engine, graph, settings, error);
    }
  });
  if (signal?.aborted) {
    await session.release();
    throwIfAborted(signal);
  }
  return ortExecutable({
    engine: engine.name,
    ort: engine.ort,
    session,
    inputs,
    outputs: graph.outputs,
    writesInto: engine.writesInto ?? false,
    queue,
  });
}

async function compileError(
  { ort, name }: OrtEngineOptions,
  graph: Graph,
  settings: OrtSessionOptions,
  error: unknown,
): Promise<SecateurError> {
  if (!isUnknownOp(ortWords(error))) return engineFailed(name, 'to load the graph', error);
  const unknown = await listUnknownOps(ort, graph, settings);
  const which = unknown.length > 0 ? unknown.join(', ') : 'an operator';
  return new SecateurError('UNKNOWN_OP', `${name} lacks ${which}: ${ortWords(error)}`, {
    field: unknown[0],
    hint: 'Use another engine, or write the graph with operators of the standard ONNX domain.',
    cause: error,
  });
}

function checkThreads(threads: number | undefined, engine: string): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1)) return;
  throw new SecateurError('BAD_OPTION', `${engine}: threads is ${threads}; it must be a whole number >= 1.`, {
    field: 'threads',
  });
}
