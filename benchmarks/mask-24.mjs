/** 2:4 masks of the form that kernels follow fastest: whole kernels, shared by four output channels. */
import { constantOf, toFloat32 } from '@secateur/graph';

/**
 * The graph with the smaller two of every four inputs of its convolutions and linear layers at zero, for four outputs at a time. Weights
 * whose outputs or inputs do not divide by four stay.
 *
 * @param graph  whose weights are named as a checkpoint's, `[outputs, inputs, ...]`
 */
export async function masked24(graph) {
  const constants = new Map(graph.constants);
  for (const [name, constant] of constants) {
    const [outputs, inputs] = constant.shape;
    const isWeight = constant.parameter && !constant.parameter.buffer && constant.shape.length >= 2;
    if (!isWeight || outputs % 4 || inputs % 4) continue;
    const value = await constant.read();
    const weights = Float32Array.from(toFloat32(value));
    maskRows(weights, outputs, inputs, weights.length / outputs / inputs);
    constants.set(name, constantOf({ dtype: 'float32', shape: value.shape, data: weights }, constant.parameter));
  }
  return { ...graph, constants };
}

function maskRows(weights, outputs, inputs, taps) {
  for (let row = 0; row < outputs; row += 4) {
    for (let first = 0; first < inputs; first += 4) {
      const sizes = [0, 1, 2, 3].map((i) => {
        let size = 0;
        for (let r = 0; r < 4; r++) {
          const at = ((row + r) * inputs + first + i) * taps;
          for (let t = 0; t < taps; t++) size += Math.abs(weights[at + t]);
        }
        return { i, size };
      });
      for (const { i } of sizes.sort((a, b) => a.size - b.size || a.i - b.i).slice(0, 2)) {
        for (let r = 0; r < 4; r++) {
          const at = ((row + r) * inputs + first + i) * taps;
          weights.fill(0, at, at + taps);
        }
      }
    }
  }
}
