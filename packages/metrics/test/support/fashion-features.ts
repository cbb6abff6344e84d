import { readFileSync } from 'node:fs';
import { bytesSource, type Engine, type FeatureExtractor, type Model } from '@secateur/core';
import { onnxFormat } from '@secateur/onnx';
import { zooPath } from '@secateur/zoo/node';
import { modelFeatures } from '../../src/index.js';

/** The zoo's classifier, as read from its file. */
export function fashionClassifier(): Promise<Model> {
  return onnxFormat.load({ file: bytesSource('model.onnx', readFileSync(zooPath('fashion-classifier'))) });
}

export async function fashionFeatures(engine: Engine): Promise<FeatureExtractor> {
  return modelFeatures(await fashionClassifier(), { engine, name: 'fashion-classifier' });
}
