/** Set by a parent that holds the other end of our stdin. Not a setting for people, hence no flag. */
const variable = "QUORUMFS_EXIT_WITH_PARENT";

/**
 * A child that was asked to do so ends with its parent: when that is gone, even by kill -9, the pipe that is our stdin
 * closes, and that counts as a SIGTERM.
 */
export function exitWithParent(): void {
  if (process.env[variable] !== "1") return;
  const end = () => process.kill(process.pid, "SIGTERM");
  process.stdin.once("end", end).once("error", end).resume();
}
