/** The part of `load_secateur.py` for T5's encoder: see `load-script.ts`. */
export const t5LoadScript: string = `
def fit(model, state, notes):
    """The embedding is tied under two names; weights hold one of them."""
    return {**state, "encoder.embed_tokens.weight": state["shared.weight"]}, notes

def bias_of(attn, position_bias, length):
    return attn.compute_bias(length, length) if position_bias is None else position_bias

def passed_attention(layer, hidden_states, position_bias=None, **kwargs):
    attn = layer.SelfAttention
    bias = position_bias if attn is None else bias_of(attn, position_bias, hidden_states.shape[1])
    return hidden_states, bias, None

def passed_block(block, hidden_states, attention_mask=None, position_bias=None, *args, **kwargs):
    return (*block.layer[0](hidden_states, position_bias=position_bias)[:2], None)

def drop_attention(layer):
    """What is left is the table of position biases, in the layer that has it."""
    attn = layer.SelfAttention
    layer._modules.clear()
    layer.SelfAttention = attn if attn.has_relative_attention_bias else None
    for name in ("q", "k", "v", "o"):
        del attn._modules[name]
    layer.forward = partial(passed_attention, layer)

def pass_by(model, put, path):
    module = model.get_submodule(path)
    if path.endswith(".layer.0"):
        drop_attention(module)
    elif path.endswith(".layer.1"):
        put(path, nn.Identity())
    else:
        drop_attention(module.layer[0])
        del module.layer[1:]
        module.forward = partial(passed_block, module)

def attend(attn, hidden_states, mask=None, position_bias=None, **kwargs):
    q, k, v = (p(hidden_states).unflatten(-1, (attn.n_heads, -1)).transpose(1, 2) for p in (attn.q, attn.k, attn.v))
    bias = bias_of(attn, position_bias, hidden_states.shape[1])
    added = bias.to(q.dtype)
    if mask is not None:
        added = added.masked_fill(~mask, torch.finfo(q.dtype).min) if mask.dtype == torch.bool else added + mask
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=added, scale=attn.pruned_scale)
    return attn.o(y.transpose(1, 2).flatten(2)), bias, None

def adapt(model, notes):
    for path, layer in model.named_modules():
        if type(layer).__name__ == "T5Attention" and hasattr(layer, "q"):
            layer.n_heads = notes.get("heads", {}).get(path, layer.n_heads)
            layer.pruned_scale = notes.get("scale", {}).get(path, 1.0)
            layer.forward = partial(attend, layer)
`;
