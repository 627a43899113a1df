// Runs the operations of a client one after the other, and says of each what came of it.
// One line of JSON on standard output for each: {"operation", "outcome": "works" | "refused" | "fails", "reason"}.

const NOT_IMPLEMENTED = 501;
const operations = [];

/** Writes down an operation that must work. */
export function works(name, run) {
  operations.push({ name, run, refused: "", status: 0 });
}

/** Writes down an operation that the local Dataverse refuses by design. */
export function refused(name, why, run, status = NOT_IMPLEMENTED) {
  operations.push({ name, run, refused: why, status });
}

/** Says what came of an operation. */
export function say(operation, outcome, reason = "") {
  process.stdout.write(JSON.stringify({ operation, outcome, reason }) + "\n");
}

/** Runs every operation; one that fails does not stop the others. */
export async function carryOut(world) {
  for (const operation of operations) {
    try {
      await operation.run(world);
    } catch (error) {
      const said = error?.message ?? String(error);
      if (operation.refused && error?.status === operation.status) {
        say(operation.name, "refused", `${operation.refused}: ${said}`);
      } else {
        const line = /([\w-]+\.mjs:\d+)/.exec(error?.stack ?? "")?.[1] ?? "?";
        say(operation.name, "fails", `${line}: ${said}`);
      }
      continue;
    }
    if (operation.refused) say(operation.name, "fails", "it was expected to be refused, and was not");
    else say(operation.name, "works");
  }
}

/** Gives the error of a call that must be refused. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}
