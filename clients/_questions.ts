import type { Filter, Ring2Request, ServerEntry, Welcome } from "../protocol/mod.ts";
import { brokenBy, refusedBy } from "./_failures.ts";
import { type Ring2Message, ServerView } from "./_server_view.ts";
import type { MasterAddress } from "./master_address.ts";

/** A request, and how its answer is put together. */
export interface Question<Answer> {
  readonly request: Ring2Request;
  /** Called anew for every attempt; what it gives takes the messages until it returns a value. */
  readonly collect: (
    master: MasterAddress,
  ) => (message: Ring2Message) => { readonly value: Answer } | undefined;
}

/** The question that makes a user present. */
export function loginOf(user: string): Question<Welcome> {
  return { request: { type: "login", user }, collect: expecting("welcome") };
}

/** An answer of one message of a given type. */
export function expecting<Type extends Ring2Message["type"]>(
  type: Type,
): Question<Extract<Ring2Message, { type: Type }>>["collect"] {
  return (master) => (message) => {
    if (message.type === "error") throw refusedBy(master, message);
    if (!isOfType(message, type)) {
      throw brokenBy(master, `sent "${message.type}" where "${type}" was to come`);
    }
    return { value: message };
  };
}

function isOfType<Type extends Ring2Message["type"]>(
  message: Ring2Message,
  type: Type,
): message is Extract<Ring2Message, { type: Type }> {
  return message.type === type;
}

/** The question for a list; an answer that breaks off is forgotten with its attempt. */
export function listOf(filter: Filter): Question<readonly ServerEntry[]> {
  return {
    request: { type: "list", filter },
    collect: (master) => {
      const list = new ServerView();
      return (message) => {
        const change = list.take(message, master);
        return change && { value: change.servers };
      };
    },
  };
}
