import type { Executable, RunOptions } from '@secateur/core';
import { bytesOf, type Graph, SecateurError, type Tensor, throwIfAborted, type ValueInfo } from '@secateur/graph';
import type { Runtime } from '@secateur/sparse-wasm';
import { checkFeeds } from '../check-feeds.js';
import type { SerialQueue } from '../serial-queue.js';
import { checkInto, wantedOutputs } from '../wanted-outputs.js';
import type { Plan, Profile, StepTime } from './plan.js';
import { shapeKey } from './shapes.js';

/** An executable that tells what it holds and where its time goes. */
export interface WasmExecutable extends Executable {
  /** Bytes of the module's memory: all of it, and what the plans made so far use. */
  memory(): { readonly totalBytes: number; readonly activationBytes: number; readonly layerBytes: number };
  /** Runs once and gives the time of every step, by a clock in milliseconds. Default: the time that passes. */
  profile(feeds: Readonly<Record<string, Tensor>>, clock?: () => number): Promise<readonly StepTime[]>;
}

export interface WasmExecutableParts {
  readonly graph: Graph;
  /** As the caller's graph declares them, in its order. */
  readonly outputs: readonly ValueInfo[];
  readonly runtime: Runtime;
  readonly queue: SerialQueue;
  /** Plans kept, one for each set of shapes; the one not used for longest goes first. */
  readonly mostPlans: number;
  plan(feeds: Readonly<Record<string, Tensor>>): Promise<Plan>;
  /** What else goes when the executable does. */
  dispose(): Promise<void>;
}

export function wasmExecutable(parts: WasmExecutableParts): WasmExecutable {
  const { graph, outputs, runtime, queue, mostPlans } = parts;
  const plans = new Map<string, Plan>();
  let released: Promise<void> | undefined;

  async function planFor(feeds: Readonly<Record<string, Tensor>>): Promise<Plan> {
    const key = shapeKey(graph, feeds);
    const known = plans.get(key);
    plans.delete(key);
    if (!known) {
      for (const [old, plan] of [...plans].slice(0, Math.max(0, plans.size - mostPlans + 1))) {
        plan.free();
        plans.delete(old);
      }
    }
    const plan = known ?? (await parts.plan(feeds));
    plans.set(key, plan);
    return plan;
  }

  async function run(
    feeds: Readonly<Record<string, Tensor>>,
    options: RunOptions,
    profile?: Profile,
  ): Promise<Record<string, Tensor>> {
    throwIfAborted(options.signal);
    if (released) throw new SecateurError('ENGINE_FAILED', 'wasm: this executable has been disposed.');
    const symbols = checkFeeds(graph.inputs, feeds);
    const wanted = wantedOutputs(outputs, options, symbols);
    return queue(async () => {
      throwIfAborted(options.signal);
      const results = await (await planFor(feeds)).run(feeds, profile);
      return Object.fromEntries(wanted.map(({ name }) => [name, into(name, results[name]!, options.into?.[name])]));
    });
  }

  return {
    inputs: graph.inputs.map(({ name }) => name),
    outputs: outputs.map(({ name }) => name),
    run: (feeds, options = {}) => run(feeds, options),
    async profile(feeds, clock = () => performance.now()) {
      const times: StepTime[] = [];
      await run(feeds, {}, { clock, onStep: (time) => times.push(time) });
      return times;
    },
    memory() {
      const sum = (of: (plan: Plan) => number): number =>
        [...plans.values()].reduce((total, plan) => total + of(plan), 0);
      return {
        totalBytes: runtime.kernels.memory.buffer.byteLength,
        activationBytes: sum(({ activationBytes }) => activationBytes),
        layerBytes: sum(({ layerBytes }) => layerBytes),
      };
    },
    dispose: () =>
      (released ??= queue(async () => {
        for (const plan of plans.values()) plan.free();
        plans.clear();
        await parts.dispose();
      })),
  };
}

function into(name: string, value: Tensor, target: Tensor | undefined): Tensor {
  if (!target) return value;
  checkInto(name, value.shape, target);
  bytesOf(target).set(bytesOf(value));
  return target;
}
