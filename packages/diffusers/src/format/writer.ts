import {
  type ByteSink,
  type ByteSource,
  type OutputFolder,
  readAhead,
  type SaveOptions,
  type SourceFolder,
  writeBehind,
} from '@secateur/core';
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
    const offsets = Array.from({ length: Math.ceil(source.size / chunkBytes) }, (_, i) => i * chunkBytes);
    const read = (offset: number) => source.read(offset, Math.min(chunkBytes, source.size - offset));
    await this.file(path, async (sink) => {
      const behind = writeBehind(sink);
      try {
        for await (const [offset, bytes] of readAhead(offsets, read)) {
          throwIfAborted(signal);
          await behind.write(bytes);
          onProgress?.(offset + bytes.byteLength, source.size);
        }
      } finally {
        await behind.flush();
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
