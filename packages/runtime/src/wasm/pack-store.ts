import { SecateurError } from '@secateur/graph';
import { type PackedWeights, parsePacked, serialisePacked } from '@secateur/sparse-wasm';
import type { LayerRequest } from './layer-request.js';

/** Where packed weights are kept between programs, by the name of the weight that they were packed from and how it lies. */
export interface PackStore {
  /** A pack stored before, as `set` was given it. It is taken for that of the model at hand: keep one store for each model. */
  get(weight: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Takes what was packed because `get` had none. Left out, nothing is stored. */
  set?(weight: string, pack: Uint8Array): void | Promise<void>;
}

/** @throws {SecateurError} BAD_FILE when a pack is damaged, or is of another layer's shape */
export async function storedPack(store: PackStore, request: LayerRequest): Promise<PackedWeights | undefined> {
  const weight = request.packName;
  const bytes = await store.get(weight);
  if (!bytes) return undefined;
  const packed = parsed(bytes, weight);
  const { outputs, inputs, kernel = [1, 1] } = request.shape;
  const [expected, found] = [
    [outputs, inputs, ...kernel],
    [packed.outputs, packed.inputs, ...packed.kernel],
  ];
  if (packed.type === 'f32' && expected.join() === found.join()) return packed;
  throw new SecateurError(
    'BAD_FILE',
    `The pack of "${weight}" holds ${packed.type} [${found.join(', ')}]; layer "${request.node}" needs f32 [${expected.join(', ')}].`,
    { field: weight, hint: 'Empty the store: it belongs to another model.' },
  );
}

export async function storePack(store: PackStore, { packName }: LayerRequest, packed: PackedWeights): Promise<void> {
  // The bias is what a graph fuses with the layer, and is read with it.
  await store.set?.(packName, serialisePacked({ ...packed, bias: undefined }));
}

function parsed(bytes: Uint8Array, weight: string): PackedWeights {
  try {
    return parsePacked(bytes);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new SecateurError('BAD_FILE', `The pack of "${weight}": ${words}`, { field: weight, cause: error });
  }
}
