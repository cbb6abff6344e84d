"""Exports small models of every family to ONNX as people do, with what PyTorch computes for them.

    pip install torch diffusers transformers safetensors onnx onnxscript
    python tools/reference/onnx_exports.py OUT [CASE ...]

    python tools/reference/onnx_exports.py OUT --fixtures packages/testkit/fixtures/onnx-exports

A case is FAMILY/VARIANT, either may be `*`. For every case OUT/FAMILY/VARIANT holds model.onnx, golden.safetensors (as
models.py writes it) and other.safetensors (other batch, size and length; outputs only). Weights are computed from names.

With --fixtures the cases of FIXTURES, exported before, are written small: the model without its weights and without what
exporters note for debugging, and a description that says which tensor of the checkpoint every initialiser is, found by
comparing values, and what PyTorch computes: the output, and of every gradient its product with numbers computed from its
name. Inputs are computed from names too.
"""

import base64
import gzip
import json

import contextlib
import fnmatch
import sys
import traceback
import types
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from unet2d_variants import weight

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


def normal(*shape: int, seed: int = 7) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Family:
    """A model, its inputs for a batch `b`, a size `s` and a length `l`, and how they are called."""

    def __init__(self, make, inputs, forward, output, axes, fixed=()):
        self.make, self.inputs, self.forward, self.output, self.axes = make, inputs, forward, output, axes
        # Dimensions that an exporter bakes in, as (dynamo, symbol): its files run at other sizes no more in any runtime.
        self.fixed = fixed

    def dynamic(self, dynamo):
        fixed = {symbol for exporter, symbol in self.fixed if exporter == dynamo}
        return {name: {axis: symbol for axis, symbol in of.items() if symbol not in fixed} for name, of in self.axes.items()}


def unet2d(**config):
    from diffusers import UNet2DModel

    base = dict(
        sample_size=8, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=8,
    )
    return Family(
        lambda: UNet2DModel(**(base | config)),
        lambda b, s, l: {"sample": normal(b, 3, s, s + 2), "timestep": torch.arange(3, 3 + 11 * b, 11)[:b]},
        lambda m, sample, timestep: m(sample, timestep).sample,
        "out_sample",
        {"sample": {0: "batch_size", 2: "height", 3: "width"}, "timestep": {0: "batch_size"}, "out_sample": {0: "batch_size", 2: "height", 3: "width"}},
    )


def condition(**config):
    from diffusers import UNet2DConditionModel

    base = dict(
        sample_size=8, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4, cross_attention_dim=12, attention_head_dim=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )
    spatial = {0: "batch_size", 2: "height", 3: "width"}
    axes = {"sample": spatial, "encoder_hidden_states": {0: "batch_size", 1: "sequence_length"}, "out_sample": spatial}
    xl = config.get("addition_embed_type") == "text_time"

    def inputs(b, s, l):
        x = {"sample": normal(b, 4, s, s + 2), "timestep": torch.tensor(37), "encoder_hidden_states": normal(b, l, 12, seed=8)}
        if xl:
            x |= {"text_embeds": normal(b, 10, seed=9), "time_ids": torch.tensor([[16.0, 16, 0, 0, 16, 16]] * b)}
        return x

    def forward(m, sample, timestep, encoder_hidden_states, text_embeds=None, time_ids=None):
        added = {"text_embeds": text_embeds, "time_ids": time_ids} if xl else None
        return m(sample, timestep, encoder_hidden_states, added_cond_kwargs=added).sample

    if xl:
        axes |= {"text_embeds": {0: "batch_size"}, "time_ids": {0: "batch_size"}}
    return Family(lambda: UNet2DConditionModel(**(base | config)), inputs, forward, "out_sample", axes)


SDXL = dict(
    block_out_channels=(8, 16, 16), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=[1, 1, 2],
    attention_head_dim=(1, 2, 4), use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=6,
    projection_class_embeddings_input_dim=46,
)


def dit():
    from diffusers import DiTTransformer2DModel

    config = dict(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2, attention_bias=True, sample_size=8,
        patch_size=2, activation_fn="gelu-approximate", num_embeds_ada_norm=10, norm_type="ada_norm_zero", norm_elementwise_affine=False,
    )
    return Family(
        lambda: DiTTransformer2DModel(**config),
        lambda b, s, l: {"hidden_states": normal(b, 4, 8, 8), "timestep": torch.arange(3, 3 + 11 * b, 11)[:b], "class_labels": torch.arange(1, 1 + b)},
        lambda m, hidden_states, timestep, class_labels: m(hidden_states, timestep=timestep, class_labels=class_labels).sample,
        "out_hidden_states",
        {"hidden_states": {0: "batch_size"}, "timestep": {0: "batch_size"}, "class_labels": {0: "batch_size"}, "out_hidden_states": {0: "batch_size"}},
    )


def pixart(alpha=False):
    from diffusers import PixArtTransformer2DModel

    config = dict(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=8, num_layers=2, cross_attention_dim=24, caption_channels=10,
        sample_size=8, patch_size=2, use_additional_conditions=alpha, interpolation_scale=1, attention_bias=True,
    )

    def inputs(b, s, l):
        mask = torch.ones(b, l)
        mask[0, -2:] = 0
        x = {"hidden_states": normal(b, 4, s, s + 2), "encoder_hidden_states": normal(b, l, 10, seed=8)}
        x |= {"timestep": torch.arange(3, 3 + 11 * b, 11)[:b], "encoder_attention_mask": mask}
        if alpha:
            x |= {"resolution": torch.tensor([[8.0, 10.0]] * b), "aspect_ratio": torch.tensor([[0.8]] * b)}
        return x

    def forward(m, hidden_states, encoder_hidden_states, timestep, encoder_attention_mask, resolution=None, aspect_ratio=None):
        added = {"resolution": resolution, "aspect_ratio": aspect_ratio}
        return m(hidden_states, encoder_hidden_states=encoder_hidden_states, timestep=timestep, encoder_attention_mask=encoder_attention_mask, added_cond_kwargs=added).sample

    spatial = {0: "batch_size", 2: "height", 3: "width"}
    axes = {"hidden_states": spatial, "encoder_hidden_states": {0: "batch_size", 1: "sequence_length"}, "timestep": {0: "batch_size"}}
    axes |= {"encoder_attention_mask": {0: "batch_size", 1: "sequence_length"}, "out_hidden_states": spatial}
    if alpha:
        axes |= {"resolution": {0: "batch_size"}, "aspect_ratio": {0: "batch_size"}}
    fixed = ((True, "height"), (True, "width"))
    return Family(lambda: PixArtTransformer2DModel(**config), inputs, forward, "out_hidden_states", axes, fixed)


def sd3(**config):
    from diffusers import SD3Transformer2DModel

    base = dict(
        sample_size=8, patch_size=2, in_channels=4, out_channels=4, num_layers=2, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=12, caption_projection_dim=16, pooled_projection_dim=10, pos_embed_max_size=12,
    )
    spatial = {0: "batch_size", 2: "height", 3: "width"}
    return Family(
        lambda: SD3Transformer2DModel(**(base | config)),
        lambda b, s, l: {
            "hidden_states": normal(b, 4, s, s + 2), "encoder_hidden_states": normal(b, l, 12, seed=8),
            "pooled_projections": normal(b, 10, seed=9), "timestep": torch.arange(3.0, 3 + 11 * b, 11)[:b],
        },
        lambda m, hidden_states, encoder_hidden_states, pooled_projections, timestep: m(
            hidden_states, encoder_hidden_states=encoder_hidden_states, pooled_projections=pooled_projections, timestep=timestep
        ).sample,
        "out_hidden_states",
        {
            "hidden_states": spatial, "encoder_hidden_states": {0: "batch_size", 1: "sequence_length"},
            "pooled_projections": {0: "batch_size"}, "timestep": {0: "batch_size"}, "out_hidden_states": spatial,
        },
        ((True, "height"), (True, "width")),
    )


def flux(**config):
    from diffusers import FluxTransformer2DModel

    base = dict(
        patch_size=1, in_channels=8, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2, joint_attention_dim=12,
        pooled_projection_dim=10, guidance_embeds=True, axes_dims_rope=(4, 6, 6),
    )

    def inputs(b, s, l):
        n = s * 2
        ids = torch.stack([torch.zeros(n), torch.arange(n) // 4, torch.arange(n) % 4], 1).float()
        return {
            "hidden_states": normal(b, n, 8), "encoder_hidden_states": normal(b, l, 12, seed=8), "pooled_projections": normal(b, 10, seed=9),
            "timestep": torch.linspace(0.2, 0.9, b), "img_ids": ids, "txt_ids": torch.zeros(l, 3), "guidance": torch.full((b,), 3.5),
        }

    def forward(m, hidden_states, encoder_hidden_states, pooled_projections, timestep, img_ids, txt_ids, guidance):
        return m(
            hidden_states, encoder_hidden_states=encoder_hidden_states, pooled_projections=pooled_projections, timestep=timestep,
            img_ids=img_ids, txt_ids=txt_ids, guidance=guidance,
        ).sample

    batch = {0: "batch_size"}
    return Family(
        lambda: FluxTransformer2DModel(**(base | config)), inputs, forward, "out_hidden_states",
        {
            "hidden_states": batch | {1: "packed_height_width"}, "encoder_hidden_states": batch | {1: "sequence_length"}, "pooled_projections": batch,
            "timestep": batch, "img_ids": {0: "packed_height_width"}, "txt_ids": {0: "sequence_length"}, "guidance": batch,
            "out_hidden_states": batch | {1: "packed_height_width"},
        },
        tuple((False, symbol) for symbol in ("batch_size", "packed_height_width", "sequence_length")),
    )


def vae(part):
    from diffusers import AutoencoderKL

    config = dict(
        in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16), layers_per_block=1, latent_channels=4, norm_num_groups=4,
    )
    if part == "encoder":
        return Family(
            lambda: AutoencoderKL(**config), lambda b, s, l: {"sample": normal(b, 3, s, s + 4)},
            lambda m, sample: m.encode(sample).latent_dist.parameters, "latent_parameters",
            {"sample": {0: "batch_size", 2: "height", 3: "width"}, "latent_parameters": {0: "batch_size", 2: "latent_height", 3: "latent_width"}},
        )
    return Family(
        lambda: AutoencoderKL(**config), lambda b, s, l: {"latent_sample": normal(b, 4, s, s + 2)},
        lambda m, latent_sample: m.decode(latent_sample).sample, "sample",
        {"latent_sample": {0: "batch_size", 2: "latent_height", 3: "latent_width"}, "sample": {0: "batch_size", 2: "height", 3: "width"}},
    )


def tokens(b, l):
    ids = torch.randint(3, 40, (b, l), generator=torch.Generator().manual_seed(5))
    ids[:, -1] = 41
    return ids


def clip(projection=False):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=42, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=16,
        projection_dim=8, eos_token_id=41, bos_token_id=40, pad_token_id=1, hidden_act="gelu" if projection else "quick_gelu",
    )
    output = "text_embeds" if projection else "last_hidden_state"
    axes = {"input_ids": {0: "batch_size", 1: "sequence_length"}, output: {0: "batch_size"} if projection else {0: "batch_size", 1: "sequence_length"}}
    return Family(
        lambda: (CLIPTextModelWithProjection if projection else CLIPTextModel)(config), lambda b, s, l: {"input_ids": tokens(b, l)},
        lambda m, input_ids: getattr(m(input_ids), output), output, axes,
    )


def t5(act="gated-gelu"):
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=42, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj=act, is_encoder_decoder=False,
        use_cache=False, relative_attention_num_buckets=8, relative_attention_max_distance=20,
    )
    return Family(
        lambda: T5EncoderModel(config), lambda b, s, l: {"input_ids": tokens(b, l)},
        lambda m, input_ids: m(input_ids).last_hidden_state, "last_hidden_state",
        {"input_ids": {0: "batch_size", 1: "sequence_length"}, "last_hidden_state": {0: "batch_size", 1: "sequence_length"}},
    )


FAMILIES = {
    "unet2d": lambda: unet2d(),
    "unet2d-scale-shift": lambda: unet2d(
        resnet_time_scale_shift="scale_shift", down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "ResnetUpsampleBlock2D"), downsample_type="resnet", upsample_type="resnet",
    ),
    "sd1": lambda: condition(),
    "sd2": lambda: condition(use_linear_projection=True, attention_head_dim=(2, 4)),
    "sdxl": lambda: condition(**SDXL),
    "dit": dit,
    "pixart": lambda: pixart(),
    "pixart-alpha": lambda: pixart(alpha=True),
    "sd3": lambda: sd3(),
    "sd35": lambda: sd3(qk_norm="rms_norm", dual_attention_layers=(0,)),
    "flux": lambda: flux(),
    "vae-encoder": lambda: vae("encoder"),
    "vae-decoder": lambda: vae("decoder"),
    "clip": lambda: clip(),
    "clip-projection": lambda: clip(projection=True),
    "t5": lambda: t5(),
    "t5-relu": lambda: t5("relu"),
}


class Wrapper(torch.nn.Module):
    def __init__(self, m, forward):
        super().__init__()
        self.m = m
        self.call = forward

    def forward(self, *args):
        return self.call(self.m, *args)


def variants():
    table = {}
    for opset in (11, 14, 17, 18):
        table[f"legacy-{opset}"] = dict(dynamo=False, opset=opset, wrap=True)
    table["legacy-17-static"] = dict(dynamo=False, opset=17, wrap=True, dynamic=False)
    table["legacy-17-unfolded"] = dict(dynamo=False, opset=17, wrap=True, fold=False)
    table["legacy-17-fp16"] = dict(dynamo=False, opset=17, wrap=True, half=True)
    table["optimum-18"] = dict(dynamo=False, opset=18, wrap=False)
    table["optimum-18-fp16"] = dict(dynamo=False, opset=18, wrap=False, half=True)
    for opset in (18, 20, 21, 23):
        table[f"dynamo-{opset}"] = dict(dynamo=True, opset=opset, wrap=True)
    table["dynamo-23-plain"] = dict(dynamo=True, opset=23, wrap=False)
    table["dynamo-20-static"] = dict(dynamo=True, opset=20, wrap=True, dynamic=False)
    table["dynamo-18-raw"] = dict(dynamo=True, opset=18, wrap=True, optimize=False)
    table["dynamo-18-fp16"] = dict(dynamo=True, opset=18, wrap=True, half=True)
    table["dynamo-23-fp16"] = dict(dynamo=True, opset=23, wrap=True, half=True)
    return table


VARIANTS = variants()


def decomposed_rms_norm(x, shape, weight=None, eps=None):
    axes = tuple(range(-len(shape), 0))
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    wide = x.float()
    normed = (wide * torch.rsqrt(wide.pow(2).mean(axes, keepdim=True) + eps)).to(x.dtype)
    return normed if weight is None else normed * weight


def decomposed_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    scores = (query @ key.transpose(-1, -2)) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        scores = scores + torch.full(scores.shape[-2:], -10000.0).triu(1)
    if attn_mask is not None:
        scores = scores + attn_mask if attn_mask.is_floating_point() else scores.masked_fill(~attn_mask, -10000.0)
    return scores.softmax(-1) @ value


@contextlib.contextmanager
def legacy_patches(opset):
    """What the legacy exporter has no symbol for, written out: RMS norms, and attention below operator set 14."""
    kept = F.rms_norm, F.scaled_dot_product_attention
    F.rms_norm = decomposed_rms_norm
    if opset < 14:
        F.scaled_dot_product_attention = decomposed_attention
    try:
        yield
    finally:
        F.rms_norm, F.scaled_dot_product_attention = kept


def load_weights(model):
    own = {name: parameter for name, parameter in model.named_parameters()}
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape))))
    return model.eval()


def dynamic_shapes(names, axes, inputs):
    dims = {}
    shapes = []
    for name in names:
        spec = {}
        for axis, symbol in axes.get(name, {}).items():
            spec[axis] = dims.setdefault(symbol, torch.export.Dim.DYNAMIC)
        shapes.append(spec or None)
    return (tuple(shapes),)


def to_half(inputs):
    return {k: v.half() if v.is_floating_point() else v for k, v in inputs.items()}


def case(folder: Path, family: str, variant: str) -> None:
    spec = VARIANTS[variant]
    f = FAMILIES[family]()
    model = load_weights(f.make())
    half = spec.get("half", False)
    if half:
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(p.half().float())
    inputs = f.inputs(2, 8, 7)
    if half:
        inputs = {k: v.float() if v.dtype == torch.float16 else v for k, v in to_half(inputs).items()}
    out = f.forward(model, *inputs.values())
    target = normal(*out.shape, seed=99)
    loss = ((out - target) ** 2).mean()
    loss.backward()
    golden = {f"in.{k}": v for k, v in inputs.items()} | {"out": out.detach(), "target": target, "loss": loss.detach().reshape(1)}
    golden |= {f"grad.{n}": p.grad for n, p in model.named_parameters() if p.grad is not None}
    save_file({k: v.contiguous().clone() for k, v in golden.items()}, folder / "golden.safetensors")
    axes = f.dynamic(spec["dynamo"]) if spec.get("dynamic", True) else {}
    free = {symbol for of in axes.values() for symbol in of.values()}
    spatial = free & {"height", "latent_height", "packed_height_width"}
    with torch.no_grad():
        other = f.inputs(3 if "batch_size" in free else 2, 12 if spatial else 8, 5 if "sequence_length" in free else 7)
        save = {f"in.{k}": v for k, v in other.items()} | {"out": f.forward(model, *other.values())}
    save_file({k: v.contiguous().clone() for k, v in save.items()}, folder / "other.safetensors")
    save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()}, folder / "diffusion_pytorch_model.safetensors")
    if hasattr(model, "save_config"):
        model.save_config(folder)
    else:
        (folder / "config.json").write_text(model.config.to_json_string())
    model.zero_grad()
    for p in model.parameters():
        p.requires_grad_(False)
    given = inputs
    if half:
        model, given = model.half(), to_half(inputs)
    if spec["wrap"]:
        root = Wrapper(model, f.forward).eval()
    else:
        root = model
        inner = type(model).forward
        names = list(inputs)

        def patched(*args):
            # The model's own forward, not this one, is what `forward` calls.
            model.forward = types.MethodType(inner, model)
            model.config.return_dict = True
            try:
                return f.forward(Unpatched(model, inner), *args)
            finally:
                model.forward = patched

        model.forward = patched
    path = folder / "model.onnx"
    args = tuple(given.values())
    if spec["dynamo"]:
        # PixArt squeezes an axis that is not 1, which does nothing in PyTorch; the exporter writes it, which runs nowhere.
        squeeze = torch.Tensor.squeeze
        torch.Tensor.squeeze = lambda x, *axes: x if len(axes) == 1 and x.shape[axes[0]] != 1 else squeeze(x, *axes)
        kwargs = {"dynamic_shapes": dynamic_shapes(list(given), axes, given)} if axes else {}
        torch.onnx.export(
            root, args, path, input_names=list(given), output_names=[f.output], opset_version=spec["opset"], dynamo=True, external_data=False,
            optimize=spec.get("optimize", True), verbose=False, **kwargs,
        )
    else:
        with legacy_patches(spec["opset"]):
            torch.onnx.export(
                root, args, path, input_names=list(given), output_names=[f.output], opset_version=spec["opset"], dynamo=False,
                dynamic_axes=axes, do_constant_folding=spec.get("fold", True),
            )


class Unpatched:
    """A model whose call does not go through its patched `forward`."""

    def __init__(self, model, forward):
        self.model, self.inner = model, forward

    def __call__(self, *args, **kwargs):
        return self.inner(self.model, *args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.model, name)


FIXTURES = (
    "unet2d/legacy-11 unet2d/dynamo-18 unet2d-scale-shift/dynamo-23 sd1/optimum-18-fp16 sd1/dynamo-23 sd2/legacy-14 sdxl/optimum-18 sdxl/dynamo-21 "
    "dit/legacy-17 dit/dynamo-20 pixart/optimum-18 pixart/dynamo-20-static sd35/legacy-18 sd35/dynamo-23 flux/legacy-17 flux/dynamo-23 "
    "vae-encoder/optimum-18 vae-encoder/dynamo-20 vae-decoder/legacy-17 vae-decoder/dynamo-23 clip/optimum-18 clip-projection/dynamo-23 "
    "t5/legacy-17-unfolded t5/dynamo-23"
).split()


def numbers(name: str, shape) -> torch.Tensor:
    """Numbers of unit variance, from the name."""
    size = int(np.prod(shape))
    return torch.from_numpy(weight(name, (size, 1)).reshape(tuple(shape)))


def named_inputs(inputs: dict, half: bool) -> dict:
    named = {k: numbers(f"in.{k}", v.shape) if v.is_floating_point() and v.ndim > 2 else v for k, v in inputs.items()}
    return {k: v.float() for k, v in to_half(named).items()} if half else named


def describe(inputs: dict) -> dict:
    return {
        k: {"shape": list(v.shape), "dtype": str(v.dtype).removeprefix("torch.")}
        | ({} if v.is_floating_point() and v.ndim > 2 else {"values": v.flatten().tolist()})
        for k, v in inputs.items()
    }


def identify(array: np.ndarray, state: dict) -> tuple | None:
    """Checkpoint name and axes of an initialiser, by its values: as stored, transposed, or with axes of size 1 put in."""
    for name, stored in state.items():
        if array.size != stored.size:
            continue
        if array.ndim == 2 and stored.ndim == 2 and array.shape == stored.shape[::-1] and np.array_equal(array, stored.T):
            return (name, [0, 1]) if array.shape == stored.shape and np.array_equal(array, stored) else (name, [1, 0])
        if [d for d in array.shape if d != 1] == [d for d in stored.shape if d != 1] and np.array_equal(array.ravel(), stored.ravel()):
            axes, at = [], 0
            for size in array.shape:
                if at < stored.ndim and stored.shape[at] == size:
                    axes.append(at)
                    at += 1
                else:
                    axes.append(None)
            return name, axes
    return None


def fixture(root: Path, case_name: str, out: Path) -> None:
    import onnx
    from onnx import numpy_helper

    family, variant = case_name.split("/")
    spec = VARIANTS[variant]
    half = spec.get("half", False)
    f = FAMILIES[family]()
    model = load_weights(f.make())
    if half:
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(p.half().float())
    inputs = named_inputs(f.inputs(2, 8, 7), half)
    result = f.forward(model, *inputs.values())
    target = numbers("target", result.shape)
    loss = ((result - target) ** 2).mean()
    loss.backward()
    axes = f.dynamic(spec["dynamo"]) if spec.get("dynamic", True) else {}
    free = {symbol for of in axes.values() for symbol in of.values()}
    spatial = free & {"height", "latent_height", "packed_height_width"}
    other = named_inputs(f.inputs(3 if "batch_size" in free else 2, 12 if spatial else 8, 5 if "sequence_length" in free else 7), half)
    with torch.no_grad():
        elsewhere = f.forward(model, *other.values())
    gradients = {
        n: [float((p.grad * numbers(f"probe.{n}", p.shape)).double().sum()), float(p.grad.abs().max())]
        for n, p in model.named_parameters()
        if p.grad is not None
    }
    dtype = np.float16 if half else np.float32
    state = {n: t.detach().numpy().astype(dtype) for n, t in model.named_parameters()}
    proto = onnx.load(root / case_name / "model.onnx")
    weights, offset = {}, 0
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor)
        found = identify(array, state) if array.dtype == dtype and array.size > 2 else None
        if not found:
            continue
        weights[tensor.name] = {"parameter": found[0], "axes": found[1]}
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", "weights"), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        offset += array.nbytes
    keep = "pkg.torch.export.graph_signature.InputSpec.kind"
    infos = [info for info in proto.graph.value_info if any(p.key == keep for p in info.metadata_props)]
    for info in infos:
        kind = next(p.value for p in info.metadata_props if p.key == keep)
        del info.metadata_props[:]
        info.metadata_props.add(key=keep, value=kind)
    copies = [onnx.ValueInfoProto.FromString(info.SerializeToString()) for info in infos]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(copies)
    for node in proto.graph.node:
        node.doc_string = ""
        scopes = [p.value for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        for value in scopes:
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=value)
    name = case_name.replace("/", "-")
    (out / f"{name}.onnx.gz").write_bytes(gzip.compress(proto.SerializeToString(), 9, mtime=0))
    description = {
        "family": family, "half": half, "shapes": {n: list(t.shape) for n, t in state.items()}, "weights": weights,
        "inputs": describe(inputs), "out": {"shape": list(result.shape), "base64": base64.b64encode(result.detach().numpy().tobytes()).decode()},
        "loss": float(loss), "gradients": gradients,
        "other": {"inputs": describe(other), "shape": list(elsewhere.shape), "base64": base64.b64encode(elsewhere.flatten()[:64].numpy().tobytes()).decode()},
    }
    (out / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(description).encode(), 9, mtime=0))
    print(name, (out / f"{name}.onnx.gz").stat().st_size, (out / f"{name}.json.gz").stat().st_size, len(weights), flush=True)


def main(out: Path, wanted: list[str]) -> None:
    if wanted[:1] == ["--fixtures"]:
        folder = Path(wanted[1])
        folder.mkdir(parents=True, exist_ok=True)
        for name in wanted[2:] or FIXTURES:
            fixture(out, name, folder)
        return
    for family in FAMILIES:
        for variant in VARIANTS:
            if wanted and not any(fnmatch.fnmatch(f"{family}/{variant}", w) for w in wanted):
                continue
            folder = out / family / variant
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / "model.onnx").exists():
                continue
            try:
                case(folder, family, variant)
                print("ok", family, variant, (folder / "model.onnx").stat().st_size, flush=True)
            except Exception as error:
                text = str(error).strip().split("\n")[0][:200]
                (folder / "error.txt").write_text(traceback.format_exc())
                print("FAILED", family, variant, type(error).__name__, text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
