import type { ByteSink, ByteSource, OutputFolder, SaveOptions, SourceFolder } from '@secateur/core';
import { throwIfAborted } from '@secateur/graph';

const chunkBytes = 1 << 22;

/** Writes files into an output folder and remembers their paths. */
export class Writer {
  readonly written: string[] = [];

  constructor(
    private readonly out: OutputFolder,
    private readonly options: SaveOptions,
  ) {}

  async file(path: string, write: (sink: ByteSink) => Promise<unknown>): Promise<void> {
    const sink = await this.out.create(path);
    try {
      await write(sink);
    } finally {
      await sink.close();
    }
    this.written.push(path);
  }

  async json(path: string, value: unknown): Promise<void> {
    await this.text(path, `${JSON.stringify(value, null, 2)}\n`);
  }

  async text(path: string, text: string): Promise<void> {
    await this.file(path, (sink) => sink.write(new TextEncoder().encode(text)));
  }

  /** Copies a source piece by piece. */
  async copy(path: string, source: ByteSource): Promise<void> {
    const { signal, onProgress } = this.options;
    await this.file(path, async (sink) => {
      for (let offset = 0; offset < source.size; offset += chunkBytes) {
        throwIfAborted(signal);
        await sink.write(await source.read(offset, Math.min(chunkBytes, source.size - offset)));
        onProgress?.(Math.min(offset + chunkBytes, source.size), source.size);
      }
    });
  }

  /** Copies a file of a folder to the same path. */
  async copyFrom(folder: SourceFolder, path: string): Promise<void> {
    const source = await folder.open(path);
    try {
      await this.copy(path, source);
    } finally {
      await source.close?.();
    }
  }
}
