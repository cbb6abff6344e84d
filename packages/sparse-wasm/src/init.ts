import { SparseWasmError } from './errors.js';
import { hasRelaxedSimd, hasSimd } from './features.js';
import type { Isa } from './kernels.list.js';

/** What a module exports: its memory, and the kernels by the names in `kernels.list.ts`. Pointers are byte offsets. */
export type InitOutput = { readonly memory: WebAssembly.Memory } & Readonly<
  Record<string, (...args: number[]) => void>
>;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;
export type SyncInitInput = BufferSource | WebAssembly.Module;

export interface InitOptions {
  /** The module, or where it is. Default: the one that comes with this package. */
  module_or_path?: InitInput | Promise<InitInput>;
  /**
   * Whether to take the module with relaxed SIMD where the engine has it: fused multiply-add, and eight-bit products. Its
   * results differ in the last bits from machine to machine. Default false.
   */
  relaxed?: boolean;
}

let instance: InitOutput | undefined;

/** @throws {SparseWasmError} NO_SIMD when the engine cannot run any module of this package */
function requireSimd(): void {
  if (hasSimd()) return;
  throw new SparseWasmError('NO_SIMD', 'This WebAssembly engine has no SIMD, which all kernels need.', {
    hint: 'Use Node 16.4, Chrome 91, Firefox 89 or Safari 16.4, or newer.',
  });
}

/**
 * Loads the kernels, as a wasm-pack module's default export does: idempotent, every call gives the first instance.
 *
 * @returns the raw exports; `createRuntime` puts the typed layer over them
 * @throws {SparseWasmError} NO_SIMD
 */
export default async function init(options: InitOptions = {}): Promise<InitOutput> {
  return initFrom(options, fetchModule);
}

function fetchModule(isa: Isa): Promise<Response> {
  return fetch(
    // Written out twice: bundlers look for exactly this form.
    isa === 'relaxed'
      ? new URL('../pkg-relaxed/web/sparse_wasm_bg.wasm', import.meta.url)
      : new URL('../pkg/web/sparse_wasm_bg.wasm', import.meta.url),
  );
}

/** `init` with a way to find the module that belongs to an instruction set; `@secateur/sparse-wasm` in Node reads a file. */
export async function initFrom(options: InitOptions, find: (isa: Isa) => Promise<InitInput>): Promise<InitOutput> {
  if (instance) return instance;
  const loaded = await instantiateFrom(options, find);
  // Another call may have finished while this one waited: everyone gets the first instance.
  instance ??= loaded;
  return instance;
}

/**
 * A new instance, with a memory of its own, beside the one that `init` gives: for programs that hold several models and want the
 * memory of each back.
 * @throws {SparseWasmError} NO_SIMD
 */
export async function instantiate(options: InitOptions = {}): Promise<InitOutput> {
  return instantiateFrom(options, fetchModule);
}

/** `instantiate` with a way to find the module. */
export async function instantiateFrom(
  options: InitOptions,
  find: (isa: Isa) => Promise<InitInput>,
): Promise<InitOutput> {
  requireSimd();
  const isa = options.relaxed && hasRelaxedSimd() ? 'relaxed' : 'simd';
  const input = await (options.module_or_path ?? find(isa));
  return instanceOf(
    typeof input === 'string' || input instanceof URL || (typeof Request === 'function' && input instanceof Request)
      ? await fetch(input)
      : (input as Exclude<InitInput, RequestInfo | URL>),
  );
}

async function instanceOf(input: Response | BufferSource | WebAssembly.Module): Promise<InitOutput> {
  if (input instanceof WebAssembly.Module) return outputOf(await WebAssembly.instantiate(input));
  if (typeof Response === 'function' && input instanceof Response) {
    // Not instantiateStreaming: the modules are 25 KB, and this way a wrong media type does no harm.
    if (!input.ok) throw new Error(`${input.url}: ${input.status} ${input.statusText}`);
    input = await input.arrayBuffer();
  }
  return outputOf((await WebAssembly.instantiate(input as BufferSource)).instance);
}

const outputOf = (instance: WebAssembly.Instance): InitOutput => instance.exports as unknown as InitOutput;

/**
 * `init` without waiting, for a module that is at hand.
 * @throws {SparseWasmError} NO_SIMD
 */
export function initSync({ module }: { module: SyncInitInput }): InitOutput {
  if (instance) return instance;
  requireSimd();
  const compiled = module instanceof WebAssembly.Module ? module : new WebAssembly.Module(module);
  instance = outputOf(new WebAssembly.Instance(compiled));
  return instance;
}

/** @throws {SparseWasmError} NOT_INITIALISED before `init` or `initSync` */
export function currentInstance(): InitOutput {
  if (instance) return instance;
  throw new SparseWasmError('NOT_INITIALISED', 'The WebAssembly module is not loaded yet.', {
    hint: 'Call `await init()` or `initSync({ module })` first.',
  });
}
