/** `pnpm bench small` and `pnpm bench large`: what the smallest real cluster does, and what it costs. See docs/BENCHMARKS.md. */
import { benchLarge } from "./large/large.js";
import { benchSmall } from "./small.js";

const [what, ...args] = process.argv.slice(2);
switch (what) {
  case "small":
    await benchSmall(args);
    break;
  case "large":
    await benchLarge(args);
    break;
  case undefined:
  default:
    process.stderr.write("pnpm bench small|large [options]; --help after either tells them\n");
    process.exitCode = 2;
}
