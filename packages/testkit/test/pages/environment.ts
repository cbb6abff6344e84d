/** What the page of the browser tier can do: the ground that the engines' browser tests stand on. */
export async function environment(): Promise<Record<string, boolean | string>> {
  const gpu = (navigator as Navigator & { gpu?: { requestAdapter(): Promise<unknown> } }).gpu;
  return {
    crossOriginIsolated,
    sharedMemory: typeof SharedArrayBuffer === 'function' && new SharedArrayBuffer(8).byteLength === 8,
    webgpu: gpu !== undefined && (await gpu.requestAdapter()) !== null,
    agent: navigator.userAgent,
  };
}

export function doubled(values: Float32Array): Float32Array {
  return values.map((value) => value * 2);
}

export async function lengthOf(path: string): Promise<number> {
  return (await (await fetch(path)).arrayBuffer()).byteLength;
}

export function failing(): never {
  throw new RangeError('seven is out of range');
}
