import { QuorumError } from "@quorumfs/core";
import type { SimulatedNetwork } from "../network/simulated-network.js";
import { Volume } from "../storage/volume.js";
import type { Machine } from "../world/machine.js";
import type { LogBook } from "../world/simulated-log.js";
import { SimulatedProcess } from "../world/simulated-process.js";
import type { World } from "../world/world.js";

/** How long the system waits before it starts a program again that has ended by itself. */
const restartAfterMs = 1_000;

/** What all machines of a run share. */
export interface Surroundings {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly logs: LogBook;
}

/** A service that a server's program offers while it runs. */
interface Service {
  close(): Promise<void>;
}

export interface ServerOptions<Running extends Service> {
  readonly surroundings: Surroundings;
  readonly machine: Machine;
  /** @param onFatal the program says that it cannot go on */
  readonly program: (
    process: SimulatedProcess,
    volume: Volume,
    onFatal: (error: QuorumError) => void,
  ) => Promise<Running>;
}

/** A machine with a disk, and on it one program, which is started, killed, paused and started again. */
export class SimulatedServer<Running extends Service> {
  readonly machine: Machine;
  readonly volume: Volume;
  readonly #options: ServerOptions<Running>;
  #process: SimulatedProcess | undefined;
  #running: Running | undefined;
  #starts = 0;
  /** How often its program ended by itself, and with what. */
  readonly ended: QuorumError[] = [];
  /** Nobody starts it again before that. */
  #heldUntilMs = 0;

  constructor(options: ServerOptions<Running>) {
    this.#options = options;
    this.machine = options.machine;
    this.volume = new Volume(options.surroundings.world.random.fork());
    options.surroundings.network.addMachine(options.machine);
  }

  get process(): SimulatedProcess | undefined {
    return this.#process;
  }

  /** Undefined unless it has started and runs. */
  get running(): Running | undefined {
    return this.#process && !this.#process.isDead ? this.#running : undefined;
  }

  get isAlive(): boolean {
    return this.#process !== undefined && !this.#process.isDead;
  }

  get isPaused(): boolean {
    return this.#process?.isPaused ?? false;
  }

  /** As `systemd` does: starts the program whenever it is not there, after a moment. For ever. */
  async supervise(): Promise<never> {
    const { world } = this.#options.surroundings;
    for (;;) {
      if (!this.isAlive && world.nowMs >= this.#heldUntilMs) void this.start();
      await world.sleep(100);
    }
  }

  /** Keeps it from being started for a while. */
  hold(forMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.machine.world.nowMs + forMs);
  }

  /** Whoever holds it lets go. */
  release(): void {
    this.#heldUntilMs = 0;
  }

  /** Starts the program; resolves when it serves or has given up, never if it is killed before that. */
  async start(): Promise<void> {
    const { surroundings, machine, program } = this.#options;
    const { world } = surroundings;
    this.#starts += 1;
    machine.isOn = true;
    const process = new SimulatedProcess({ name: `${machine.name}.${this.#starts}`, machine, world });
    this.#process = process;
    this.#running = undefined;
    world.say(() => `${process.name} starts`);
    const onFatal = (error: QuorumError): void => {
      world.say(() => `${process.name} cannot go on: ${error.code}: ${error.message}`);
      this.ended.push(error);
      this.hold(restartAfterMs);
      // As the binary: it closes what it can, and is gone; here it is gone at once.
      world.after(0, () => {
        if (!process.isDead) process.kill("killed");
      });
    };
    try {
      const running = await program(process, this.volume, onFatal);
      if (!process.isDead) this.#running = running;
    } catch (thrown) {
      onFatal(QuorumError.from(thrown));
    }
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    const { world } = this.#options.surroundings;
    const process = this.#process;
    if (!process || process.isDead) return;
    world.say(() => `${process.name} is stopped`);
    // Whoever is killed while it closes never ends that.
    const died = new Promise<void>((resolve) => process.onDeath(() => resolve()));
    await Promise.race([this.#running?.close(), died]);
    if (!process.isDead) process.kill("killed");
  }

  kill(how: "killed" | "power"): void {
    const process = this.#process;
    if (!process || process.isDead) return;
    process.world.say(() => `${process.name} dies (${how})`);
    if (how === "power") this.machine.isOn = false;
    process.kill(how);
  }

  pause(): void {
    const process = this.#process;
    process?.world.say(() => `${process.name} stands still`);
    process?.pause();
  }

  resume(): void {
    const process = this.#process;
    if (!process?.isPaused) return;
    process.world.say(() => `${process.name} goes on`);
    process.resume();
  }
}
