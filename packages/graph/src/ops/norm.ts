import type { OpRecord } from '../op-record.js';
import { groupNormalization } from './group-norm.js';
import { instanceNormalization } from './instance-norm.js';
import { layerNormalization } from './layer-norm.js';
import { rmsNormalization } from './rms-norm.js';

/** Normalisations. All of them are differentiated by recomputing the normalised values, never by storing them. */
export const normOps: readonly OpRecord[] = [
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  rmsNormalization,
];
