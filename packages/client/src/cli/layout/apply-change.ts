import { QuorumError } from "@quorumfs/core";
import type { LayoutChange, LayoutPlan, NodeChange } from "../../layout-info.js";
import { type Context, operationOptions } from "../context.js";
import { changeText, endText, planText } from "./layout-text.js";
import { checkDone, followChange } from "./follow.js";

export const applyFlags = {
  yes: { alias: "y", type: "boolean", default: false, describe: "Do not ask; needed where nobody can answer" },
  detach: { type: "boolean", default: false, describe: "Begin, and do not wait for the end" },
} as const;

export const planFlag = {
  plan: { type: "boolean", default: false, describe: "Only show what would move" },
} as const;

export interface ChangeRequest {
  readonly changes: readonly NodeChange[];
  /** Said before the question. */
  readonly caution?: string;
  readonly yes: boolean;
  readonly detach: boolean;
}

/** Prints what a change would move. */
export async function showPlan(context: Context, changes: readonly NodeChange[]): Promise<LayoutPlan> {
  const cluster = await context.cluster();
  const plan = await cluster.layout.plan(changes, operationOptions(context));
  const nodes = await cluster.nodes(operationOptions(context));
  await context.printer.one(plan, planText(plan, nodes));
  return plan;
}

/** Shows a change, asks, applies just that, and follows it to its end. @throws QuorumError, Reported */
export async function applyChange(context: Context, request: ChangeRequest): Promise<void> {
  const { changes, caution, yes, detach } = request;
  const { printer } = context;
  const isForPeople = printer.format === "table";
  if (!yes && !isForPeople) throw unasked(`-o ${printer.format} shows no plan to say yes to`);
  const cluster = await context.cluster();
  const plan = await cluster.layout.plan(changes, operationOptions(context));
  if (isForPeople) await printer.one({}, planText(plan, await cluster.nodes(operationOptions(context))));
  if (plan.moves.length === 0 && changes.length === 0) return isForPeople ? undefined : printer.one({ plan }, "");
  if (caution !== undefined) printer.note(caution);
  if (!yes) await ask(context);
  const begun = await cluster.layout.apply(changes, { ...operationOptions(context), baseLayout: plan.baseLayout });
  if (!begun || detach)
    return printer.one({ plan, change: begun }, begun ? changeText(begun) : "nothing had to move; done");
  await followToEnd(context, begun, plan);
}

/**
 * Follows a change to its end, and prints how it ended; programs that asked for lines get one for each step.
 *
 * @param plan printed beside it, for programs
 * @throws QuorumError, Reported
 */
export async function followToEnd(context: Context, begun: LayoutChange, plan?: LayoutPlan): Promise<void> {
  const { printer } = context;
  const ended = await followChange(context, begun, async (change) => {
    if (printer.format === "jsonl") await printer.one({ change }, "");
  });
  const shown = plan ? { plan, change: ended } : { change: ended };
  if (ended.state === "done" || printer.format !== "table") await printer.one(shown, endText(ended));
  checkDone(context, ended);
}

async function ask(context: Context): Promise<void> {
  const answer = await context.terminal.confirm("Apply this?");
  if (answer === undefined) throw unasked("there is no terminal to ask at");
  if (!answer) throw new QuorumError({ code: "cancelled", message: "nothing was changed" });
}

function unasked(why: string): QuorumError {
  return new QuorumError({
    code: "invalid_argument",
    message: `${why}; look at it with quorumfs layout plan, then add --yes`,
  });
}
