import { SecateurError } from '@secateur/graph';
import type { OrtModule } from './ort-module.js';

/** A module of onnxruntime with its versions. */
export type LoadedOrt = OrtModule & { readonly env: OrtEnvironment };

export interface OrtEnvironment {
  readonly versions: { readonly common: string; readonly node?: string; readonly web?: string };
  readonly wasm: { numThreads?: number; wasmPaths?: unknown };
}

/**
 * Loads a peer package, or takes the module the user injected.
 * @throws {SecateurError} MISSING_DEPENDENCY naming the package and the option when it cannot be loaded
 */
export async function importPeer(
  name: string,
  injected: OrtModule | undefined,
  load: () => Promise<unknown>,
): Promise<LoadedOrt> {
  if (injected) return injected as LoadedOrt;
  try {
    const module = (await load()) as Partial<LoadedOrt> & { default?: LoadedOrt };
    // A CommonJS package arrives under `default`.
    return module.InferenceSession ? (module as LoadedOrt) : module.default!;
  } catch (cause) {
    const packageName = name.split('/')[0]!;
    throw new SecateurError(
      'MISSING_DEPENDENCY',
      `The package ${packageName} cannot be loaded: ${(cause as Error).message}`,
      {
        field: packageName,
        hint: `Install it (npm i ${packageName}), or pass the module as the option \`ort\`.`,
        cause,
      },
    );
  }
}
