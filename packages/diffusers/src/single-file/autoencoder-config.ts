import { numbersBehind, type StoredShapes } from './stored-place.js';

/** Factors by which pipelines scale latents, and what they take off first. Neither half computes with them. */
const latentScales = {
  sd: { scaling_factor: 0.18215 },
  sdxl: { scaling_factor: 0.13025 },
  sd3: { scaling_factor: 1.5305, shift_factor: 0.0609 },
  flux: { scaling_factor: 0.3611, shift_factor: 0.1159 },
};

export type Family = keyof typeof latentScales;

/**
 * The configuration of an original autoencoder, read off its tensors' shapes. What they cannot say, the scale of latents
 * and the size of pictures, goes by the family of the model it lies with.
 */
export function autoencoderConfigOf(shapes: StoredShapes, prefix: string, family: Family): Record<string, unknown> {
  const at = (name: string) => shapes.get(prefix + name);
  const stages = numbersBehind(shapes.keys(), `${prefix}encoder.down.`);
  const layers = numbersBehind(shapes.keys(), `${prefix}encoder.down.0.block.`).length;
  const channels = stages.map((i) => at(`encoder.down.${i}.block.${layers - 1}.conv2.weight`)?.[0]);
  return {
    _class_name: 'AutoencoderKL',
    in_channels: at('encoder.conv_in.weight')?.[1],
    out_channels: at('decoder.conv_out.weight')?.[0],
    block_out_channels: channels,
    layers_per_block: layers,
    down_block_types: stages.map(() => 'DownEncoderBlock2D'),
    up_block_types: stages.map(() => 'UpDecoderBlock2D'),
    latent_channels: at('post_quant_conv.weight')?.[1] ?? at('decoder.conv_in.weight')?.[1],
    use_quant_conv: at('quant_conv.weight') !== undefined,
    use_post_quant_conv: at('post_quant_conv.weight') !== undefined,
    mid_block_add_attention: at('decoder.mid.attn_1.q.weight') !== undefined,
    sample_size: family === 'sd' ? 512 : 1024,
    ...latentScales[family],
  };
}
