// As long as a timer can be; it never has to fire.
const longestMs = 2 ** 31 - 1;

/**
 * Keeps the process alive until the returned function is called. The clock's timers do not, nor does a lost connection,
 * so a program that awaits an operation during an outage would otherwise end in the middle of it.
 */
export function holdProcess(): () => void {
  const timer = setInterval(() => undefined, longestMs);
  return () => clearInterval(timer);
}
