import type { ModelPart, WidthTies } from '@secateur/core';
import { type Coupling, type Graph, GraphBuilder } from '@secateur/graph';
import { renumberBlocks } from './block-lists.js';
import { type Expressed, expressedBy, type Json, type Shapes } from './expressible-config.js';
import { type BuildOptions, ModuleBuilder } from './module-builder.js';
import type { Overrides } from './overrides.js';
import { type Outline, shapesOf } from './structure.js';
import type { TensorSpec } from './tensor-spec.js';
import type { WeightSource } from './weight-source.js';

/** Where a class comes from: it decides the names of files and how a configuration names its class. */
export type Library = 'diffusers' | 'transformers';

/** What it takes to know a model class. `Config` is the checked configuration, the class' defaults filled in. */
export interface ModelClassDefinition<Config> {
  /** As diffusers or transformers names it. */
  readonly name: string;
  /** Default `diffusers`. */
  readonly library?: Library;
  /** @throws {SecateurError} BAD_CONFIG when a field is unknown, out of range or asks for a variant that is not covered */
  parse(json: unknown): Config;
  /** Writes the model's modules into `m.graph`. */
  write(m: ModuleBuilder, config: Config): void;
  /** Size of one picture or latent, tokens of a prompt: values of the graph's symbols, without `batch`. */
  sizes(config: Config): Record<string, number>;
  /** The fields that a pruned model may have changed, read off its tensors' shapes. */
  changedFields(config: Config, shapes: Shapes): Json;
  /** Whether the class computes the same function with these fields changed, shapes being equal. Default: yes. */
  sameFunction?(config: Config, candidate: Config): boolean;
  /** A tensor's name as the newest checkpoints have it. Default: as it is. */
  newName?(name: string): string;
  /** Numbered lists of blocks of which the configuration says only how many there are, e.g. `transformer_blocks`. */
  readonly blockLists?: readonly string[];
  /**
   * A stored tensor's name as the model has it, where checkpoints of some versions of the library differ: they are read
   * under that name, and written under it when anything changed. Default: as it is.
   */
  canonicalName?(stored: string): string;
  /** Which widths the configuration ties together. Default: it can say no width that would differ. */
  ties?(config: Config, coupling: Coupling, roundTo: number): WidthTies;
  /** The ONNX files that stock tools expect. Default: one, named as the graph is. */
  readonly parts?: readonly ModelPart[];
  /** Python for `load_secateur.py`: see `load-script.ts`. */
  readonly loadScript: string;
}

/** A model class. Every function takes the content of `config.json` and throws BAD_CONFIG when it is wrong. */
export interface ModelClass {
  readonly name: string;
  readonly library: Library;
  /** The tensors that a configuration calls for, in the order in which the model reads them. */
  tensors(config: unknown): TensorSpec[];
  /**
   * The model as a graph. Widths are the weights', so that any consistent pruned checkpoint can be built; what widths
   * cannot tell comes from the configuration (of the model before it was pruned) and from `overrides`.
   *
   * @throws {SecateurError} BAD_FILE when tensors are missing, unknown or of shapes that do not fit together
   */
  build(config: unknown, weights: WeightSource, overrides?: Overrides, options?: BuildOptions): Graph;
  /** What a configuration calls for, without weights: to look at, not to run. */
  outline(config: unknown): Outline;
  /** Size of one picture or latent: values of the graph's symbols, without `batch`. */
  sizes(config: unknown): Record<string, number>;
  /**
   * A configuration with which the stock library builds exactly `graph`, tensors named as {@link expressed} says;
   * `undefined` when the class cannot say it.
   */
  expressibleConfig(config: Json, graph: Graph): Json | undefined;
  /** {@link expressibleConfig}, and what tensors are called under it. */
  expressed(config: Json, graph: Graph): Expressed | undefined;
  /** Which widths a configuration ties together. */
  ties(config: unknown, coupling: Coupling, roundTo: number): WidthTies;
  /** A stored tensor's name as the model has it. */
  canonicalName(stored: string): string;
  readonly parts?: readonly ModelPart[];
  readonly loadScript: string;
}

export function defineModelClass<Config>(definition: ModelClassDefinition<Config>): ModelClass {
  const { name, library = 'diffusers', parse, sameFunction, newName, parts, loadScript } = definition;
  const canonicalName = definition.canonicalName ?? ((stored: string) => stored);
  const { blockLists = [] } = definition;
  const write = (config: unknown, ...rest: [WeightSource?, Overrides?, BuildOptions?]): ModuleBuilder => {
    const m = new ModuleBuilder(new GraphBuilder(name), ...rest);
    definition.write(m, parse(config));
    m.finish();
    return m;
  };
  const outline = (config: unknown): Outline => {
    const m = write(config);
    return { graph: m.graph.build(), removable: m.removable() };
  };
  const expressed = (json: Json, graph: Graph): Expressed | undefined => {
    const config = parse(json);
    return expressedBy(json, graph, {
      outline,
      newName,
      changedFields: () => definition.changedFields(config, shapesOf(renumberBlocks(graph, blockLists))),
      sameFunction: (candidate) => sameFunction?.(config, parse(candidate)) ?? true,
    });
  };
  return {
    name,
    library,
    parts,
    loadScript,
    canonicalName,
    tensors: (config) => write(config).tensors(),
    build: (config, weights, overrides, options) => write(config, weights, overrides, options).graph.build(),
    outline,
    sizes: (config) => ({ ...definition.sizes(parse(config)) }),
    expressed,
    expressibleConfig: (json, graph) => expressed(json, graph)?.config,
    ties: (json, coupling, roundTo) =>
      definition.ties?.(parse(json), coupling, roundTo) ?? { ties: [], fixed: new Map() },
  };
}
