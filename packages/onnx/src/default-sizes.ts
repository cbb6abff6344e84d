import { type Dim, type Graph, isSymbolic } from '@secateur/graph';

/** Sizes that the models of this kind work at: pictures of 32, latents of 64, texts of 77 tokens. */
const PICTURE_SIZE = 32;
const LATENT_SIZE = 64;
const TEXT_LENGTH = 77;

/**
 * A size for every symbol of the graph's inputs but `batch`; empty when all is static.
 *
 * An ONNX file does not say at which size its model is used. Height and width of a `[batch, channels, height, width]`
 * input become 32 for pictures (up to 3 channels) and 64 for latents; the length of a `[batch, length, features]` input
 * becomes 77, CLIP's; anything else 1. Only reports and examples depend on it.
 */
export function defaultSizes(graph: Graph): Record<string, number> {
  const sizes = new Map<string, number>();
  for (const { shape } of graph.inputs) {
    shape.forEach((dim, axis) => {
      for (const name of symbolsOf(dim)) {
        if (name !== 'batch' && !sizes.has(name)) sizes.set(name, sizeFor(shape, axis));
      }
    });
  }
  return Object.fromEntries(sizes);
}

function sizeFor(shape: readonly Dim[], axis: number): number {
  if (shape.length === 4 && axis >= 2) {
    const channels = shape[1]!;
    return typeof channels === 'number' && channels <= 3 ? PICTURE_SIZE : LATENT_SIZE;
  }
  return shape.length === 3 && axis === 1 ? TEXT_LENGTH : 1;
}

function symbolsOf(dim: Dim): string[] {
  if (!isSymbolic(dim)) return [];
  return (dim.text.match(/[A-Za-z_][\w.:-]*/g) ?? []).filter((name) => name !== 'floor');
}
