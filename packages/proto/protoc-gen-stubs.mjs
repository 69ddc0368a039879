// A plugin for buf: ts-proto, with the reader and writer of src/wire.ts in place of the library's own. ts-proto has no
// option for that, and what it writes is regular enough to be rewritten line by line; check:generated would show it if
// a later version wrote something else.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { eachField, lengthDelimited } from "./plugin-messages.mjs";

const rewrites = [
  // Generated code is not linted at all, so that there is nothing to switch off.
  ["/* eslint-disable */\n", ""],
  [
    'import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";',
    'import { asBuffer, BinaryReader, BinaryWriter, inPieces, noBytes } from "../../../wire.js";',
  ],
  ["writer: BinaryWriter = new BinaryWriter()", "writer: BinaryWriter = BinaryWriter.take()"],
  ["longToNumber(reader.uint64())", "reader.safeUint64()"],
  // What a message starts with is mostly replaced at once.
  [/new Uint8Array\(0\)/g, "noBytes"],
  [/Buffer\.from\((\w+\.encode\(value\)\.finish\(\))\)/g, "asBuffer($1)"],
  // The content of chunks is not copied on its way out.
  [
    /^( *)(request|response)Serialize: \(value: (WriteChunkRequest|ReadChunkResponse)\).*$/gm,
    "$&\n$1$2Pieces: (value: $3): readonly Uint8Array[] => inPieces($3.encode, value),",
  ],
];

const fileOfResponse = 15;
const contentOfFile = 15;

const tsProto = fileURLToPath(new URL("../../node_modules/.bin/protoc-gen-ts_proto", import.meta.url));
const generated = spawnSync(tsProto, {
  input: readFileSync(0),
  stdio: ["pipe", "pipe", "inherit"],
  maxBuffer: 2 ** 26,
});
if (generated.status !== 0) throw new Error("protoc-gen-ts_proto failed");

const response = new BinaryWriter();
eachField(generated.stdout, (number, payload, whole) => {
  if (number === fileOfResponse) response.tag(number, lengthDelimited).bytes(rewriteFile(payload));
  else response.raw(whole);
});
writeFileSync(1, response.finish());

function rewriteFile(file) {
  const rewritten = new BinaryWriter();
  eachField(file, (number, payload, whole) => {
    if (number !== contentOfFile) rewritten.raw(whole);
    else rewritten.tag(number, lengthDelimited).string(rewrite(Buffer.from(payload).toString()));
  });
  return rewritten.finish();
}

function rewrite(source) {
  return rewrites.reduce((text, [from, to]) => text.replaceAll(from, to), source);
}
