import { SecateurError } from '@secateur/graph';
import { autoencoderKL } from './autoencoder-kl/autoencoder-kl.js';
import { clipTextModel, clipTextModelWithProjection } from './clip-text-model/clip-text-model.js';
import { ditTransformer2DModel } from './dit-transformer-2d-model/dit-transformer-2d-model.js';
import { fluxTransformer2DModel } from './flux-transformer-2d-model/flux-transformer-2d-model.js';
import type { ModelClass } from './model-class.js';
import { pixartTransformer2DModel } from './pixart-transformer-2d-model/pixart-transformer-2d-model.js';
import { sd3Transformer2DModel } from './sd3-transformer-2d-model/sd3-transformer-2d-model.js';
import { t5EncoderModel } from './t5-encoder-model/t5-encoder-model.js';
import { unet2dConditionModel } from './unet2d-condition-model/unet-2d-condition-model.js';
import { unet2dModel } from './unet2d-model/unet-2d-model.js';

/** The classes known, by name. */
export const modelClasses: ReadonlyMap<string, ModelClass> = new Map(
  [
    unet2dModel,
    unet2dConditionModel,
    autoencoderKL,
    clipTextModel,
    clipTextModelWithProjection,
    t5EncoderModel,
    ditTransformer2DModel,
    sd3Transformer2DModel,
    pixartTransformer2DModel,
    fluxTransformer2DModel,
  ].map((modelClass) => [modelClass.name, modelClass]),
);

/**
 * The class that a configuration names: `_class_name` in diffusers, the first of `architectures` in transformers.
 *
 * @throws {SecateurError} BAD_CONFIG when the configuration names no class, or one that is not known
 */
export function modelClassOf(config: unknown, file?: string): ModelClass {
  const { field, name } = classNameOf(config);
  const known = typeof name === 'string' ? modelClasses.get(name) : undefined;
  if (known) return known;
  const said = name === undefined ? 'names no class' : `has the class ${JSON.stringify(name)}, which is not known`;
  throw new SecateurError('BAD_CONFIG', `The configuration ${said}.`, {
    file,
    field,
    hint: `Known classes: ${[...modelClasses.keys()].join(', ')}.`,
  });
}

function classNameOf(config: unknown): { field: string; name: unknown } {
  const fields = typeof config === 'object' && config !== null ? (config as Record<string, unknown>) : {};
  if (fields._class_name === undefined && Array.isArray(fields.architectures)) {
    return { field: 'architectures', name: fields.architectures[0] };
  }
  return { field: '_class_name', name: fields._class_name };
}
