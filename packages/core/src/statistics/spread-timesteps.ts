/** `count` of the timesteps `0…total - 1`, ascending: the middle of each of as many equal stretches. All when there are no more. */
export function spreadTimesteps(total: number, count: number): number[] {
  const visited = Math.min(total, count);
  return Array.from({ length: visited }, (_, i) => Math.floor(((i + 0.5) * total) / visited));
}
