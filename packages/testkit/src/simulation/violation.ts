/** The protocol broke a promise in a simulated history. */
export class Violation extends Error {
  override readonly name = "Violation";
}
