import { SecateurError } from '@secateur/graph';
import type { IdxArray } from './idx.js';

/** What captions of Fashion-MNIST are put together from: the file `captions.json` beside a text-to-image model. */
export interface CaptionWords {
  /** Sentences with `{}` in the noun's place. */
  readonly templates: readonly string[];
  /** For every class, its names. */
  readonly names: readonly (readonly string[])[];
  /** Mean brightness of what is not black, in [0, 1]: below `dark` a picture may be called dark, from `light` on light. */
  readonly shades: { readonly dark: number; readonly light: number };
}

/**
 * A caption for a picture.
 *
 * @param label       class, an index of `words.names`
 * @param brightness  of the picture, as {@link brightnessOf} gives it; without it no shade is named
 * @param draw        a number in [0, 1) for each of the choices: template, name, and whether to name the shade (half of
 *   the times)
 * @throws {SecateurError} BAD_DATA when there is no such class
 */
export function captionOf(
  words: CaptionWords,
  label: number,
  brightness: number | undefined,
  draw: (choice: number) => number,
): string {
  const names = words.names[label];
  if (!names) {
    throw new SecateurError('BAD_DATA', `There are captions for classes 0 to ${words.names.length - 1}, not ${label}.`);
  }
  const pick = <T>(list: readonly T[], choice: number): T => list[Math.floor(draw(choice) * list.length)];
  const shade = draw(2) < 0.5 ? shadeOf(words, brightness) : '';
  const text = pick(words.templates, 0).replace('{}', shade + pick(names, 1));
  return text.replace(/\ba (?=(?:dark |light )?trousers)/, '').replace(/\ba (?=[aeo])/, 'an ');
}

function shadeOf({ shades }: CaptionWords, brightness: number | undefined): string {
  if (brightness === undefined) return '';
  if (brightness < shades.dark) return 'dark ';
  return brightness >= shades.light ? 'light ' : '';
}

/**
 * Mean brightness in [0, 1] of what is not black in one picture.
 * @param pictures  `[count, height, width]`, bytes
 */
export function brightnessOf(pictures: IdxArray, index: number): number {
  const size = pictures.shape[1] * pictures.shape[2];
  let sum = 0;
  let filled = 0;
  for (let at = index * size; at < (index + 1) * size; at++) {
    sum += pictures.data[at];
    if (pictures.data[at] > 0) filled++;
  }
  return sum / Math.max(filled, 1) / 255;
}
