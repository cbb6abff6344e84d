/** The part of `load_secateur.py` for U-Nets: see `load-script.ts`. */
export const unetLoadScript: string = `
RENAMED = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
NORMS = {"attn1": "norm1", "attn2": "norm2", "ff": "norm3"}

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

def pass_by(model, put, path):
    parent, _, name = path.rpartition(".")
    if name in NORMS:
        put(path, Zero())
        put(f"{parent}.{NORMS[name]}", nn.Identity())
    else:
        put(path, Passed(model.get_submodule(path)))

def rename(state):
    for old, new in RENAMED.items():
        state = {name.replace(old, new) if ".attentions." in name else name: tensor for name, tensor in state.items()}
    return state

def adapt(model, notes):
    for path, layer in model.named_modules():
        if isinstance(getattr(layer, "conv", None), nn.Conv2d) and hasattr(layer, "channels"):
            layer.channels, layer.out_channels = layer.conv.in_channels, layer.conv.out_channels
        elif hasattr(layer, "set_processor") and hasattr(layer, "to_q"):
            layer.heads = notes.get("heads", {}).get(path, layer.heads)
            layer.scale = notes.get("scale", {}).get(path, layer.scale)
            layer.set_processor(PrunedAttention())
`;
