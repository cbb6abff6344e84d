/** A way of loading a pruned model. */
export interface Loading {
  readonly title: string;
  readonly language: 'python' | 'ts' | 'sh';
  readonly code: string;
}

/**
 * Ways of loading what a run wrote.
 *
 * @param files  relative paths of the files written
 * @param className  the model's class in diffusers or transformers
 */
export function howToLoad(files: readonly string[], className?: string): Loading[] {
  const ways: Loading[] = [];
  const find = (name: string): string | undefined => files.find((file) => file === name || file.endsWith(`/${name}`));
  const ofDiffusers =
    find('diffusion_pytorch_model.safetensors') ?? find('diffusion_pytorch_model.safetensors.index.json');
  const ofTransformers = find('config.json') && (find('model.safetensors') ?? find('model.safetensors.index.json'));
  const weights = ofDiffusers ?? ofTransformers;
  const library = ofDiffusers ? 'diffusers' : 'transformers';
  const folder = weights?.includes('/') ? weights.slice(0, weights.lastIndexOf('/')) : undefined;
  const isPlainName = className !== undefined && /^\w+$/.test(className);
  if (find('load_secateur.py')) {
    ways.push({
      title: `${library}, with the script beside the weights`,
      language: 'python',
      code: 'from load_secateur import load\n\nmodel = load()',
    });
  } else if (weights && isPlainName) {
    const subfolder = folder ? `, subfolder=${JSON.stringify(folder)}` : '';
    ways.push({
      title: library,
      language: 'python',
      code: `from ${library} import ${className}\n\nmodel = ${className}.from_pretrained("OUT"${subfolder})`,
    });
  }
  const onnx = files.find((file) => file.endsWith('.onnx'));
  if (onnx) {
    const path = JSON.stringify(`OUT/${onnx}`);
    const runtime = 'onnxruntime-node';
    ways.push({
      title: runtime,
      language: 'ts',
      code: `import { InferenceSession } from ${JSON.stringify(runtime)};\n\nconst session = await InferenceSession.create(${path});`,
    });
  }
  if ((ofDiffusers || onnx) && className !== 'AutoencoderKL' && !ofTransformers) {
    ways.push({ title: 'Secateur', language: 'sh', code: 'npx secateur sample OUT --count 16 --out grid.png' });
  }
  return ways;
}
