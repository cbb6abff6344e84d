import type { Masks, OutputFolder } from '@secateur/core';
import { tensor } from '@secateur/graph';
import { type TensorToWrite, writeSafetensors } from '@secateur/safetensors';

export const masksName = 'masks.safetensors';

/**
 * Writes element masks, eight elements a byte: tensor `NAME` is uint8 `[ceil(elements / 8)]`, lowest bit first, 1 = keep;
 * its true shape is in the metadata under `shape.NAME`.
 */
export async function writeMasks(out: OutputFolder, masks: Masks): Promise<void> {
  const metadata: Record<string, string> = { format: 'secateur-masks-1' };
  const tensors: TensorToWrite[] = [...masks].map(([name, { shape, bits }]) => {
    metadata[`shape.${name}`] = shape.join(',');
    return { name, dtype: 'uint8', shape: [bits.length], read: async () => tensor('uint8', [bits.length], bits) };
  });
  const sink = await out.create(masksName);
  try {
    await writeSafetensors(sink, tensors, { metadata });
  } finally {
    await sink.close();
  }
}
