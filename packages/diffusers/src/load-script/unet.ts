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
    """What is left of a removed layer: its input, or of an input that ends in a skip what comes before."""
    def __init__(self, layer):
        super().__init__()
        self.as_tuple = type(layer).__name__ == "Transformer2DModel"
        self.upsample, self.downsample = getattr(layer, "upsample", None), getattr(layer, "downsample", None)
        self.conv_shortcut = getattr(layer, "conv_shortcut", None)
        self.scale = getattr(layer, "output_scale_factor", getattr(layer, "rescale_output_factor", 1))
        self.passed, self.blocks = False, []
    def forward(self, x, *args, **kwargs):
        x = x[:, :self.blocks[0].width] if self.passed else x
        for step in (self.upsample, self.downsample, self.conv_shortcut):
            x = x if step is None else step(x)
        return (x,) if self.as_tuple else x / self.scale

def pass_by(model, put, path):
    parent, _, name = path.rpartition(".")
    try:
        layer = model.get_submodule(path)
    except AttributeError:
        return  # It went with its stage.
    if name in NORMS:
        put(path, Zero())
        put(f"{parent}.{NORMS[name]}", nn.Identity())
    elif path == "mid_block":
        put(path, None)
    elif parent == "up_blocks":
        stage = len(model.down_blocks) - 1 - int(name)
        put(path, nn.Identity())
        put(f"down_blocks.{stage}", nn.Identity())
        model.down_blocks[stage - 1].downsamplers = None
        model.mid_block = None
    else:
        put(path, Passed(layer))

def watch(block):
    """Notes how wide features are before a skip is joined to them."""
    def before(module, args, kwargs):
        block.width = (args[0] if args else kwargs["hidden_states"]).shape[1]
    def after(module, args, out):
        block.width = (out[0] if isinstance(out, tuple) else out).shape[1]
    block.register_forward_pre_hook(before, with_kwargs=True)
    for layer in [*block.resnets, *filter(None, getattr(block, "attentions", None) or [])]:
        layer.register_forward_hook(after)
        if getattr(layer, "passed", False):
            layer.blocks.append(block)

def finish(model, notes):
    for path in {path.rpartition(".resnets.")[0] for path in notes.get("passed", [])}:
        watch(model.get_submodule(path))
    gone = sum(path.rpartition(".")[0] == "up_blocks" for path in notes.get("removed", []))
    if gone:
        model.up_blocks, model.down_blocks = model.up_blocks[gone:], model.down_blocks[:-gone]
        model.num_upsamplers -= gone

def rename(state):
    for old, new in RENAMED.items():
        state = {name.replace(old, new) if ".attentions." in name else name: tensor for name, tensor in state.items()}
    return state

def adapt(model, notes):
    for path in notes.get("passed", []):
        layer = model.get_submodule(path)
        layer.passed, layer.conv_shortcut = True, None
    for path, layer in model.named_modules():
        if isinstance(getattr(layer, "conv", None), nn.Conv2d) and hasattr(layer, "channels"):
            layer.channels, layer.out_channels = layer.conv.in_channels, layer.conv.out_channels
        elif hasattr(layer, "set_processor") and hasattr(layer, "to_q"):
            layer.heads = notes.get("heads", {}).get(path, layer.heads)
            layer.scale = notes.get("scale", {}).get(path, layer.scale)
            layer.set_processor(PrunedAttention())
`;
