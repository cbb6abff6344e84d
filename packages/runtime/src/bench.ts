import type { Executable } from '@secateur/core';
import { SecateurError, type Tensor, throwIfAborted } from '@secateur/graph';

export interface BenchOptions {
  /** Timed runs of each executable, >= 1. Default 20. */
  rounds?: number;
  /** Runs before the timed ones, >= 0: they load kernels and fill caches. Default 3. */
  warmup?: number;
  signal?: AbortSignal;
  /** Called after every timed round. */
  onProgress?(done: number, total: number): void;
  /**
   * Bytes the process holds at the moment. Default: the resident set in Node; nothing is measured in browsers, which do
   * not tell.
   */
  residentBytes?(): number | undefined;
}

/** Latency of one executable, in ms. */
export interface BenchResult {
  medianMs: number;
  minMs: number;
  maxMs: number;
  /** Timed runs. */
  rounds: number;
  /**
   * Most bytes the process was seen to hold right after a run. It counts everything the process has loaded: to compare
   * engines, measure each in a process of its own.
   */
  peakBytes?: number;
}

/**
 * Times executables against one another on the same feeds. Every round runs each once, beginning with another one each
 * time, so that a busy or throttling machine slows all alike.
 *
 * @throws {SecateurError} BAD_OPTION when `rounds` or `warmup` is out of range; ABORTED
 */
export async function benchExecutables<Name extends string>(
  executables: Readonly<Record<Name, Executable>>,
  feeds: Readonly<Record<string, Tensor>>,
  options: BenchOptions = {},
): Promise<Record<Name, BenchResult>> {
  const { rounds = 20, warmup = 3, signal, onProgress, residentBytes = processBytes } = options;
  checkCount('rounds', rounds, 1);
  checkCount('warmup', warmup, 0);
  const names = Object.keys(executables) as Name[];
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  const peaks = new Map<Name, number>();
  for (let round = -warmup; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      throwIfAborted(signal);
      const name = names[(i + round + warmup) % names.length]!;
      const start = performance.now();
      await executables[name].run(feeds, { signal });
      const elapsed = performance.now() - start;
      const bytes = residentBytes();
      if (bytes !== undefined) peaks.set(name, Math.max(bytes, peaks.get(name) ?? 0));
      if (round >= 0) times.get(name)!.push(elapsed);
    }
    if (round >= 0) onProgress?.(round + 1, rounds);
  }
  const results = names.map((name) => [name, summarize(times.get(name)!, peaks.get(name))]);
  return Object.fromEntries(results) as Record<Name, BenchResult>;
}

/** Median (mean of the middle two of an even number), smallest and largest. */
function summarize(times: readonly number[], peakBytes: number | undefined): BenchResult {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const medianMs = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  const result = { medianMs, minMs: sorted[0]!, maxMs: sorted.at(-1)!, rounds: sorted.length };
  return peakBytes === undefined ? result : { ...result, peakBytes };
}

function processBytes(): number | undefined {
  const { process } = globalThis as { process?: { memoryUsage?: () => { rss: number } } };
  return process?.memoryUsage?.().rss;
}

function checkCount(field: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new SecateurError('BAD_OPTION', `${field} is ${value}; it must be a whole number >= ${least}.`, { field });
}
