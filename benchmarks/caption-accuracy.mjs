/**
 * Does the zoo's text-to-image model draw what it is told? "a photo of a …" for each of the ten classes, by guidance scale: the
 * share of pictures that the zoo's classifier calls by the name asked for (it is right about 92 % of the real ones).
 *
 *   npm run build && node benchmarks/caption-accuracy.mjs [--each 50] [--steps 20] [--guidance 1,3,5,7.5] [--unet FOLDER]
 *     [--out benchmarks/results/caption-accuracy.json]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fashionClasses } from '@secateur/zoo';
import { zooPath } from '@secateur/zoo/node';
import { DiffusionPipeline, loadModel, nodeEngine } from 'secateur';

const { values } = parseArgs({
  options: {
    each: { type: 'string', default: '50' },
    steps: { type: 'string', default: '20' },
    guidance: { type: 'string', default: '1,3,5,7.5' },
    unet: { type: 'string' },
    threads: { type: 'string', default: '2' },
    out: { type: 'string' },
  },
});
const each = Number(values.each);
const steps = Number(values.steps);
const threads = Number(values.threads);
/** One name of each class that its captions were made from, in the order of the class numbers. */
const names = ['t-shirt', 'pair of trousers', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'boot'];

const engine = await nodeEngine({ threads });
const classifier = await engine.compile((await loadModel('zoo:fashion-classifier')).graph, { threads });
const components = values.unet ? { unet: await loadModel(values.unet) } : {};
const pipe = await DiffusionPipeline.fromPretrained(zooPath('fashion-sd'), { engine, threads, components });

const results = [];
for (const guidance of values.guidance.split(',').map(Number)) {
  const start = performance.now();
  const right = [];
  for (const [label, name] of names.entries()) {
    const { raw } = await pipe(`a photo of a ${name}`, {
      count: each,
      steps,
      guidanceScale: guidance,
      seed: label,
      batchSize: 25,
    });
    const { logits } = await classifier.run({ sample: raw });
    let count = 0;
    for (let i = 0; i < each; i++) if (bestOf(logits.data.subarray(10 * i, 10 * i + 10)) === label) count++;
    right.push(count / each);
  }
  const accuracy = right.reduce((sum, share) => sum + share) / right.length;
  const byClass = Object.fromEntries(fashionClasses.map((name, label) => [name, right[label]]));
  results.push({ guidance, accuracy, byClass });
  console.log(
    `guidance ${guidance}: ${(100 * accuracy).toFixed(1)} % of ${10 * each}, ${Math.round((performance.now() - start) / 1000)} s`,
  );
}
await pipe.dispose();
await classifier.dispose();
if (values.out)
  await writeFile(values.out, `${JSON.stringify({ each, steps, unet: values.unet, results }, null, 2)}\n`);

function bestOf(row) {
  return row.indexOf(Math.max(...row));
}
