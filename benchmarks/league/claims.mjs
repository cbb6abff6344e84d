/** What the papers say, put to the cells: each is a sentence, whether it holds here, and the numbers. */
export function claims(results) {
  const of = (model, method, steps, budget) =>
    results.find(
      (cell) =>
        cell.model === model &&
        cell.method === method &&
        cell.steps === steps &&
        cell.seed === 0 &&
        (budget === undefined || cell.budget === budget),
    );
  const found = [];
  for (const model of new Set(results.map((cell) => cell.model))) {
    const dense = of(model, 'dense', 0);
    for (const steps of [500, 2000]) {
      const cell = (method, budget) => of(model, method, steps, budget);
      compare(
        `SparseDM 2:4 after ${steps} steps is within 15 % of the dense Fréchet distance`,
        cell('sparsedm'),
        dense,
        (a, b) => [fd(a) / fd(b) <= 1.15, `${three(fd(a))} against ${three(fd(b))}, ${three(fd(a) / fd(b))} ×`],
      );
      compare(
        `SparseDM 2:4 after ${steps} steps is better than magnitude 2:4 with as many plain ones`,
        cell('sparsedm'),
        cell('magnitude-once'),
        byKid,
      );
      compare(
        `Fixed sparsity is better than progressive, after ${steps} steps`,
        cell('sparsedm'),
        cell('sparsedm-progressive'),
        byKid,
      );
      const cut = 'macs=0.56';
      compare(
        `Diff-Pruning −44 % with ${steps} steps is better than fresh weights with as many`,
        cell('diff-pruning', cut),
        cell('scratch', cut),
        byKid,
      );
      compare(
        `Diff-Pruning −44 % with ${steps} steps is not worse than magnitude, beyond the spread of KID`,
        cell('diff-pruning', cut),
        cell('magnitude', cut),
        (a, b) => [kid(a) <= kid(b) + Math.hypot(spread(a), spread(b)), kids(a, b)],
      );
    }
    function compare(sentence, a, b, judge) {
      if (!a || !b) return;
      const [holds, numbers] = judge(a, b);
      found.push({ model, sentence, holds, numbers });
    }
  }
  return found;
}

const fd = ({ quality }) => quality.fd.value;
const kid = ({ quality }) => quality.kid.value;
/** Of KID's mean over its subsets: they overlap, so this is a rough measure. */
const spread = ({ quality }) => quality.kid.spread ?? 0;
const byKid = (a, b) => [kid(a) < kid(b), kids(a, b)];
const kids = (a, b) => `KID ${three(kid(a))} ± ${three(spread(a))} against ${three(kid(b))} ± ${three(spread(b))}`;
const three = (number) => number.toPrecision(3);
