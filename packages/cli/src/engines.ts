import type { Engine } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { engineNames } from './shared-options.js';

/**
 * An engine by its short name.
 * @throws {SecateurError} BAD_OPTION for an unknown name, MISSING_DEPENDENCY when its package is not installed
 */
export async function engineNamed(name: string, threads?: number): Promise<Engine> {
  const { nodeEngine, wasmEngineInNode, webEngineInNode } = await import('@secateur/runtime/node');
  if (name === 'ort') return nodeEngine({ threads });
  if (name === 'ort-web') return webEngineInNode();
  if (name === 'wasm') return wasmEngineInNode();
  throw new SecateurError('BAD_OPTION', `There is no engine "${name}".`, {
    field: 'engine',
    hint: `Choose one of ${engineNames.join(', ')}.`,
  });
}
