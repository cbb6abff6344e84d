/** Something the zoo brings along. */
export interface ZooEntry {
  readonly name: string;
  readonly kind: 'model' | 'images' | 'features';
  readonly description: string;
  /** Where it lies, relative to the package's `data/` folder: a model's folder or file, or a file of images. */
  readonly path: string;
  /** For images: the entry whose features suit them. */
  readonly features?: string;
  /** What one picture looks like to the model: `[channels, height, width]`. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** SPDX expression. */
  readonly license: string;
}

/** Everything in the zoo. Each entry's card is the README.md in its folder. */
export const zooEntries: readonly ZooEntry[] = [
  {
    name: 'fashion-ddpm-32',
    kind: 'model',
    description: 'Unconditional DDPM of clothes, 3.94 M parameters, epsilon-prediction, 1,000 timesteps.',
    path: 'fashion-ddpm-32',
    shape: [1, 32, 32],
    license: 'Apache-2.0',
  },
  {
    name: 'fashion-dit',
    kind: 'model',
    description:
      'Class-conditional diffusion transformer of clothes, 2.82 M parameters, epsilon-prediction, on pixels.',
    path: 'fashion-dit',
    shape: [1, 32, 32],
    license: 'Apache-2.0',
  },
  {
    name: 'fashion-sd',
    kind: 'model',
    description: 'Text-to-image model of clothes laid out as Stable Diffusion: text encoder, UNet on latents, decoder.',
    path: 'fashion-sd',
    shape: [1, 32, 32],
    license: 'Apache-2.0',
  },
  {
    name: 'fashion-mnist',
    kind: 'images',
    description: 'The 10,000 test images of Fashion-MNIST, which the model has not seen.',
    path: 'fashion-mnist/t10k-images-idx3-ubyte.gz',
    features: 'fashion-classifier',
    shape: [1, 32, 32],
    license: 'MIT',
  },
  {
    name: 'fashion-classifier',
    kind: 'features',
    description: 'Classifier of Fashion-MNIST; its 64 penultimate features are what metrics look through.',
    path: 'fashion-classifier/model.onnx',
    shape: [1, 32, 32],
    license: 'Apache-2.0',
  },
];

/** Class names of Fashion-MNIST, by the numbers in its label file. */
export const fashionClasses: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];
