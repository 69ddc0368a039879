#!/usr/bin/env -S UV_THREADPOOL_SIZE=8 node --max-semi-space-size=32
import "../dist/bin.js";
