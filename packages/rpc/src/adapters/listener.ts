import { createServer, type Server as NetServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Listener, type ListenOptions, type Log, QuorumError } from "@quorumfs/core";
import { HealthImplementation } from "grpc-health-check";
import { duplexHandler } from "./duplex-route.js";
import { adaptHttp2Server, type StreamHandler } from "./http2-server.js";
import { connectionsMax, serverOptions } from "./limits.js";
import { addReflection } from "./reflection.js";
import { registerRoute } from "./routes.js";

/** Opens a gRPC server at an address. */
export async function openListener(options: ListenOptions, log: Log): Promise<Listener> {
  const server = new Server(serverOptions);
  const duplexHandlers = new Map<string, StreamHandler>();
  for (const route of options.routes) {
    if (route.kind === "duplex") duplexHandlers.set(route.method.path, duplexHandler(route, log));
    else registerRoute(server, route, log);
  }
  adaptHttp2Server(server, duplexHandlers);
  const acceptor = new Acceptor(server);
  const services = [...new Set(options.routes.map(({ method }) => serviceOf(method.path)))];
  // The empty name stands for the server as a whole.
  const healthOf = ["", ...services];
  const health = new HealthImplementation();
  for (const service of healthOf) health.setStatus(service, "SERVING");
  health.addToServer(server);
  addReflection(server, services);
  const address = await acceptor.listen(options);
  let closing: Promise<void> | undefined;
  return {
    address,
    close: (graceMs) => {
      closing ??= (async () => {
        for (const service of healthOf) health.setStatus(service, "NOT_SERVING");
        await acceptor.close(graceMs);
      })();
      return closing;
    },
  };
}

/** `quorumfs.v1.FileService` of `/quorumfs.v1.FileService/Put`. */
function serviceOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/**
 * Takes connections and hands them to a gRPC server. With the sockets in our own hands a port in use is told by its error
 * code, connections are bounded, and closing ends: whatever is connected at the end is cut.
 */
class Acceptor {
  readonly #server: Server;
  readonly #net: NetServer;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#net = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      // Its session hears of it too, and ends its calls; without a listener here it would end the process.
      socket.on("error", ignore);
      injector.injectConnection(socket);
    });
    this.#net.maxConnections = connectionsMax;
  }

  listen({ host, port }: ListenOptions): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#net.once("error", (error) => {
        this.#server.forceShutdown();
        reject(bindError(error, host, port));
      });
      this.#net.listen({ host, port }, () => {
        const bound = this.#net.address();
        const realPort = bound !== null && typeof bound === "object" ? bound.port : port;
        resolve(`${host.includes(":") ? `[${host}]` : host}:${realPort}`);
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()));
    const calls = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    await within(calls, graceMs);
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function within(work: Promise<void>, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function bindError(error: Error, host: string, port: number): QuorumError {
  const code = "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new QuorumError({
        code: "unavailable",
        message: `port ${port} is in use; choose another with --port`,
        cause: error,
      });
    case "EACCES":
      return new QuorumError({
        code: "permission_denied",
        message: `port ${port} may not be used by this user; choose one above 1023 with --port`,
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new QuorumError({
        code: "invalid_argument",
        message: `${host} is not an address of this machine; choose another with --host`,
        cause: error,
      });
    default:
      return new QuorumError({
        code: "unavailable",
        message: `cannot listen at ${host}:${port}: ${error.message}`,
        cause: error,
      });
  }
}

function ignore(): void {}
