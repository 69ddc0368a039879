#!/usr/bin/env -S UV_THREADPOOL_SIZE=8 node --max-semi-space-size=32 --initial-old-space-size=96
import "../dist/bin.js";
