export * from './exports.js';
export { default, instantiate } from './init.js';
