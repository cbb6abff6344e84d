/** One report of progress. `done` never falls within a phase. */
export interface Progress {
  /** What is being done, e.g. `gradients`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, e.g. `timesteps`. */
  readonly unit: string;
  /** A few words to show beside it, e.g. the loss. */
  readonly note?: string;
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

/** A logger that also collects warnings, for the report. */
export function collecting(logger: Logger, warnings: string[]): Logger {
  return {
    debug: (message) => logger.debug(message),
    info: (message) => logger.info(message),
    warn: (message) => {
      warnings.push(message);
      logger.warn(message);
    },
  };
}

/** A listener that hears at most about twenty reports a second; the first and last of a phase always. */
export function throttled(
  listener: ProgressListener | undefined,
  plugin: string,
  now: () => number = () => performance.now(),
): ProgressListener {
  if (!listener) return () => {};
  let last = Number.NEGATIVE_INFINITY;
  let phase = '';
  return (progress) => {
    const time = now();
    if (progress.phase === phase && progress.done < progress.total && time - last < 50) return;
    last = time;
    phase = progress.phase;
    listener({ plugin, ...progress });
  };
}
