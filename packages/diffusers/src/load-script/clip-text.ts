/** The part of `load_secateur.py` for CLIP's text encoders: see `load-script.ts`. */
export const clipTextLoadScript: string = `
def fit(model, state, notes):
    """transformers 5 has no text_model inside CLIPTextModel; weights and notes name it."""
    if hasattr(model, "text_model"):
        return state, notes
    own = lambda name: name.removeprefix("text_model.")
    renamed = {key: {own(path): value for path, value in notes.get(key, {}).items()} for key in ("heads", "scale")}
    removed = [own(path) for path in notes.get("removed", [])]
    return {own(name): tensor for name, tensor in state.items()}, {**notes, **renamed, "removed": removed}

class NoAttention(nn.Module):
    def forward(self, *args, **kwargs):
        return 0, None

def pass_by(model, put, path):
    parent, _, name = path.rpartition(".")
    if name == "self_attn":
        put(path, NoAttention())
        put(f"{parent}.layer_norm1", nn.Identity())
    elif name == "mlp":
        put(path, Zero())
        put(f"{parent}.layer_norm2", nn.Identity())
    else:
        # The layer itself, emptied: the library collects hidden states from layers of its class.
        layer = model.get_submodule(path)
        layer._modules.clear()
        layer.forward = lambda hidden_states, *args, **kwargs: hidden_states

def attend(attn, hidden_states, attention_mask=None, causal_attention_mask=None, **kwargs):
    sides = (attn.q_proj, attn.k_proj, attn.v_proj)
    q, k, v = (p(hidden_states).unflatten(-1, (attn.num_heads, -1)).transpose(1, 2) for p in sides)
    mask = causal_attention_mask if attention_mask is None else attention_mask
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, scale=attn.scale)
    return attn.out_proj(y.transpose(1, 2).flatten(2)), None

def adapt(model, notes):
    for path, layer in model.named_modules():
        if hasattr(layer, "q_proj") and hasattr(layer, "out_proj"):
            layer.num_heads = notes.get("heads", {}).get(path, layer.num_heads)
            layer.scale = notes.get("scale", {}).get(path, layer.scale)
            layer.forward = partial(attend, layer)
`;
