/** Who takes part in a local cluster: DataNode 1 to N by its number, the SuperNode, or all clients together. */
export type Party = number | "supernode" | "client";

export function partyName(party: Party): string {
  return typeof party === "number" ? `DataNode ${party}` : party === "supernode" ? "the SuperNode" : "the client";
}
