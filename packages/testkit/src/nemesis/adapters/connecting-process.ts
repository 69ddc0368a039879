/** Which process is at the other end of a loopback connection, as Linux tells in /proc. */
import { existsSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";

export function canFindProcesses(): boolean {
  return existsSync("/proc/net/tcp") && existsSync("/proc/self/fd");
}

/**
 * @param options.candidates only these are looked at
 * @returns undefined if none of them has this connection any more
 */
export async function connectingProcess(options: {
  /** Of the connecting process. */
  readonly remotePort: number;
  /** Of the one that accepted. */
  readonly localPort: number;
  readonly candidates: readonly number[];
}): Promise<number | undefined> {
  const inode = await inodeOf(options.remotePort, options.localPort);
  if (inode === undefined) return undefined;
  const found = await Promise.all(
    options.candidates.map(async (pid) => ((await hasSocket(pid, inode)) ? pid : undefined)),
  );
  return found.find((pid) => pid !== undefined);
}

/** The columns of /proc/net/tcp: number, local address, remote address, state, ..., inode as the tenth. */
async function inodeOf(sourcePort: number, targetPort: number): Promise<string | undefined> {
  const [from, to] = [sourcePort, targetPort].map((port) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`);
  const table = await readFile("/proc/net/tcp", "latin1");
  for (const line of table.split("\n")) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(from ?? "") && columns[2]?.endsWith(to ?? "")) {
      return columns[9] === "0" ? undefined : columns[9];
    }
  }
  return undefined;
}

async function hasSocket(pid: number, inode: string): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  try {
    const links = (await readdir(directory)).map((fd) => readlink(`${directory}/${fd}`).catch(() => ""));
    return (await Promise.all(links)).includes(`socket:[${inode}]`);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
