"""Trains the zoo's fashion-classifier, whose features the metrics use by default, and writes it as ONNX.

    pip install torch onnx numpy
    python tools/reference/train_fashion_classifier.py DATA packages/zoo/data/fashion-classifier [EPOCHS]

DATA: the folder of Fashion-MNIST's four files. Batch norm is folded into the convolutions, so that the file holds nothing
but Conv, Relu, ReduceMean and Gemm. Prints the accuracy on the 10,000 test images, of the file as written.
"""

import gzip
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

# Output channels and stride of each 3x3 convolution.
LAYERS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1))


def images(path: Path) -> torch.Tensor:
    pixels = np.frombuffer(gzip.open(path).read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    return nn.functional.pad(torch.from_numpy(pixels.copy()).float() / 127.5 - 1, (2, 2, 2, 2), value=-1.0)


def labels(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(gzip.open(path).read(), np.uint8, offset=8).astype(np.int64))


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers, previous = [], 1
        for channels, stride in LAYERS:
            layers += [nn.Conv2d(previous, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            previous = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(previous, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).mean((2, 3)))


def augmented(batch: torch.Tensor) -> torch.Tensor:
    """Mirrored at random, and shifted by up to two pixels (one shift a batch: rolls over the padding)."""
    mirrored = torch.where((torch.rand(len(batch)) < 0.5)[:, None, None, None], batch.flip(3), batch)
    dy, dx = torch.randint(-2, 3, (2,)).tolist()
    return mirrored.roll((dy, dx), (2, 3))


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return conv.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale


def to_onnx(model: Classifier) -> onnx.ModelProto:
    nodes, tensors, x = [], [], "sample"

    def constant(name: str, value: torch.Tensor) -> str:
        tensors.append(numpy_helper.from_array(value.detach().numpy(), name))
        return name

    for i, (_, stride) in enumerate(LAYERS):
        weight, bias = folded(model.body[3 * i], model.body[3 * i + 1])
        inputs = [x, constant(f"body.{i}.weight", weight), constant(f"body.{i}.bias", bias)]
        attributes = dict(kernel_shape=[3, 3], strides=[stride, stride], pads=[1, 1, 1, 1])
        nodes.append(helper.make_node("Conv", inputs, [f"conv_{i}"], name=f"/body.{i}/Conv", **attributes))
        nodes.append(helper.make_node("Relu", [f"conv_{i}"], [f"relu_{i}"], name=f"/body.{i}/Relu"))
        x = f"relu_{i}"
    axes = constant("axes", torch.tensor([2, 3]))
    nodes.append(helper.make_node("ReduceMean", [x, axes], ["features"], name="/ReduceMean", keepdims=0))
    head = ["features", constant("head.weight", model.head.weight), constant("head.bias", model.head.bias)]
    nodes.append(helper.make_node("Gemm", head, ["logits"], name="/head/Gemm", transB=1))
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
    outputs = [value("features", LAYERS[-1][0]), value("logits", 10)]
    graph = helper.make_graph(nodes, "fashion-classifier", [value("sample", 1, 32, 32)], outputs, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="secateur")
    onnx.checker.check_model(proto, full_check=True)
    return proto


def main(data: Path, out: Path, epochs: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = images(data / "train-images-idx3-ubyte.gz"), labels(data / "train-labels-idx1-ubyte.gz")
    test_x, test_y = images(data / "t10k-images-idx3-ubyte.gz"), labels(data / "t10k-labels-idx1-ubyte.gz")
    model, batch = Classifier(), 128
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    steps = epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=8e-3, total_steps=steps)
    started = time.time()
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x))[: len(x) // batch * batch].split(batch):
            loss = nn.functional.cross_entropy(model(augmented(x[rows])), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            right = sum((model(a).argmax(1) == b).sum().item() for a, b in zip(test_x.split(500), test_y.split(500)))
        print(f"epoch {epoch + 1}: loss {total / (len(x) // batch):.4f}, {right} of {len(test_x)} right, {time.time() - started:.0f} s", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(model), out / "model.onnx")

    import onnxruntime

    session = onnxruntime.InferenceSession(str(out / "model.onnx"), providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(["logits"], {"sample": part.numpy()})[0] for part in test_x.split(500)])
    accuracy = (logits.argmax(1) == test_y.numpy()).mean()
    parameters = sum(p.numel() for p in model.parameters() if p.ndim != 1) + sum(c for c, _ in LAYERS) + 10
    print(f"{parameters} parameters, {(out / 'model.onnx').stat().st_size} bytes, accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10)
