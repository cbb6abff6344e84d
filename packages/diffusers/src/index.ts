export { autoencoderKL } from './autoencoder-kl/autoencoder-kl.js';
export { type AutoencoderKLConfig, parseAutoencoderKLConfig } from './autoencoder-kl/config.js';
export { clipTextModel, clipTextModelWithProjection } from './clip-text-model/clip-text-model.js';
export { type CLIPTextConfig, parseCLIPTextConfig } from './clip-text-model/config.js';
export { type DiTTransformer2DConfig, parseDiTTransformer2DConfig } from './dit-transformer-2d-model/config.js';
export { ditTransformer2DModel } from './dit-transformer-2d-model/dit-transformer-2d-model.js';
export type { Expressed, Json, Shapes } from './expressible-config.js';
export { type FluxTransformer2DConfig, parseFluxTransformer2DConfig } from './flux-transformer-2d-model/config.js';
export { fluxTransformer2DModel } from './flux-transformer-2d-model/flux-transformer-2d-model.js';
export { asExpressed } from './format/as-expressed.js';
export { diffusersFormat } from './format/diffusers-format.js';
export { modelFromWeights, randomWeights } from './format/new-model.js';
export { parsePythonJson } from './format/python-json.js';
export { loadScript } from './load-script/load-script.js';
export { defineModelClass, type Library, type ModelClass, type ModelClassDefinition } from './model-class.js';
export { modelClasses, modelClassOf } from './model-classes.js';
export {
  type BuildOptions,
  type Feature,
  type FreeWidth,
  free,
  ModuleBuilder,
  type Parameter,
} from './module-builder.js';
export { type ComputedOutputs, isEmptyOverrides, type Overrides } from './overrides.js';
export {
  type PixArtTransformer2DConfig,
  parsePixArtTransformer2DConfig,
} from './pixart-transformer-2d-model/config.js';
export { pixartTransformer2DModel } from './pixart-transformer-2d-model/pixart-transformer-2d-model.js';
export { randomTensors } from './random-weights.js';
export { sameNetwork } from './same-network.js';
export { parseSD3Transformer2DConfig, type SD3Transformer2DConfig } from './sd3-transformer-2d-model/config.js';
export { sd3Transformer2DModel } from './sd3-transformer-2d-model/sd3-transformer-2d-model.js';
export { singleFileFormat } from './single-file/single-file-format.js';
export {
  type Outline,
  overridesOf,
  type RemovableModule,
  type Structure,
  shapesOf,
  structureOf,
} from './structure.js';
export { parseT5Config, type T5Config } from './t5-encoder-model/config.js';
export { t5EncoderModel } from './t5-encoder-model/t5-encoder-model.js';
export { countParameters, type Init, type TensorSpec } from './tensor-spec.js';
export { parseUNet2DConditionConfig, type UNet2DConditionConfig } from './unet2d-condition-model/config.js';
export { unet2dConditionModel } from './unet2d-condition-model/unet-2d-condition-model.js';
export { parseUNet2DConfig, type UNet2DConfig } from './unet2d-model/config.js';
export { unet2dModel } from './unet2d-model/unet-2d-model.js';
export { type WeightSource, weightsFrom } from './weight-source.js';
