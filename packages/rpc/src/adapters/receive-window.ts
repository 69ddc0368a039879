import type { Http2Server, ServerHttp2Session } from "node:http2";
import { connectionWindowBytes, headerBytesMax, streamWindowBytes } from "./limits.js";

/**
 * Raises the HTTP/2 receive windows of a gRPC server, and bounds the headers that it takes.
 *
 * grpc-js lets a client set its window (`grpc-node.flow_control_window`) but leaves its server at HTTP/2's 64 KiB
 * (grpc-node, pull request 3058), which makes an upload several times slower even on loopback. Until that
 * is released, this reaches into two private members of `Server`: the settings from which it makes its http2 servers, and
 * the method that makes them. Nothing else in QuorumFS knows of them.
 *
 * @returns false if this version of grpc-js is not built that way; the server then works, with the small window
 */
export function raiseReceiveWindow(server: object): boolean {
  if (!isAsWeKnowIt(server)) return false;
  const options = server.commonServerOptions;
  options.settings = {
    ...options.settings,
    initialWindowSize: streamWindowBytes,
    maxHeaderListSize: headerBytesMax,
  };
  const create = server.createHttp2Server.bind(server);
  server.createHttp2Server = (credentials) => {
    const http2Server = create(credentials);
    http2Server.on("session", (session: ServerHttp2Session) => session.setLocalWindowSize(connectionWindowBytes));
    return http2Server;
  };
  return true;
}

interface Http2Factory {
  readonly commonServerOptions: { settings?: Record<string, unknown> };
  createHttp2Server: (credentials: unknown) => Http2Server;
}

function isAsWeKnowIt(server: object): server is Http2Factory {
  return (
    "createHttp2Server" in server &&
    typeof server.createHttp2Server === "function" &&
    "commonServerOptions" in server &&
    typeof server.commonServerOptions === "object" &&
    server.commonServerOptions !== null
  );
}
