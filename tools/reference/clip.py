"""Writes packages/testkit/fixtures/clip: a small CLIP as transformers.js has it (onnx/text_model.onnx, onnx/vision_model.onnx) and
what PyTorch makes of pictures and texts.

    pip install torch transformers onnx onnxscript safetensors
    python tools/reference/clip.py packages/testkit/fixtures/pipelines/tokenizer packages/testkit/fixtures/clip

The first argument is the tokeniser that pipelines.py wrote. Weights are those of unet2d_variants.py.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer
from unet2d_variants import weight

torch.set_num_threads(1)

TEXTS = ["a photo of a red sneaker", "", "An oil painting of the sea, highly detailed"]
PREPROCESSOR = dict(
    do_resize=True, size={"shortest_edge": 16}, do_center_crop=True, crop_size={"height": 16, "width": 16}, resample=3, do_rescale=True,
    rescale_factor=1 / 255, do_normalize=True, do_convert_rgb=True,
    image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711],
)


class Texts(torch.nn.Module):
    def __init__(self, model: CLIPModel):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model.text_projection(self.model.text_model(input_ids=input_ids).pooler_output)


class Pictures(torch.nn.Module):
    def __init__(self, model: CLIPModel):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model.visual_projection(self.model.vision_model(pixel_values=pixel_values).pooler_output)


def picture(height: int, width: int) -> torch.Tensor:
    """A picture of bytes that both sides compute: long waves. [3, height, width]"""
    channel, row, column = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in (3, height, width)), indexing="ij")
    return ((torch.sin(channel + 0.13 * row + 0.11 * column) + 1) * 127.5).round().to(torch.uint8)


def main(tokenizer_folder: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    (out / "onnx").mkdir(parents=True)
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    size = dict(hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, projection_dim=10)
    text = size | dict(vocab_size=len(tokenizer), max_position_embeddings=77, bos_token_id=len(tokenizer) - 2, eos_token_id=len(tokenizer) - 1)
    config = CLIPConfig(text_config=text, vision_config=size | dict(image_size=16, patch_size=8), projection_dim=10)
    config._attn_implementation = "eager"
    model = CLIPModel(config).eval()
    model.load_state_dict({name: torch.from_numpy(weight(name, tuple(t.shape))) if t.ndim else t for name, t in model.state_dict().items()})
    ids = tokenizer(TEXTS, padding="max_length", return_tensors="pt").input_ids
    processor = CLIPImageProcessor(**PREPROCESSOR)
    pictures = {name: picture(*shape) for name, shape in (("same", (16, 16)), ("larger", (40, 48)))}
    pixels = {name: processor(image, return_tensors="pt").pixel_values for name, image in pictures.items()}
    with torch.no_grad():
        golden = {"texts": Texts(model)(ids), **{f"pictures.{name}": Pictures(model)(value) for name, value in pixels.items()}}
    for name, module, inputs, key, output in (
        ("text_model", Texts(model), ids, "input_ids", "text_embeds"),
        ("vision_model", Pictures(model), pixels["same"], "pixel_values", "image_embeds"),
    ):
        path = out / "onnx" / f"{name}.onnx"
        torch.onnx.export(
            module, (inputs,), str(path), input_names=[key], output_names=[output], opset_version=17, dynamo=False,
            dynamic_axes={key: {0: "batch"}, output: {0: "batch"}},
        )
    (out / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR) + "\n")
    (out / "texts.json").write_text(json.dumps(TEXTS) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, out / "golden.safetensors")
    print({name: (tuple(t.shape), float(t.abs().max())) for name, t in golden.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
