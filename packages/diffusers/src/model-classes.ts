import type { WidthTies } from '@secateur/core';
import { type Coupling, type Graph, SecateurError } from '@secateur/graph';
import type { BuildOptions } from './module-builder.js';
import type { Overrides } from './overrides.js';
import type { TensorSpec } from './tensor-spec.js';
import { expressibleUNet2DCondition } from './unet2d-condition-model/expressible-config.js';
import {
  buildUNet2DCondition,
  outlineUNet2DCondition,
  unet2dConditionSizes,
  unet2dConditionTensors,
} from './unet2d-condition-model/unet-2d-condition-model.js';
import { unet2dConditionTies } from './unet2d-condition-model/width-ties.js';
import { expressibleUNet2D } from './unet2d-model/expressible-config.js';
import { buildUNet2D, outlineUNet2D, unet2dSizes, unet2dTensors } from './unet2d-model/unet-2d-model.js';
import { unet2dTies } from './unet2d-model/width-ties.js';
import type { WeightSource } from './weight-source.js';

type Json = Readonly<Record<string, unknown>>;

/** A model class of diffusers. Every function takes the content of `config.json` and throws BAD_CONFIG when it is wrong. */
export interface ModelClass {
  /** As `_class_name` says it. */
  readonly name: string;
  /** The tensors that a configuration calls for. */
  tensors(config: unknown): TensorSpec[];
  /** @throws {SecateurError} BAD_FILE when the weights do not fit */
  build(config: unknown, weights: WeightSource, overrides?: Overrides, options?: BuildOptions): Graph;
  /** The graph that a configuration calls for, without weights. */
  outline(config: unknown): Graph;
  /** Size of one picture or latent: values of the graph's symbols, without `batch`. */
  sizes(config: unknown): Record<string, number>;
  /** A configuration with which stock diffusers builds exactly `graph`; `undefined` when the class cannot say it. */
  expressibleConfig(config: Json, graph: Graph): Json | undefined;
  /** Which widths a configuration ties together. */
  ties(config: unknown, coupling: Coupling, roundTo: number): WidthTies;
}

/** The classes known, by name. */
export const modelClasses: ReadonlyMap<string, ModelClass> = new Map(
  [
    {
      name: 'UNet2DModel',
      tensors: unet2dTensors,
      build: buildUNet2D,
      outline: outlineUNet2D,
      sizes: (config: unknown): Record<string, number> => ({ ...unet2dSizes(config) }),
      expressibleConfig: expressibleUNet2D,
      ties: unet2dTies,
    },
    {
      name: 'UNet2DConditionModel',
      tensors: unet2dConditionTensors,
      build: buildUNet2DCondition,
      outline: outlineUNet2DCondition,
      sizes: (config: unknown): Record<string, number> => ({ ...unet2dConditionSizes(config) }),
      expressibleConfig: expressibleUNet2DCondition,
      ties: unet2dConditionTies,
    },
  ].map((modelClass) => [modelClass.name, modelClass]),
);

/** @throws {SecateurError} BAD_CONFIG when the configuration names no class, or one that is not known */
export function modelClassOf(config: unknown, file?: string): ModelClass {
  const name =
    typeof config === 'object' && config !== null && '_class_name' in config ? config._class_name : undefined;
  const known = typeof name === 'string' ? modelClasses.get(name) : undefined;
  if (known) return known;
  const said = name === undefined ? 'names no class' : `has the class ${JSON.stringify(name)}, which is not known`;
  throw new SecateurError('BAD_CONFIG', `The configuration ${said}.`, {
    file,
    field: '_class_name',
    hint: `Known classes: ${[...modelClasses.keys()].join(', ')}.`,
  });
}
