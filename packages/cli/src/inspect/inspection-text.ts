import { bytes, count, macs, percent } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';
import type { InspectedGroup, Inspection } from './inspect-model.js';

/** An inspection for the terminal. */
export function inspectionText(inspection: Inspection, options: { groups: boolean }): string {
  const parts = [summaryText(inspection), modulesText(inspection)];
  if (inspection.unknownOps.length > 0) return [...parts, unknownText(inspection)].join('\n\n');
  if (options.groups) parts.push(groupsText(inspection.groups));
  if (options.groups && inspection.modulations.length > 0) parts.push(modulationsText(inspection.modulations));
  if (inspection.depth.length > 0) parts.push(depthText(inspection));
  parts.push(notPrunedText(inspection));
  return parts.join('\n\n');
}

function summaryText(inspection: Inspection): string {
  const { name, format, className, sizes } = inspection;
  const value = ({ name, dtype, shape }: Inspection['inputs'][number]) => `${name} ${dtype} [${shape.join(', ')}]`;
  const size = Object.entries(sizes)
    .map(([symbol, n]) => `${symbol} ${n}`)
    .join(', ');
  const rows = [
    ['model', `${name}  (${[className, format].filter(Boolean).join(', ')})`],
    ['parameters', count(inspection.parameters)],
    ['MACs', `${count(inspection.macs)}  (${macs(inspection.macs)}; one sample${size ? `, ${size}` : ''})`],
    ['attention', `${count(inspection.attentionMacs)} MACs of activations with activations, not in the line above`],
    ['weights', `${bytes(inspection.bytes)}`],
    ['inputs', inspection.inputs.map(value).join('; ')],
    ['outputs', inspection.outputs.map(value).join('; ')],
  ];
  return table(
    [left(''), left('')],
    inspection.attentionMacs > 0 ? rows : rows.filter(([title]) => title !== 'attention'),
  );
}

function unknownText({ unknownOps }: Inspection): string {
  const rows = unknownOps.map(({ op, domain, node, count: nodes }) => [
    `  ${domain ? `${domain}.` : ''}${op}`,
    `${count(nodes)} ${nodes === 1 ? 'node' : 'nodes'}, first "${node}"`,
  ]);
  return `Operators not known, so that no groups can be told and the MACs of what depends on them are missing:\n${table([left(''), left('')], rows)}`;
}

function modulesText({ modules, parameters, macs: total }: Inspection): string {
  const rows = modules.map((module) => [
    module.name,
    count(module.parameters),
    percent(parameters ? module.parameters / parameters : 0),
    count(module.macs),
    percent(total ? module.macs / total : 0),
  ]);
  return table([left('module'), right('parameters'), right(''), right('MACs'), right('')], rows);
}

function groupsText(groups: readonly InspectedGroup[]): string {
  const units = groups.reduce((sum, { size }) => sum + size, 0);
  const head = `${count(groups.length)} ${groups.length === 1 ? 'group' : 'groups'}, ${count(units)} units. A unit lives or dies as one: all its slices go together.`;
  return [head, ...groups.map(groupText)].join('\n\n');
}

/** As Torch-Pruning prints its groups: one line a slice. */
function groupText({ id, kind, size, slices }: InspectedGroup): string {
  const rows = slices.map(({ tensor, axis, role, perUnit }, i) => [
    `  [${i}]`,
    tensor,
    `axis ${axis}`,
    role,
    perUnit === 1 ? '' : `${perUnit} indices a unit`,
  ]);
  const columns = [right(''), left(''), left(''), left(''), left('')];
  return `${id}   ${count(size)} ${kind} units\n${table(columns, rows)}`;
}

function modulationsText(modulations: readonly InspectedGroup[]): string {
  const rows = modulations.map(({ id, size }) => [`  ${id}`, count(size)]);
  return `Outputs that modulate: removed, they become zeros (--space modulations).\n${table([left(''), right('')], rows)}`;
}

/** What can be left out as a whole, and what that saves. */
function depthText({ depth, parameters, macs: total }: Inspection): string {
  const rows = depth.map((unit) => [
    `  ${unit.kind}`,
    unit.id,
    count(unit.parameters),
    percent(parameters ? unit.parameters / parameters : 0),
    count(unit.macs),
    percent(total ? unit.macs / total : 0),
  ]);
  const columns = [left(''), left(''), right('parameters'), right(''), right('MACs'), right('')];
  return `Layers and blocks that can be left out (--space layers, blocks or pairs; --remove ID), and what each saves:\n${table(columns, rows)}`;
}

function notPrunedText({ notPruned, coverage }: Inspection): string {
  const head = `${percent(coverage)} of the parameters lie in some unit.`;
  if (notPruned.length === 0) return head;
  const rows = notPruned.map(({ tensor, axis, reason }) => [
    `  ${tensor}`,
    axis === null ? 'whole' : `axis ${axis}`,
    reason,
  ]);
  return `${head} Not pruned, and why:\n${table([left(''), left(''), left('')], rows)}`;
}
