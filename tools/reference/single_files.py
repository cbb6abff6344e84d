"""Writes packages/testkit/fixtures/single-files: what diffusers makes of checkpoints with the original keys of Stable Diffusion.

    pip install torch diffusers transformers safetensors
    python tools/reference/single_files.py packages/testkit/fixtures/single-files

For every small checkpoint NAME.json: `keys`, the shape of every tensor by its original key, and `components`, for each model
in it the SHA-256 of every tensor that diffusers' conversion makes, by the name in diffusers. Values are not stored: both sides
compute them from keys by `weight` of unet2d_variants.py. The conversion's result is loaded into the library's own class,
nothing missing and nothing left over.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_clip_checkpoint, convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint, convert_open_clip_checkpoint
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
from unet2d_variants import weight

Keys = dict[str, tuple[int, ...]]


def layer(keys: Keys, name: str, *shape: int, bias: bool = True) -> None:
    keys[f"{name}.weight"] = shape
    if bias:
        keys[f"{name}.bias"] = shape[:1]


def unet_resnet(keys: Keys, name: str, inputs: int, outputs: int, time: int) -> None:
    layer(keys, f"{name}.in_layers.0", inputs)
    layer(keys, f"{name}.in_layers.2", outputs, inputs, 3, 3)
    layer(keys, f"{name}.emb_layers.1", outputs, time)
    layer(keys, f"{name}.out_layers.0", outputs)
    layer(keys, f"{name}.out_layers.3", outputs, outputs, 3, 3)
    if inputs != outputs:
        layer(keys, f"{name}.skip_connection", outputs, inputs, 1, 1)


def unet_attention(keys: Keys, name: str, width: int, text: int, depth: int, linear: bool) -> None:
    ones = () if linear else (1, 1)
    layer(keys, f"{name}.norm", width)
    layer(keys, f"{name}.proj_in", width, width, *ones)
    for i in range(depth):
        block = f"{name}.transformer_blocks.{i}"
        for attention, context in (("attn1", width), ("attn2", text)):
            for projection, inputs in (("to_q", width), ("to_k", context), ("to_v", context)):
                layer(keys, f"{block}.{attention}.{projection}", width, inputs, bias=False)
            layer(keys, f"{block}.{attention}.to_out.0", width, width)
        layer(keys, f"{block}.ff.net.0.proj", 8 * width, width)
        layer(keys, f"{block}.ff.net.2", width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            layer(keys, f"{block}.{norm}", width)
    layer(keys, f"{name}.proj_out", width, width, *ones)


def unet_keys(channels: list[int], layers: int, depths: list[int], middle: int, text: int, linear: bool, inputs: int = 4, vector: int | None = None) -> Keys:
    """Blocks counted through: residual block 0, attention 1, then what doubles the size; halving is a block of its own."""
    keys: Keys = {}
    time = 4 * channels[0]
    layer(keys, "time_embed.0", time, channels[0])
    layer(keys, "time_embed.2", time, time)
    if vector:
        layer(keys, "label_emb.0.0", time, vector)
        layer(keys, "label_emb.0.2", time, time)
    layer(keys, "input_blocks.0.0", channels[0], inputs, 3, 3)
    skips, width, block = [channels[0]], channels[0], 1
    for stage, (outputs, depth) in enumerate(zip(channels, depths)):
        for _ in range(layers):
            unet_resnet(keys, f"input_blocks.{block}.0", width, outputs, time)
            if depth:
                unet_attention(keys, f"input_blocks.{block}.1", outputs, text, depth, linear)
            width = outputs
            skips.append(width)
            block += 1
        if stage < len(channels) - 1:
            layer(keys, f"input_blocks.{block}.0.op", width, width, 3, 3)
            skips.append(width)
            block += 1
    if middle:
        unet_resnet(keys, "middle_block.0", width, width, time)
        unet_attention(keys, "middle_block.1", width, text, middle, linear)
        unet_resnet(keys, "middle_block.2", width, width, time)
    block = 0
    for stage in reversed(range(len(channels))):
        for i in range(layers + 1):
            unet_resnet(keys, f"output_blocks.{block}.0", width + skips.pop(), channels[stage], time)
            width = channels[stage]
            if depths[stage]:
                unet_attention(keys, f"output_blocks.{block}.1", width, text, depths[stage], linear)
            if stage and i == layers:
                layer(keys, f"output_blocks.{block}.{2 if depths[stage] else 1}.conv", width, width, 3, 3)
            block += 1
    layer(keys, "out.0", width)
    layer(keys, "out.2", 4, width, 3, 3)
    return keys


def vae_resnet(keys: Keys, name: str, inputs: int, outputs: int) -> None:
    layer(keys, f"{name}.norm1", inputs)
    layer(keys, f"{name}.conv1", outputs, inputs, 3, 3)
    layer(keys, f"{name}.norm2", outputs)
    layer(keys, f"{name}.conv2", outputs, outputs, 3, 3)
    if inputs != outputs:
        layer(keys, f"{name}.nin_shortcut", outputs, inputs, 1, 1)


def vae_keys(channels: list[int], layers: int, latent: int) -> Keys:
    keys: Keys = {}
    for half in ("encoder", "decoder"):
        layer(keys, f"{half}.conv_in", *((channels[0], 3) if half == "encoder" else (channels[-1], latent)), 3, 3)
        for block in ("block_1", "block_2"):
            vae_resnet(keys, f"{half}.mid.{block}", channels[-1], channels[-1])
        layer(keys, f"{half}.mid.attn_1.norm", channels[-1])
        for projection in ("q", "k", "v", "proj_out"):
            layer(keys, f"{half}.mid.attn_1.{projection}", channels[-1], channels[-1], 1, 1)
        layer(keys, f"{half}.norm_out", channels[-1] if half == "encoder" else channels[0])
        layer(keys, f"{half}.conv_out", *((2 * latent, channels[-1]) if half == "encoder" else (3, channels[0])), 3, 3)
    width = channels[0]
    for stage, outputs in enumerate(channels):
        for i in range(layers):
            vae_resnet(keys, f"encoder.down.{stage}.block.{i}", width, outputs)
            width = outputs
        if stage < len(channels) - 1:
            layer(keys, f"encoder.down.{stage}.downsample.conv", width, width, 3, 3)
    for stage in reversed(range(len(channels))):
        for i in range(layers + 1):
            vae_resnet(keys, f"decoder.up.{stage}.block.{i}", width, channels[stage])
            width = channels[stage]
        if stage:
            layer(keys, f"decoder.up.{stage}.upsample.conv", width, width, 3, 3)
    layer(keys, "quant_conv", 2 * latent, 2 * latent, 1, 1)
    layer(keys, "post_quant_conv", latent, latent, 1, 1)
    return keys


def open_clip_keys(width: int, layers: int, projection: int) -> Keys:
    keys: Keys = {"positional_embedding": (9, width), "text_projection": (width, projection), "logit_scale": ()}
    layer(keys, "token_embedding", 20, width, bias=False)
    for i in range(layers):
        block = f"transformer.resblocks.{i}"
        keys |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
        layer(keys, f"{block}.attn.out_proj", width, width)
        layer(keys, f"{block}.ln_1", width)
        layer(keys, f"{block}.mlp.c_fc", 2 * width, width)
        layer(keys, f"{block}.mlp.c_proj", width, 2 * width)
        layer(keys, f"{block}.ln_2", width)
    layer(keys, "ln_final", width)
    return keys


def clip_config(width: int, layers: int, projection: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=20, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers, num_attention_heads=width // 64,
        projection_dim=projection, max_position_embeddings=9, bos_token_id=0, eos_token_id=2,
    )


def clip_keys(width: int, layers: int) -> Keys:
    state = CLIPTextModel(clip_config(width, layers, width)).state_dict()
    return {f"text_model.{name.removeprefix('text_model.')}": tuple(tensor.shape) for name, tensor in state.items()}


def behind(prefix: str, keys: Keys) -> Keys:
    return {prefix + key: shape for key, shape in keys.items()}


TEXT = clip_keys(64, 2)
VAE = dict(channels=[32, 64], layers=1, latent=4)
UNET = "model.diffusion_model."
CHECKPOINTS = {
    # Inpainting: nine channels.
    "sd1": behind(UNET, unet_keys([32, 64], 1, [1, 0], 1, 64, False, inputs=9))
    | behind("first_stage_model.", vae_keys(**VAE))
    | behind("cond_stage_model.transformer.", TEXT)
    | {"cond_stage_model.transformer.text_model.embeddings.position_ids": (1, 9), "alphas_cumprod": (10,), "model_ema.decay": ()},
    # The last layer of the text encoder is not used.
    "sd2": behind(UNET, unet_keys([64, 128], 2, [1, 0], 1, 128, True))
    | behind("first_stage_model.", vae_keys(**VAE))
    | behind("cond_stage_model.model.", open_clip_keys(128, 2, 96)),
    "sdxl": behind(UNET, unet_keys([64, 64], 1, [0, 2], 2, 1280, True, vector=2816))
    | behind("first_stage_model.", vae_keys(**VAE))
    | behind("conditioner.embedders.0.transformer.", TEXT)
    | behind("conditioner.embedders.1.model.", open_clip_keys(128, 2, 96)),
}


def unet_config(name: str) -> dict:
    common = dict(layers_per_block=1, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    if name == "sd1":
        return common | dict(block_out_channels=(32, 64), in_channels=9, cross_attention_dim=64)
    if name == "sd2":
        return common | dict(layers_per_block=2, block_out_channels=(64, 128), cross_attention_dim=128, attention_head_dim=(1, 2), use_linear_projection=True)
    return common | dict(
        block_out_channels=(64, 64), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=1280, attention_head_dim=(1, 1), use_linear_projection=True, transformer_layers_per_block=(1, 2),
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
    )


def load(model: torch.nn.Module, state: dict[str, torch.Tensor]) -> dict[str, str]:
    """Loads what the conversion made, and returns the hashes by the names that transformers 4 and 5 both read."""
    flat = not hasattr(model, "text_model") and any(name.startswith("text_model.") for name in state)
    own = {name.removeprefix("text_model.") if flat else name: tensor for name, tensor in state.items()}
    own = {name: tensor for name, tensor in own.items() if not name.endswith("position_ids")}
    model.load_state_dict(own, strict=True)
    names = {f"text_model.{name}" if flat else name: tensor for name, tensor in own.items()}
    return {name: hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()[:16] for name, tensor in sorted(names.items())}


def convert(name: str, checkpoint: dict[str, torch.Tensor]) -> dict[str, dict[str, str]]:
    unet = UNet2DConditionModel(**unet_config(name))
    vae = AutoencoderKL(
        block_out_channels=(32, 64), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, layers_per_block=1
    )
    components = {
        "unet": load(unet, convert_ldm_unet_checkpoint(dict(checkpoint), unet.config)),
        "vae": load(vae, convert_ldm_vae_checkpoint(dict(checkpoint), vae.config)),
    }
    if name != "sd2":
        components["text_encoder"] = load(CLIPTextModel(clip_config(64, 2, 64)), convert_ldm_clip_checkpoint(dict(checkpoint)))
    if name != "sd1":
        model = (CLIPTextModelWithProjection if name == "sdxl" else CLIPTextModel)(clip_config(128, 2 if name == "sdxl" else 1, 96))
        prefix = "conditioner.embedders.1.model." if name == "sdxl" else "cond_stage_model.model."
        # The library names the last of 24 layers as unused; here it is the last of two.
        used = {key: value for key, value in checkpoint.items() if name == "sdxl" or not key.startswith(f"{prefix}transformer.resblocks.1.")}
        state = convert_open_clip_checkpoint(model, used, prefix)
        if name == "sd2":
            state.pop("text_projection.weight", None)
        components["text_encoder_2" if name == "sdxl" else "text_encoder"] = load(model, state)
    return components


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for name, keys in CHECKPOINTS.items():
        checkpoint = {key: torch.from_numpy(weight(key, shape)) for key, shape in keys.items()}
        components = convert(name, checkpoint)
        description = {"keys": {key: list(shape) for key, shape in keys.items()}, "components": components}
        (folder / f"{name}.json").write_text(json.dumps(description) + "\n")
        print(name, len(keys), {component: len(tensors) for component, tensors in components.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
