export * from './exports.js';
export { default } from './init.js';
