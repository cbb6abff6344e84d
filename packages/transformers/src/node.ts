/** Downloads of models kept on disk, for Node. */
export { defaultCacheFolder, hubCache } from './node/hub-cache.js';
