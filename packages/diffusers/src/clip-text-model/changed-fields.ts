import type { Json, Shapes } from '../expressible-config.js';
import type { CLIPTextConfig } from './config.js';

const layers = 'text_model.encoder.layers';

/** The fields that a pruned model may have changed, read off its tensors. */
export function changedFields(config: CLIPTextConfig, shapes: Shapes): Json {
  const neurons = [...shapes].find(([name]) => name.startsWith(`${layers}.`) && name.endsWith('.mlp.fc1.bias'));
  const indices = [...shapes.keys()].flatMap((name) => {
    const found = name.startsWith(`${layers}.`) ? /^\d+/.exec(name.slice(layers.length + 1)) : null;
    return found ? [found[0]] : [];
  });
  return {
    intermediate_size: neurons?.[1][0] ?? config.intermediate_size,
    num_hidden_layers: new Set(indices).size,
  };
}
