import { type ByteSource, bytesSource } from '@secateur/core';

/** A safetensors file from the text of its header. */
export function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.byteLength + data.byteLength);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.byteLength), true);
  file.set(json, 8);
  file.set(data, 8 + json.byteLength);
  return file;
}

/** A source that notes the largest piece asked of it, also when the answer is an error. */
export function watchedSource(bytes: Uint8Array): { source: ByteSource; largestRead: () => number } {
  const inner = bytesSource('watched.safetensors', bytes);
  let largest = 0;
  return {
    largestRead: () => largest,
    source: {
      ...inner,
      read(offset, length) {
        largest = Math.max(largest, length);
        return inner.read(offset, length);
      },
    },
  };
}
