import { SecateurError } from '@secateur/graph';
import { parseAutoencoderKLConfig } from '../autoencoder-kl/config.js';
import { parseUNet2DConditionConfig } from '../unet2d-condition-model/config.js';
import { autoencoderConfigOf, type Family } from './autoencoder-config.js';
import { autoencoderKeys } from './autoencoder-keys.js';
import { clipConfigOf, openClipConfigOf } from './clip-config.js';
import { clipKeys, openClipKeys } from './clip-keys.js';
import type { PlaceOf, StoredShapes } from './stored-place.js';
import { unetConfigOf } from './unet-config.js';
import { unetKeys } from './unet-keys.js';

type Json = Readonly<Record<string, unknown>>;

/** A model inside an original checkpoint. */
export interface SingleFileComponent {
  /** As diffusers' pipelines name it: `unet`, `vae`, `text_encoder`, `text_encoder_2`. */
  readonly name: string;
  /** Its configuration, read off the shapes. @throws {SecateurError} BAD_FILE */
  config(): Json;
  /** Where its tensors are, by a configuration of before it was pruned. */
  placeOf(config: Json): PlaceOf;
  /** Whether a key is one of a tensor that must have a place; others behind the same prefix are passed over. */
  owns(key: string): boolean;
}

/** The models that an original checkpoint holds, the one to open by default first; none when its keys are others. */
export function componentsIn(shapes: StoredShapes): SingleFileComponent[] {
  return [unetIn(shapes), autoencoderIn(shapes), ...textEncodersIn(shapes)].filter(
    (component) => component !== undefined,
  );
}

/** @throws {SecateurError} BAD_OPTION when there is no such component */
export function componentNamed(
  components: readonly SingleFileComponent[],
  name: string | undefined,
  file: string,
): SingleFileComponent {
  const found = name === undefined ? components[0] : components.find((component) => component.name === name);
  if (found) return found;
  throw new SecateurError('BAD_OPTION', `${file} has no component "${name}".`, {
    file,
    field: 'component',
    hint: `It holds ${components.map((component) => component.name).join(', ')}.`,
  });
}

function unetIn(shapes: StoredShapes): SingleFileComponent | undefined {
  const prefix = ['model.diffusion_model.', ''].find((candidate) => shapes.has(`${candidate}input_blocks.0.0.weight`));
  if (prefix === undefined) return undefined;
  const own = /^(?:input_blocks|middle_block|output_blocks|out|time_embed|label_emb)\./;
  return {
    name: 'unet',
    config: () => unetConfigOf(shapes, prefix),
    placeOf: (config) => unetKeys(parseUNet2DConditionConfig(config), prefix),
    owns: (key) => key.startsWith(prefix) && own.test(key.slice(prefix.length)),
  };
}

function autoencoderIn(shapes: StoredShapes): SingleFileComponent | undefined {
  const marks = ['encoder.down.0.block.0.conv1.weight', 'decoder.mid.block_1.conv1.weight'];
  const prefix = ['first_stage_model.', 'vae.', ''].find((candidate) =>
    marks.every((mark) => shapes.has(candidate + mark)),
  );
  if (prefix === undefined) return undefined;
  const own = /^(?:encoder|decoder|quant_conv|post_quant_conv)\./;
  return {
    name: 'vae',
    config: () => autoencoderConfigOf(shapes, prefix, familyOf(shapes, prefix)),
    placeOf: (config) => autoencoderKeys(parseAutoencoderKLConfig(config), prefix),
    owns: (key) => key.startsWith(prefix) && own.test(key.slice(prefix.length)),
  };
}

/** The family of the model that an autoencoder lies with: its latents are scaled alike. */
function familyOf(shapes: StoredShapes, prefix: string): Family {
  const latent = shapes.get(`${prefix}decoder.conv_in.weight`)?.[1];
  const keys = [...shapes.keys()];
  if (latent === 16) return keys.some((key) => /(?:^|\.)joint_blocks\./.test(key)) ? 'sd3' : 'flux';
  return keys.some((key) => key.startsWith('conditioner.')) ? 'sdxl' : 'sd';
}

const numbersOfPositions = /\.position_ids$/;

function textEncodersIn(shapes: StoredShapes): SingleFileComponent[] {
  const found: SingleFileComponent[] = [];
  for (const prefix of ['cond_stage_model.transformer.', 'conditioner.embedders.0.transformer.']) {
    const isThere = ['', 'text_model.'].some((inner) =>
      shapes.has(`${prefix}${inner}embeddings.token_embedding.weight`),
    );
    if (!isThere) continue;
    found.push({
      name: 'text_encoder',
      config: () => clipConfigOf(shapes, prefix),
      placeOf: () => clipKeys(prefix, shapes),
      owns: (key) => key.startsWith(prefix) && !numbersOfPositions.test(key),
    });
  }
  // SDXL's second encoder, or the refiner's only one, which diffusers names alike; Stable Diffusion 2's.
  for (const prefix of [
    'conditioner.embedders.1.model.',
    'conditioner.embedders.0.model.',
    'cond_stage_model.model.',
  ]) {
    if (!shapes.has(`${prefix}token_embedding.weight`)) continue;
    const projects = prefix.startsWith('conditioner.');
    found.push({
      name: projects ? 'text_encoder_2' : 'text_encoder',
      config: () => openClipConfigOf(shapes, prefix, projects),
      placeOf: () => openClipKeys(prefix),
      // Beside what the model reads there are a scale of logits and, in Stable Diffusion 2, a last layer and a projection.
      owns: () => false,
    });
  }
  return found;
}
