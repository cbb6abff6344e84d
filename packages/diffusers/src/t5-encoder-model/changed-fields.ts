import type { Json, Shapes } from '../expressible-config.js';
import type { T5Config } from './config.js';

/** The fields that a pruned model may have changed, read off its tensors. */
export function changedFields(config: T5Config, shapes: Shapes): Json {
  const rowsOf = (ending: RegExp) => [...shapes].find(([name]) => ending.test(name))?.[1][0];
  const heads = shapes.get('encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight')?.[1];
  const inner = rowsOf(/\.SelfAttention\.q\.weight$/);
  const blocks = [...shapes.keys()].flatMap((name) => /^encoder\.block\.(\d+)\./.exec(name)?.[1] ?? []);
  return {
    num_layers: new Set(blocks).size,
    num_heads: heads ?? config.num_heads,
    d_kv: inner && heads ? Math.max(1, Math.floor(inner / heads)) : config.d_kv,
    d_ff: rowsOf(/\.DenseReluDense\.wi(?:_0)?\.weight$/) ?? config.d_ff,
  };
}
