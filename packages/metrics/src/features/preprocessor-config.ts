import { SecateurError } from '@secateur/graph';
import * as v from 'valibot';
import type { Preprocess } from './preprocess.js';

const numbers = v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1), v.maxLength(16));
const sides = v.looseObject({
  height: v.optional(v.number()),
  width: v.optional(v.number()),
  shortest_edge: v.optional(v.number()),
});

/** The fields that are read; others (types, versions, conversion to RGB) change no numbers here. */
const schema = v.looseObject({
  do_normalize: v.optional(v.boolean(), true),
  image_mean: v.optional(numbers),
  image_std: v.optional(
    v.pipe(
      numbers,
      v.everyItem((value) => value > 0, 'must be above 0'),
    ),
  ),
  do_rescale: v.optional(v.boolean(), true),
  rescale_factor: v.optional(v.number(), 1 / 255),
  do_resize: v.optional(v.boolean(), false),
  resample: v.optional(v.picklist([2, 3], 'must be 2 (bilinear) or 3 (bicubic)'), 2),
  size: v.optional(v.union([v.number(), sides])),
  crop_size: v.optional(v.union([v.number(), sides])),
});

/**
 * How pictures are made ready, from a `preprocessor_config.json` as transformers writes it beside a vision model. The size
 * is the model's own: sizes in the file are not needed, as pictures are always resized to cover it and cut to the middle.
 *
 * @throws {SecateurError} BAD_CONFIG naming the field that is wrong or means something else
 */
export function readPreprocessorConfig(config: unknown, file: string): Preprocess {
  const parsed = v.safeParse(schema, config);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const field = v.getDotPath(issue) ?? '';
    throw new SecateurError('BAD_CONFIG', `${file}: ${field || 'it'} ${issue.message}`, { file, field });
  }
  const { do_rescale, rescale_factor, do_normalize, image_mean, image_std, do_resize, resample } = parsed.output;
  if (!do_rescale || Math.abs(rescale_factor * 255 - 1) > 1e-6) {
    throw new SecateurError('BAD_CONFIG', `${file}: values must be rescaled by 1/255, to [0, 1].`, {
      file,
      field: do_rescale ? 'rescale_factor' : 'do_rescale',
    });
  }
  if (do_normalize && (!image_mean || image_std?.length !== image_mean.length)) {
    throw new SecateurError('BAD_CONFIG', `${file}: image_mean and image_std must be lists of one length.`, {
      file,
      field: 'image_mean',
    });
  }
  const resize = do_resize ? ({ resize: resample === 3 ? 'bicubic' : 'bilinear' } as const) : {};
  if (!do_normalize) return { mean: [0], std: [1], ...resize };
  return { mean: image_mean!, std: image_std!, ...resize };
}
