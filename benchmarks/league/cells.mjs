import { methods } from './methods.mjs';

const allSteps = [0, 500, 2000];
const allSeeds = [0, 1, 2];

/** `ddpm.diff-pruning.macs-56.500-steps.seed-0` */
export function idOf({ model, method, budget, steps, seed }) {
  const what = budget.replace(/^macs=(.*)$/, (_, share) => `macs-${Math.round(100 * share)}`).replace(':', '-of-');
  return [model, method, what, `${steps}-steps`, `seed-${seed}`].join('.');
}

/** A quick run makes two steps where others make 500. */
const quickSteps = 2;

/** Every cell there could be, those first that are looked at first. */
export function allCells(models, names = Object.keys(methods), isQuick = false) {
  const cells = [];
  for (const seed of allSeeds) {
    for (const model of models) {
      for (const name of names) {
        const { budgets, steps = allSteps } = methods[name];
        for (const budget of budgets) {
          for (const count of isQuick ? steps.filter((made) => made <= 500) : steps) {
            cells.push({ model, method: name, budget, steps: isQuick && count > 0 ? quickSteps : count, seed });
          }
        }
      }
    }
  }
  return cells;
}

/** −44 % (or the pattern), 0 and 500 steps, one seed. */
export function isMandatory({ method, budget, steps, seed }) {
  const { budgets, fillsIn = false } = methods[method];
  return !fillsIn && seed === 0 && steps <= 500 && budget === budgets[0];
}

/** Cells that `mandatory`, `all`, or one of several patterns (`*` for any characters) chooses. */
export function chooseCells(cells, choice) {
  if (choice === 'all') return cells;
  if (choice === 'mandatory') return cells.filter(isMandatory);
  const patterns = choice.split(',').map((text) => new RegExp(`^${text.trim().split('*').map(literally).join('.*')}$`));
  return cells.filter((cell) => patterns.some((pattern) => pattern.test(idOf(cell))));
}

function literally(text) {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}
