/**
 * What every cell is measured by. It stands in every result, and results of different protocols are never mixed.
 *
 * Fine-tuning and calibration use the first 5,000 test images of Fashion-MNIST, judging the last 5,000: the models were trained
 * on the 60,000 training images, which are in neither half.
 */
export const protocol = {
  version: 1,
  calibration: { images: 16, offset: 0, timesteps: 100 },
  finetune: {
    images: 5000,
    offset: 0,
    batch: 32,
    optimizer: 'adamw',
    learningRate: { peak: 2e-4, schedule: 'cosine', warmup: 50 },
    ema: 0.995,
    clip: 1,
  },
  judging: {
    images: 5000,
    offset: 5000,
    features: 'fashion-classifier',
    sampler: 'ddim',
    steps: 50,
    count: 1000,
    outputError: { images: 64, timesteps: 8 },
  },
};

/** Proves that everything runs; its numbers mean nothing. */
export const quickProtocol = {
  version: 1,
  calibration: { images: 2, offset: 0, timesteps: 2 },
  finetune: { ...protocol.finetune, images: 8, batch: 2 },
  judging: { ...protocol.judging, images: 8, steps: 2, count: 8, outputError: { images: 2, timesteps: 2 } },
};
