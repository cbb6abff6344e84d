import { describe, expect, it } from 'vitest';
import { markdown, modelCard } from '../src/model-card.js';
import { bare, hostile, sample } from './sample-report.js';

const manifest = {
  secateur: 1 as const,
  className: 'UNet2DModel',
  source: [{ name: '/srv/somebody/models/tiny/weights.safetensors', sha256: 'ab12' }],
  method: sample.method,
  criterion: sample.criterion,
  selector: sample.selector,
  space: sample.space,
  settings: sample.settings,
  seed: 7,
  removed: {},
  shapes: {},
  kept: {},
  versions: {},
};

describe('modelCard', () => {
  it('states what the run measured', () => {
    const card = modelCard({ report: sample, manifest, files: ['diffusion_pytorch_model.safetensors'] });
    expect(card.startsWith('---\nlibrary_name: diffusers\n')).toBe(true);
    expect(card).toContain('# tiny-ddpm, pruned');
    expect(card).toContain('| Parameters | 35,746,307 | 19,851,157 | −44.5\u00a0% |');
    expect(card).toContain('- Option threshold: 0.05');
    expect(card).toContain('Made from weights.safetensors, SHA-256 ab12');
    expect(card).toContain('UNet2DModel.from\\_pretrained'.replace('\\', ''));
    expect(card).not.toContain('somebody');
  });

  it('says what was not measured', () => {
    const card = modelCard({ report: bare });
    expect(card).toContain('| Latency | — | — | — | not measured in this run |');
    expect(card).not.toMatch(/undefined|NaN|How to load/);
  });

  it.each(hostile)('takes the name %j for text', (name) => {
    const report = { ...bare, model: name, warnings: [name], notPruned: [{ tensor: name, axis: 0, reason: name }] };
    const card = modelCard({ report });
    expect(card).not.toMatch(/<(script|img|svg|\/title)/);
    expect(card).not.toContain('](https:');
    expect(card).not.toContain('https://');
  });
});

describe('markdown', () => {
  it('escapes what Markdown reads, and keeps to one line', () => {
    expect(markdown('a|b_c\n# <i>')).toBe('a\\|b\\_c \\# &lt;i\\>');
    expect(markdown('https://x')).toBe('https&#58;//x');
  });
});
