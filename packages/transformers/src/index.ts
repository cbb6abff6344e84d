export type { HubFile } from './hub/hub-client.js';
export {
  type HubCache,
  type HubOptions,
  type HubSnapshot,
  hubFolder,
  hubPrefix,
  type StoreOptions,
} from './hub/hub-folder.js';
export { importTransformers, type TransformersLibrary } from './library.js';
export { readObject } from './read-json.js';
export {
  type EncodedPrompt,
  encodePrompt,
  type LoadTokenizerOptions,
  loadTokenizer,
  type Tokenizer,
} from './tokenizer.js';
