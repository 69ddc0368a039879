import type { Duplex } from "@quorumfs/core";
import { Crossing, type CrossingOptions } from "./crossing.js";
import type { Power } from "./power.js";

/** A stream whose messages get lost, late or stuck as the fault table says. */
export class FaultyDuplex<Out, In> implements Duplex<Out, In> {
  readonly #inner: Duplex<Out, In>;
  readonly #crossing: Crossing;
  readonly #offPower: () => void;
  readonly #held: In[] = [];
  #messageListener: (message: In) => void = () => undefined;
  #endListener: ((error: Error | undefined) => void) | undefined;
  #endedWith: Error | undefined;
  #ended = false;
  #givenUp = false;
  #paused = false;
  /** An end that came while messages before it are held. */
  #heldEnd: { readonly error: Error | undefined } | undefined;

  constructor(inner: Duplex<Out, In>, options: CrossingOptions, power: Power) {
    this.#inner = inner;
    this.#crossing = new Crossing(options, (error) => {
      this.#finish(error);
      inner.cancel();
    });
    this.#offPower = power.onCut(() => {
      this.#ended = true;
      this.#crossing.close();
      inner.cancel();
    });
    inner.onEnd((error) => {
      // Our own giving up needs no word from the other side.
      if (this.#givenUp) this.#finish(error);
      else this.#crossing.back.send(() => this.#deliverEnd(error), { essential: true });
    });
  }

  write(message: Out): boolean {
    if (this.#ended) return true;
    let goOn = true;
    this.#crossing.there.send(() => {
      goOn = this.#inner.write(message);
    });
    return goOn;
  }

  end(): void {
    this.#crossing.there.send(() => this.#inner.end(), { essential: true });
  }

  cancel(): void {
    this.#givenUp = true;
    this.#inner.cancel();
  }

  pause(): void {
    this.#paused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && !this.#ended) {
      const message = this.#held.shift();
      if (message === undefined) break;
      this.#messageListener(message);
    }
    if (this.#paused) return;
    if (this.#heldEnd) this.#finish(this.#heldEnd.error);
    this.#inner.resume();
  }

  onMessage(listener: (message: In) => void): void {
    this.#messageListener = listener;
    this.#inner.onMessage((message) => this.#crossing.back.send(() => this.#deliver(message)));
  }

  onDrain(listener: () => void): void {
    this.#inner.onDrain(() => {
      if (!this.#ended) listener();
    });
  }

  onEnd(listener: (error: Error | undefined) => void): void {
    this.#endListener = listener;
    if (this.#ended) listener(this.#endedWith);
  }

  #deliver(message: In): void {
    if (this.#ended) return;
    // Only what was delayed can come while paused: the connection itself has stopped.
    if (this.#paused) this.#held.push(message);
    else this.#messageListener(message);
  }

  #deliverEnd(error: Error | undefined): void {
    if (this.#paused && this.#held.length > 0) this.#heldEnd = { error };
    else this.#finish(error);
  }

  #finish(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endedWith = error;
    this.#crossing.close();
    this.#offPower();
    this.#endListener?.(error);
  }
}
