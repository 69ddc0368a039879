import type { ChannelOptions } from "@grpc/grpc-js";

/** The largest message: 4 MiB of payload and room for what surrounds it. Larger ones are refused, never buffered. */
export const messageBytesMax = 4 * 1024 * 1024 + 64 * 1024;
/**
 * How much a sender may have under way towards us on one stream. HTTP/2's own 64 KiB make every message of a larger size
 * wait for a round trip; this much lets one stream carry 1 GB/s over 1 ms. It is also what a stream that is paused holds
 * in memory, up to four times that where others share its socket's reads: 16 paused downloads stay within 64 MiB.
 */
export const streamWindowBytes = 1024 * 1024;
/**
 * The same for one connection with all its streams. Node gives this window back as bytes come in, and a stream's window
 * as its bytes are read, so a paused stream takes nothing from the others.
 */
export const connectionWindowBytes = 8 * 1024 * 1024;
/**
 * What a connection may hold before it refuses new streams, in MB. Node's own 10 are less than the window above and what
 * streams write together; each of these has its own bound.
 */
export const sessionMemoryMbMax = 64;
/** Calls at a time on one connection; SDK and peers need a dozen, other gRPC clients share this. */
export const concurrentStreamsMax = 256;
/**
 * Headers of one call that clients are told to keep to, names and values, decoded; identity takes about 200 bytes of
 * it. Node itself cuts at 64 KiB.
 */
export const headerBytesMax = 16 * 1024;
/** Connections to one listener; beyond it new ones are closed at once. A connection costs some 50 KiB. */
export const connectionsMax = 4096;
/** Frames that one stream hands to the transport before it asks its writer to hold back. */
export const framesUnderWayMax = 2;

/**
 * How long a failed stream waits for its peer to take what was sent before the failure: a window full, on a line of
 * 2 Mbit/s.
 */
export const statusGraceMs = 5_000;

/** A peer that died without a word (power, cable) is noticed within 13 s, on connections without calls too. */
export const keepAliveMs = 10_000;
export const keepAliveTimeoutMs = 3_000;
/** Longer than a lost SYN and its first repetition; within it even a busy peer has answered. */
export const connectTimeoutMs = 3_000;

const keepAlive = {
  "grpc.keepalive_time_ms": keepAliveMs,
  "grpc.keepalive_timeout_ms": keepAliveTimeoutMs,
};
const messages = {
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
  // Bookkeeping for a debugging service that we do not offer.
  "grpc.enable_channelz": 0,
};

export const channelOptions: ChannelOptions = {
  ...keepAlive,
  ...messages,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 100,
  // The default of two minutes would keep a node away long after it is back.
  "grpc.max_reconnect_backoff_ms": 1_000,
  // Every channel has its own connection, so that bulk data delays no vote.
  "grpc.use_local_subchannel_pool": 1,
  // Retries are ours: only we know what may be repeated.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // A proxy of the environment has no place between the nodes of a cluster.
  "grpc.enable_http_proxy": 0,
  "grpc-node.flow_control_window": connectionWindowBytes,
};

export const serverOptions: ChannelOptions = {
  ...keepAlive,
  ...messages,
  "grpc.max_concurrent_streams": concurrentStreamsMax,
};
