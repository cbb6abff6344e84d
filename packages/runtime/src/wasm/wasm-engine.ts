import type { CompileOptions, Engine } from '@secateur/core';
import { defaultOps, type Graph, opKey, SecateurError, throwIfAborted } from '@secateur/graph';
import { type Choice, createRuntime, type InitOutput } from '@secateur/sparse-wasm';
import { serialQueue } from '../serial-queue.js';
import { variableInput } from '../variable-input.js';
import { foreignOn } from './foreign.js';
import { isSupported, supportedOps } from './ops/index.js';
import type { PackStore } from './pack-store.js';
import { createPlan } from './plan.js';
import { preparedGraph, typesFor } from './shapes.js';
import { type WasmExecutable, wasmExecutable } from './wasm-executable.js';

export interface WasmOptions {
  /**
   * `fast` keeps the transformed weights of 3x3 convolutions, four times the size of the weights themselves; `small` computes such
   * layers directly. Default `fast`.
   */
  memory?: 'small' | 'fast';
  /**
   * Times every layer's candidates for a moment when it is first packed, and takes the fastest. Off by default: the choice then
   * follows a rule, and results do not depend on timing. A map holds choices made before and takes new ones.
   */
  tune?: boolean | Map<string, Choice>;
  /** Fused multiply-add where the machine has it: faster, and other last bits on other machines. Default false. */
  relaxed?: boolean;
  /**
   * Runs the operators that this engine lacks, node by node, with copies there and back; their shapes have to be known to
   * `@secateur/graph`. Default: they are refused.
   */
  fallback?: Engine;
  /** Packed weights of the model that is compiled, stored before or to be stored: then weights are neither read nor analysed. */
  packs?: PackStore;
}

export interface WasmEngineOptions extends WasmOptions {
  /** A new instance of the kernels, with a memory of its own. */
  instantiate(options: { readonly relaxed: boolean }): Promise<InitOutput>;
}

export interface WasmEngine extends Engine {
  compile(graph: Graph, options?: CompileOptions): Promise<WasmExecutable>;
}

/**
 * An engine of our own kernels, which leave out zeros. Weights are packed when a graph first runs at some shapes; the plan is kept
 * for the next run.
 *
 * Runs of one engine wait for one another. An `AbortSignal` takes effect between runs.
 */
export function wasmEngine(options: WasmEngineOptions): WasmEngine {
  const { memory = 'fast', tune = false, relaxed = false } = options;
  checkMemory(memory);
  const queue = serialQueue();
  const alive = new Set<WasmExecutable>();
  const choices = tune === true ? new Map<string, Choice>() : tune || undefined;
  return {
    name: 'wasm',
    apiVersion: 1,
    describe: async () =>
      [
        'sparse-wasm',
        relaxed ? 'relaxed SIMD' : 'SIMD',
        `memory ${memory}`,
        ...(tune ? ['tuned'] : []),
        '1 thread',
        ...[...alive].flatMap((executable) => held(executable.memory())),
      ].join(', '),
    async compile(graph, { variable = [], signal } = {}) {
      throwIfAborted(signal);
      refuseUnsupported(graph, options.fallback);
      for (const name of variable) variableInput(graph, name);
      const prepared = await preparedGraph(graph, variable);
      const runtime = createRuntime({ kernels: await options.instantiate({ relaxed }) });
      throwIfAborted(signal);
      const foreign = options.fallback && foreignOn(options.fallback);
      const settings = { winograd: memory === 'fast', choices, packs: options.packs, foreign };
      const executable = wasmExecutable({
        graph: prepared,
        outputs: graph.outputs,
        runtime,
        queue,
        mostPlans: memory === 'small' ? 1 : 2,
        plan: (feeds) => createPlan(prepared, typesFor(prepared, feeds), runtime, settings),
        dispose: async () => {
          alive.delete(executable);
        },
      });
      alive.add(executable);
      return executable;
    },
  };
}

/** What an executable that has run holds. */
function held({ activationBytes, layerBytes }: ReturnType<WasmExecutable['memory']>): string[] {
  const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  return layerBytes === 0 ? [] : [`${mb(activationBytes)} activations`, `${mb(layerBytes)} packed weights`];
}

/** @throws {SecateurError} UNKNOWN_OP listing every operator that the engine lacks */
function refuseUnsupported(graph: Graph, fallback: Engine | undefined): void {
  const isThere = (key: string): boolean => isSupported(key) || (fallback !== undefined && defaultOps.has(key));
  const lacking = new Map(
    graph.nodes
      .filter((node) => !isThere(opKey(node.op, node.domain)))
      .map((node) => [opKey(node.op, node.domain).replace(/^:/, ''), node]),
  );
  if (lacking.size === 0) return;
  const names = [...lacking.keys()].sort();
  const [first] = lacking.values();
  throw new SecateurError(
    'UNKNOWN_OP',
    `wasm lacks ${names.join(', ')} (first at "${first!.name}"). It has ${supportedOps().join(', ')}.`,
    { field: first!.name, hint: 'Pass another engine as `fallback` for these, or use engine ort.' },
  );
}

function checkMemory(memory: string): void {
  if (memory === 'fast' || memory === 'small') return;
  throw new SecateurError('BAD_OPTION', `memory is "${memory}"; it must be "fast" or "small".`, { field: 'memory' });
}
