/**
 * Which process is at the other end of a loopback connection, as Linux tells in /proc. Many may connect at once, when a server
 * comes back: those of one turn of the event loop share one look, and it is a synchronous one, since hundreds of links are read,
 * each in microseconds, and would take a hundred times as long one by one through the thread pool.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Where Linux shows its processes. */
const procDefault = "/proc";

export function canFindProcesses(): boolean {
  return existsSync(`${procDefault}/net/tcp`) && existsSync(`${procDefault}/self/fd`);
}

export interface Connection {
  /** Of the connecting process. */
  readonly remotePort: number;
  /** Of the one that accepted. */
  readonly localPort: number;
}

interface Waiting extends Connection {
  readonly resolve: (pid: number | undefined) => void;
}

export class ConnectingProcesses {
  readonly #candidates: () => readonly number[];
  readonly #proc: string;
  #waiting: Waiting[] = [];

  /**
   * @param candidates ids of the processes that are looked at
   * @param proc directory that is laid out as Linux's /proc
   */
  constructor(candidates: () => readonly number[], proc = procDefault) {
    this.#candidates = candidates;
    this.#proc = proc;
  }

  /** @returns undefined if none of them has this connection any more */
  find(connection: Connection): Promise<number | undefined> {
    if (this.#waiting.length === 0) setImmediate(() => this.#look());
    return new Promise((resolve) => {
      this.#waiting.push({ ...connection, resolve });
    });
  }

  #look(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const inodes = socketInodes(this.#proc);
    const owners = ownersOf(this.#candidates(), this.#proc);
    for (const { remotePort, localPort, resolve } of waiting) {
      const inode = inodes.get(`${hex(remotePort)} ${hex(localPort)}`);
      resolve(inode === undefined ? undefined : owners.get(`socket:[${inode}]`));
    }
  }
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/** By the ports of both ends. The columns of net/tcp: number, local address, remote address, state, ..., inode as the tenth. */
function socketInodes(proc: string): ReadonlyMap<string, string> {
  const inodes = new Map<string, string>();
  for (const line of readFileSync(`${proc}/net/tcp`, "latin1").split("\n")) {
    const columns = line.trim().split(/\s+/);
    const [from, to, inode] = [columns[1]?.slice(-4), columns[2]?.slice(-4), columns[9]];
    if (from !== undefined && to !== undefined && inode !== undefined && inode !== "0")
      inodes.set(`${from} ${to}`, inode);
  }
  return inodes;
}

function ownersOf(candidates: readonly number[], proc: string): ReadonlyMap<string, number> {
  const owners = new Map<string, number>();
  for (const pid of candidates) {
    const directory = `${proc}/${pid}/fd`;
    try {
      for (const fd of readdirSync(directory)) owners.set(linkIn(directory, fd), pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return owners;
}

function linkIn(directory: string, fd: string): string {
  try {
    return readlinkSync(`${directory}/${fd}`);
  } catch {
    // Closed meanwhile.
    return "";
  }
}
