import * as Plot from '@observablehq/plot';
import { wholeNumber } from '../format-numbers.js';
import type { NamedGroup, Stage } from '../group-names.js';
import { type Html, visible } from '../html/html.js';
import { drawResponsive } from './draw.js';
import { type Band, placeLabels } from './place-labels.js';
import { skyline } from './skyline.js';

interface Bar {
  readonly left: number;
  readonly right: number;
  readonly size: number;
  readonly kept: number;
  readonly title: string;
}

/** Names of tensors a tooltip shows before it says how many more there are. */
const tensorsInTitle = 6;

/** Groups up to which tooltips name tensors; with more, the page would grow by megabytes, and the tables name them. */
const namedUpTo = 150;

/** Pixels a bar must have for a gap beside it. */
const gapFrom = 4;

const labelRows = 3;

/** All groups side by side, the model's input on the left: the dense width, and over it what is kept. */
export function plotGroupWidths(stages: readonly Stage[]): Html {
  const groups = stages.flatMap((stage) => stage.groups);
  const count = Math.max(1, groups.length);
  const bars = groups.map(
    ({ group, name }, at): Bar => ({
      left: at,
      right: at + 1,
      size: group.size,
      kept: group.kept,
      title: titleOf(group, name, groups.length <= namedUpTo),
    }),
  );
  const bands = bandsOf(stages);
  const label = `Width of ${wholeNumber(groups.length)} groups from the model’s input to its output, dense and kept.`;
  return drawResponsive(label, (width) => {
    const isWide = width > 600;
    const scale = (width - 64) / count;
    const labels = placeLabels(bands, scale, count, labelRows);
    const lines = Math.max(1, ...labels.map(({ row }) => row + 1));
    return {
      height: (isWide ? 280 : 200) + lines * 15,
      marginLeft: 44,
      marginTop: 24,
      marginBottom: 10 + lines * 15,
      x: { domain: [0, count], axis: null },
      y: { label: 'units', grid: true, ticks: 5 },
      marks: [
        Plot.rect(
          bands.filter((_, i) => i % 2 === 0),
          { x1: 'left', x2: 'right', fill: 'var(--band)' },
        ),
        ...barsOf(bars, scale),
        // Phones have nothing to point with.
        ...(isWide ? [Plot.rect(bars, { x1: 'left', x2: 'right', fill: 'transparent', title: 'title' })] : []),
        ...Array.from({ length: lines }, (_, row) =>
          Plot.text(
            labels.filter((placed) => placed.row === row),
            {
              x: ({ left, right }: Band) => (left + right) / 2,
              frameAnchor: 'bottom',
              dy: 14 + 15 * row,
              text: 'name',
              fill: 'var(--quiet)',
            },
          ),
        ),
        Plot.ruleY([0], { stroke: 'currentColor' }),
      ],
    };
  });
}

function barsOf(bars: readonly Bar[], scale: number): Plot.Markish[] {
  const layers = [
    ['size', 'var(--gone)'],
    ['kept', 'var(--kept)'],
  ] as const;
  if (scale <= gapFrom) {
    const edges = Array.from({ length: bars.length + 1 }, (_, i) => i);
    return layers.map(([key, fill]) =>
      skyline(
        edges,
        bars.map((bar) => bar[key]),
        fill,
      ),
    );
  }
  const inset = scale > 12 ? 1.5 : 0.5;
  return layers.map(([y, fill]) =>
    Plot.rectY(bars, { x1: 'left', x2: 'right', y, fill, insetLeft: inset, insetRight: inset }),
  );
}

function bandsOf(stages: readonly Stage[]): Band[] {
  let left = 0;
  return stages.map(({ name, groups }) => {
    const band = { left, right: left + groups.length, name: visible(name) };
    left = band.right;
    return band;
  });
}

function titleOf({ kind, size, kept, tensors }: NamedGroup['group'], name: string, withTensors: boolean): string {
  const lines = [`${name} (${kind}): ${kept} of ${size} kept`];
  if (withTensors) {
    lines.push(...tensors.slice(0, tensorsInTitle));
    const more = tensors.length - tensorsInTitle;
    if (more > 0) lines.push(`and ${more} more`);
  }
  return lines.map(visible).join('\n');
}
