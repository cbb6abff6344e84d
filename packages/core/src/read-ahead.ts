/**
 * Reads items in order, each one while the consumer is still busy with the one before: at most two are in memory.
 * Errors come when it is the item's turn.
 */
export async function* readAhead<Item, Value>(
  items: Iterable<Item>,
  read: (item: Item) => Promise<Value>,
): AsyncGenerator<readonly [Item, Value], void> {
  let ahead: readonly [Item, Promise<Value>] | undefined;
  for (const item of items) {
    const current = ahead;
    ahead = begin(item, read);
    if (current) yield [current[0], await current[1]];
  }
  if (ahead) yield [ahead[0], await ahead[1]];
}

function begin<Item, Value>(item: Item, read: (item: Item) => Promise<Value>): readonly [Item, Promise<Value>] {
  const value = read(item);
  // Nobody may ever come for it, when the consumer stops before.
  value.catch(() => {});
  return [item, value];
}
