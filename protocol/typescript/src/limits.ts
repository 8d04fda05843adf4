/** What a client keeps to before a server has told it otherwise (`welcome.limits`); bytes and milliseconds. */

export const LIMITS = {
  frameBytes: 262_144,
  helloBytes: 8_192,
  commandsInFlight: 16,
  streamsPerConnection: 32,
  silenceMs: 35_000,
} as const;

/** The limits of the server that greeted us last. */
export type Limits = Readonly<Record<string, number>>;

/** A limit of the server, or its default where it named none. */
export const limitOf = (limits: Limits, name: keyof typeof LIMITS): number => limits[name] ?? LIMITS[name];
