/** `pnpm bench small|large|overload|state|observe`: what the smallest real cluster does, and what it costs. See docs/BENCHMARKS.md. */
import { benchLarge } from "./large/large.js";
import { benchObserve } from "./observe/observe.js";
import { benchOverload } from "./overload/overload.js";
import { benchSmall } from "./small.js";
import { benchState } from "./state.js";

const [what, ...args] = process.argv.slice(2);
switch (what) {
  case "small":
    await benchSmall(args);
    break;
  case "large":
    await benchLarge(args);
    break;
  case "overload":
    await benchOverload(args);
    break;
  case "state":
    await benchState(args);
    break;
  case "observe":
    await benchObserve(args);
    break;
  case undefined:
  default:
    process.stderr.write(
      "pnpm bench small|large|overload|state|observe [options]; --help after one of them tells them\n",
    );
    process.exitCode = 2;
}
