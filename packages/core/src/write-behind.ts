import type { ByteSink } from './files.js';

/** Writes to a sink while the caller makes what is written next. */
export interface WriteBehind {
  /**
   * Waits for the bytes given before and begins to write these, which must not change until the next call.
   * @throws what the sink threw for the bytes given before
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Waits for the last bytes. To be called also when something else failed: nothing may be on its way when the sink closes. */
  flush(): Promise<void>;
}

export function writeBehind(sink: ByteSink): WriteBehind {
  let writing: Promise<void> = Promise.resolve();
  return {
    async write(bytes) {
      await writing;
      writing = sink.write(bytes);
      // It is waited for later: until then its error is no unhandled one.
      writing.catch(() => {});
    },
    flush: () => writing,
  };
}
