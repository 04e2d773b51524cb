// What a scenario of the conformance suite found: checks.mjs FOLDER SCENARIO VERSION
// Every check must succeed, but for those in not-applicable.json, each with its reason; and these must fail, else the list is old.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [folder, scenario, version] = process.argv.slice(2);
const excused = JSON.parse(readFileSync(new URL("not-applicable.json", import.meta.url)))[scenario] ?? {};
const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith("checks.json"));
const checks = files.flatMap((file) => JSON.parse(readFileSync(join(folder, file))));
const failed = checks.filter((check) => check.status === "FAILURE");
const wrong = failed.filter((check) => !(check.id in excused));
const old = Object.keys(excused).filter((id) => !failed.some((check) => check.id === id));
for (const { id, description, errorMessage } of wrong) console.log(`  ${id}: ${description}\n    ${errorMessage}`);
for (const id of old) console.log(`  ${id} succeeds: take it out of not-applicable.json`);
const good = checks.filter((check) => check.status === "SUCCESS").length;
const whole = checks.length > 0 && wrong.length === 0 && old.length === 0;
const rest = failed.length - wrong.length;
console.log(`${whole ? "ok     " : "FAILED "} ${scenario} (${version}): ${good} checks succeed, ${rest} do not apply`);
process.exit(whole ? 0 : 1);
