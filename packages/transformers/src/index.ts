export { importTransformers, type TransformersLibrary } from './library.js';
export {
  type EncodedPrompt,
  encodePrompt,
  type LoadTokenizerOptions,
  loadTokenizer,
  type Tokenizer,
} from './tokenizer.js';
