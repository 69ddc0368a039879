import { createServer } from "node:net";
import { QuorumError, type Random } from "@quorumfs/core";

/**
 * Below the ports that systems take for outgoing connections (32768 and up on Linux, 49152 elsewhere): a member that
 * restarts needs its port again, and no connection may have taken it meanwhile.
 */
const firstPort = 12_000;
const lastPort = 32_000;
const attemptsMax = 100;

/** The first of `count` successive ports on which nobody listens now. */
export async function freePorts(options: { host: string; count: number; random: Random }): Promise<number> {
  const { host, count, random } = options;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const base = firstPort + Math.floor(random.fraction() * (lastPort - firstPort - count));
    const ports = Array.from({ length: count }, (_, index) => base + index);
    const free = await Promise.all(ports.map((port) => isPortFree(host, port)));
    if (free.every(Boolean)) return base;
  }
  throw new QuorumError({ code: "unavailable", message: `found no ${count} free ports in a row on ${host}` });
}

/** Whether a server could listen there now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
