import { hashNumbers, hashText } from '@secateur/core';
import { type Constant, float32, parameterNamed, sizeOf, type Tensor } from '@secateur/graph';
import type { Init, TensorSpec } from './tensor-spec.js';
import { type WeightSource, weightsFrom } from './weight-source.js';

/**
 * Random weights on PyTorch's scale for a list of tensors: same seed, same bytes. Every tensor is drawn when it is read,
 * from the seed, its name and the element's index alone, so neither order nor chunking matters.
 *
 * @param seed  a whole number, 0 to 2^53 - 1
 */
export function randomTensors(tensors: readonly TensorSpec[], seed: number): WeightSource {
  const constants = new Map<string, Constant>();
  for (const { name, shape, init, buffer } of tensors) {
    const read = async (): Promise<Tensor> => float32(shape, draw(init, sizeOf(shape), keyOf(seed, name)));
    constants.set(name, { dtype: 'float32', shape, read, parameter: parameterNamed(name, shape, buffer) });
  }
  return weightsFrom(constants, `random weights of seed ${seed}`);
}

function draw(init: Init, length: number, key: number): Float32Array {
  if (init.kind === 'computed') return init.compute();
  const values = new Float32Array(length);
  if (init.kind === 'constant') return values.fill(init.value);
  if (init.kind === 'uniform') {
    for (let i = 0; i < length; i++) values[i] = (2 * uniform(key, i) - 1) * init.bound;
    return values;
  }
  // Box and Muller: two normal numbers from two uniform ones.
  for (let i = 0; i < length; i += 2) {
    const radius = init.deviation * Math.sqrt(-2 * Math.log(uniform(key, i)));
    const angle = 2 * Math.PI * uniform(key, i + 1);
    values[i] = radius * Math.cos(angle);
    if (i + 1 < length) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/**
 * Number `counter` of the stream `key`, strictly between 0 and 1: SplitMix in 32 bits. Written out, and not
 * `hashNumbers`, because a model may have billions of them.
 */
function uniform(key: number, counter: number): number {
  let x = (key + Math.imul(counter, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (((x ^ (x >>> 15)) >>> 0) + 0.5) / 2 ** 32;
}

function keyOf(seed: number, name: string): number {
  return hashNumbers(seed, Math.floor(seed / 2 ** 32), hashText(name));
}
