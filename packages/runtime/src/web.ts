/** Engines for browsers: pages and workers. */
import type { Engine } from '@secateur/core';
import { instantiate } from '@secateur/sparse-wasm';
import { importPeer } from './import-peer.js';
import { ortEngine } from './ort-engine.js';
import type { OrtModule, OrtSessionOptions } from './ort-module.js';
import { type WasmEngine, type WasmOptions, wasmEngine } from './wasm/wasm-engine.js';

export interface WebEngineOptions {
  /** `wasm` runs everywhere; `webgpu` where the browser has it. Default `wasm`. */
  provider?: 'wasm' | 'webgpu';
  /**
   * Threads of the WASM engine, >= 1; more than one needs a cross-origin isolated page. One page has one setting: the
   * first session made decides. Default: onnxruntime-web's choice.
   */
  threads?: number;
  /** Where onnxruntime-web's `.wasm` files are served from: a URL prefix, or URLs by file. Default: beside its script. */
  wasmPaths?: string | Readonly<Record<string, string>>;
  /** Another build of onnxruntime-web. Default: the installed one. */
  ort?: OrtModule;
  /** More session options, by onnxruntime's names. */
  sessionOptions?: OrtSessionOptions;
}

/**
 * onnxruntime-web as engine `ort-web` (WASM) or `ort-webgpu`.
 *
 * @throws {SecateurError} MISSING_DEPENDENCY when onnxruntime-web is not installed; BAD_OPTION when `threads` is no count
 */
export async function webEngine(options: WebEngineOptions = {}): Promise<Engine> {
  const webgpu = options.provider === 'webgpu';
  const ort = webgpu
    ? await importPeer('onnxruntime-web/webgpu', options.ort, () => import('onnxruntime-web/webgpu'))
    : await importPeer('onnxruntime-web', options.ort, () => import('onnxruntime-web'));
  const engine = ortEngine({
    ort,
    name: webgpu ? 'ort-webgpu' : 'ort-web',
    library: `onnxruntime-web ${ort.env.versions?.web ?? ''}`.trim(),
    providers: webgpu ? ['webgpu', 'wasm'] : ['wasm'],
    threads: options.threads,
    sessionOptions: options.sessionOptions,
  });
  if (options.threads !== undefined) ort.env.wasm.numThreads = options.threads;
  if (options.wasmPaths !== undefined) ort.env.wasm.wasmPaths = options.wasmPaths;
  return engine;
}

/**
 * Our own kernels as engine `wasm`, on one thread.
 *
 * @throws {SecateurError} BAD_OPTION
 */
export async function wasmEngineInPage(options: WasmOptions = {}): Promise<WasmEngine> {
  return wasmEngine({ ...options, instantiate });
}
