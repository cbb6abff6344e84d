export { expectClose, maxUlp, relativeError } from './close.js';
export { type FixtureTensor, loadFixtureTensors } from './fixture-tensors.js';
export { fixturePath } from './fixtures.js';
export { namedWeights } from './named-weights.js';
export { seededIntegers, seededRandom, seededTensor, type TestTensor } from './seeded.js';
