/** Markup that is safe to put into a page as it is. */
export interface Html {
  readonly markup: string;
}

export type HtmlValue = Html | string | number | undefined | readonly HtmlValue[];

/**
 * A template whose values are text: whatever they hold is shown, never read as markup. Values that are `Html` already, and
 * lists of them, go in as they are; `undefined` is nothing.
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = parts[0] ?? '';
  for (const [i, value] of values.entries()) markup += toMarkup(value) + parts[i + 1];
  return { markup };
}

/** A name of code that may break after its dots and nowhere sooner than it must. */
export function codeName(name: string): Html {
  return html`<code>${name.split('.').map((part, i) => (i === 0 ? part : html`.<wbr>${part}`))}</code>`;
}

/** Markup made elsewhere by our own code. Never give it text of a model. */
export function trusted(markup: string): Html {
  return { markup };
}

function toMarkup(value: HtmlValue): string {
  if (value === undefined) return '';
  if (isList(value)) return value.map(toMarkup).join('');
  return typeof value === 'object' ? value.markup : escapeHtml(String(value));
}

function isList(value: HtmlValue): value is readonly HtmlValue[] {
  return Array.isArray(value);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * Text with what a reader cannot see made visible: control characters, which HTML forbids, and the marks that reverse the
 * direction of writing, with which a name could pose as another, become `\u{…}`; halves of characters become `\ufffd`.
 */
export function visible(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd').replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
}
