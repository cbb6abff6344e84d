import { evaluateDim, SecateurError, type Tensor, throwIfAborted, zeros } from '@secateur/graph';
import type { Engine } from './engine.js';
import type { Model } from './model.js';

/** Milliseconds of single runs. */
export interface Latency {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly runs: number;
}

export interface LatencyOptions {
  readonly engine: Engine;
  /** Samples in one run. Default 1. */
  readonly batch?: number;
  readonly threads?: number;
  /** Timed runs of every model, after one warm-up each. Default 9, more (up to 99) while they take under half a second. */
  readonly rounds?: number;
  readonly signal?: AbortSignal;
}

/** Inputs of the model's usual size with harmless values: zeros. Latency of dense kernels does not depend on values. */
export function sampleFeeds(model: Pick<Model, 'graph' | 'sizes'>, batch = 1): Record<string, Tensor> {
  const symbols = { ...model.sizes, batch };
  return Object.fromEntries(
    model.graph.inputs.map((input) => [
      input.name,
      zeros(
        input.dtype,
        input.shape.map((dim) => evaluateDim(dim, symbols)),
      ),
    ]),
  );
}

const LEAST_ROUNDS = 9;
const MOST_ROUNDS = 99;
const ENOUGH_MS = 500;

/**
 * Times models against each other, run by run in turn, so that a drifting machine treats them alike.
 * @throws {SecateurError} BAD_OPTION when `rounds` is below 1; what the engine throws
 */
export async function measureLatency(models: readonly Model[], options: LatencyOptions): Promise<Latency[]> {
  const { engine, batch = 1, threads, rounds = LEAST_ROUNDS, signal } = options;
  const mayGoOn = options.rounds === undefined;
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new SecateurError('BAD_OPTION', `rounds must be a whole number from 1; it is ${rounds}.`, {
      field: 'rounds',
    });
  }
  const executables = [];
  try {
    for (const model of models) executables.push(await engine.compile(model.graph, { threads, signal }));
    const feeds = models.map((model) => sampleFeeds(model, batch));
    const times: number[][] = models.map(() => []);
    const began = performance.now();
    // The fewer milliseconds a run takes, the more runs it takes to tell two models apart.
    const isShort = (round: number) => mayGoOn && round < MOST_ROUNDS && performance.now() - began < ENOUGH_MS;
    for (let round = -1; round < rounds || isShort(round); round++) {
      for (const [i, executable] of executables.entries()) {
        throwIfAborted(signal);
        const start = performance.now();
        await executable.run(feeds[i], { signal });
        if (round >= 0) times[i].push(performance.now() - start);
      }
    }
    return times.map((list) => {
      list.sort((a, b) => a - b);
      return { medianMs: list[list.length >> 1], minMs: list[0], maxMs: list[list.length - 1], runs: list.length };
    });
  } finally {
    for (const executable of executables) await executable.dispose();
  }
}
