/**
 * Keeps the `n` largest magnitudes of every run of `m` along an axis of that stride, whose length `m` divides; ties keep the
 * lower index. Made for every step of a training: no sorting, no allocation but one short scratch.
 */
export function writeNOfM(stride: number, values: Float32Array, n: number, m: number, mask: Uint8Array): void {
  if (n === 2 && m === 4) {
    writeTwoOfFour(stride, values, mask);
    return;
  }
  const run = m * stride;
  const magnitudes = new Float32Array(m);
  for (let start = 0; start < values.length; start += run) {
    for (let at = start; at < start + stride; at++) {
      for (let k = 0; k < m; k++) magnitudes[k] = Math.abs(values[at + k * stride]);
      for (let k = 0; k < m; k++) {
        // How many of the run come before this one.
        let rank = 0;
        for (let j = 0; j < k; j++) if (magnitudes[j] >= magnitudes[k]) rank++;
        for (let j = k + 1; j < m; j++) if (magnitudes[j] > magnitudes[k]) rank++;
        mask[at + k * stride] = rank < n ? 1 : 0;
      }
    }
  }
}

/** Every pair is compared once, without a branch: which of two weights is larger cannot be guessed. */
function writeTwoOfFour(stride: number, values: Float32Array, mask: Uint8Array): void {
  for (let start = 0; start < values.length; start += 4 * stride) {
    for (let at = start; at < start + stride; at++) {
      const a = Math.abs(values[at]);
      const b = Math.abs(values[at + stride]);
      const c = Math.abs(values[at + 2 * stride]);
      const d = Math.abs(values[at + 3 * stride]);
      // 1 when the later one is larger.
      const ab = Number(b > a);
      const ac = Number(c > a);
      const ad = Number(d > a);
      const bc = Number(c > b);
      const bd = Number(d > b);
      const cd = Number(d > c);
      // Those stay that fewer than two are ahead of.
      mask[at] = Number(ab + ac + ad < 2);
      mask[at + stride] = Number(1 - ab + bc + bd < 2);
      mask[at + 2 * stride] = Number(2 - ac - bc + cd < 2);
      mask[at + 3 * stride] = Number(3 - ad - bd - cd < 2);
    }
  }
}
