import { expect, it } from 'vitest';
import { codeName, html, visible } from '../src/html/html.js';

it('takes values for text, and Html for markup', () => {
  expect(html`<p title="${'"\'<>&'}">${[html`<b>${1}</b>`, '<i>', undefined]}</p>`.markup).toBe(
    '<p title="&quot;&#39;&lt;&gt;&amp;"><b>1</b>&lt;i&gt;</p>',
  );
});

it('lets names of code break after dots', () => {
  expect(codeName('a.<b>').markup).toBe('<code>a.<wbr>&lt;b&gt;</code>');
});

it('writes out what cannot be seen', () => {
  expect(visible('a\u202eb\u0000c\td\ud800')).toBe('a\\u{202e}b\\u{0}c\td\ufffd');
  expect(visible('Größe 🌿')).toBe('Größe 🌿');
});
