/** What the program ends with. */
export const exitCodes = {
  done: 0,
  /** A check failed. */
  failed: 1,
  /** Bad input or usage. */
  bad: 2,
  /** Cancelled, by the shell's custom for SIGINT. */
  cancelled: 130,
} as const;
