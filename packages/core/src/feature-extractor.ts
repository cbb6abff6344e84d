import type { Tensor } from '@secateur/graph';

/** Turns pictures into vectors whose distances mean something: what Fréchet distance, KID and their kin are computed on. */
export interface FeatureExtractor {
  /** Short name of weights and layer, which becomes part of every metric's name: `fashion-classifier`, `clip-vit-l-14`. */
  readonly name: string;
  /** Length of a vector. */
  readonly dims: number;
  /**
   * True for one extractor only: the Inception v3 of 2015-12-05 that FID is defined with (2,048 features of its last
   * pooling layer, with its own resizing). Only then are numbers called FID.
   */
  readonly isFidInception?: boolean;
  /**
   * @param images  `[n, channels, height, width]` in [-1, 1]
   * @returns float32 `[n, dims]`
   */
  extract(images: Tensor, options?: { readonly signal?: AbortSignal }): Promise<Tensor>;
  /** Frees what the engine holds. */
  dispose?(): Promise<void>;
}

/** Puts pictures and texts into one space, as CLIP does. */
export interface TextImageEncoder {
  /** Short name of the weights: `clip-vit-b-32`. */
  readonly name: string;
  /** @param images `[n, channels, height, width]` in [-1, 1]. @returns float32 `[n, dims]`, of any length */
  encodeImages(images: Tensor, options?: { readonly signal?: AbortSignal }): Promise<Tensor>;
  /** @returns float32 `[texts, dims]`, of any length */
  encodeTexts(texts: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<Tensor>;
}
