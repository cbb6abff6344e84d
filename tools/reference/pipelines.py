"""Writes packages/testkit/fixtures/pipelines: what diffusers' own pipelines draw with small models, and token ids.

    pip install torch diffusers transformers safetensors
    python tools/reference/pipelines.py bpe_simple_vocab_16e6.txt.gz packages/testkit/fixtures/pipelines

The first argument is CLIP's list of merges, as in OpenAI's repository and in the package open_clip_torch (both MIT). Only
the merges that the prompts and texts below need are kept.

For every pipeline a folder as diffusers has it, without weights (both sides compute them from names, see
unet2d_variants.py), and for every case CASE.json with the call and CASE.safetensors with `latents` and `images` in [0, 1].
tokens.json and t5/tokens.json: texts with their ids, by transformers.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    HeunDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from safetensors.torch import save_file
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer
from unet2d_variants import weight

torch.set_num_threads(1)

PROMPTS = ["a photo of a red sneaker", "An oil painting of the sea, highly detailed"]
NEGATIVE = "blurry, low quality"
LONG = "a very long prompt about a photo of a sneaker, " * 9
# Long vowels, composed and decomposed letters, signs that look like weights, emoji with joiners, special tokens as text.
TEXTS = PROMPTS + [
    NEGATIVE, LONG, "", " ", "A PHOTO OF A SNEAKER", "a (photo:1.2) of [sneaker]", "it's they're I'm we'll he'd don't",
    "naïve café résumé", "e\u0301 and \u00e9", "日本語 the sea", "Привет sea", "👍🏽 👩‍👩‍👧‍👦 ❤️", "x² ½ ① 2024", "tabs\tand\nlines\r\n  many",
    "\u00a0nbsp\u3000wide", "ΟΔΟΣ ΣΊΣΥΦΟΣ", "İ ẞ ǅ", "foo_bar-baz.qux!", "!!! a!", "<|endoftext|>", "a <|startoftext|> b", "\ufeffbom\u200b", "ﬁ Ⅷ",
]
SPECIAL = ["<|startoftext|>", "<|endoftext|>"]


def letters_of_bytes() -> dict[int, str]:
    """GPT-2's printable stand-ins for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def write_tokenizer(merges_file: Path, folder: Path) -> None:
    """CLIP's vocabulary cut down to what TEXTS need: all bytes, and every merge that is used on the way to a token."""
    lines = gzip.open(merges_file).read().decode("utf-8").split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    letters = list(dict.fromkeys(letters_of_bytes().values()))
    order = [chr(byte) for byte in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    order += [letter for letter in letters if letter not in order]
    whole = order + [letter + "</w>" for letter in order] + ["".join(pair) for pair in merges] + SPECIAL
    made_of = {"".join(pair): pair for pair in reversed(merges)}
    folder.mkdir(parents=True, exist_ok=True)
    write_vocabulary(folder, whole, merges)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    needed: set[str] = set()

    def need(token: str) -> None:
        if token in made_of and token not in needed:
            needed.add(token)
            for part in made_of[token]:
                need(part)

    for text in TEXTS:
        for token in tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]):
            need(token)
    kept = [pair for pair in merges if "".join(pair) in needed]
    write_vocabulary(folder, order + [letter + "</w>" for letter in order] + ["".join(pair) for pair in kept] + SPECIAL, kept)


def write_vocabulary(folder: Path, vocabulary: list[str], merges: list[tuple[str, str]]) -> None:
    ids = {token: i for i, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *map(" ".join, merges)]) + "\n")
    write_tokenizer_config(folder, "<|endoftext|>")


def write_tokenizer_config(folder: Path, pad: str) -> None:
    def token(text: str) -> dict:
        return {"__type": "AddedToken", "content": text, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    start, end = map(token, SPECIAL)
    config = dict(bos_token=start, eos_token=end, unk_token=end, pad_token=pad, model_max_length=77, tokenizer_class="CLIPTokenizer", do_lower_case=True)
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_t5_tokenizer(folder: Path) -> None:
    """A small unigram tokeniser of T5's form, trained on TEXTS, and its ids. T5's own removes byte order marks, this one keeps them.

    The training gives another tokeniser every time, and with it other pictures of sd3, flux and pixart.
    """
    texts = [text for text in TEXTS if "\ufeff" not in text]
    trained = Tokenizer(Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = UnigramTrainer(vocab_size=220, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
    trained.train_from_iterator(texts, trainer)
    model = json.loads(trained.to_str())["model"]
    tokenizer = T5Tokenizer(vocab=[tuple(entry) for entry in model["vocab"]], extra_ids=2)
    tokenizer.save_pretrained(folder)
    (folder / "tokens.json").write_text(json.dumps({"texts": texts, "ids": [tokenizer(text)["input_ids"] for text in texts]}) + "\n")


def canonical(model, name: str) -> str:
    if isinstance(model, T5EncoderModel) and name == "encoder.embed_tokens.weight":
        return "shared.weight"
    return f"text_model.{name}" if type(model) is CLIPTextModel and not name.startswith("text_model.") else name


def named(model):
    buffers = dict(model.named_buffers())
    state = model.state_dict()
    model.load_state_dict({name: t if name in buffers else torch.from_numpy(weight(canonical(model, name), tuple(t.shape))) for name, t in state.items()})
    return model.eval()


def text_encoder(vocabulary: int, width: int, model_class=CLIPTextModel, **more):
    config = dict(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=3, num_attention_heads=2,
        max_position_embeddings=77, projection_dim=6, bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1, pad_token_id=vocabulary - 1,
    )
    return named(model_class(CLIPTextConfig(**config | more)))


def unet(**more):
    config = dict(
        sample_size=8, block_out_channels=(8, 16), down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), layers_per_block=1, norm_num_groups=4, cross_attention_dim=12, attention_head_dim=2,
    )
    return named(UNet2DConditionModel(**config | more))


def vae(**more):
    config = dict(
        block_out_channels=(4, 8), down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, norm_num_groups=2,
        sample_size=16, scaling_factor=0.5,
    )
    return named(AutoencoderKL(**config | more))


BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
NO_CHECKER = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
PNDM = PNDMScheduler(**BETAS, skip_prk_steps=True, steps_offset=1, set_alpha_to_one=False)
SAMPLERS = {
    "ddim": DDIMScheduler(**BETAS, steps_offset=1, set_alpha_to_one=False, clip_sample=False),
    "pndm": PNDM,
    "dpm-solver": DPMSolverMultistepScheduler(**BETAS),
    "unipc": UniPCMultistepScheduler(**BETAS),
    "euler": EulerDiscreteScheduler(**BETAS, timestep_spacing="leading", steps_offset=1),
    "euler-ancestral": EulerAncestralDiscreteScheduler(**BETAS),
    "heun": HeunDiscreteScheduler(**BETAS),
    "lcm": LCMScheduler(**BETAS, original_inference_steps=20),
}


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(channels: int, count: int = 1, size: int = 16) -> torch.Tensor:
    """A picture in [0, 1] that both sides compute: waves."""
    index = torch.arange(count * channels * size * size, dtype=torch.float64).reshape(count, channels, size, size)
    return ((torch.sin(index * 0.37) + 1) / 2).float()


def main(merges: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    write_tokenizer(merges, out / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
    vocabulary = len(tokenizer)
    second = out / "tokenizer-2"
    shutil.copytree(out / "tokenizer", second)
    write_tokenizer_config(second, "!")
    tokenizer_2 = CLIPTokenizer.from_pretrained(second)
    for file in ("vocab.json", "merges.txt"):
        (second / file).unlink()
    tokens = {name: [t(text)["input_ids"] for text in TEXTS] for name, t in (("ids", tokenizer), ("ids2", tokenizer_2))}
    (out / "tokens.json").write_text(json.dumps({"texts": TEXTS, **tokens}) + "\n")

    write_t5_tokenizer(out / "t5")

    def case(name: str, pipe, call: dict, **extra) -> None:
        pipe.set_progress_bar_config(disable=True)
        seed = call["seed"]
        options = {key: value for key, value in call.items() if key != "seed"} | extra
        images = pipe(**options, generator=generator(seed), output_type="pt")[0]
        tensors = {"images": images if isinstance(images, torch.Tensor) else torch.stack(list(images))}
        if not isinstance(pipe, DiTPipeline):
            tensors["latents"] = pipe(**options, generator=generator(seed), output_type="latent")[0]
        for key, tensor in tensors.items():
            assert tensor.isfinite().all(), (name, key)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, out / f"{name}.safetensors")
        # As diffusers has it: pipelines of Stable Diffusion change old configurations.
        scheduler = {"_class_name": type(pipe.scheduler).__name__} | {k: v for k, v in pipe.scheduler.config.items() if not k.startswith("_")}
        (out / f"{name}.json").write_text(json.dumps({"call": call, "scheduler": scheduler}) + "\n")
        spread = {key: (float(t.min()), float(t.max())) for key, t in tensors.items()}
        print(name, {key: tuple(t.shape) for key, t in tensors.items()}, spread, float((tensors["images"] % 1 > 0).float().mean()))

    def folder(name: str, pipe) -> None:
        pipe.save_pretrained(out / name)
        for path in (out / name).rglob("*"):
            if path.suffix == ".safetensors" or path.parent.name.startswith("tokenizer"):
                path.unlink()
        for path in (out / name).glob("tokenizer*"):
            path.rmdir()

    # Stable Diffusion 1, with pictures of one channel.
    parts = dict(vae=vae(in_channels=1, out_channels=1), text_encoder=text_encoder(vocabulary, 12), tokenizer=tokenizer, unet=unet(), **NO_CHECKER)
    sd = StableDiffusionPipeline(**parts, scheduler=PNDM)
    folder("sd", sd)
    plain = dict(prompt=PROMPTS, negative_prompt=[NEGATIVE, ""], num_inference_steps=4, guidance_scale=7.5, seed=3)
    case("sd-plain", sd, plain)
    case("sd-several", sd, dict(prompt=PROMPTS[0], num_images_per_prompt=3, num_inference_steps=3, guidance_scale=3.0, seed=5, height=24, width=16))
    case("sd-unguided", sd, dict(prompt=PROMPTS[:1], num_inference_steps=3, guidance_scale=1.0, seed=5))
    case("sd-rescaled", sd, plain | dict(guidance_rescale=0.7))
    for name, scheduler in SAMPLERS.items():
        case(f"sd-{name}", StableDiffusionPipeline(**parts, scheduler=scheduler), plain)
        image_pipe = StableDiffusionImg2ImgPipeline(**parts, scheduler=scheduler)
        call = dict(prompt=PROMPTS, negative_prompt=[NEGATIVE, ""], num_inference_steps=6, guidance_scale=4.0, strength=0.6, seed=11)
        case(f"sd-image-{name}", image_pipe, call, image=picture(1, 2))

    # Stable Diffusion 2: v-prediction, linear projections, padding with "!".
    parts = dict(
        vae=vae(), text_encoder=text_encoder(vocabulary, 12, hidden_act="gelu"), tokenizer=tokenizer_2,
        unet=unet(use_linear_projection=True, attention_head_dim=(1, 2)), **NO_CHECKER,
    )
    sd2 = StableDiffusionPipeline(**parts, scheduler=DDIMScheduler(**BETAS, prediction_type="v_prediction", steps_offset=1, set_alpha_to_one=False, clip_sample=False))
    folder("sd2", sd2)
    case("sd2-plain", sd2, plain)
    case("sd2-long", sd2, plain | dict(prompt=[LONG, PROMPTS[0]]))

    # Latent consistency: the guidance scale is an input.
    parts |= dict(unet=unet(time_cond_proj_dim=10))
    lcm = LatentConsistencyModelPipeline(**parts, scheduler=LCMScheduler(**BETAS, original_inference_steps=50))
    folder("lcm", lcm)
    case("lcm-plain", lcm, dict(prompt=PROMPTS, num_inference_steps=4, guidance_scale=8.5, seed=3))

    # SDXL.
    xl = dict(
        vae=vae(), text_encoder=text_encoder(vocabulary, 4), text_encoder_2=text_encoder(vocabulary, 8, CLIPTextModelWithProjection, hidden_act="gelu"),
        tokenizer=tokenizer, tokenizer_2=tokenizer_2,
        unet=unet(addition_embed_type="text_time", addition_time_embed_dim=4, projection_class_embeddings_input_dim=6 * 4 + 6, transformer_layers_per_block=(1, 2)),
    )
    sdxl = StableDiffusionXLPipeline(**xl, scheduler=SAMPLERS["euler"], add_watermarker=False)
    folder("sdxl", sdxl)
    size = dict(height=16, width=16)
    case("sdxl-plain", sdxl, plain | size)
    case("sdxl-zeros", sdxl, dict(prompt=PROMPTS, num_inference_steps=3, guidance_scale=5.0, seed=3, **size))
    image_xl = StableDiffusionXLImg2ImgPipeline(**xl, scheduler=SAMPLERS["euler"], add_watermarker=False)
    case("sdxl-image", image_xl, dict(prompt=PROMPTS, num_inference_steps=6, guidance_scale=5.0, strength=0.5, seed=3), image=picture(3, 2))

    # DiT: variances that are learned and left aside, 1,000 classes as its pipeline has them.
    dit_model = named(DiTTransformer2DModel(sample_size=8, in_channels=4, out_channels=8, num_layers=2, num_attention_heads=2, attention_head_dim=8, num_embeds_ada_norm=1000))
    dit = DiTPipeline(transformer=dit_model, vae=vae(), scheduler=DDIMScheduler(clip_sample=False), id2label={0: "tench, Tinca tinca", 7: "cock"})
    folder("dit", dit)
    case("dit-plain", dit, dict(class_labels=[7, 999], guidance_scale=4.0, num_inference_steps=4, seed=3))
    case("dit-unguided", dit, dict(class_labels=[7], guidance_scale=1.0, num_inference_steps=3, seed=4))

    # Stable Diffusion 3, with and without T5.
    t5_tokenizer = T5Tokenizer.from_pretrained(out / "t5")
    t5 = named(T5EncoderModel(T5Config(vocab_size=len(t5_tokenizer), d_model=16, d_kv=6, d_ff=20, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu")))
    projected = dict(model_class=CLIPTextModelWithProjection)
    three = dict(
        vae=vae(shift_factor=0.1), text_encoder=text_encoder(vocabulary, 4, **projected), tokenizer=tokenizer,
        text_encoder_2=text_encoder(vocabulary, 8, hidden_act="gelu", **projected), tokenizer_2=tokenizer_2, text_encoder_3=t5, tokenizer_3=t5_tokenizer,
        transformer=named(SD3Transformer2DModel(
            sample_size=8, in_channels=4, out_channels=4, num_layers=2, attention_head_dim=8, num_attention_heads=2, joint_attention_dim=16,
            caption_projection_dim=16, pooled_projection_dim=12, pos_embed_max_size=8,
        )),
    )
    sd3 = StableDiffusion3Pipeline(**three, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0))
    folder("sd3", sd3)
    case("sd3-plain", sd3, plain | size | dict(guidance_scale=5.0))
    small = StableDiffusion3Pipeline(**three | dict(text_encoder_3=None, tokenizer_3=None), scheduler=sd3.scheduler)
    case("sd3-without-t5", small, plain | size)
    # Of 5 steps 3.5 are asked for, and 4 taken.
    image_sd3 = StableDiffusion3Img2ImgPipeline(**three, scheduler=sd3.scheduler)
    case("sd3-image", image_sd3, dict(prompt=PROMPTS, num_inference_steps=5, guidance_scale=5.0, strength=0.7, seed=3, **size), image=picture(3, 2))

    # FLUX, whose guidance scale is an input, and whose noise levels depend on the size.
    flux = FluxPipeline(
        vae=vae(shift_factor=0.1), text_encoder=text_encoder(vocabulary, 12), tokenizer=tokenizer, text_encoder_2=t5, tokenizer_2=t5_tokenizer,
        transformer=named(FluxTransformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8, num_attention_heads=2, joint_attention_dim=16,
            pooled_projection_dim=12, guidance_embeds=True, axes_dims_rope=(2, 2, 4),
        )),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15),
    )
    folder("flux", flux)
    case("flux-plain", flux, dict(prompt=PROMPTS, num_inference_steps=4, guidance_scale=3.5, seed=3, height=16, width=24))

    # PixArt, which is told the picture's size where that is 1,024 pixels; here it is not.
    pixart = PixArtAlphaPipeline(
        vae=vae(), text_encoder=t5, tokenizer=t5_tokenizer, scheduler=DPMSolverMultistepScheduler(),
        transformer=named(PixArtTransformer2DModel(
            sample_size=8, in_channels=4, out_channels=8, num_layers=2, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16, caption_channels=16,
        )),
    )
    folder("pixart", pixart)
    case("pixart-plain", pixart, plain | dict(guidance_scale=4.5, height=16, width=24), use_resolution_binning=False, clean_caption=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
