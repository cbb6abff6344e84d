import type { Writable } from 'node:stream';

/** Where the program reads its surroundings from and writes to; tests bring their own. */
export interface Io {
  readonly stdout: Writable;
  /** Messages and progress. A bar is drawn when it is a terminal. */
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Relative paths start here. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the user wants to stop. */
  readonly signal: AbortSignal;
}
