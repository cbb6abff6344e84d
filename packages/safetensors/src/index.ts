export type { Checkpoint, SafetensorsEntry, SafetensorsFile } from './checkpoint.js';
export {
  type LayoutOptions,
  layoutSafetensors,
  type PlacedTensor,
  type SafetensorsLayout,
  type TensorInfo,
} from './layout.js';
export { type OpenSafetensorsOptions, openSafetensors } from './open.js';
export { MAX_HEADER_BYTES, readSafetensors } from './read.js';
export { readShardedSafetensors } from './sharded.js';
export { type TensorToWrite, type WriteSafetensorsOptions, writeSafetensors } from './write.js';
