import { sampleFeeds } from '@secateur/core';

/** Feeds of a model's usual size with values in [-1, 1] that repeat nowhere, where they are float32. */
export function noisyFeeds(model, batch) {
  const feeds = sampleFeeds(model, batch);
  for (const { dtype, data } of Object.values(feeds)) {
    if (dtype === 'float32') for (let i = 0; i < data.length; i++) data[i] = Math.sin(12.9898 * i);
  }
  return feeds;
}
