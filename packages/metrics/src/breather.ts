import { throwIfAborted } from '@secateur/graph';

/** Longest time without letting anything else run. */
const LONGEST_MS = 50;

/**
 * To be awaited between steps of a long computation: stops it when the signal has fired, and now and then lets the event
 * loop turn, so that the signal can fire at all.
 */
export function breather(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    throwIfAborted(signal);
    if (performance.now() - last < LONGEST_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throwIfAborted(signal);
    last = performance.now();
  };
}
