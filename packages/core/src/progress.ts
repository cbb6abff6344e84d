/** One report of progress. `done` never falls within a phase. */
export interface Progress {
  /** What is being done, e.g. `gradients`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, e.g. `timesteps`. */
  readonly unit: string;
  readonly plugin?: string;
}

export type ProgressListener = (progress: Progress) => void;

/** Where messages go. Libraries are silent unless given one. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  /** Also collected into the report. */
  warn(message: string): void;
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {} };
