/** Of Node.js, which runs this command: `v22.11.0`. */
export function runtimeVersionHere(): string {
  return process.version;
}
