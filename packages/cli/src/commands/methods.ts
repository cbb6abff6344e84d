import { Command } from 'commander';
import type { Session } from '../session.js';
import { left, table } from '../terminal/table.js';

const examples = `
Examples:
  $ secateur methods
  $ secateur methods --plugin ./my-criterion.ts
  $ secateur prune --method diff-pruning --help     flags of one method`;

interface ListedOption {
  readonly name: string;
  readonly flag: string;
  readonly description: string;
  readonly default: unknown;
  readonly choices?: readonly unknown[];
}

interface Listed {
  readonly kind: string;
  readonly name: string;
  readonly summary: string;
  readonly from: string;
  readonly options: readonly ListedOption[];
}

export function methodsCommand(session: Session): Command {
  return new Command('methods')
    .summary('methods, criteria and selectors, with their options')
    .description(
      'Lists what `--method` and `--selector` of `prune` take: methods, criteria and selectors, with their options.',
    )
    .addHelpText('after', examples)
    .action(async () => {
      const [{ flagsOf }, { addInstalled }] = await Promise.all([
        import('../plugins/option-flags.js'),
        import('../plugins/add-installed.js'),
      ]);
      const registry = await session.registry();
      await addInstalled(registry, session);
      const listed = registry.list().map(
        ({ factory, from }): Listed => ({
          kind: factory.kind,
          name: factory.pluginName,
          summary: factory.summary,
          from,
          options: flagsOf(factory).map(({ name, flag, schema }) => ({
            name,
            flag: `--${flag}`,
            description: schema.description ?? '',
            default: schema.default ?? null,
            choices: schema.enum,
          })),
        }),
      );
      const kinds = ['method', 'criterion', 'selector'];
      const byKind = (kind: string) => listed.filter((plugin) => plugin.kind === kind);
      session.result({ methods: byKind('method'), criteria: byKind('criterion'), selectors: byKind('selector') }, () =>
        kinds.map((kind) => sectionText(kind, byKind(kind))).join('\n\n'),
      );
    });
}

const titles: Readonly<Record<string, string>> = {
  method: 'Methods (--method)',
  criterion: 'Criteria (--method, with the default pipeline)',
  selector: 'Selectors (--selector)',
};

function sectionText(kind: string, plugins: readonly Listed[]): string {
  const rows = plugins.flatMap(({ name, summary, options }) => [
    [`  ${name}`, summary],
    ...options.map((option) => ['', `  ${optionText(option)}`]),
  ]);
  return `${titles[kind]}\n${table([left(''), left('')], rows)}`;
}

/** `--form NAME  What it does: a, b or c (default: a)` */
function optionText({ flag, description, choices, default: initial }: ListedOption): string {
  const value = choices ? 'NAME' : typeof initial === 'number' ? 'N' : 'VALUE';
  const known = choices ? `: ${choices.join(', ')}` : '';
  return `${flag} ${value}  ${`${description}${known}`.replace(/^: /, '')} (default: ${String(initial)})`;
}
