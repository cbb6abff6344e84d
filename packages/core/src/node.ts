/** Files of the machine, for Node. Everything else in `@secateur/core` runs in a browser too. */

export { atomicFile, type OutputFile } from './node/atomic-file.js';
export { type AtomicOptions, atomicOutput } from './node/atomic-output.js';
export { nodeFile, sha256File } from './node/file.js';
export { nodeFolder } from './node/folder.js';
