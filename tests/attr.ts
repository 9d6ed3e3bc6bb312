/** Second opinions about extended attributes: the attr package of Debian, named streams on Windows. */
import fs from "node:fs";
import { ON_WINDOWS } from "./forms.ts";

/** Runs a tool of the attr package; throws with what it printed if it fails. */
export function tool(...command: string[]): string {
	const { success, stdout, stderr } = Bun.spawnSync(command);
	if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
	return stdout.toString();
}

/** The value of an attribute as getfattr, or node:fs as a stream, sees it. */
export function seen(file: string, name: string): string {
	if (ON_WINDOWS) return fs.readFileSync(`${file}:${name}`, "utf8");
	return tool("getfattr", "--absolute-names", "-h", "--only-values", "-n", name, file);
}

/** Gives a file an attribute without the library. */
export function plant(file: string, name: string, value: string): void {
	if (ON_WINDOWS) fs.writeFileSync(`${file}:${name}`, value);
	else tool("setfattr", "-n", name, "-v", value, file);
}

/** Takes an attribute away without the library. */
export function uproot(file: string, name: string): void {
	if (ON_WINDOWS) fs.unlinkSync(`${file}:${name}`);
	else tool("setfattr", "-x", name, file);
}
