/** Python that the transformers' parts of `load_secateur.py` share. */
export const transformerLoadScript: string = `
class PrunedAttention:
    """Attention whose queries and keys may be narrower than its values."""
    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, *args, **kwargs):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        sides = ((attn.to_q, hidden_states), (attn.to_k, context), (attn.to_v, context))
        q, k, v = (p(side).unflatten(-1, (attn.heads, -1)).transpose(1, 2) for p, side in sides)
        mask = None if attention_mask is None else attention_mask.unsqueeze(1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=attn.scale)
        return attn.to_out[0](y.transpose(1, 2).flatten(2))

class WavePositions(nn.Module):
    """PatchEmbed of which some channels were removed, with the frequencies and phases of the others."""
    def __init__(self, embed, waves):
        super().__init__()
        self.proj, self.patch_size = embed.proj, embed.patch_size
        self.base_size, self.interpolation_scale = embed.base_size, embed.interpolation_scale
        self.waves = waves.float()  # no buffer: half precision would be too coarse for it
    def along(self, size, rows, device):
        positions = torch.arange(size, device=device, dtype=torch.float32) / (size / self.base_size)
        frequency, phase = self.waves[rows].to(device)
        return torch.sin((positions / self.interpolation_scale)[:, None] * frequency + phase)
    def forward(self, latent):
        x = self.proj(latent)
        rows, columns = (self.along(x.shape[2 + i], [2 - 2 * i, 3 - 2 * i], x.device) for i in (0, 1))
        table = (rows[:, None] + columns[None]).flatten(0, 1)
        return x.flatten(2).transpose(1, 2) + table.to(x.dtype)

def wave_positions(model, state):
    waves = state.pop("pos_embed.waves", None)
    if waves is not None:
        model.pos_embed = WavePositions(model.pos_embed, waves)

def adapt_attention(model, notes, processor):
    for path, layer in model.named_modules():
        if hasattr(layer, "set_processor") and hasattr(layer, "to_q"):
            layer.heads = notes.get("heads", {}).get(path, layer.heads)
            scale = getattr(layer, "scale", None) or layer.head_dim**-0.5
            layer.scale = notes.get("scale", {}).get(path, scale)
            layer.set_processor(processor)
`;
