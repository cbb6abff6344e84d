import type { TrainReport } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { renderTraining, trainingCard } from '../src/index.js';
import { runningMean } from '../src/plots/plot-training.js';

const losses = Array.from({ length: 40 }, (_, i) => 1 / (1 + i));
const report: TrainReport = {
  settings: {
    steps: 40,
    optimizer: { name: 'adamw', options: { beta1: 0.9 } },
    mask: null,
    model: { name: '<b>x</b>' },
  },
  trained: 1234,
  losses,
  learningRates: losses,
  gradientNorms: losses,
  terms: [
    { name: 'denoising', weight: 0.7, losses },
    { name: 'output', weight: 0.3, losses: losses.map((loss) => 2 * loss) },
  ],
  maskFlips: losses.map((loss) => loss / 10),
  masks: {
    name: '2:4 sr-ste',
    sparsity: { 'conv1.weight': 0.5 },
    dense: [{ tensor: 'conv_in.weight', reason: '3 input channels are no multiple of 4' }],
  },
  measured: { engine: 'ort 1.30', seconds: 20, imagesPerSecond: 64, updateSeconds: 1 },
  resumedFrom: 20,
};
const input = {
  model: '/somewhere/unet',
  className: 'UNet2DModel',
  report,
  files: ['config.json', 'diffusion_pytorch_model.safetensors'],
};

describe('renderTraining', () => {
  const page = renderTraining(input);
  it('shows the curve, the terms, the masks and the settings', () => {
    expect(page).toContain('Loss over 40 steps, log scale.');
    expect(page).toContain('<th scope="row">output</th><td class="n">0.300</td>');
    expect(page).toContain('Share of mask bits that changed');
    expect(page).toContain('1 weights under 2:4 sr-ste masks');
    expect(page).toContain('<th scope="row">conv1.weight</th><td class="n">50.0\u00a0%</td>');
    expect(page).toContain('<th scope="row">conv_in.weight</th><td>3 input channels are no multiple of 4</td>');
    expect(page).toContain('Went on from the checkpoint of step 20.');
    expect(page).toMatch(/<th scope="row">optimizer\.options\.beta1<\/th><td>0\.9<\/td>/);
    expect(page).toContain('5.0\u00a0% of it on masks, clipping, optimiser and average');
    // (1 + 1/2) / 2 and (1/39 + 1/40) / 2
    expect(page).toContain('loss 0.750 → 0.0253 (means of 2 steps)');
  });
  it('shows text as text, and no folders of the machine', () => {
    expect(page).toContain('&lt;b&gt;x&lt;/b&gt;');
    expect(page).not.toContain('<b>x</b>');
    expect(page).not.toContain('/somewhere');
  });
  it('leaves masks out where there are none', () => {
    const none = { ...report, maskFlips: undefined, masks: undefined };
    expect(renderTraining({ ...input, report: none })).not.toContain('masks</summary>');
    const fixed = { ...report, maskFlips: losses.map(() => 0) };
    expect(renderTraining({ ...input, report: fixed })).not.toContain('mask bits');
  });
  it('draws a training of one step', () => {
    const one = { ...report, losses: [0.5], terms: [{ name: 'denoising', weight: 1, losses: [0.5] }] };
    expect(renderTraining({ ...input, report: one })).toContain('loss 0.500 → 0.500 (means of 1 steps)');
  });
});

describe('trainingCard', () => {
  it('says how it was made and how to load it', () => {
    const card = trainingCard(input);
    expect(card).toContain('# unet, trained');
    expect(card).toContain('- optimizer.options.beta1: 0.9');
    expect(card).toContain('from diffusers import UNet2DModel');
    expect(card).toContain('&lt;b');
  });
});

describe('runningMean', () => {
  it('is over a twentieth of the steps', () => {
    expect(runningMean([1, 3])).toEqual([1, 3]);
    expect(runningMean(Array.from({ length: 40 }, (_, i) => i)).slice(0, 4)).toEqual([0, 0.5, 1.5, 2.5]);
  });
});
