// npm run --silent secateur -- ARGS: runs the built command; builds first when a source has changed. Standard output
// holds what the command prints and nothing else.
import { buildIfStale, cliPath } from './build.mjs';
import { run } from './workspace.mjs';

await buildIfStale({ stdout: process.stderr });
// The user's paths are relative to where npm was called, not to the root that npm changes to.
const cwd = process.env.INIT_CWD ?? process.cwd();
process.exit(await run(process.execPath, [cliPath, ...process.argv.slice(2)], { cwd }));
