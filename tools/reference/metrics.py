"""Writes packages/testkit/fixtures/metrics/metrics.safetensors: inputs, and what numpy, scipy, scikit-image and torch make of them.

    pip install torch numpy scipy scikit-image safetensors onnx
    python tools/reference/metrics.py packages/testkit/fixtures/metrics packages/zoo/data

Every formula is written out here or is a library's own; nothing is shared with the packages that are tested. The second
argument is the zoo's folder, for its classifier. Results are
float64, named `<metric>.<case>`; inputs are `in.<name>`.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
import onnx
import scipy.linalg
import torch
from safetensors.torch import save_file
from scipy.spatial.distance import cdist
from skimage.metrics import structural_similarity

SEED = 5


def features(rng: np.random.Generator, count: int, dims: int, shift: float) -> np.ndarray:
    """As a network's: correlated, never negative, one that never fires, one of another size."""
    mixing = np.random.default_rng(99).normal(size=(dims, dims)) / np.sqrt(dims)
    values = np.maximum(0, rng.normal(size=(count, dims)) @ mixing + shift + 0.3)
    values[:, 3] = 0
    values[:, 5] *= 3
    return values.astype(np.float32)


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = x.astype(np.float64)
    return x.mean(0), np.cov(x, rowvar=False)


def fd(x: np.ndarray, y: np.ndarray) -> float:
    (m1, s1), (m2, s2) = moments(x), moments(y)
    root = scipy.linalg.sqrtm(s1 @ s2)
    return float(((m1 - m2) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real))


def fd_infinity(x: np.ndarray, y: np.ndarray, points: int) -> float:
    generator = torch.Generator().manual_seed(SEED)
    count, dims = x.shape
    sizes = np.linspace(max(int(np.ceil(count / 10)), dims + 1), count, points).astype(int)
    distances = [fd(x[torch.randperm(count, generator=generator).numpy()[:size]], y) for size in sizes]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def polynomial(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x.astype(np.float64) @ y.astype(np.float64).T / x.shape[1] + 1) ** 3


def unbiased(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> float:
    m, n = xy.shape
    return (xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1)) - 2 * xy.mean()


def kid(x: np.ndarray, y: np.ndarray, subsets: int, size: int) -> list[float]:
    generator = torch.Generator().manual_seed(SEED)
    values = []
    for _ in range(subsets):
        b = y[torch.randperm(len(y), generator=generator).numpy()[:size]]
        a = x[torch.randperm(len(x), generator=generator).numpy()[:size]]
        values.append(unbiased(polynomial(a, a), polynomial(b, b), polynomial(a, b)))
    return [float(np.mean(values)), float(np.std(values))]


def mmd(x: np.ndarray, y: np.ndarray, sigma: float, normalize: bool, biased: bool) -> float:
    x, y = x.astype(np.float64), y.astype(np.float64)
    if normalize:
        x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    xx, yy, xy = (np.exp(-cdist(a, b, "sqeuclidean") / (2 * sigma**2)) for a, b in ((x, x), (y, y), (x, y)))
    return float(1000 * (xx.mean() + yy.mean() - 2 * xy.mean() if biased else unbiased(xx, yy, xy)))


def covered(points: np.ndarray, balls: np.ndarray, k: int) -> float:
    radii = np.sort(cdist(balls.astype(np.float64), balls.astype(np.float64)), axis=1)[:, k]
    return float((cdist(points.astype(np.float64), balls.astype(np.float64)) <= radii).any(1).mean())


def ssim(x: np.ndarray, y: np.ndarray) -> list[float]:
    x, y = ((np.clip(z.astype(np.float64), -1, 1) + 1) / 2 for z in (x, y))
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=0)
    values = [structural_similarity(a, b, **options) for a, b in zip(x, y)]
    return [float(np.mean(values)), float(np.std(values))]


def psnr(x: np.ndarray, y: np.ndarray) -> float:
    x, y = ((np.clip(z.astype(np.float64), -1, 1) + 1) / 2 for z in (x, y))
    return float(10 * np.log10(1 / ((x - y) ** 2).mean()))


def resized(x: np.ndarray, height: int, width: int, mode: str) -> torch.Tensor:
    return torch.nn.functional.interpolate(torch.from_numpy(x), (height, width), mode=mode, antialias=True, align_corners=False)


def classifier_features(zoo: Path) -> torch.Tensor:
    """Features of the first eight test images, from the weights in the zoo's file by torch's own convolutions."""
    graph = onnx.load(zoo / "fashion-classifier/model.onnx").graph
    weights = {tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    pixels = np.frombuffer(gzip.open(zoo / "fashion-mnist/t10k-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
    x = torch.from_numpy(pixels[: 8 * 784].copy()).reshape(8, 1, 28, 28).float() / 127.5 - 1
    x = torch.nn.functional.pad(x, (2, 2, 2, 2), value=-1.0)
    for i, stride in enumerate((1, 2, 1, 2, 1)):
        x = torch.nn.functional.conv2d(x, weights[f"body.{i}.weight"], weights[f"body.{i}.bias"], stride, 1).relu()
    return x.mean((2, 3))


def main(folder: Path, zoo: Path) -> None:
    rng = np.random.default_rng(SEED)
    x, y = features(rng, 60, 12, 0.0), features(rng, 90, 12, 0.2)
    a = rng.uniform(-1.2, 1.2, (3, 2, 14, 17)).astype(np.float32)
    b = (0.8 * a + 0.2 * rng.normal(size=a.shape)).astype(np.float32)
    matrix = np.cov(features(rng, 40, 12, 0.1), rowvar=False)
    results = {
        "fd.sets": fd(x, y),
        "fd.few": fd(x[:8], y),
        "fd.same": fd(x, x),
        "fd.far": fd(x + 1000, y + 1000),
        "fd-infinity.sets": fd_infinity(x, y, 15),
        "fd-infinity.points": fd_infinity(x, y, 5),
        "kid.subsets": kid(x, y, 20, 30),
        "kid.whole": unbiased(polynomial(x, x), polynomial(y[:60], y[:60]), polynomial(x, y[:60])),
        "mmd.biased": mmd(x, y, 10, True, True),
        "mmd.unbiased": mmd(x, y, 10, True, False),
        "mmd.plain": mmd(x, y, 2, False, False),
        "precision.k3": covered(x, y, 3),
        "recall.k3": covered(y, x, 3),
        "precision.k1": covered(x, y, 1),
        "recall.k1": covered(y, x, 1),
        "ssim.pairs": ssim(a, b),
        "psnr.pairs": psnr(a, b),
        "eigenvalues": np.linalg.eigvalsh(matrix).tolist(),
    }
    tensors = {name: torch.tensor(value, dtype=torch.float64).reshape(-1) for name, value in results.items()}
    tensors |= {f"in.{name}": torch.from_numpy(value) for name, value in dict(x=x, y=y, a=a, b=b, matrix=matrix).items()}
    for mode in ("bilinear", "bicubic"):
        tensors[f"resize.{mode}.up"] = resized(a[:1], 28, 34, mode)
        tensors[f"resize.{mode}.down"] = resized(a[:1], 5, 6, mode)
    tensors["classifier.features"] = classifier_features(zoo)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "metrics.safetensors")
    (folder / "metrics.safetensors").chmod(0o644)
    for name, value in results.items():
        print(name, value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
