import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../src/report.js';
import { bare, fakePng, group, hostile, sample } from './sample-report.js';

const parse = (page: string): Document => parseHTML(page).document;
const ids = (document: Document): string[] => [...document.querySelectorAll('section')].map((section) => section.id);
const textOf = (document: Document, selector: string): string =>
  (document.querySelector(selector)?.textContent ?? '').replace(/\u00a0/g, ' ');

const full = renderReport({
  report: sample,
  pictures: [
    { label: 'Dense', png: fakePng(64, 64) },
    { label: 'Pruned', png: fakePng(64, 64) },
  ],
  outputError: [
    { timestep: 0, error: 0.5 },
    { timestep: 900, error: 0.25 },
  ],
  files: ['config.json', 'diffusion_pytorch_model.safetensors', 'load_secateur.py', 'model.onnx'],
});

describe('renderReport', () => {
  it('has every part, and each link leads to one', () => {
    const document = parse(full);
    expect(ids(document)).toEqual([
      'cost',
      'pictures',
      'widths',
      'scores',
      'timesteps',
      'differences',
      'not-pruned',
      'run',
      'loading',
    ]);
    const targets = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href')!.slice(1));
    expect(targets).toEqual(ids(document));
    expect(textOf(document, 'h1')).toBe('tiny-ddpm');
    expect(document.querySelectorAll('h1')).toHaveLength(1);
    expect(textOf(document, '.warnings')).toContain('The images are few.');
  });

  it('names the machine’s folders nowhere', () => {
    expect(full).not.toContain('somebody');
  });

  it('states numbers, changes and how they were measured', () => {
    const cost = textOf(parse(full), '#cost');
    for (const text of [
      '35,746,307',
      '19,851,157',
      '−44.5 %',
      '6,053,953,536',
      '3,384,244,068',
      '−44.1 %',
      '−40.0 %',
    ]) {
      expect(cost).toContain(text);
    }
    expect(cost).toContain('median of 9 runs of batch 1');
    expect(cost).toContain('onnxruntime-node 1.30.0, cpu, 2 threads');
    expect(textOf(parse(full), '.lead')).toContain('diff-pruning at ratio 0.3 took the model from 35.7 M to 19.9 M');
  });

  it('lists every group with its widths and tensors', () => {
    const rows = [...parse(full).querySelectorAll('#widths tbody tr')];
    expect(rows).toHaveLength(sample.groups.length);
    const cells = rows.map((row) => [...row.querySelectorAll('td.n')].map((cell) => cell.textContent));
    expect(cells).toEqual([
      ['4', '3', '75\u00a0%'],
      ['8', '6', '75\u00a0%'],
      ['2', '2', '100\u00a0%'],
    ]);
    expect(rows[1]!.textContent).toContain('down_blocks.0.resnets.0.conv1.weight');
    expect(parse(full).querySelectorAll('#scores figure')).toHaveLength(3);
  });

  it('lists what was not pruned, by reason', () => {
    const details = [...parse(full).querySelectorAll('#not-pruned details')];
    expect(details.map((each) => each.querySelectorAll('tbody tr').length)).toEqual([2, 1]);
    expect(details[0]!.textContent).toContain('conv_out.bias');
    expect(textOf(parse(full), '#not-pruned p')).toContain('99.87 % of the parameters');
  });

  it('marks the threshold and the stop on both scales', () => {
    for (const scale of ['log', 'linear']) {
      const plot = textOf(parse(full), `#timesteps .${scale} .wide svg`);
      expect(plot).toContain('threshold 0.05');
      expect(plot).toContain('stopped at t = 2');
    }
    expect(textOf(parse(full), '#timesteps p')).toContain('Gradients of 3 timesteps were added up');
  });

  it('can be read without seeing it: titles, alternatives, captions, header cells', () => {
    const document = parse(full);
    const plots = [...document.querySelectorAll('svg')];
    expect(plots.length).toBeGreaterThan(8);
    for (const svg of plots) {
      expect(svg.getAttribute('role')).toBe('img');
      expect(svg.firstElementChild?.tagName.toLowerCase()).toBe('title');
      expect(svg.firstElementChild?.textContent).not.toBe('');
    }
    for (const image of document.querySelectorAll('img')) expect(image.getAttribute('alt')).not.toBe('');
    for (const figure of document.querySelectorAll('figure')) expect(figure.querySelector('figcaption')).not.toBeNull();
    for (const header of document.querySelectorAll('th')) expect(header.getAttribute('scope')).toMatch(/^(col|row)$/);
    for (const label of document.querySelectorAll('label')) {
      expect(document.getElementById(label.getAttribute('for')!)).not.toBeNull();
    }
    const all = [...document.querySelectorAll('[id]')].map((element) => element.id);
    expect(new Set(all).size).toBe(all.length);
  });

  it('loads nothing and runs nothing', () => {
    const document = parse(full);
    expect(document.querySelectorAll('script, link, iframe, object, embed, base')).toHaveLength(0);
    for (const element of document.querySelectorAll('[src], [href]')) {
      const address = element.getAttribute('src') ?? element.getAttribute('href') ?? '';
      expect(address).toMatch(/^(#|data:image\/png;base64,)/);
    }
    expect(full).not.toMatch(/url\(|@import/);
    const policy = document.querySelector('meta[http-equiv]')?.getAttribute('content');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('script-src');
  });

  it('holds without the optional parts', () => {
    const document = parse(renderReport({ report: bare }));
    expect(ids(document)).toEqual(['cost', 'not-pruned', 'run']);
    expect(textOf(document, '#cost')).toContain('not measured');
    expect(textOf(document, '#not-pruned')).toContain('All of the parameters');
    expect(renderReport({ report: bare })).not.toMatch(/undefined|NaN|\[object/);
    expect(full).not.toMatch(/undefined|NaN|\[object/);
  });

  it('shows sparsity of masked tensors, and groups that were not scored', () => {
    const { scores, ...unscored } = group('conv_in.weight:0', [1, 2]);
    expect(scores).toBeDefined();
    const page = renderReport({ report: { ...bare, groups: [unscored], sparsity: { 'conv_in.weight': 0.5 } } });
    expect(ids(parse(page))).toEqual(['cost', 'widths', 'sparsity', 'not-pruned', 'run']);
    expect(textOf(parse(page), '#sparsity')).toContain('50.0 %');
  });

  it('refuses a picture that is no PNG', () => {
    const render = (): string => renderReport({ report: bare, pictures: [{ label: 'x', png: new Uint8Array(3) }] });
    expect(render).toThrow(expect.objectContaining({ code: 'BAD_FILE' }));
  });

  it.each(hostile)('takes the name %j for text', (name) => {
    const report = {
      ...sample,
      model: name,
      method: { name, options: { [name]: name }, paper: name },
      criterion: name,
      engine: name,
      groups: [{ ...group(`${name}:0`, [1, 2, 3], [[0, 1]]), kind: name, tensors: [name] }],
      notPruned: [{ tensor: name, axis: 0, reason: name }],
      sparsity: { [name]: 0.5 },
      warnings: [name],
    };
    const png = fakePng(8, 8);
    const page = renderReport({
      report,
      title: name,
      pictures: [{ label: name, png }],
      outputErrorNote: name,
      outputError: [{ timestep: 1, error: 1 }],
    });
    const document = parse(page);
    expect(document.querySelectorAll('script, iframe, [onerror], [onload], svg svg')).toHaveLength(0);
    expect(document.querySelectorAll('img')).toHaveLength(1);
    for (const element of document.querySelectorAll('[src], [href]')) {
      expect(element.getAttribute('src') ?? element.getAttribute('href')).toMatch(/^(#|data:image\/png;base64,)/);
    }
    for (const element of document.querySelectorAll('[style]'))
      expect(element.getAttribute('style')).not.toContain('evil');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
    expect(page).not.toMatch(/[\u0000\u202e]|[\ud800-\udfff]/u);
    expect(document.title).toBe(document.querySelector('h1')?.textContent);
  });

  it('stays below 2 MB with 600 groups of up to 1,280 units, and shows all of them', { timeout: 60_000 }, () => {
    const groups = Array.from({ length: 600 }, (_, i) => {
      const size = [320, 640, 1280][i % 3]!;
      const scores = Array.from({ length: size }, (_, unit) => 1 + Math.sin(unit * 12.9 + i));
      const id = `down_blocks.${i % 4}.attentions.${i % 2}.transformer_blocks.${i % 10}.ff.net.${i}.proj.weight:0`;
      return group(id, scores, [[0, size >> 2]]);
    });
    const page = renderReport({ report: { ...sample, groups } });
    expect(page.length).toBeLessThan(2e6);
    const document = parse(page);
    expect(document.querySelectorAll('#widths tbody tr')).toHaveLength(600);
    expect(document.querySelectorAll('#scores figure')).toHaveLength(600);
  });
});
