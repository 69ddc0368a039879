#!/bin/sh
":" //; exec env UV_THREADPOOL_SIZE=8 node --initial-old-space-size=64 "$0" "$@"
// For a shell the line above, for Node.js the one below: the launchers that package managers write understand no shebang that
// sets a variable, and the threads are there before a script could ask for more.
import "../dist/bin.js";
