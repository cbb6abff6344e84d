import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { encodePng } from '@secateur/pipelines';
import { zooLabels } from '@secateur/zoo/node';
import { loadImages, loadModel, loadTrainingData } from 'secateur';
import { describe, expect, it } from 'vitest';
import { join, scratch, secateur } from './run-cli.js';

const quiet = { debug() {}, info() {}, warn() {} };

describe('a class-conditional model', async () => {
  const model = await loadModel('zoo:fashion-dit');

  it('is calibrated and trained on pictures with the labels beside them', async () => {
    const labels = (await zooLabels({ count: 3 })).map(Number);
    const data = await loadImages(model, 'zoo:fashion-mnist', { samples: 3 });
    for await (const { feeds } of data.batches({ timesteps: [5] })) {
      expect(Array.from(feeds.class_labels.data, Number)).toEqual(labels);
    }
    const training = await loadTrainingData(model, 'zoo:fashion-mnist', { samples: 3, logger: quiet });
    const { conditions } = await training.data.read([2, 0]);
    expect(Array.from(conditions!.class_labels.data, Number)).toEqual([labels[2], labels[0]]);
    expect(Array.from(training.unconditional!.class_labels.data, Number)).toEqual([10]);
  });

  it('says what is missing where there are no labels', async () => {
    const folder = scratch();
    await mkdir(join(folder, 'images'));
    const data = new Uint8Array(32 * 32);
    const picture = encodePng([{ width: 32, height: 32, channels: 1, data }], { columns: 1 });
    writeFileSync(join(folder, 'images', '0.png'), picture);
    const argv = ['prune', 'zoo:fashion-dit', '--method', 'taylor', '--ratio', '0.2', '--dry-run', '--quiet'];
    const { code, stderr } = await secateur([...argv, '--data', join(folder, 'images')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/The model takes class labels; .*images has none/);
  });
});
