import { type Comparison, comparisonCells } from './compare-models.js';

/** A page that opens offline: the table, and one row of pictures a model. */
export function comparisonHtml(comparison: Comparison, pictures: readonly Uint8Array[]): string {
  const [titles, ...rows] = comparisonCells(comparison);
  const line = (cells: readonly string[], tag: 'td' | 'th') => `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const figures = pictures.map((png, i) => {
    const name = escaped(comparison.models[i]!.model);
    return `<figure><figcaption>${name}</figcaption><img alt="Pictures of ${name}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}"></figure>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Comparison of models</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color-scheme: light dark; }
table { border-collapse: collapse; } th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; } figure { margin: 1.5rem 0; } img { image-rendering: pixelated; width: 100%; }
</style>
</head>
<body>
<h1>Comparison of models</h1>
<table>
<thead>${line(titles!, 'th')}</thead>
<tbody>${rows.map((row) => line(row, 'td')).join('\n')}</tbody>
</table>
<p>${escaped(comparison.engine ?? '')}</p>
<h2>Pictures from the same noise</h2>
${figures.join('\n')}
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
