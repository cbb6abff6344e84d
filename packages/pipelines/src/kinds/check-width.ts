import { SecateurError } from '@secateur/graph';
import type { DenoiserInputs } from '../denoiser.js';

/**
 * Compares what text encoders give, side by side, with what an input of the denoiser takes.
 *
 * @param widths  of each encoder by its name; unknown where an ONNX file does not say
 * @throws {SecateurError} SHAPE_MISMATCH
 */
export function checkWidth(
  { conditions }: DenoiserInputs,
  input: string,
  widths: readonly (readonly [name: string, width: number | undefined])[],
): void {
  const wanted = conditions.find(({ name }) => name === input)?.shape.at(-1);
  if (typeof wanted !== 'number' || widths.some(([, width]) => width === undefined)) return;
  const total = widths.reduce((sum, [, width]) => sum + width!, 0);
  if (total === wanted) return;
  const said = widths.map(([name, width]) => `${name} gives ${width}`).join(', ');
  throw new SecateurError('SHAPE_MISMATCH', `The denoiser’s ${input} are ${wanted} wide; ${said}.`, {
    field: input,
    hint: 'The text encoder belongs to another model. Take the one that the denoiser was trained with.',
  });
}
