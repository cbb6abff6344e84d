import { Command } from 'commander';
import type { Session } from '../session.js';
import { left, table } from '../terminal/table.js';

const examples = `
Examples:
  $ secateur plugins
  $ secateur plugins --plugin ./my-criterion.ts

Plugins come from secateur.config.ts, from --plugin FILE or --plugin PACKAGE, and from dependencies of the nearest
package.json that have the keyword secateur-plugin.`;

export function pluginsCommand(session: Session): Command {
  return new Command('plugins')
    .summary('what is installed, and where it comes from')
    .description('Lists every plugin with its kind and the package or file it comes from.')
    .addHelpText('after', examples)
    .action(async () => {
      const [{ describePlugins }, { addInstalled }] = await Promise.all([
        import('../plugins/load-plugins.js'),
        import('../plugins/add-installed.js'),
      ]);
      const registry = await session.registry();
      const packages = await addInstalled(registry, session);
      const plugins = describePlugins(registry);
      session.result({ plugins, packages, config: session.config?.path ?? null }, () =>
        [
          table(
            [left('kind'), left('name'), left('from'), left('summary')],
            plugins.map(({ kind, name, from, summary }) => [kind, name, from, summary]),
          ),
          '',
          `configuration: ${session.config?.path ?? 'none'}`,
          `plugin packages of this project: ${packages.join(', ') || 'none'}`,
        ].join('\n'),
      );
    });
}
