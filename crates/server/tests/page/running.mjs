// Runs what is tried: vetted, as it would be run, and a browser.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const program = process.env.VETTED ?? "target/release/vetted";

export function run(...given) {
  const done = spawnSync(program, given, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`vetted ${given.join(" ")}: ${done.stderr || done.error}`);
  return done.stdout;
}

const servers = new Set();

// Also those of tests that failed.
export const stopServers = () => Promise.all([...servers].map((stop) => stop()));

// A server with these options, once it listens: on a port that is free, unless it is told which.
export async function serve(options, port = 0) {
  const child = spawn(program, ["serve", "--listen", `127.0.0.1:${port}`, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async () => {
    servers.delete(stop);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  servers.add(stop);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => {
      said += data;
    });
  for (let tries = 0; !said.includes("listening on "); tries += 1) {
    if (child.exitCode !== null || tries > 1200) throw new Error(`vetted serve does not answer: ${said}`);
    await sleep(100);
  }
  const [url] = /http:\S+/.exec(said);
  return { url: `${url}/`, port: Number(new URL(url).port), stop };
}

export const startBrowser = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
