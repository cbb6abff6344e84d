import type { Constant, Coupling, Graph } from '@secateur/graph';
import type { ByteSource, OutputFolder, SourceFolder } from './files.js';
import { makeFactory, type Plugin, type PluginDefinition, type PluginFactory } from './plugin.js';
import type { WidthTies } from './width-ties.js';

/** What a denoiser predicts. */
export type Prediction = 'epsilon' | 'v_prediction' | 'sample';

/** A model: a graph and everything needed to write it back. Immutable. */
export interface Model {
  /** For people: the folder's or file's name. */
  readonly name: string;
  readonly graph: Graph;
  /** Name of the format it was read by, e.g. `diffusers`, `onnx`. */
  readonly format: string;
  /** Class, for formats that have classes, e.g. `UNet2DModel`. */
  readonly className?: string;
  /** The model's own configuration, as read. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Scheduler configuration found beside it, as read. */
  readonly scheduler?: Readonly<Record<string, unknown>>;
  /** Size of one picture or latent at inference: values of the graph's symbols, without `batch`. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Which widths the configuration ties together; absent where there is no configuration. */
  ties?(coupling: Coupling, roundTo: number): WidthTies;
  /** The ONNX files that stock tools expect of such a model; absent where they expect one, named as the graph is. */
  readonly parts?: readonly ModelPart[];
  /** What the format needs to write the model back (other files of the pipeline, checkpoint order, …). */
  readonly source?: unknown;
  /** Files read, with their SHA-256, for the manifest. */
  files(): Promise<readonly { readonly name: string; readonly sha256: string }[]>;
}

/** A part of a model that stock tools expect as an ONNX file of its own. */
export interface ModelPart {
  /** Folder of its `model.onnx`, e.g. `vae_decoder`; empty for the model's own. */
  readonly folder: string;
  /** Outputs of the graph that it has. Default: all. */
  readonly outputs?: readonly string[];
  /** What the file calls inputs and outputs, by their names in the graph. */
  readonly names: Readonly<Record<string, string>>;
}

export interface FormatSource {
  /** A folder, or a single file with its folder beside it. */
  readonly folder?: SourceFolder;
  readonly file?: ByteSource;
  /** Which model, where there are several: a component's name in diffusers' pipelines, e.g. `vae`. Default: the denoiser. */
  readonly component?: string;
}

export interface SaveOptions {
  /** Convert floating-point weights. Default: as they are. */
  dtype?: 'float32' | 'float16' | 'bfloat16';
  /** ONNX: one file, or weights in `model.onnx.data`, instead of pointing into the safetensors beside it. */
  standalone?: boolean;
  signal?: AbortSignal;
  /** Called with bytes written so far and in all. */
  onProgress?(done: number, total: number): void;
}

/** Bytes to models and back. */
export interface Format {
  readonly name: string;
  readonly apiVersion: 1;
  /** Whether this format can read the source: a look at names and first bytes, nothing more. */
  detect(source: FormatSource): Promise<boolean>;
  /** Reads headers and builds the graph; weights stay where they are until asked for. */
  load(source: FormatSource): Promise<Model>;
  /** Writes into an output folder; the caller commits. Returns the files written. */
  save(model: Model, out: OutputFolder, options?: SaveOptions): Promise<readonly string[]>;
}

export interface FormatDefinition<Options> extends PluginDefinition<Options> {
  detect(source: FormatSource, context: { readonly options: Readonly<Options> }): Promise<boolean>;
  load(source: FormatSource, context: { readonly options: Readonly<Options> }): Promise<Model>;
  save(
    model: Model,
    out: OutputFolder,
    options: SaveOptions,
    context: { readonly options: Readonly<Options> },
  ): Promise<readonly string[]>;
}

/** A format with its own options filled in. */
export interface FormatPlugin extends Format, Plugin<object> {
  readonly kind: 'format';
  readonly name: string;
  readonly apiVersion: 1;
}

/** Declares a format. */
export function defineFormat<Options extends object>(
  definition: FormatDefinition<Options>,
): PluginFactory<FormatPlugin, Options> {
  return makeFactory<FormatPlugin & Plugin<Options>, Options>('format', definition, (base) => {
    const context = { options: base.options };
    return {
      ...base,
      kind: 'format',
      detect: (source) => definition.detect(source, context),
      load: (source) => definition.load(source, context),
      save: (model, out, options = {}) => definition.save(model, out, options, context),
    };
  });
}

/** The constants that are checkpoint tensors, by checkpoint name, with the name of the graph's constant. */
export function parametersOf(graph: Graph): Map<string, { readonly value: string; readonly constant: Constant }> {
  const parameters = new Map<string, { value: string; constant: Constant }>();
  for (const [value, constant] of graph.constants) {
    if (constant.parameter) parameters.set(constant.parameter.name, { value, constant });
  }
  return parameters;
}
