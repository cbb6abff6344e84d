import { modelClassOf, weightsFrom } from '@secateur/diffusers';
import {
  type Constant,
  castTensor,
  constantOf,
  float32,
  type Graph,
  int64,
  sizeOf,
  type Tensor,
  withoutDeadNodes,
} from '@secateur/graph';
import { namedWeights } from '@secateur/testkit';
import { type Exported, feedsOf } from './exported.js';

/** Where and how the class of a family computes what its export does. */
interface Family {
  readonly config: Readonly<Record<string, unknown>>;
  /** The output that the export has. Default: `out`. */
  readonly output?: string;
  /** What the export calls an input of the class. Default: the same. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Inputs for which both compute the same, where those of the fixture are not. */
  readonly compared?: Exported['inputs'];
}

const unet2d = {
  _class_name: 'UNet2DModel',
  sample_size: 8,
  in_channels: 3,
  out_channels: 3,
  layers_per_block: 1,
  block_out_channels: [8, 16],
  norm_num_groups: 4,
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
  up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
  attention_head_dim: 8,
};

const condition = {
  _class_name: 'UNet2DConditionModel',
  sample_size: 8,
  layers_per_block: 1,
  block_out_channels: [8, 16],
  norm_num_groups: 4,
  cross_attention_dim: 12,
  attention_head_dim: 2,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};

const autoencoder = {
  _class_name: 'AutoencoderKL',
  in_channels: 3,
  out_channels: 3,
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  block_out_channels: [8, 16],
  layers_per_block: 1,
  latent_channels: 4,
  norm_num_groups: 4,
};

const clip = {
  vocab_size: 42,
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 16,
  projection_dim: 8,
  eos_token_id: 41,
};

/** The configurations of `tools/reference/onnx_exports.py`, by family. */
const families: Readonly<Record<string, Family>> = {
  unet2d: { config: unet2d },
  'unet2d-scale-shift': {
    config: {
      ...unet2d,
      resnet_time_scale_shift: 'scale_shift',
      down_block_types: ['ResnetDownsampleBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'ResnetUpsampleBlock2D'],
      downsample_type: 'resnet',
      upsample_type: 'resnet',
    },
  },
  sd1: { config: condition },
  sd2: { config: { ...condition, use_linear_projection: true, attention_head_dim: [2, 4] } },
  sdxl: {
    config: {
      ...condition,
      block_out_channels: [8, 16, 16],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
      transformer_layers_per_block: [1, 1, 2],
      attention_head_dim: [1, 2, 4],
      use_linear_projection: true,
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 6,
      projection_class_embeddings_input_dim: 46,
    },
    // The class doubles sizes on the way up, so they must halve evenly; PyTorch, and the export, ask the skips.
    compared: { sample: { shape: [2, 4, 8, 12], dtype: 'float32' } },
  },
  dit: {
    config: {
      _class_name: 'DiTTransformer2DModel',
      num_attention_heads: 2,
      attention_head_dim: 8,
      in_channels: 4,
      out_channels: 8,
      num_layers: 2,
      attention_bias: true,
      sample_size: 8,
      patch_size: 2,
      activation_fn: 'gelu-approximate',
      num_embeds_ada_norm: 10,
      norm_type: 'ada_norm_zero',
      norm_elementwise_affine: false,
    },
  },
  pixart: {
    config: {
      _class_name: 'PixArtTransformer2DModel',
      num_attention_heads: 2,
      attention_head_dim: 12,
      in_channels: 4,
      out_channels: 8,
      num_layers: 2,
      cross_attention_dim: 24,
      caption_channels: 10,
      sample_size: 8,
      patch_size: 2,
      use_additional_conditions: false,
      interpolation_scale: 1,
      attention_bias: true,
    },
    // The class has no mask: it sees every token.
    compared: { encoder_attention_mask: { shape: [2, 7], dtype: 'float32', values: new Array(14).fill(1) } },
  },
  sd35: {
    config: {
      _class_name: 'SD3Transformer2DModel',
      sample_size: 8,
      patch_size: 2,
      in_channels: 4,
      out_channels: 4,
      num_layers: 2,
      attention_head_dim: 8,
      num_attention_heads: 2,
      joint_attention_dim: 12,
      caption_projection_dim: 16,
      pooled_projection_dim: 10,
      pos_embed_max_size: 12,
      qk_norm: 'rms_norm',
      dual_attention_layers: [0],
    },
  },
  flux: {
    config: {
      _class_name: 'FluxTransformer2DModel',
      patch_size: 1,
      in_channels: 8,
      num_layers: 2,
      num_single_layers: 2,
      attention_head_dim: 16,
      num_attention_heads: 2,
      joint_attention_dim: 12,
      pooled_projection_dim: 10,
      guidance_embeds: true,
      axes_dims_rope: [4, 6, 6],
    },
  },
  'vae-encoder': { config: autoencoder, output: 'moments' },
  'vae-decoder': { config: autoencoder, inputs: { latent: 'latent_sample' } },
  clip: { config: { architectures: ['CLIPTextModel'], ...clip } },
  'clip-projection': { config: { architectures: ['CLIPTextModelWithProjection'], ...clip, hidden_act: 'gelu' } },
  t5: {
    config: {
      architectures: ['T5EncoderModel'],
      vocab_size: 42,
      d_model: 16,
      d_kv: 8,
      d_ff: 32,
      num_layers: 2,
      num_heads: 2,
      feed_forward_proj: 'gated-gelu',
      relative_attention_num_buckets: 8,
      relative_attention_max_distance: 20,
    },
  },
};

/** The same model as an export, written by its class from configuration and checkpoint: nothing of it comes from ONNX. */
export function checkpointGraph(exported: Exported): Graph {
  const { config, output = 'out' } = families[exported.family]!;
  const modelClass = modelClassOf(config);
  const weights = new Map<string, Constant>();
  for (const [name, shape] of Object.entries(exported.shapes)) {
    const value = float32(shape, namedWeights(name, shape));
    weights.set(modelClass.canonicalName(name), constantOf(exported.half ? rounded(value) : value));
  }
  for (const { name, shape, init } of modelClass.tensors(config)) {
    // Stored with a checkpoint, but no parameter: SD3's positions.
    if (init.kind === 'computed') weights.set(name, constantOf(float32(shape, init.compute())));
  }
  const graph = modelClass.build(config, weightsFrom(weights));
  // An autoencoder's exports are of one half.
  const alone = withoutDeadNodes({ ...graph, outputs: graph.outputs.filter(({ name }) => name === output) });
  const read = new Set(alone.nodes.flatMap(({ inputs }) => inputs));
  return { ...alone, inputs: alone.inputs.filter(({ name }) => read.has(name)) };
}

/** What the class calls a parameter of the export's checkpoint: versions of transformers differ. */
export function checkpointName(exported: Exported, parameter: string): string {
  return modelClassOf(families[exported.family]!.config).canonicalName(parameter);
}

/** Inputs of the export for which its class computes the same; `isGolden`: those that PyTorch's output is of. */
export function comparedInputs(exported: Exported): { inputs: Exported['inputs']; isGolden: boolean } {
  const { compared } = families[exported.family]!;
  return { inputs: { ...exported.inputs, ...compared }, isGolden: compared === undefined };
}

/**
 * The export's inputs for its class' graph. A mask that the export has none of sees every token; a time that the export
 * has one of is every picture's.
 */
export function checkpointFeeds(graph: Graph, exported: Exported): Record<string, Tensor> {
  const { inputs: names = {} } = families[exported.family]!;
  const { inputs } = comparedInputs(exported);
  const batch = exported.out.shape[0]!;
  const feeds: Record<string, Tensor> = {};
  for (const input of graph.inputs) {
    if (input.name === 'attention_mask') {
      const { shape } = inputs.input_ids!;
      feeds.attention_mask = int64(new Array(sizeOf(shape)).fill(1), shape);
      continue;
    }
    const name = names[input.name] ?? input.name;
    const { shape, dtype, values } = inputs[name]!;
    const isScalar = shape.length === 0;
    const given = isScalar ? { dtype, shape: [batch], values: new Array(batch).fill(values![0]) } : inputs[name]!;
    const value = feedsOf({ graph: { ...graph, inputs: [{ ...input, name }] } }, { [name]: given })[name]!;
    feeds[input.name] = exported.half ? rounded(value) : value;
  }
  return feeds;
}

/** Numbers as half precision holds them, in single precision. */
function rounded(value: Tensor): Tensor {
  return value.dtype === 'float32' ? castTensor(castTensor(value, 'float16'), 'float32') : value;
}
