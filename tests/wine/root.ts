/**
 * A Debian with Wine, and Bun for Windows, in a directory of its own: made by debootstrap from the
 * mirror that this machine itself has its packages from, and kept between runs.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { devDependencies } from "../../package.json" with { type: "json" };
import { PROJECT, USER, WineSession } from "./session.ts";

/** Why there can be no Wine here. */
export class Lacking extends Error {}

/** To be changed when what is made below changes: what an older one has made is then made anew. */
const RECIPE = 1;
const SUITE = "trixie";
const PACKAGES = "wine,wine64";
const BUN = "@oven/bun-windows-x64";

/** Where it is kept: about 2.2 GB. */
const folder =
	process.env.FSX_WINE_CACHE ??
	join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bun-fs-extended", "wine");
const root = join(folder, "root");
const stamp = join(folder, "stamp");

/** The directory, made if it is not there or is not what it should be; nobody else uses it meanwhile. */
export async function wineRoot(): Promise<string> {
	if (process.getuid?.() !== 0) throw new Lacking("it needs root");
	if (process.arch !== "x64") throw new Lacking("Wine runs programs for x64 on x64 only");
	await lockFolder();
	if (!fs.existsSync(stamp) || fs.readFileSync(stamp, "utf8") !== made()) {
		fs.rmSync(stamp, { force: true });
		await make();
		fs.writeFileSync(stamp, made());
	}
	return root;
}

const made = () => `${JSON.stringify({ recipe: RECIPE, suite: SUITE, packages: PACKAGES })}\n`;

/** Waits until no other run uses the folder; the lock ends with this process, however it ends. */
async function lockFolder(): Promise<void> {
	fs.mkdirSync(folder, { recursive: true });
	const holding = Bun.spawn(["flock", join(folder, "lock"), "sh", "-c", "echo; exec cat"], {
		stdio: ["pipe", "pipe", "ignore"],
	});
	const waiting = setTimeout(() => console.log(`waiting for another run in ${folder}`), 1000);
	const { done } = await holding.stdout.getReader().read();
	clearTimeout(waiting);
	if (done) throw new Lacking(`${folder} cannot be locked`);
	holding.unref();
}

/** Takes about two minutes. */
async function make(): Promise<void> {
	const mirror = mirrorOfThisMachine();
	console.log(`making a ${SUITE} with Wine in ${root}, from ${mirror}`);
	fs.rmSync(root, { recursive: true, force: true });
	run("debootstrap", "--variant=minbase", `--include=${PACKAGES}`, SUITE, root, mirror);
	run("chroot", root, "useradd", "--create-home", "--uid", String(USER.id), USER.name);
	fs.mkdirSync(join(root, PROJECT));
	// Wine sets up its own directory when it is first started.
	const session = await WineSession.start(root);
	await session.stop();
}

function mirrorOfThisMachine(): string {
	const format = "$(REPO_URI)\t$(LABEL)";
	const listed = spawnSync("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
	const lines = String(listed.stdout ?? "").split("\n");
	const [mirror] =
		lines.map((line) => line.split("\t")).find(([, label]) => label === "Debian") ?? [];
	if (mirror === undefined) throw new Lacking("this machine has no mirror of Debian");
	return mirror;
}

/** Bun for Windows, of the version that the project itself is tested with; as a path in the root. */
export function bunForWindows(): string {
	const version = devDependencies.bun;
	const place = join("opt", `bun-${version}`);
	const target = join(root, place);
	if (!fs.existsSync(join(target, "bun.exe"))) {
		const scratch = fs.mkdtempSync(join(folder, "bun-"));
		try {
			run("npm", "pack", "--silent", `--pack-destination=${scratch}`, `${BUN}@${version}`);
			const [packed = ""] = fs.readdirSync(scratch);
			fs.mkdirSync(target, { recursive: true });
			run("tar", "-xzf", join(scratch, packed), "-C", scratch);
			fs.chmodSync(join(scratch, "package/bin/bun.exe"), 0o755);
			// Last, so that it is there as a whole or not at all.
			run("mv", join(scratch, "package/bin/bun.exe"), target);
		} finally {
			fs.rmSync(scratch, { recursive: true });
		}
	}
	return `/${place}/bun.exe`;
}

function run(command: string, ...args: string[]): void {
	const { error, status, stdout, stderr } = spawnSync(command, args, { maxBuffer: 2 ** 28 });
	if (error !== undefined) throw new Lacking(`${command}: ${error.message}`);
	if (status === 0) return;
	const said = `${stdout}${stderr}`.trim().split("\n").slice(-3).join("; ");
	throw new Lacking(`${command} ended with ${status}: ${said}`);
}
