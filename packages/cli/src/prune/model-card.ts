import { bytes, change, count } from '../terminal/numbers.js';
import type { Results } from './write-results.js';

/** README.md of a pruned model: what it is, how it was made, how to load it. Holds nothing that a clock measured. */
export function modelCard(results: Results, files: readonly string[]): string {
  const { result } = results;
  const { report } = result;
  return `${[
    frontMatter(files),
    `# ${report.model}, pruned`,
    `Made by [Secateur](https://www.npmjs.com/package/secateur) from \`${report.model}\` with \`${report.method.name}\`${
      report.method.paper ? ` (${report.method.paper})` : ''
    }. Weights were removed, none were trained afterwards: expect lower quality until the model is fine-tuned.`,
    costs(results),
    `## How it was made\n\n${facts(results)}`,
    `## How to load it\n\n${loading(files)}`,
    '`report.html` shows what was removed where, and pictures before and after. `secateur.json` holds what was cut, exactly enough to do it again. The licence and the limits of the original model hold for this one too.',
  ].join('\n\n')}\n`;
}

function frontMatter(files: readonly string[]): string {
  const library = files.some((file) => file.endsWith('config.json')) ? 'diffusers' : 'onnx';
  return ['---', `library_name: ${library}`, 'tags:', '  - diffusion', '  - pruned', '  - secateur', '---'].join('\n');
}

function costs({ result: { report } }: Results): string {
  const { before, after } = report;
  const rows = [
    ['parameters', count(before.parameters), count(after.parameters), change(before.parameters, after.parameters)],
    ['multiply-adds of one sample', count(before.macs), count(after.macs), change(before.macs, after.macs)],
    ['bytes of weights', bytes(before.bytes), bytes(after.bytes), change(before.bytes, after.bytes)],
  ];
  return [['', 'before', 'after', 'change'], ['---', '---:', '---:', '---:'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function facts({ result }: Results): string {
  const { report, manifest } = result;
  const options = JSON.stringify(report.method.options);
  const rows: [string, string | undefined][] = [
    ['Method', report.method.name],
    ['Options', `\`${options}\``],
    ['Settings', `\`${JSON.stringify(report.settings)}\``],
    ['Criterion', report.criterion],
    ['Selector', report.selector],
    ['Space', report.space],
    ['Norm groups', report.normGroups],
    ['Seed', String(report.seed)],
    ['Calibration data', manifest.data === undefined ? 'none' : `\`${JSON.stringify(manifest.data)}\``],
    ['Source', manifest.source.map(({ name, sha256 }) => `${name} (SHA-256 ${sha256})`).join('; ')],
  ];
  return rows
    .filter(([, text]) => text !== undefined)
    .map(([title, text]) => `- ${title}: ${text}`)
    .join('\n');
}

function loading(files: readonly string[]): string {
  const parts: string[] = [];
  if (files.includes('load_secateur.py')) {
    parts.push('No configuration of diffusers can say these widths; `load_secateur.py` rebuilds the model:', code('python', 'from load_secateur import load\n\nmodel = load()'));
  } else if (files.some((file) => file.endsWith('config.json'))) {
    parts.push('It loads in diffusers like the original.');
  }
  if (files.some((file) => file.endsWith('.onnx'))) parts.push('`model.onnx` runs in any ONNX runtime; keep the files beside it that it points into.');
  parts.push(code('js', "import { loadModel } from 'secateur';\n\nconst model = await loadModel('path/to/this/folder');"));
  return parts.join('\n\n');
}

function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
