import { SecateurError } from '@secateur/graph';

/** A tokeniser of transformers.js: called with a text it gives ids. */
export interface LibraryTokenizer {
  (text: string, options: { return_tensor: false; add_special_tokens?: boolean }): { input_ids: number[] };
  decode(ids: readonly number[], options: { skip_special_tokens: boolean }): string;
}

/** What is used of transformers.js, version 2 to 4: any build of `@xenova/transformers` or `@huggingface/transformers`. */
export interface TransformersLibrary {
  readonly PreTrainedTokenizer: new (tokenizerJson: object, tokenizerConfig: object) => LibraryTokenizer;
  readonly CLIPTextModelWithProjection: LibraryModelClass;
  readonly CLIPVisionModelWithProjection: LibraryModelClass;
  readonly CLIPTextModel: LibraryModelClass;
  readonly CLIPImageProcessor: new (config: object) => LibraryImageProcessor;
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => LibraryTensor;
  readonly RawImage: new (data: Uint8ClampedArray, width: number, height: number, channels: 3) => unknown;
  readonly env: LibraryEnvironment;
}

export interface LibraryTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export type LibraryImageProcessor = (images: readonly unknown[]) => Promise<{ pixel_values: LibraryTensor }>;

export interface LibraryModel {
  (inputs: Readonly<Record<string, LibraryTensor>>): Promise<Readonly<Record<string, LibraryTensor>>>;
  dispose(): Promise<unknown>;
}

export interface LibraryModelClass {
  from_pretrained(name: string, options: Readonly<Record<string, unknown>>): Promise<LibraryModel>;
}

/** Settings of the library's own, shared by all its users in a program. */
export interface LibraryEnvironment {
  useCustomCache: boolean;
  customCache: unknown;
  allowLocalModels: boolean;
  allowRemoteModels: boolean;
}

/**
 * transformers.js, loaded when it is first needed, or the build that was passed.
 *
 * @throws {SecateurError} MISSING_DEPENDENCY when it cannot be loaded
 */
export async function importTransformers(given?: TransformersLibrary): Promise<TransformersLibrary> {
  if (given) return given;
  try {
    return (await import('@xenova/transformers')) as unknown as TransformersLibrary;
  } catch (cause) {
    throw new SecateurError(
      'MISSING_DEPENDENCY',
      `The package @xenova/transformers cannot be loaded: ${cause instanceof Error ? cause.message : cause}`,
      {
        field: '@xenova/transformers',
        hint: 'Install it as npm i @xenova/transformers@npm:@huggingface/transformers, or pass the module as the option `lib`.',
        cause,
      },
    );
  }
}
