import type { Mask, Masks, OutputFolder, SourceFolder } from '@secateur/core';
import { SecateurError, sizeOf, tensor } from '@secateur/graph';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '@secateur/safetensors';

export const masksName = 'masks.safetensors';

const format = 'secateur-masks-1';

/**
 * Writes element masks, eight elements a byte: tensor `NAME` is uint8 `[ceil(elements / 8)]`, lowest bit first, 1 = keep;
 * its true shape is in the metadata under `shape.NAME`.
 */
export async function writeMasks(out: OutputFolder, masks: Masks): Promise<void> {
  const metadata: Record<string, string> = { format };
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

/**
 * The masks that a pruning run left in a model's folder; `undefined` when there are none.
 *
 * @throws {SecateurError} BAD_FILE when the file is no file of masks, or is damaged
 */
export async function readMasks(folder: SourceFolder): Promise<Masks | undefined> {
  if (!(await folder.has(masksName))) return undefined;
  const source = await folder.open(masksName);
  const damaged = (what: string): SecateurError =>
    new SecateurError('BAD_FILE', `${masksName} of ${folder.name}: ${what}.`, { file: source.name });
  try {
    const { metadata, tensors } = await readSafetensors(source);
    if (metadata.format !== format) throw damaged('it is no file of masks of this version');
    const masks = new Map<string, Mask>();
    for (const [name, entry] of tensors) {
      const text = metadata[`shape.${name}`] ?? '';
      const shape = text.split(',').map(Number);
      const isShape = /^\d+(,\d+)*$/.test(text) && shape.every(Number.isSafeInteger);
      if (!isShape || entry.dtype !== 'uint8' || entry.byteLength !== Math.ceil(sizeOf(shape) / 8)) {
        throw damaged(`the mask of ${name} is not one bit for each element of [${text}]`);
      }
      masks.set(name, { shape, bits: (await entry.read()).data as Uint8Array });
    }
    return masks;
  } finally {
    await source.close?.();
  }
}
