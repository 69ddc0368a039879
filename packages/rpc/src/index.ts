export { grpcNetwork } from "./adapters/grpc-network.js";
export { type CallDone, type CancelCall, Lane, type LaneMessage, type LaneOptions } from "./lane/lane.js";
export { type LaneCaller, serveLane, type ServedLane, type ServeLaneOptions } from "./lane/serve-lane.js";
export { errorFromDetail, errorToDetail } from "./wire/error-detail.js";
