import { constantOf, float32, sizeOf } from '@secateur/graph';
import { torchGenerator } from '@secateur/samplers';

/**
 * A model of the same shapes whose weights are drawn as PyTorch draws those of new layers: convolutions and linears uniform in
 * ±1/√(inputs of one output), their biases too, norms 1 and 0, embeddings normal.
 */
export async function freshWeights(model, seed) {
  const generator = torchGenerator(seed);
  const fanIn = new Map();
  for (const { parameter } of model.graph.constants.values()) {
    if (parameter && parameter.shape.length > 1) fanIn.set(moduleOf(parameter.name), sizeOf(parameter.shape.slice(1)));
  }
  const constants = new Map(model.graph.constants);
  for (const [value, constant] of model.graph.constants) {
    const { parameter, shape } = constant;
    if (!parameter || parameter.buffer) continue;
    constants.set(value, constantOf(float32(shape, draw(parameter, sizeOf(shape))), parameter));
  }
  return { ...model, name: `${model.name}, fresh weights`, graph: { ...model.graph, constants } };

  function draw({ name }, size) {
    const inputs = fanIn.get(moduleOf(name));
    if (/embedding_table|class_embedding\.weight/.test(name)) return generator.randn([size]).data;
    if (inputs === undefined) return new Float32Array(size).fill(name.endsWith('weight') ? 1 : 0);
    const bound = 1 / Math.sqrt(inputs);
    return Float32Array.from(generator.rand([size]).data, (share) => bound * (2 * share - 1));
  }
}

function moduleOf(name) {
  return name.replace(/\.(weight|bias)$/, '');
}
