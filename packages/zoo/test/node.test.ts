import { describe, expect, it } from 'vitest';
import { fashionClasses } from '../src/index.js';
import { zooCaptions, zooLabels } from '../src/node.js';

describe('zooLabels', () => {
  it('gives the classes of images from an offset on', async () => {
    const all = await zooLabels();
    expect(all.length).toBe(10_000);
    expect(await zooLabels({ offset: 9_998 })).toEqual(all.slice(9_998));
    expect(await zooLabels({ offset: 3, count: 4 })).toEqual(all.slice(3, 7));
    expect(Math.max(...all)).toBe(fashionClasses.length - 1);
  });

  it('refuses images that are not there', async () => {
    await expect(zooLabels({ offset: 9_999, count: 2 })).rejects.toThrow('the zoo has 0 to 9999');
    await expect(zooLabels({ count: 0 })).rejects.toThrow();
  });
});

describe('zooCaptions', () => {
  it('says what each image shows, differently by seed', async () => {
    const [captions, labels] = await Promise.all([zooCaptions({ count: 200 }), zooLabels({ count: 200 })]);
    const sneakers = captions.filter((_, image) => fashionClasses[labels[image]] === 'Sneaker');
    expect(sneakers.length).toBeGreaterThan(5);
    for (const caption of sneakers) expect(caption).toMatch(/sneaker|trainer|running shoe/);
    expect(new Set(sneakers).size).toBeGreaterThan(5);
    expect(await zooCaptions({ count: 200 })).toEqual(captions);
    expect(await zooCaptions({ offset: 100, count: 100 })).toEqual(captions.slice(100));
    expect(await zooCaptions({ count: 200, seed: 1 })).not.toEqual(captions);
  });
});
