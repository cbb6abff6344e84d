export { brightnessOf, type CaptionWords, captionOf } from './captions.js';
export { fashionClasses, type ZooEntry, zooEntries } from './entries.js';
export { fashionImages, type SliceOptions } from './fashion.js';
export { type IdxArray, readIdx } from './idx.js';
export { type ImageOptions, type ImageSet, readImages } from './images.js';
export {
  type CodecModules,
  type DecodedPicture,
  type PictureDecoder,
  type PictureDecoders,
  pictureDecoders,
} from './picture-decoders.js';
export type { PictureSize } from './pixels.js';
