export { fpgm } from './fpgm.js';
export { lamp } from './lamp.js';
export { type MagnitudeOptions, magnitude } from './magnitude.js';
export { normScale } from './norm-scale.js';
export { obd } from './obd.js';
export type { AggregateOptions } from './options.js';
export { random } from './random.js';
export { type TaylorOptions, taylor } from './taylor.js';
export { wanda } from './wanda.js';
