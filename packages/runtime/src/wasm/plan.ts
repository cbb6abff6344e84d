import type { Graph, Tensor, ValueType } from '@secateur/graph';
import type { Runtime } from '@secateur/sparse-wasm';
import { type AssetOptions, Assets } from './assets.js';
import { fromKernels } from './kernel-errors.js';
import { type Foreign, lowerGraph, outputKey } from './lower-graph.js';
import { planMemory } from './memory.js';
import type { Place, Step } from './step.js';
import type { Buffer } from './view.js';

/** Time of one step of a run. */
export interface StepTime {
  /** Node that it is for. */
  readonly node: string;
  readonly kind: string;
  readonly ms: number;
  /** Multiply-adds of a dense run, for layers. */
  readonly macs?: number;
}

/** Hears the time of every step. */
export interface Profile {
  /** Milliseconds since some moment. */
  clock(): number;
  onStep(time: StepTime): void;
}

/** A graph ready to run at one set of shapes. */
export interface Plan {
  /** Bytes of activations, and of packed weights. */
  readonly activationBytes: number;
  readonly layerBytes: number;
  readonly steps: number;
  /** Runs once. Outputs by name. */
  run(feeds: Readonly<Record<string, Tensor>>, profile?: Profile): Promise<Record<string, Tensor>>;
  free(): void;
}

/**
 * Lowers, lays out memory, packs weights.
 *
 * @throws {SecateurError} UNKNOWN_OP; BAD_DATA when a weight is not finite; ENGINE_FAILED when memory cannot grow
 */
export async function createPlan(
  graph: Graph,
  types: ReadonlyMap<string, ValueType>,
  runtime: Runtime,
  options: AssetOptions & { readonly foreign?: Foreign },
): Promise<Plan> {
  const steps = lowerGraph(graph, types, options.foreign);
  const memory = planMemory(steps);
  const assets = new Assets(runtime, options);
  let block: number | undefined;
  const free = (): void => {
    assets.free();
    for (const step of steps) step.free?.();
    if (block !== undefined) runtime.arena.free(block);
    block = undefined;
  };
  try {
    block = runtime.arena.alloc(memory.bytes);
    const bases = new Map<Buffer, number>();
    for (const [buffer, offset] of memory.offsets) bases.set(buffer, block + offset);
    for (const { reads } of steps) {
      for (const buffer of reads) if (buffer.constant) bases.set(buffer, await assets.upload(buffer.constant));
    }
    for (const step of steps) await step.prepare?.(assets);
    const tensors = new Map<string, Tensor>();
    const base = (buffer: Buffer): number => {
      const pointer = bases.get(buffer);
      if (pointer !== undefined) return pointer;
      // Of no elements: no step writes it, and none reads any of it.
      if (buffer.size === 0) return block!;
      throw new Error(`wasm: nothing writes "${buffer.label}"`);
    };
    const place: Place = { runtime, tensors, base, at: (view) => base(view.buffer) + 4 * view.offset };
    const runs = steps.map((step) => step.bind(place));
    return {
      activationBytes: memory.bytes,
      layerBytes: assets.layerBytes,
      steps: steps.length,
      free,
      async run(feeds, profile) {
        for (const [name, value] of Object.entries(feeds)) tensors.set(name, value);
        try {
          for (const [i, run] of runs.entries()) await runStep(run, steps[i]!, profile);
          return Object.fromEntries(graph.outputs.map(({ name }) => [name, tensors.get(outputKey(name))!]));
        } catch (error) {
          throw fromKernels(error, `running ${graph.name}`);
        } finally {
          tensors.clear();
        }
      },
    };
  } catch (error) {
    free();
    throw fromKernels(error, `${graph.name} at these shapes`);
  }
}

/** Waits only for what has to be waited for: most steps are microseconds long. */
function runStep(run: () => void | Promise<void>, step: Step, profile?: Profile): void | Promise<void> {
  const start = profile?.clock() ?? 0;
  const { label: node, kind, macs } = step;
  const done = (): void => profile?.onStep({ node, kind, macs, ms: profile.clock() - start });
  const result = run();
  return result instanceof Promise ? result.then(done) : done();
}
