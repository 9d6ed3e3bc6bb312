/**
 * Wine while it runs: in namespaces of its own, so that with them its mounts and all its processes end,
 * whatever they are doing.
 */
import fs from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";

/** Who runs programs: Wine refuses root. */
export const USER = { name: "wineu", id: 1000 } as const;
const HOME = `/home/${USER.name}`;

/** Where the project is seen, read-only, inside the root and by Windows programs. */
export const PROJECT = "/project";
/** Where this user's files are that have to be seen from outside. */
export const OUTPUT = `${HOME}/output`;

/** A path inside the root as Windows programs have it. */
export const windowsPath = (path: string) => `Z:${path.replaceAll("/", "\\")}`;

const environment = {
	HOME,
	WINEPREFIX: `${HOME}/prefix`,
	WINEARCH: "win64",
	WINEDEBUG: "-all",
	XDG_RUNTIME_DIR: "/tmp",
	// Or names beyond ASCII cannot be had.
	LANG: "C.UTF-8",
	PATH: "/usr/bin:/bin:/usr/sbin:/sbin:/usr/lib/wine",
};

/**
 * Mounts what a program needs to see, starts Wine, and waits until nobody holds its input open. What is
 * started here must have none of its own input and output: Wine's services would keep them open.
 */
const START = `
set -e
trap 'echo "$BASH_COMMAND" >&2' ERR
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --bind "$BOUND" "$ROOT${PROJECT}"
mount -o remount,ro,bind "$ROOT${PROJECT}"
within() { chroot --userspec=${USER.id}:${USER.id} "$ROOT" "$@" </dev/null >/dev/null 2>&1; }
within mkdir -p "$WINEPREFIX" ${OUTPUT}
within wineserver -p
within wine64 wineboot
within wine64 reg add 'HKCU\\Software\\Wine\\Drivers' /v Graphics /d null /f
echo ready
cat >/dev/null
within wineserver -k || true
within wineserver -w || true
`;

const STOP_MILLISECONDS = 20_000;

export class WineSession {
	private constructor(
		private readonly root: string,
		private readonly holder: Subprocess<"pipe", "pipe", "pipe">,
	) {}

	/** Starts Wine in a root; it ends with this process at the latest. */
	static async start(root: string): Promise<WineSession> {
		const namespaces = ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child"];
		const holder = Bun.spawn(["unshare", ...namespaces, "bash", "-c", START], {
			env: { ...environment, ROOT: root, BOUND: join(import.meta.dir, "../..") },
			stdio: ["pipe", "pipe", "pipe"],
		});
		const { done } = await holder.stdout.getReader().read();
		if (done) throw new Error(`Wine does not start: ${await new Response(holder.stderr).text()}`);
		return new WineSession(root, holder);
	}

	/** Runs a Windows program for at most so long, with output to a log, and gives how it ended. */
	async run(
		command: readonly string[],
		{ seconds, log, env }: { seconds: number; log: string; env: Record<string, string> },
	): Promise<number | string | null> {
		const output = fs.openSync(log, "w");
		const own = `/proc/${this.holder.pid}/ns`;
		const child = Bun.spawn(
			[
				...["nsenter", `--mount=${own}/mnt`, `--pid=${own}/pid_for_children`],
				...["chroot", `--userspec=${USER.id}:${USER.id}`, this.root],
				...["timeout", "--signal=KILL", String(seconds), "wine64", ...command],
			],
			{ env: { ...env, ...environment }, stdio: ["ignore", output, output] },
		);
		await child.exited;
		fs.closeSync(output);
		return child.signalCode ?? child.exitCode;
	}

	/** Ends Wine and all that runs in it, well if that is soon done. */
	async stop(): Promise<void> {
		const killing = setTimeout(() => this.kill(), STOP_MILLISECONDS);
		this.holder.stdin.end();
		await this.holder.exited;
		clearTimeout(killing);
	}

	kill(): void {
		this.holder.kill("SIGKILL");
	}
}
