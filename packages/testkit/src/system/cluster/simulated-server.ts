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
  readonly program: (run: ProgramRun) => Promise<Running>;
  /** Whether the program's store is of no use any more, so that it is to start with an empty one. */
  readonly isStoreUseless?: (thrown: unknown) => boolean;
}

/** What a program is started with. */
export interface ProgramRun {
  readonly process: SimulatedProcess;
  readonly volume: Volume;
  /** It cannot go on. */
  readonly onFatal: (error: QuorumError) => void;
  /** It is not wanted any more, and goes for good. */
  readonly onLeft: () => void;
}

/** A machine with a disk, and on it one program, which is started, killed, paused and started again. */
export class SimulatedServer<Running extends Service> {
  readonly machine: Machine;
  readonly volume: Volume;
  readonly #options: ServerOptions<Running>;
  #process: SimulatedProcess | undefined;
  #running: Running | undefined;
  #latest: Running | undefined;
  #starts = 0;
  /** How often its program ended by itself, and with what. */
  readonly ended: QuorumError[] = [];
  /** Its program went for good. */
  #hasLeft = false;
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

  /** What has served last, whether it still does or not. */
  get latest(): Running | undefined {
    return this.#latest;
  }

  get isAlive(): boolean {
    return this.#process !== undefined && !this.#process.isDead;
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  get isPaused(): boolean {
    return this.#process?.isPaused ?? false;
  }

  /** As `systemd` does: starts the program whenever it is not there, after a moment. For ever. */
  async supervise(): Promise<never> {
    const { world } = this.#options.surroundings;
    for (;;) {
      if (!this.isAlive && !this.#hasLeft && world.nowMs >= this.#heldUntilMs) void this.start();
      await world.sleep(200);
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
    const { surroundings, machine, program, isStoreUseless } = this.#options;
    const { world } = surroundings;
    this.#starts += 1;
    machine.isOn = true;
    const process = new SimulatedProcess({ name: `${machine.name}.${this.#starts}`, machine, world });
    this.#process = process;
    this.#running = undefined;
    world.say(() => `${process.name} starts`);
    // As the binaries do: they close what they can, and are gone; here they are gone at once.
    const end = (): void => {
      world.after(0, () => {
        if (!process.isDead) process.kill("killed");
      });
    };
    const onFatal = (error: QuorumError): void => {
      world.say(() => `${process.name} cannot go on: ${error.code}: ${error.message}`);
      this.ended.push(error);
      this.hold(restartAfterMs);
      end();
    };
    const onLeft = (): void => {
      world.say(() => `${process.name} has left`);
      this.#hasLeft = true;
      end();
    };
    try {
      const running = await program({ process, volume: this.volume, onFatal, onLeft });
      if (!process.isDead) {
        this.#running = running;
        this.#latest = running;
      }
    } catch (thrown) {
      if (isStoreUseless?.(thrown) === true) {
        world.say(() => `${process.name} sets its store aside`);
        this.volume.setAside();
      }
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
