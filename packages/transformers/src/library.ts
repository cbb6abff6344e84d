import { SecateurError } from '@secateur/graph';

/** A tokeniser of transformers.js: called with a text it gives ids. */
export interface LibraryTokenizer {
  (text: string, options: { return_tensor: false }): { input_ids: number[] };
  decode(ids: readonly number[], options: { skip_special_tokens: boolean }): string;
}

/** What is used of transformers.js, version 2 to 4: any build of `@huggingface/transformers`, under whatever name. */
export interface TransformersLibrary {
  readonly PreTrainedTokenizer: new (tokenizerJson: object, tokenizerConfig: object) => LibraryTokenizer;
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
