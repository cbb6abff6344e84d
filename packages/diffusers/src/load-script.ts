/**
 * A Python script that rebuilds a pruned model in diffusers: the class as configured, its layers replaced by ones of the
 * weights' widths, attention with explicit heads and scale. It reads JSON and safetensors only.
 *
 * @param prefix  folder of the model beside the script: `''`, or `unet/`
 */
export function loadScript(prefix: string): string {
  // Quoted: the folder's name comes from a model's files, and must stay text.
  const folder = JSON.stringify(prefix.replace(/\/$/, ''));
  return script.replace('FOLDER_HERE', () => folder);
}

const script = `"""Loads this pruned model: \`from load_secateur import load; unet = load()\`.  pip install diffusers safetensors torch"""
import json
from pathlib import Path
import diffusers
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional as F

RENAMED = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}

class PrunedAttention:
    """Attention whose queries and keys may be narrower than its values; over pixels with its norm, or over tokens."""
    def __call__(self, attn, hidden_states, encoder_hidden_states=None, *args, temb=None, **kwargs):
        x, pixels = hidden_states, hidden_states.ndim == 4
        if pixels:
            x = x.flatten(2) if attn.group_norm is None else attn.group_norm(x.flatten(2))
            x = x.transpose(1, 2)
        context = x if encoder_hidden_states is None else encoder_hidden_states
        sides = ((attn.to_q, x), (attn.to_k, context), (attn.to_v, context))
        q, k, v = (p(side).unflatten(-1, (attn.heads, -1)).transpose(1, 2) for p, side in sides)
        y = F.scaled_dot_product_attention(q, k, v, scale=attn.scale).transpose(1, 2).flatten(2)
        y = attn.to_out[0](y)
        if not pixels:
            return y
        return (y.transpose(1, 2).reshape(hidden_states.shape) + hidden_states) / attn.rescale_output_factor

class Passed(nn.Module):
    """What is left of a removed layer."""
    def __init__(self, layer):
        super().__init__()
        self.as_tuple = type(layer).__name__ == "Transformer2DModel"
        self.upsample, self.downsample = getattr(layer, "upsample", None), getattr(layer, "downsample", None)
        self.conv_shortcut = getattr(layer, "conv_shortcut", None)
    def forward(self, x, *args, **kwargs):
        for step in (self.upsample, self.downsample, self.conv_shortcut):
            x = x if step is None else step(x)
        return (x,) if self.as_tuple else x

class Zero(nn.Module):
    """What is left of a removed layer beside which its input is added."""
    def forward(self, x, *args, **kwargs):
        return torch.zeros((), dtype=x.dtype, device=x.device)

NORMS = {"attn1": "norm1", "attn2": "norm2", "ff": "norm3"}

def pass_by(model, put, path):
    parent, _, name = path.rpartition(".")
    if name in NORMS:
        put(path, Zero())
        put(f"{parent}.{NORMS[name]}", nn.Identity())
    else:
        put(path, Passed(model.get_submodule(path)))

def resized(layer, weight, groups):
    bias = getattr(layer, "bias", None) is not None
    if isinstance(layer, nn.Conv2d):
        return nn.Conv2d(weight.shape[1], weight.shape[0], layer.kernel_size, layer.stride, layer.padding, bias=bias)
    if isinstance(layer, nn.Linear):
        return nn.Linear(weight.shape[1], weight.shape[0], bias=bias)
    if isinstance(layer, nn.GroupNorm):
        return nn.GroupNorm(groups or layer.num_groups, weight.shape[0], layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return nn.LayerNorm(weight.shape[0], layer.eps)
    layer.weight = nn.Parameter(torch.empty_like(weight))
    return layer

def load(folder=Path(__file__).resolve().parent / FOLDER_HERE):
    folder = Path(folder)
    with safe_open(folder / "diffusion_pytorch_model.safetensors", "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}
        notes = json.loads(file.metadata()["secateur"])
    for old, new in RENAMED.items():
        state = {name.replace(old, new) if ".attentions." in name else name: tensor for name, tensor in state.items()}
    config = json.loads((folder / "config.json").read_text())
    model = getattr(diffusers, config["_class_name"]).from_config(config)
    put = lambda path, layer: setattr(model.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2], layer)
    for path in notes.get("removed", []):
        pass_by(model, put, path)
    for path, layer in list(model.named_modules()):
        groups, weight = notes.get("normGroups", {}).get(path), state.get(path + ".weight")
        if isinstance(getattr(layer, "weight", None), nn.Parameter) and layer.weight.ndim and weight is not None:
            if weight.shape != layer.weight.shape or groups:
                put(path, resized(layer, weight, groups))
        elif groups:
            layer.num_groups = groups
    for path, layer in model.named_modules():
        if isinstance(getattr(layer, "conv", None), nn.Conv2d) and hasattr(layer, "channels"):
            layer.channels, layer.out_channels = layer.conv.in_channels, layer.conv.out_channels
        elif hasattr(layer, "set_processor") and hasattr(layer, "to_q"):
            layer.heads = notes.get("heads", {}).get(path, layer.heads)
            layer.scale = notes.get("scale", {}).get(path, layer.scale)
            layer.set_processor(PrunedAttention())
    model.load_state_dict(state, strict=True)
    dtype = next(iter(state.values())).dtype
    return (model if dtype == torch.float32 else model.to(dtype)).eval()
`;
