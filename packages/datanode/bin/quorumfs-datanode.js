#!/usr/bin/env -S UV_THREADPOOL_SIZE=8 node --initial-old-space-size=64
import "../dist/bin.js";
