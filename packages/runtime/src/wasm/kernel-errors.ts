import { SecateurError } from '@secateur/graph';

/** What the kernels' package throws, in our own words; other errors as they are. */
export function fromKernels(error: unknown, what: string, field?: string): unknown {
  if (!(error instanceof Error) || error.name !== 'SparseWasmError') return error;
  const { code, hint } = error as Error & { code: string; hint?: string };
  const isMemory = code === 'OUT_OF_MEMORY';
  return new SecateurError(code === 'BAD_DATA' ? 'BAD_DATA' : 'ENGINE_FAILED', `wasm: ${what}: ${error.message}`, {
    field,
    hint: isMemory
      ? 'Take `memory: "small"`, a smaller batch, or engine ort: a WebAssembly memory ends at 4 GiB.'
      : hint,
    cause: error,
  });
}
