/** Engines for Node. */
import { realpath } from 'node:fs/promises';
import type { Engine } from '@secateur/core';
import { instantiate } from '@secateur/sparse-wasm/node';
import { importPeer } from './import-peer.js';
import { ortEngine } from './ort-engine.js';
import type { OrtModule, OrtProvider, OrtSessionOptions } from './ort-module.js';
import { type WasmEngine, type WasmOptions, wasmEngine } from './wasm/wasm-engine.js';

export interface NodeEngineOptions {
  /** Threads of one run, >= 1. Default: onnxruntime's choice, one per core. */
  threads?: number;
  /** Execution providers in order of preference, e.g. `['cuda', 'cpu']`. Default `['cpu']`. */
  providers?: readonly OrtProvider[];
  /** Another build of onnxruntime. Default: the installed `onnxruntime-node`. */
  ort?: OrtModule;
  /** More session options, by onnxruntime's names. */
  sessionOptions?: OrtSessionOptions;
}

/**
 * onnxruntime-node as engine `ort`. Weights that lie in a file on disk are mapped from it, not copied.
 *
 * @throws {SecateurError} MISSING_DEPENDENCY when onnxruntime-node is not installed; BAD_OPTION when `threads` is no count
 */
export async function nodeEngine(options: NodeEngineOptions = {}): Promise<Engine> {
  const ort = await importPeer('onnxruntime-node', options.ort, () => import('onnxruntime-node'));
  return ortEngine({
    ort,
    name: 'ort',
    library: `onnxruntime-node ${ort.env?.versions?.node ?? ''}`.trim(),
    providers: options.providers ?? ['cpu'],
    threads: options.threads,
    sessionOptions: options.sessionOptions,
    writesInto: true,
    resolveFile: (path) => realpath(path).catch(() => undefined),
  });
}

export interface WebEngineInNodeOptions {
  /** Another build of onnxruntime-web. Default: the installed one. */
  ort?: OrtModule;
  /** More session options, by onnxruntime's names. */
  sessionOptions?: OrtSessionOptions;
}

/**
 * onnxruntime-web's WASM as engine `ort-web` inside Node, on one thread: to measure and test what a browser will do.
 *
 * @throws {SecateurError} MISSING_DEPENDENCY when onnxruntime-web is not installed
 */
export async function webEngineInNode(options: WebEngineInNodeOptions = {}): Promise<Engine> {
  const ort = await importPeer('onnxruntime-web', options.ort, () => import('onnxruntime-web'));
  // Its threads are web workers, which Node has not.
  ort.env.wasm.numThreads = 1;
  return ortEngine({
    ort,
    name: 'ort-web',
    library: `onnxruntime-web ${ort.env.versions?.web ?? ''}`.trim(),
    providers: ['wasm'],
    threads: 1,
    sessionOptions: options.sessionOptions,
  });
}

/**
 * Our own kernels as engine `wasm`, on one thread.
 *
 * @throws {SecateurError} BAD_OPTION
 */
export async function wasmEngineInNode(options: WasmOptions = {}): Promise<WasmEngine> {
  return wasmEngine({ ...options, instantiate });
}
