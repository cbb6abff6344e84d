import { bytesSource, type OutputFolder } from '@secateur/core';
import { readSafetensors, type SafetensorsFile } from '@secateur/safetensors';

/** An output folder that remembers the headers of the safetensors files written into it. */
export interface CapturedOutput extends OutputFolder {
  /** Headers by path, once the files are written. */
  checkpoints(): Promise<ReadonlyMap<string, SafetensorsFile>>;
}

/** Wraps `out`: an ONNX file written later can then point into a checkpoint written before. */
export function captureCheckpoints(out: OutputFolder): CapturedOutput {
  const written = new Map<string, Written>();
  return {
    name: out.name,
    commit: () => out.commit(),
    discard: () => out.discard(),
    async create(path) {
      const sink = await out.create(path);
      if (!path.endsWith('.safetensors')) return sink;
      const record: Written = { start: new Uint8Array(0), total: 0 };
      written.set(path, record);
      return {
        close: () => sink.close(),
        async write(bytes) {
          await sink.write(bytes);
          record.total += bytes.byteLength;
          keepStart(record, bytes);
        },
      };
    },
    async checkpoints() {
      const files = new Map<string, SafetensorsFile>();
      for (const [path, { start, total }] of written) {
        const source = bytesSource(path, start);
        files.set(path, await readSafetensors({ ...source, size: total }));
      }
      return files;
    },
  };
}

interface Written {
  /** The file up to its first tensor. */
  start: Uint8Array;
  total: number;
}

function keepStart(record: Written, bytes: Uint8Array): void {
  const wanted = headerEnd(record.start.byteLength >= 8 ? record.start : bytes);
  const missing = wanted - record.start.byteLength;
  if (missing <= 0) return;
  const more = bytes.subarray(0, missing);
  const start = new Uint8Array(record.start.byteLength + more.byteLength);
  start.set(record.start);
  start.set(more, record.start.byteLength);
  record.start = start;
}

/** Where the first tensor begins, by the length that a safetensors file starts with. Writers write that in one piece. */
function headerEnd(start: Uint8Array): number {
  return 8 + Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
}
