export { diffusersFormat } from './format/diffusers-format.js';
export { modelFromWeights, randomWeights } from './format/new-model.js';
export { loadScript } from './load-script.js';
export { type ModelClass, modelClasses, modelClassOf } from './model-classes.js';
export type { BuildOptions } from './module-builder.js';
export { isEmptyOverrides, type Overrides } from './overrides.js';
export { randomTensors } from './random-weights.js';
export { overridesOf, type Structure, shapesOf, structureOf } from './structure.js';
export { countParameters, type Init, type TensorSpec } from './tensor-spec.js';
export { parseUNet2DConditionConfig, type UNet2DConditionConfig } from './unet2d-condition-model/config.js';
export { expressibleUNet2DCondition } from './unet2d-condition-model/expressible-config.js';
export {
  buildUNet2DCondition,
  outlineUNet2DCondition,
  unet2dConditionSizes,
  unet2dConditionTensors,
} from './unet2d-condition-model/unet-2d-condition-model.js';
export { parseUNet2DConfig, type UNet2DConfig } from './unet2d-model/config.js';
export { expressibleUNet2D } from './unet2d-model/expressible-config.js';
export { buildUNet2D, outlineUNet2D, unet2dSizes, unet2dTensors } from './unet2d-model/unet-2d-model.js';
export { type WeightSource, weightsFrom } from './weight-source.js';
